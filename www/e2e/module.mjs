// Modules of the page in Node, with the page's part of the core in them.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "vite";

const source = (path) => fileURLToPath(new URL(`../src/${path}`, import.meta.url));

/** All that these files of `src` export. */
export async function pageModules(...paths) {
  const folder = mkdtempSync(join(tmpdir(), "quantpad-module-"));
  try {
    const entry = join(folder, "entry.ts");
    const all = paths.map((path) => `export * from ${JSON.stringify(source(path))};`);
    const core = `export { initSync } from ${JSON.stringify(source("wasm/page.js"))};`;
    writeFileSync(entry, [...all, core].join("\n"));
    const lib = { entry, formats: ["es"], fileName: () => "module.mjs" };
    await build({
      configFile: false,
      root: folder,
      logLevel: "error",
      build: { lib, outDir: folder, emptyOutDir: false },
    });
    const modules = await import(pathToFileURL(join(folder, "module.mjs")));
    modules.initSync({ module: readFileSync(source("wasm/page_scalar.wasm")) });
    return modules;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

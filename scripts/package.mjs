// Writes the package.json of the npm package into the folder given; build.sh has copied the files there.
// Names and versions come from where they are kept: Cargo.toml and the page's own dependencies.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const [folder] = process.argv.slice(2);
const cargo = readFileSync("Cargo.toml", "utf8").split(/^\[(?!package\])/m)[0];
const field = (name) => {
  const match = cargo.match(new RegExp(`^${name}\\s*=\\s*"(.*)"`, "m"));
  if (!match) throw new Error(`Cargo.toml has no package.${name}`);
  return match[1];
};
const { dependencies } = JSON.parse(readFileSync("www/package.json", "utf8"));

const manifest = {
  name: field("name"),
  version: field("version"),
  description: field("description"),
  license: field("license"),
  type: "module",
  exports: { ".": { types: "./index.d.ts", default: "./index.js" } },
  types: "./index.d.ts",
  files: readdirSync(folder).sort(),
  dependencies: { "wasm-feature-detect": dependencies["wasm-feature-detect"] },
};
writeFileSync(join(folder, "package.json"), `${JSON.stringify(manifest, null, 2)}\n`);

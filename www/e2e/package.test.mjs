// The npm package holds all that its package.json promises, and loads by its name.
import assert from "node:assert/strict";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";

const PACKAGE = fileURLToPath(new URL("../../pkg", import.meta.url));
const DEPENDENCIES = fileURLToPath(new URL("../node_modules", import.meta.url));

describe("npm package", () => {
  let folder;
  // A copy outside of the project, beside the dependencies that npm would install.
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "quantpad-"));
    cpSync(PACKAGE, join(folder, "pkg"), { recursive: true });
    symlinkSync(DEPENDENCIES, join(folder, "node_modules"));
  });
  after(() => rmSync(folder, { recursive: true }));

  it("holds every variant, the loader, the types and the licences", () => {
    const { files } = JSON.parse(readFileSync(join(folder, "pkg/package.json"), "utf8"));
    for (const file of files) assert.ok(existsSync(join(folder, "pkg", file)), file);
    for (const file of [
      "index.js",
      "index.d.ts",
      "quantpad.js",
      "quantpad.d.ts",
      "quantpad_scalar.wasm",
      "quantpad_simd128.wasm",
      "quantpad_relaxed.wasm",
      "digits.bin",
      "LICENSE-MIT",
      "LICENSE-APACHE",
      "README.md",
    ])
      assert.ok(files.includes(file), file);
  });

  it("loads the SIMD module, and trains with it", async () => {
    const quantpad = await import(join(folder, "pkg/index.js"));
    assert.equal(await quantpad.default((url) => readFile(url)), "simd128");
    const lab = new quantpad.Lab(await readFile(quantpad.DIGITS));
    lab.start({
      model: "softmax",
      seed: 42,
      c: 1,
      augment: false,
      network: quantpad.networkDefaults("mlp", 1437),
    });
    assert.equal(lab.step(60_000, false).done, true);
    const fp32 = lab.model();
    const int8 = lab.quantize(fp32, "int8-dynamic-per-tensor", 42, 256, 0, "none");
    assert.equal(lab.evaluate(fp32, int8, 42).fp32.correct, 350);
  });
});

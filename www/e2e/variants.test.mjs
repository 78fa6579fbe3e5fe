// Each compiled module holds only the instructions that it is chosen for: one SIMD opcode in the scalar module, or one
// relaxed opcode in the simd128 module, and an engine without them refuses the whole file.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";

const MODULES = fileURLToPath(new URL("../src/wasm/", import.meta.url));
const DISASSEMBLE = fileURLToPath(new URL("../node_modules/.bin/wasm-dis", import.meta.url));

const SIMD = /\((v128|[if]\d+x\d+)\./;
const RELAXED = /\([if]\d+x\d+\.relaxed_/;

const ALLOWED = {
  scalar: { [SIMD]: false, [RELAXED]: false },
  simd128: { [SIMD]: true, [RELAXED]: false },
  relaxed: { [SIMD]: true, [RELAXED]: true },
};

const disassemble = (variant) =>
  execFileSync(DISASSEMBLE, ["--all-features", join(MODULES, `quantpad_${variant}.wasm`)], {
    encoding: "utf8",
    maxBuffer: 2 ** 30,
  });

describe("compiled modules", () => {
  it("are the ones known here", () => {
    const built = readdirSync(MODULES).flatMap((file) => file.match(/^quantpad_(\w+)\.wasm$/)?.[1] ?? []);
    assert.deepEqual(built.sort(), Object.keys(ALLOWED).sort());
  });

  for (const [variant, expected] of Object.entries(ALLOWED)) {
    it(`${variant}: has the instructions it is chosen for, and no others`, () => {
      const text = disassemble(variant);
      for (const opcodes of [SIMD, RELAXED]) {
        const found = text.match(opcodes)?.[0];
        assert.equal(Boolean(found), expected[opcodes], `${opcodes}: ${found}`);
      }
    });
  }
});

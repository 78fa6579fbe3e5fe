// Digits that people wrote with a pen (../shared/strokes, or the folder that QUANTPAD_SHARED names).
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";

const SHARED = process.env.QUANTPAD_SHARED ?? fileURLToPath(new URL("../../../shared", import.meta.url));
/** Where they are, if they are there. */
export const FILE = `${SHARED}/strokes/pendigits-dev.jsonl.gz`;

/** Records of label, strokes and box, in the order of the file. */
export function penDigits() {
  assert.ok(
    existsSync(FILE),
    `the pen strokes are missing: ${FILE}; QUANTPAD_SHARED names the folder they are in`,
  );
  const lines = gunzipSync(readFileSync(FILE)).toString().trim().split("\n");
  return lines.map((line) => JSON.parse(line));
}

// Digits that people wrote with a pen are recognised when replayed on the pad as real pointer events, at the place and
// size in which they were written.
import assert from "node:assert/strict";
import { it } from "node:test";
import { visit } from "./harness.mjs";
import { penDigits } from "./pen.mjs";

const COUNT = 200;
/** Lines of the file on which the default fp32 and int8 model disagree: 3 of all 3,248. */
const DISAGREED = [61, 1207, 1641];
const SHARE = 0.75;

function read() {
  return penDigits().map(({ label, strokes, box: [left, top, size] }) => ({
    label,
    strokes: strokes.map((stroke) => stroke.map(([x, y]) => [left + size * x, top + size * y])),
  }));
}

it(`at least ${SHARE * 100} % of ${COUNT} pen-written digits are right`, {
  timeout: 300_000,
}, async (test) => {
  const drawings = read().slice(0, COUNT);
  const page = await visit("chromium");
  const right = { fp32: 0, quantized: 0 };
  try {
    await page.untilSettled();
    for (const { label, strokes } of drawings) {
      await page.drawQuickly(strokes);
      assert.equal((await page.data("pad")).strokes, String(strokes.length));
      for (const side of Object.keys(right)) {
        if ((await page.data(`${side}-digit`)).digit === String(label)) right[side]++;
      }
      await page.click("pad-clear");
    }
  } finally {
    await page.close();
  }
  for (const [side, count] of Object.entries(right)) {
    const share = count / drawings.length;
    test.diagnostic(`${side}: ${count} of ${drawings.length} right, ${(100 * share).toFixed(1)} %`);
    assert.ok(share >= SHARE, `${side}: ${count} of ${drawings.length}`);
  }
});

it("says so when the models disagree", { timeout: 60_000 }, async () => {
  const drawings = read();
  const page = await visit("chromium");
  try {
    await page.untilSettled();
    for (const line of DISAGREED) {
      await page.drawQuickly(drawings[line].strokes);
      const { digit: fp32 } = await page.data("fp32-digit");
      const { digit: quantized } = await page.data("quantized-digit");
      assert.notEqual(fp32, quantized, `line ${line}: has the default model changed?`);
      assert.equal((await page.data("agreement")).agree, "false");
      await page.click("pad-clear");
    }
  } finally {
    await page.close();
  }
});

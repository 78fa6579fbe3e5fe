// The same strokes as pointer events on the page give the same answers as natively, in every engine: the first hundred
// drawings of the development writers, and the answers that tests/strokes.rs holds.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { it } from "node:test";
import { BROWSERS, visit } from "./harness.mjs";
import { penDigits } from "./pen.mjs";

const ANSWERS = new URL("../../tests/hundred-answers.txt", import.meta.url);
/** A pad of so many pixels has one for every thousandth, which is how exact the strokes are. */
const SIDE = 1000;

for (const browser of BROWSERS) {
  it(`a hundred drawings are answered in ${browser} as natively`, { timeout: 120_000 }, async () => {
    const answers = readFileSync(ANSWERS, "utf8").trim().split("\n");
    const digits = penDigits().slice(0, answers.length);
    const page = await visit(browser);
    try {
      await page.untilSettled();
      await page.run((side) => {
        const pad = document.querySelector('[data-testid="pad"]');
        pad.style = `position:fixed;left:0;top:0;width:${side}px;height:${side}px;border:0;z-index:9`;
      }, SIDE);
      const given = [];
      for (const digit of digits) {
        const strokes = digit.strokes.map((stroke) =>
          stroke.map((point) => point.map((share) => Math.round(share * SIDE))),
        );
        await page.run((strokes) => {
          const pad = document.querySelector('[data-testid="pad"]');
          const send = (type, [clientX, clientY]) =>
            pad.dispatchEvent(
              new PointerEvent(type, { clientX, clientY, pointerId: 1, button: 0, bubbles: true }),
            );
          for (const stroke of strokes) {
            send("pointerdown", stroke[0]);
            for (const point of stroke) send("pointermove", point);
            send("pointerup", stroke.at(-1));
          }
        }, strokes);
        const answer = async (side) => (await page.data(`${side}-digit`)).digit;
        given.push(`${await answer("fp32")} ${await answer("quantized")}`);
        await page.run(() => document.querySelector('[data-testid="pad-clear"]').click());
      }
      assert.deepEqual(given, answers);
    } finally {
      await page.close();
    }
  });
}

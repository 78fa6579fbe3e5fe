// The visitor's hand, in every engine: drawings by keyboard, answers that are not sure, own drawings that are kept,
// learned from, handed out, taken back and deleted.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe } from "node:test";
import { Key } from "selenium-webdriver";
import { ONE, SEVEN, THREE, ZERO } from "./digits.mjs";
import { BROWSERS, pictured, visit } from "./harness.mjs";

const SCRIBBLE = [Array.from({ length: 12 }, (_, i) => [i % 2 ? 0.9 : 0.1, 0.08 + i * 0.075])];

for (const browser of BROWSERS) {
  describe(`hand in ${browser}`, { timeout: 120_000 }, () => {
    let page;
    before(async () => {
      page = await visit(browser);
      await page.untilSettled();
      await page.until("the first timing", () => page.element("time-again").isEnabled());
    });
    after(() => page?.close());
    const promise = pictured(browser, () => page);

    const count = async () => Number((await page.data("own-drawings")).count);

    promise("is sure of a digit and not of a scribble or a tap", async () => {
      await page.draw(THREE);
      for (const side of ["fp32", "quantized"]) {
        const { digit, sure } = await page.data(`${side}-digit`);
        assert.deepEqual([digit, sure], ["3", "true"]);
      }
      for (const strokes of [SCRIBBLE, [[[0.5, 0.5]]]]) {
        await page.click("pad-clear");
        await page.draw(strokes);
        assert.equal((await page.data("fp32-digit")).sure, "false");
        assert.match(await page.text("fp32-digit"), /not sure/);
      }
      await page.click("pad-clear");
      assert.equal((await page.data("fp32-digit")).sure, "");
    });

    promise("draws with the keyboard alone", async () => {
      const pad = page.element("pad");
      const times = (key, count) => Array(count).fill(key);
      await pad.sendKeys(...times(Key.ARROW_UP, 9), " ", ...times(Key.ARROW_DOWN, 18), " ");
      assert.equal((await page.data("pad")).strokes, "1");
      assert.equal((await page.data("fp32-digit")).digit, "1");
      await pad.sendKeys(...times(Key.ARROW_LEFT, 4), " ", Key.ARROW_RIGHT, Key.ESCAPE, Key.ARROW_RIGHT);
      assert.equal((await page.data("pad")).strokes, "2");
      await page.click("pad-undo");
      assert.equal((await page.data("pad")).strokes, "1");
      await page.click("pad-clear");
    });

    promise("keeps named drawings, by click and by key, over a reload", async () => {
      for (const [digit, strokes] of [
        [0, ZERO],
        [3, THREE],
        [7, SEVEN],
      ]) {
        await page.draw(strokes);
        await page.click(`teach-${digit}`);
        assert.equal((await page.data("pad")).strokes, "0", "ready for the next");
      }
      await page.draw(ONE);
      await page.element("pad").sendKeys("1");
      await page.until("four", async () => (await count()) === 4);
      await page.driver.navigate().refresh();
      await page.untilSettled();
      await page.until("the same four", async () => (await count()) === 4);
    });

    promise("learns from them, and stays nearly as good on the test images", async () => {
      // Softmax regression gives way the most; the networks keep within half a point.
      const right = async (side) => Number((await page.data(`${side}-accuracy`)).correct);
      const before = await right("fp32");
      await page.click("fine-tune");
      await page.until("the new model", async () => (await page.data("own-drawings")).tuned === "4");
      assert.ok((await right("fp32")) >= before - 8, `${before} to ${await right("fp32")}`);
      assert.ok(Math.abs((await right("fp32")) - (await right("quantized"))) <= 3);
      await page.draw(SEVEN);
      assert.equal((await page.data("fp32-digit")).digit, "7");
      await page.click("pad-clear");
    });

    promise("takes the last back, refuses a damaged file, and deletes all", async () => {
      await page.click("own-undo");
      await page.until("three", async () => (await count()) === 3);
      const file = new URL("harness.mjs", import.meta.url).pathname;
      assert.ok(readFileSync(file).length > 0);
      await page.element("own-import").sendKeys(file);
      await page.until("a sentence", async () => /no file of own drawings/.test(await page.text("error")));
      assert.equal(await count(), 3);
      await page.click("own-delete");
      await page.until("none", async () => (await count()) === 0);
      await page.driver.navigate().refresh();
      await page.untilSettled();
      assert.equal(await count(), 0);
      assert.deepEqual(await page.complaints(), []);
    });
  });
}

// What the page says of how it reads drawings, in every engine: how to draw, when an answer is doubted, and what
// augmentation does, with its switch for softmax regression.
import assert from "node:assert/strict";
import { after, before, describe } from "node:test";
import { BROWSERS, pictured, visit } from "./harness.mjs";

for (const browser of BROWSERS) {
  describe(`recognition in ${browser}`, { timeout: 120_000 }, () => {
    let page;
    before(async () => {
      page = await visit(browser);
      await page.untilSettled();
    });
    after(() => page?.close());
    const promise = pictured(browser, () => page);

    const train = () => page.untilTrained(() => page.click("train"));
    const note = () =>
      page.run(() => document.querySelector('[data-testid="progress"] ~ .note')?.textContent ?? "");

    promise("says with what one draws, and that pressure is ignored", async () => {
      assert.match(
        await page.text("pad-how"),
        /Mouse, finger or pen \(pressure is ignored\).*arrows.*Space/s,
      );
    });

    promise("states the rule of “not sure” with the limits in use", async () => {
      const limit = async () => Number((await page.data("unsure-rule")).threshold).toFixed(2);
      const { reach, longestWay } = await page.data("unsure-rule");
      assert.deepEqual([await limit(), reach, longestWay], ["0.55", "1.75", "5"]);
      assert.match(await page.text("unsure-rule"), /below 55.%.*1\.75 times.*5 times/s);
      await page.choose("model-select", "mlp");
      await page.type("field-epochs", "2");
      await train();
      assert.equal(await limit(), "0.70");
      assert.match(await page.text("unsure-rule"), /below 70.%/);
    });

    promise("tells what augmentation does to networks", async () => {
      const { with: on, without } = await page.data("augmentation-effect");
      const gain = JSON.parse(on).map((share, i) => share - JSON.parse(without)[i]);
      assert.ok(gain[1] > 1, `${on} instead of ${without}`);
    });

    promise("lets softmax regression learn from variations, and is without them again on reset", async () => {
      const open = () =>
        page.run(() => {
          document.querySelector('[data-testid="augment"]').closest("details").open = true;
        });
      await page.choose("model-select", "softmax");
      await open();
      assert.equal(await page.element("augment").isSelected(), false);
      assert.match(await page.text("augmentation-effect"), /of the test images .* drawings/);
      await train();
      assert.match(await note(), /of 1,437 training images/);
      const { correct: bare } = await page.data("fp32-accuracy");
      assert.equal(bare, "350");
      await page.click("augment");
      await train();
      assert.match(await note(), /of 7,185 training images/);
      assert.ok(Number((await page.data("fp32-accuracy")).correct) >= 345);
      await page.untilTrained(() => page.click("reset"));
      await open();
      assert.equal(await page.element("augment").isSelected(), false);
      assert.match(await note(), /of 1,437 training images/);
    });

    promise("complains of nothing", async () => {
      assert.deepEqual(await page.complaints(), []);
    });
  });
}

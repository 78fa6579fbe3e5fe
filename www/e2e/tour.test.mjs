// The guided tour, in every engine: each step shows what it says, with figures for which its sentences are true, by the
// keyboard alone.
import assert from "node:assert/strict";
import { after, before, describe } from "node:test";
import { Key } from "selenium-webdriver";
import { assertAccessible, chooseTheme } from "./access.mjs";
import { BROWSERS, pictured, visit } from "./harness.mjs";

/** The part of the page that each step leads to, and the models it puts to use. */
const STEPS = [
  ["train", "softmax", "int8-dynamic-per-tensor"],
  ["lab", "softmax", "int8-dynamic-per-tensor"],
  ["lab", "softmax", "int8-dynamic-per-tensor"],
  ["compare", "softmax", "int8-dynamic-per-tensor"],
  ["payoff", "softmax", "int8-dynamic-per-tensor"],
  ["flips", "softmax", "ternary-per-tensor"],
  ["quantize", "softmax", "ternary-per-channel"],
  ["quantize", "softmax", "ternary-per-channel-qat"],
  ["quantize", "mlp", "int8-static-entropy-per-tensor"],
  ["blame", "mlp", "binary-per-channel"],
];

for (const browser of BROWSERS) {
  describe(`tour in ${browser}`, { timeout: 120_000 }, () => {
    let page;
    before(async () => {
      page = await visit(browser);
      await page.untilState("ready");
      await page.until("all panels", () => page.run(() => document.getElementById("blame") !== null));
    });
    after(() => page?.close());
    const promise = pictured(browser, () => page);

    const focused = () => page.run(() => document.activeElement?.dataset.testid ?? "");
    const press = (key) => page.driver.actions({ async: true }).sendKeys(key).perform();
    const lost = async () => {
      const [fp32, quantized] = [await page.data("fp32-accuracy"), await page.data("quantized-accuracy")];
      return Number(fp32.correct) - Number(quantized.correct);
    };
    const inSight = (id) =>
      page.run((id) => {
        const { top, bottom } = document.getElementById(id).getBoundingClientRect();
        const tour = document.querySelector('[data-testid="tour"]').getBoundingClientRect();
        return bottom > 100 && top < tour.top - 40;
      }, id);
    /** Of each step, the answers that are lost by quantizing. */
    const losses = [];

    promise("begins by the keyboard, and leads it to Next", async () => {
      await page.run(() => document.querySelector('[data-testid="tour-begin"]').focus());
      await press(Key.ENTER);
      await page.until("the tour", async () => (await focused()) === "tour-next");
      assert.equal((await page.data("tour")).stop, "1");
      assert.equal(await page.run(() => document.querySelector(".tour [role=status]") !== null), true);
    });

    for (const [i, [part, model, scheme]] of STEPS.entries()) {
      promise(`step ${i + 1} shows ${part} with ${model}, ${scheme}`, async () => {
        assert.equal((await page.data("tour")).stop, String(i + 1));
        await page.until("its models", async () => {
          const app = await page.data("app");
          return app.state === "ready" && app.model === model && app.scheme === scheme;
        });
        await page.until("an idle page", () =>
          page.run(() => document.querySelector('[data-testid="train"]').disabled === false),
        );
        assert.equal((await page.data("error")).code, "");
        await page.until(`${part} in sight`, () => inSight(part));
        const href = await page.run(
          (i) => document.querySelector(`[data-testid="tour-${i}"]`).getAttribute("href"),
          i + 1,
        );
        // What the link says is what is in use: the address tells it.
        assert.equal(await page.run(() => location.search), href.replace(/#.*/, "").replace(/^\?$/, ""));
        losses.push(await lost());
        if (i + 1 < STEPS.length) {
          assert.equal(await focused(), "tour-next", "the keyboard stays where it was");
          await press(Key.ENTER);
          await page.until("the next step", async () => (await page.data("tour")).stop === String(i + 2));
        }
      });
    }

    promise(
      "says what is true: int8 loses nothing, two bits do, per channel less, training regains most",
      () => {
        const [, , , int8, , ternary, channels, aware, , binary] = losses;
        assert.equal(int8, 0);
        assert.ok(ternary > 20, `ternary loses ${ternary}`);
        assert.ok(channels < ternary, `per channel loses ${channels}`);
        assert.ok(aware < channels / 2, `trained for it ${aware}`);
        assert.ok(binary > 100, `binary loses ${binary}`);
      },
    );

    promise("ends with the layer to blame, by its name", async () => {
      await page.until("a layer", async () => (await page.data("blame-verdict")).layer === "1");
      assert.match(
        await page.text("blame-verdict"),
        /^(Most|The largest part) of the loss comes from layer 1/,
      );
    });

    promise("calibrated with one image it goes wrong, with two it is right", async () => {
      await page.click("tour-9");
      const scheme = async () => (await page.data("app")).scheme;
      await page.until("static int8", async () => (await scheme()) === STEPS[8][2]);
      assert.ok((await lost()) > 180, `one image: ${await lost()} lost`);
      const slider = page.element("calibration-samples");
      assert.equal(await slider.getProperty("value"), "1");
      await slider.sendKeys(Key.ARROW_RIGHT);
      assert.equal(await slider.getProperty("value"), "2");
      await page.until("all of it back", async () => (await lost()) === 0);
    });

    promise("ends by Escape, and the keyboard is where it began", async () => {
      await page.run(() => document.querySelector('[data-testid="tour-next"]').focus());
      await press(Key.ESCAPE);
      await page.until("the end", async () => (await focused()) === "tour-begin");
      assert.equal(await page.run(() => document.querySelector('[data-testid="tour"]')), null);
    });

    if (browser === "chromium") {
      promise("fits and is accessible while it is on", async () => {
        await page.until("an idle page", () => page.element("tour-begin").isEnabled());
        await page.click("tour-begin");
        for (const [theme, width] of [
          ["light", 320],
          ["dark", 1280],
        ]) {
          await chooseTheme(page, theme);
          await page.emulate({ width });
          await assertAccessible(page);
          await page.picture(`tour-${width}-${theme}`);
        }
      });
    }

    promise("has said nothing wrong on the console", async () => {
      assert.deepEqual(await page.complaints(), []);
    });
  });
}

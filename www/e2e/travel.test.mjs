// Where the visitor has been, in every engine: a link opens with what was open, the browser's back and forward lead through
// runs and the steps of the tour, and the keys take back whichever of drawing and settings was changed last.
import assert from "node:assert/strict";
import { after, before, describe } from "node:test";
import { Key } from "selenium-webdriver";
import { ONE, SEVEN } from "./digits.mjs";
import { BROWSERS, pictured, visit } from "./harness.mjs";

for (const browser of BROWSERS) {
  describe(`where the visitor has been, in ${browser}`, { timeout: 150_000 }, () => {
    let page;
    before(async () => {
      page = await visit(browser);
      await page.untilSettled();
    });
    after(() => page?.close());
    const promise = pictured(browser, () => page);

    const address = () => page.run(() => location.search);
    const addressed = (search) =>
      page.until(search || "the usual address", async () => (await address()) === search);
    const scheme = async () => (await page.data("app")).scheme;
    const count = async () => Number((await page.data("runs")).count);
    const used = (name) => page.until(name, async () => (await scheme()).startsWith(name));
    const noted = () =>
      page.until("the run", () => page.run(() => document.querySelector('[data-used="true"]') !== null));
    /** Quantizes so, and waits until that is a run. */
    const quantize = async (format) => {
      await page.choose("format-select", format);
      await used(format);
      await noted();
    };
    const back = () => page.run(() => history.back());
    const forward = () => page.run(() => history.forward());
    const press = (...keys) => {
      const actions = page.driver.actions({ async: true });
      for (const key of keys) actions.keyDown(key);
      for (const key of keys.reverse()) actions.keyUp(key);
      return actions.perform();
    };
    const undo = () => press(Key.CONTROL, "z");
    const redo = () => press(Key.CONTROL, Key.SHIFT, "z");
    const strokes = async () => Number((await page.data("pad")).strokes);
    const drawn = (number) => page.until(`${number} strokes`, async () => (await strokes()) === number);
    const open = async (query) => {
      // As if in a tab of its own, which recalls nothing.
      await page.run(() => sessionStorage.clear());
      await page.driver.get(page.server.url + query);
      await page.untilState("ready");
    };
    const focusBody = () => page.run(() => document.activeElement.blur());

    promise("back and forward lead through runs, and leave out what was passed through", async () => {
      await noted();
      const entries = await page.run(() => history.length);
      await page.choose("format-select", "int4");
      await used("int4");
      await page.choose("format-select", "binary");
      await used("binary");
      await quantize("ternary");
      await quantize("int16");
      assert.equal(await page.run(() => history.length), entries + 2);
      assert.equal(await count(), 3);
      await back();
      await used("ternary");
      assert.equal(await address(), `?scheme=${await scheme()}`);
      assert.equal(await page.element("format-select").getProperty("value"), "ternary");
      await back();
      await used("int8");
      await addressed("");
      await forward();
      await used("ternary");
      await forward();
      await used("int16");
      assert.equal(await count(), 3, "nothing is noted anew");
      assert.equal((await page.data("error")).code, "");
    });

    promise("undo and redo of settings and the browser’s buttons keep to the same way", async () => {
      await back();
      await used("ternary");
      await page.until("redo", () => page.element("settings-redo").isEnabled());
      await page.click("settings-undo");
      await used("int8");
      assert.equal(await page.element("settings-undo").isEnabled(), false);
      await page.click("settings-redo");
      await used("ternary");
      await page.click("settings-redo");
      await used("int16");
      await back();
      await used("ternary");
    });

    promise("back ends a training that is under way", async () => {
      await page.choose("model-select", "mlp");
      await page.type("field-epochs", "3000");
      await page.click("train");
      await page.until("a training", async () => (await page.data("progress")).job === "train");
      await back();
      await page.until("its end", async () => (await page.data("progress")).job === "");
      await used("int8");
      assert.equal(await page.element("model-select").getProperty("value"), "softmax");
      assert.equal((await page.data("error")).code, "");
      await addressed("");
    });

    promise("the keys take back strokes and settings in the order in which they were made", async () => {
      await open("");
      await noted();
      await page.draw(ONE);
      await quantize("int4");
      await page.draw(SEVEN);
      await drawn(3);
      await focusBody();
      await undo();
      await drawn(2);
      await undo();
      await drawn(1);
      assert.ok((await scheme()).startsWith("int4"));
      await undo();
      await used("int8");
      assert.equal(await strokes(), 1, "the stroke is older than the setting");
      await page.until("an idle page", () => page.element("settings-redo").isEnabled());
      await undo();
      await drawn(0);
      assert.ok((await scheme()).startsWith("int8"));
      await redo();
      await drawn(1);
      await redo();
      await used("int4");
      assert.equal(await strokes(), 1);
      await press(Key.CONTROL, "y");
      await drawn(2);
      await redo();
      await drawn(3);
      await redo();
      assert.equal(await strokes(), 3);
      assert.ok((await scheme()).startsWith("int4"));
    });

    promise("the buttons of the pad and those of the settings each keep to their own", async () => {
      for (const left of [2, 1, 0]) {
        await page.click("pad-undo");
        await drawn(left);
      }
      assert.equal(await page.element("pad-undo").isEnabled(), false);
      assert.ok((await scheme()).startsWith("int4"));
      await page.click("settings-undo");
      await used("int8");
      assert.equal(await strokes(), 0);
      await page.click("pad-redo");
      await drawn(1);
      assert.ok((await scheme()).startsWith("int8"));
      const names = await page.run(() =>
        ["pad-undo", "pad-redo", "settings-undo", "settings-redo"].map((id) =>
          document.querySelector(`[data-testid="${id}"]`).textContent.trim(),
        ),
      );
      assert.deepEqual(names, ["Undo", "Redo", "Undo settings", "Redo settings"]);
    });

    promise("in a text field the keys are the browser’s", async () => {
      const before = [await strokes(), await scheme()];
      await page.click("seed");
      await page.element("seed").sendKeys("7");
      await undo();
      await page.driver.sleep(300);
      assert.deepEqual([await strokes(), await scheme()], before);
      await page.type("seed", "42");
    });

    promise("an undo in the midst of a stroke harms nothing", async () => {
      await page.click("pad-clear");
      const { left, top, width, height } = await page.padBox();
      const actions = page.driver.actions({ async: true });
      const at = (x, y) => ({
        x: Math.round(left + x * width),
        y: Math.round(top + y * height),
        duration: 0,
      });
      await actions.move(at(0.3, 0.3)).press().move(at(0.5, 0.5)).perform();
      await undo();
      await page.driver.actions({ async: true }).move(at(0.6, 0.7)).release().perform();
      await page.click("pad-clear").catch(() => {});
      await page.draw(SEVEN);
      assert.equal((await page.data("fp32-digit")).digit, "7");
    });

    promise("a link opens with the details and the output that were open", async () => {
      await open("?model=mlp&epochs=3");
      await page.until("the panels", () => page.run(() => document.getElementById("blame") !== null));
      await page.run(() => document.getElementById("blame").scrollIntoView());
      await page.until("the weights", () => page.element("blame-weights-2").catch(() => null));
      await page.press('[data-testid="blame-weights-2"] summary');
      await addressed("?model=mlp&epochs=3&open=blame-2");
      assert.equal(await page.run(() => location.hash), "#blame");
      await page.run(() => document.getElementById("explain").scrollIntoView());
      await page.until("the choice", () => page.element("explain-layer").catch(() => null));
      await page.choose("explain-layer", "0");
      await page.choose("explain-output", "5");
      await addressed("?model=mlp&epochs=3&open=blame-2&explain=0-5");
      await open("?model=mlp&epochs=3&open=blame-2&explain=0-5#blame");
      await page.until("the open details", () =>
        page.run(() => document.querySelector('[data-testid="blame-weights-2"]')?.open),
      );
      assert.equal(
        await page.run(() => document.querySelector('[data-testid="blame-weights-1"]').open),
        false,
      );
      await page.until("the panel in sight", () =>
        page.run(() => {
          const { top, bottom } = document.getElementById("blame").getBoundingClientRect();
          return top < innerHeight && bottom > 0;
        }),
      );
      await page.run(() => document.getElementById("explain").scrollIntoView());
      await page.until("the chosen output", async () => {
        const { layer, output } = await page.data("explain");
        return layer === "0" && output === "5";
      });
      assert.equal(await address(), "?model=mlp&epochs=3&open=blame-2&explain=0-5");
      await page.press('[data-testid="blame-weights-2"] summary');
      await addressed("?model=mlp&epochs=3&explain=0-5");
    });

    promise("a link opens with the step of the tour, and back leads through the steps", async () => {
      await open("?tour=2#lab");
      assert.equal((await page.data("tour")).stop, "2");
      const stop = (number) =>
        page.until(`step ${number}`, async () => (await page.data("tour")).stop === String(number));
      await page.until("an idle page", () => page.element("train").isEnabled());
      await page.click("tour-3");
      await stop(3);
      await addressed("?tour=3");
      await page.click("tour-6");
      await used("ternary");
      await addressed("?scheme=ternary-per-tensor&tour=6");
      await noted();
      await back();
      await stop(3);
      await used("int8");
      await back();
      await stop(2);
      await forward();
      await forward();
      await stop(6);
      await used("ternary");
      await page.click("tour-end");
      await addressed("?scheme=ternary-per-tensor");
    });

    promise("has said nothing wrong on the console", async () => {
      assert.deepEqual(await page.complaints(), []);
    });
  });
}

// Every technique on the page, in every engine: presets and axes requantize the model in use, what does not go together
// cannot be chosen and says why, and quantization-aware training can be waited for or cancelled.
import assert from "node:assert/strict";
import { after, before, describe } from "node:test";
import { THREE } from "./digits.mjs";
import { BROWSERS, pictured, visit } from "./harness.mjs";

/** Scheme: bits of a weight, and the fewest right answers of 360. */
const PRESETS = {
  "int8-dynamic-per-channel": [8, 349],
  "int8-static-minmax-per-channel": [8, 348],
  f16: [16, 349],
  tf32: [19, 349],
  "int16-per-tensor": [16, 349],
  "int4-per-channel-mse": [4, 345],
  "int4-dynamic-per-channel-mse": [4, 345],
  "ternary-per-channel": [2, 300],
  "binary-per-channel": [1, 290],
  "binary-xnor-per-channel": [1, 150],
  codebook16: [4, 345],
  f32: [32, 350],
  f64: [64, 350],
};

for (const browser of BROWSERS) {
  describe(`quantizing in ${browser}`, { timeout: 120_000 }, () => {
    let page;
    before(async () => {
      page = await visit(browser);
      await page.untilSettled();
    });
    after(() => page?.close());
    const promise = pictured(browser, () => page);

    const scheme = async () => (await page.data("app")).scheme;
    const until = (name) => page.until(name, async () => (await scheme()) === name);
    const correct = async () => Number((await page.data("quantized-accuracy")).correct);
    const weightBytes = () =>
      page.run(() => {
        const row = [...document.querySelectorAll("tr")].find((row) => row.innerText.startsWith("Weights"));
        return row.lastElementChild.innerText;
      });

    promise("offers every preset, each stored in its bits and as right as it can be", async () => {
      await page.draw(THREE);
      for (const [name, [bits, least]] of Object.entries(PRESETS)) {
        await page.choose("preset-select", name);
        await until(name);
        assert.equal(await weightBytes(), `${((640 * bits) / 8).toLocaleString("en")}\u00a0B`, name);
        assert.ok((await correct()) >= least, `${name}: ${await correct()} right`);
        // Pixels of one bit are not enough for every drawing.
        if (!name.includes("xnor")) assert.equal((await page.data("quantized-digit")).digit, "3", name);
        const arithmetic = /dynamic|static/.test(name)
          ? /: integer arithmetic/
          : name.includes("xnor")
            ? /: XNOR and popcount on bits\. .*one of two values/
            : /fp32|f64/;
        assert.match(await page.text("arithmetic"), arithmetic, name);
      }
      await page.click("pad-clear");
    });

    promise("sets axes one by one, and gives up those that no longer fit", async () => {
      await page.choose("preset-select", "int8-dynamic-per-tensor");
      await page.choose("granularity-select", "per-channel");
      await until("int8-dynamic-per-channel");
      await page.choose("activation-select", "static-entropy");
      await until("int8-static-entropy-per-channel");
      await page.choose("format-select", "bf16");
      await until("bf16");
      await page.choose("format-select", "codebook");
      await until("codebook16");
      await page.choose("codebook-select", "4");
      await until("codebook4");
      await page.choose("format-select", "int8");
      await page.choose("last-select", "f32");
      await until("int8-per-tensor-last-f32");
      await page.choose("last-select", "");
      await until("int8-per-tensor");
    });

    promise("greys out what makes no sense, and says why", async () => {
      await page.choose("preset-select", "f16");
      await until("f16");
      const disabled = (id, value) =>
        page.run(
          (id, value) => document.querySelector(`[data-testid="${id}"] option[value="${value}"]`).disabled,
          id,
          value,
        );
      assert.equal(await disabled("activation-select", "dynamic"), true);
      assert.equal(await disabled("granularity-select", "per-channel"), true);
      assert.equal(await disabled("method-select", "qat"), true);
      assert.equal(await disabled("activation-select", "xnor"), true);
      assert.match(await page.text("scheme-reasons"), /integer activations need/);
      assert.match(await page.text("scheme-reasons"), /binary activations need binary weights/);
      await page.choose("preset-select", "int8-dynamic-per-tensor");
      await until("int8-dynamic-per-tensor");
      assert.equal(await disabled("granularity-select", "per-channel"), false);
      assert.equal(await disabled("symmetry-select", "affine"), true);
    });

    promise("trains with the rounding, which regains what ternary weights lost", async () => {
      await page.choose("preset-select", "ternary-per-channel");
      await until("ternary-per-channel");
      const lost = await correct();
      await page.choose("method-select", "qat");
      await until("ternary-per-channel-qat");
      assert.ok((await correct()) > lost + 10, `${lost} to ${await correct()}`);
      await page.click("train-control");
      await page.until(
        "what the training alone brings",
        async () => (await page.data("control")).correct !== "",
      );
      assert.ok(Math.abs(Number((await page.data("control")).correct) - 350) <= 10);
    });

    promise("calls the model that answers by its own name until the next one is there", async () => {
      const schemes = ["int8-dynamic-per-tensor", "ternary-per-channel", "ternary-per-channel-qat"];
      await page.choose("preset-select", schemes[0]);
      await until(schemes[0]);
      await page.run(() => {
        window.names = {};
        const text = (selector) => document.querySelector(selector).textContent;
        window.watcher = new MutationObserver(() => {
          const { scheme } = document.querySelector('[data-testid="app"]').dataset;
          window.names[scheme] ??= [];
          const names = [
            text(".answer.side-quantized h2"),
            text('[data-testid="quantized-size"] .figure-name'),
            text('[data-testid="quantized-accuracy"] .figure-name'),
          ].join(", ");
          if (!window.names[scheme].includes(names)) window.names[scheme].push(names);
        });
        const changes = { subtree: true, childList: true, characterData: true, attributes: true };
        window.watcher.observe(document.body, changes);
      });
      await page.choose("preset-select", schemes[1]);
      await until(schemes[1]);
      await page.choose("method-select", "qat");
      await until(schemes[2]);
      const names = await page.run(() => {
        window.watcher.disconnect();
        return window.names;
      });
      assert.deepEqual(Object.keys(names).sort(), schemes);
      for (const [scheme, seen] of Object.entries(names))
        assert.equal(seen.length, 1, `${scheme}: ${seen.join(" | ")}`);
      assert.match(names[schemes[0]][0], /int8/);
      for (const scheme of schemes.slice(1)) assert.match(names[scheme][0], /ternary/);
    });

    promise("multiplies bits by XNOR, calibrated, and trains them", async () => {
      await page.choose("preset-select", "binary-per-channel");
      await until("binary-per-channel");
      await page.choose("activation-select", "xnor");
      await until("binary-xnor-per-channel");
      assert.ok(await page.element("calibration-samples").isDisplayed());
      const lost = await correct();
      await page.choose("method-select", "qat");
      await until("binary-xnor-per-channel-qat");
      assert.ok((await correct()) > lost + 10, `${lost} to ${await correct()}`);
      await page.choose("method-select", "ptq");
      await until("binary-xnor-per-channel");
      // Other weights have no use for bits.
      await page.choose("format-select", "int8");
      await until("int8-per-channel");
    });

    promise("takes a cancelled quantization-aware training back", async () => {
      // A network whose training for 4 bits takes seconds.
      await page.click("slow-motion");
      await page.choose("model-select", "mlp");
      await page.type("field-epochs", "20");
      await page.click("train");
      await page.until("the network", async () => (await page.data("app")).model === "mlp");
      await page.untilSettled();
      await page.choose("preset-select", "int4-per-channel-mse");
      await until("int4-per-channel-mse");
      await page.choose("method-select", "qat");
      await page.until("a way to cancel", () =>
        page.run(() => {
          const button = document.querySelector('[data-testid="aware-cancel"]');
          // Nothing else can begin meanwhile.
          if (!document.querySelector('[data-testid="train"]').disabled) return false;
          button?.click();
          return button !== null;
        }),
      );
      await page.until("what was there", async () => {
        const method = await page.element("method-select").getProperty("value");
        return method === "ptq" && (await scheme()) === "int4-per-channel-mse";
      });
      assert.equal((await page.data("error")).code, "");
    });

    promise(
      "fits a rounded model to the layers’ outputs, and calibrates with as many images as one likes",
      async () => {
        await page.choose("preset-select", "binary-per-channel");
        await until("binary-per-channel");
        const plain = await page.json("fp32-probabilities", "values").catch(() => []);
        assert.deepEqual(plain, []);
        const rounded = await correct();
        await page.choose("correction-select", "reconstruction");
        await page.until("the calibration", () => page.element("calibration-samples").isDisplayed());
        await page.until("fewer mistakes", async () => (await correct()) > rounded);
        await page.choose("correction-select", "none");
        await page.until("as before", async () => (await correct()) === rounded);
        await page.choose("preset-select", "int8-static-minmax-per-tensor");
        await until("int8-static-minmax-per-tensor");
        await page.run(() => {
          const slider = document.querySelector('[data-testid="calibration-samples"]');
          slider.value = "8";
          slider.dispatchEvent(new Event("input", { bubbles: true }));
        });
        await page.until("few images", async () =>
          page.run(() => /Calibration images: 8\b/.test(document.body.innerText)),
        );
        assert.ok((await correct()) > 300);
      },
    );

    promise("complains of nothing", async () => {
      assert.deepEqual(await page.complaints(), []);
    });
  });
}

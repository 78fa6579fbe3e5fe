// Figures open into formulas that give them, one output is followed input by input to the models' own answer, and energy
// and transfer are estimated from counted operations and bytes; in every engine.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe } from "node:test";
import { By, Key } from "selenium-webdriver";
import { ONE, THREE } from "./digits.mjs";
import { BROWSERS, pictured, visit } from "./harness.mjs";

const AXE = readFileSync(new URL("../node_modules/axe-core/axe.min.js", import.meta.url), "utf8");

/** What a formula with its values put in gives, in the unit it is in. */
function calculate(values) {
  const plain = values
    .replaceAll(/[\u00a0,]/g, "")
    .replaceAll(/[a-zA-Z/]+/g, "")
    .replaceAll("×", "*")
    .replaceAll("÷", "/")
    .replaceAll("−", "-")
    .replaceAll(/⌈(.*?)⌉/g, "Math.ceil($1)");
  assert.match(plain, /^[-+*/(). \dMath.ceil]+$/, values);
  return Function(`return ${plain}`)();
}

const UNITS = { B: 1, pJ: 1, nJ: 1e3, µJ: 1e6, ns: 1, µs: 1e3, ms: 1e6, s: 1e9 };

/** A figure with a unit, in the smallest one. */
function figure(text) {
  const [, value, unit] = /^(-?[\d.,]+)\s*(\S*)$/.exec(text.replaceAll("\u00a0", " "));
  return Number(value.replaceAll(",", "")) * (UNITS[unit] ?? 1);
}

function softmax(logits) {
  const top = Math.max(...logits);
  const powers = logits.map((logit) => Math.exp(logit - top));
  const sum = powers.reduce((a, b) => a + b);
  return powers.map((power) => power / sum);
}

for (const browser of BROWSERS) {
  describe(`explained in ${browser}`, { timeout: 240_000 }, () => {
    let page;
    before(async () => {
      page = await visit(browser);
      await page.untilSettled();
      await page.until("the panels", () => page.run(() => document.querySelector('[data-testid="explain"]')));
      await page.until("the timing", () => page.element("time-again").isEnabled());
    });
    after(() => page?.close());
    const promise = pictured(browser, () => page);

    const see = (id) =>
      page.run(
        (id) => document.querySelector(`[data-testid="${id}"]`).scrollIntoView({ block: "start" }),
        id,
      );
    const press = (id) => page.run((id) => document.querySelector(`[data-testid="${id}"]`).click(), id);
    const there = (id) => page.run((id) => document.querySelector(`[data-testid="${id}"]`) !== null, id);
    const scheme = async (name) => {
      await page.choose("preset-select", name);
      await page.until(name, async () => (await page.data("app")).scheme === name);
    };
    /** The formula of a figure: shown text, formula with values, result. */
    const formula = async (id) => {
      await press(`explain-${id}`);
      await page.until(id, () => there(`explanation-${id}`));
      const { values, result } = await page.data(`explanation-${id}`);
      const shown = await page.text(`explain-${id}`);
      await press(`explain-${id}`);
      await page.until(`${id} to close`, async () => !(await there(`explanation-${id}`)));
      return { shown, values, result };
    };
    /** Chooses an option by its text: where it is a number, its value is no attribute. */
    const pick = async (id, text) => {
      await page
        .element(id)
        .findElement(By.xpath(`./option[normalize-space()="${text}"]`))
        .click();
    };
    /** The explanation of that output, once it is there. */
    const explained = async (output) => {
      await see("explain");
      await pick("explain-output", output);
      await page.until("that output", async () => {
        // Panels above may still fill, and push it out of sight.
        await see("explain");
        return (await page.data("explain")).output === String(output);
      });
      return page.data("explain");
    };

    promise("opens every figure into a formula that gives it", async () => {
      await page.draw(THREE);
      await see("explain");
      await page.until("the calculation", () => there("explain-steps"));
      const ids = await page.run(() =>
        [...document.querySelectorAll(".explained > button")].map((button) =>
          button.dataset.testid.replace("explain-", ""),
        ),
      );
      assert.ok(ids.length > 50, `${ids.length} figures`);
      assert.equal(new Set(ids).size, ids.length, "a name each");
      for (const id of ids) {
        const { shown, values, result } = await formula(id);
        assert.equal(shown, result, id);
        // Measured, more than one number, or a logarithm (held by blame.test.mjs).
        if (/gzip$|interval$|-db-\d$/.test(id) || /round| to /.test(values)) continue;
        const wanted = /%$/.test(result) ? calculate(values) * 100 : calculate(values);
        const unit = /(pJ|nJ|µJ|ns|µs|ms|s)(?=[ )]|$)/.exec(values.replaceAll("\u00a0", " "))?.[1];
        const scale = /bit\/s/.test(values) ? 1e9 : (UNITS[unit] ?? 1);
        const found = figure(result.replace(/\s%$/, ""));
        assert.ok(
          Math.abs(wanted * scale - found) <= 0.006 * Math.abs(found),
          `${id}: ${values} = ${result}`,
        );
      }
    });

    promise("takes the figures from the models in use, byte for byte", async () => {
      for (const [name, weights] of [
        ["int4-per-channel-mse", "64 × 10 × 4 ÷ 8"],
        ["f16", "64 × 10 × 16 ÷ 8"],
        ["int8-dynamic-per-tensor", "64 × 10 × 8 ÷ 8"],
      ]) {
        await scheme(name);
        const told = await formula("quantized-weightBytes");
        assert.equal(told.values.replaceAll("\u00a0", " "), weights, name);
        const { bytes, parameterBytes } = await page.data("quantized-size");
        assert.equal(calculate((await formula("quantized-size")).values), Number(parameterBytes), name);
        assert.equal(calculate((await formula("quantized-file")).values), Number(bytes), name);
      }
    });

    promise("opens and closes by keyboard, one at a time, and gives the focus back", async () => {
      const button = page.element("explain-quantized-accuracy");
      await button.sendKeys(Key.ENTER);
      await page.until("open", () => there("explanation-quantized-accuracy"));
      assert.equal(await button.getAttribute("aria-expanded"), "true");
      await press("explain-fp32-accuracy");
      await page.until("the other", () => there("explanation-fp32-accuracy"));
      assert.equal(await there("explanation-quantized-accuracy"), false);
      await page.element("explain-quantized-size").sendKeys(Key.ESCAPE);
      await page.until("closed", async () => !(await there("explanation-fp32-accuracy")));
      const focused = await page.run(() => document.activeElement.dataset.testid);
      assert.equal(focused, "explain-fp32-accuracy");
      await press("explain-fp32-accuracy");
      await page.until("open again", () => there("explanation-fp32-accuracy"));
      await page.click("pad");
      await page.until(
        "closed by a press elsewhere",
        async () => !(await there("explanation-fp32-accuracy")),
      );
      await page.click("pad-clear");
    });

    promise("says when there is nothing to explain, and takes a test digit", async () => {
      await see("explain");
      await page.until("the words", () => there("explain-empty"));
      assert.match(await page.text("explain-empty"), /draw a digit/);
      await page.click("explain-sample");
      await page.until("the calculation", () => there("explain-steps"));
      const { digit } = await page.data("quantized-digit");
      assert.equal((await page.data("explain")).output, digit, "what the quantized model answers");
    });

    promise("comes to the models' own answers, in every kind of arithmetic", async () => {
      for (const [name, integer] of [
        ["int8-static-minmax-per-channel", true],
        ["int4-dynamic-per-channel-mse", true],
        ["binary-per-channel", false],
        ["codebook16", false],
        ["f64", false],
        ["int8-dynamic-per-tensor", true],
      ]) {
        await scheme(name);
        await see("explain");
        const results = { fp32: [], quantized: [] };
        for (let digit = 0; digit < 10; digit++) {
          const told = await explained(digit);
          assert.equal(told.integer, String(integer), name);
          results.fp32.push(Number(told.fp32Result));
          results.quantized.push(Number(told.result));
        }
        for (const [side, logits] of Object.entries(results)) {
          const shown = await page.json(`${side}-probabilities`, "values");
          softmax(logits).forEach((p, digit) => {
            assert.ok(
              Math.abs(p - shown[digit]) < 1e-6,
              `${name} ${side} ${digit}: ${p} for ${shown[digit]}`,
            );
          });
        }
      }
    });

    promise("is walked through input by input, by keyboard, and plays by itself", async () => {
      await see("explain");
      const told = await explained(5);
      const { scale, zeroPoint, weightScale } = await page.data("explain-scales");
      const slider = page.element("explain-step");
      await slider.sendKeys(Key.HOME);
      let sum = 0;
      for (let step = 0; step < 64; step++) {
        if (step > 0) await slider.sendKeys(Key.ARROW_RIGHT);
        const now = await page.until(`input ${step + 1}`, async () => {
          const data = await page.data("explain-steps");
          return data.step === String(step) && data;
        });
        // Not −0, which is no integer.
        const product = (Number(now.q) - Number(zeroPoint)) * Number(now.weight) + 0;
        sum += product;
        assert.deepEqual([Number(now.product), Number(now.sum)], [product, sum], `input ${step + 1}`);
        if (step % 9 === 0) {
          const text = await page.text("explain");
          const minus = (value) => value.toLocaleString("en").replace("-", "−");
          assert.ok(text.includes(`= ${minus(product)}`), `${product} in ${text}`);
          assert.ok(text.includes(`i32 sum so far: ${minus(sum)}`), `${sum} in ${text}`);
        }
      }
      const bias = Number(told.result) - sum * Number(scale) * Number(weightScale);
      const fp32 = Number((await page.data("explain-steps")).fp32Sum);
      assert.ok(Math.abs(Number(told.fp32Result) - fp32 - bias) < 1e-4, "the same bias after both sums");
      await page.click("explain-back");
      await page.until("a step back", async () => (await page.data("explain-steps")).step === "62");
      await page.click("explain-next");
      await page.click("explain-play");
      await page.until("it to begin anew", async () => Number((await page.data("explain-steps")).step) < 60);
      await page.click("explain-play");
      const paused = (await page.data("explain-steps")).step;
      await page.driver.sleep(400);
      assert.equal((await page.data("explain-steps")).step, paused, "paused");
    });

    promise("lists all inputs in a table, and follows the drawing", async () => {
      await page.run(() => document.querySelector(".explain details").setAttribute("open", ""));
      await page.until("the table", () => there("explain-table"));
      const rows = () =>
        page.run(() => [...document.querySelectorAll('[data-testid="explain-table"] tbody tr')].length);
      assert.equal(await rows(), 64);
      const before = (await page.data("explain")).result;
      await page.draw(ONE);
      await see("explain");
      await page.until("another result", async () => (await page.data("explain")).result !== before);
      await page.run(() => document.querySelector(".explain details").removeAttribute("open"));
    });

    promise("estimates energy and transfer from counted operations and bytes", async () => {
      const cells = (row) =>
        page.run(
          (row) =>
            [...document.querySelectorAll(`[data-testid="energy"] tr[data-row="${row}"] td`)].map((cell) => ({
              ...cell.dataset,
            })),
          row,
        );
      const values = async (row) => (await cells(row)).map(({ value }) => value);
      assert.deepEqual(await values("operations"), ["640", "640"]);
      const close = (found, wanted) =>
        assert.ok(Math.abs(found - wanted) < 1e-6 * wanted, `${found}, ${wanted}`);
      const [fp32, int8] = await values("arithmetic");
      close(Number(fp32), 640 * 4.6);
      close(Number(int8), 640 * 0.3);
      assert.deepEqual(await values("cache"), ["3250", "860"]);
      const [a, b] = await cells("download");
      const bytes = async (side) => Number((await page.data(`${side}-size`)).bytes);
      close(Number(a.ms), ((await bytes("fp32")) * 8) / 250);
      close(Number(b.ms), ((await bytes("quantized")) * 8) / 250);
      assert.ok(Number(b.gzipMs) > 0 && Number(b.gzipMs) < Number(b.ms));
      assert.match(await page.text("energy"), /an estimate.*Horowitz.*ISSCC 2014/s);
      assert.match(await page.text("energy-verdict"), /15\.33× less/);
      // Stored small, computed in fp32: the same work.
      await scheme("int4-per-channel-mse");
      const [plain, small] = await values("arithmetic");
      assert.equal(plain, small);
      assert.match(
        await page.text("energy-verdict"),
        /operations are fp32’s. Only memory and transfer shrink/,
      );
      // What the table does not have is not invented.
      await scheme("f64");
      assert.deepEqual((await values("arithmetic"))[1], "");
      assert.match(await page.text("energy-verdict"), /No figure/);
      await scheme("int8-static-minmax-per-channel");
    });

    promise("explains hidden layers, at a place of a channel of a convolution", async () => {
      await page.run(() => document.querySelector('[data-testid="slow-motion"]').click());
      await page.choose("model-select", "cnn");
      await page.type("field-layers", "3, 4");
      await page.type("field-epochs", "1");
      await page.click("train");
      await page.until("the network", async () => (await page.data("app")).model === "cnn", 60_000);
      await page.untilSettled(60_000);
      await see("explain");
      await page.until("the last layer", async () => (await page.data("explain")).layer === "3");
      await page.choose("explain-layer", "1");
      await page.until(
        "the middle",
        async () => (await page.data("explain")).output === String((4 * 8 + 4) * 4),
      );
      await page.choose("explain-channel", "2");
      await page.choose("explain-row", "0");
      await page.choose("explain-column", "7");
      await page.until("that place", async () => (await page.data("explain")).output === String(7 * 4 + 2));
      assert.equal((await page.data("explain-steps")).steps, "27", "9 places of 3 channels");
      const text = await page.text("explain");
      assert.match(text, /from the layer before/);
      assert.match(text, /q = round\(.*stands for/);
      assert.match(text, /ReLU/);
      const energy = await page.text("explain-quantized-multiply-adds");
      assert.equal(energy, (64 * 9 * 3 + 64 * 27 * 4 + 16 * 4 * 10).toLocaleString("en"));
    });

    promise("is accessible, and complains of nothing", async () => {
      await press("explain-scale");
      await page.until("open", () => there("explanation-scale"));
      await page.run(AXE);
      const violations = await page.driver.executeAsyncScript(
        `const done = arguments[0];
         axe.run(document.querySelector('main')).then(
           ({ violations }) => done(violations.map((v) => v.id + ': ' + v.nodes.map((n) => n.html).join(' | '))),
           (error) => done([String(error)]),
         );`,
      );
      assert.deepEqual(violations, []);
      assert.deepEqual(await page.complaints(), []);
    });

    if (browser === "chromium") {
      promise("keeps formulas on a phone's screen, and still where motion is not wanted", async () => {
        await page.emulate({ width: 360 });
        for (const id of ["quantized-size", "quantized-one-ns", "quantized-download-250000", "scale"]) {
          if (!(await there(`explanation-${id}`))) await press(`explain-${id}`);
          await page.until(id, () => there(`explanation-${id}`));
          const [left, right] = await page.run((id) => {
            const box = document.querySelector(`[data-testid="explanation-${id}"]`).getBoundingClientRect();
            return [box.left, box.right];
          }, id);
          assert.ok(left >= 0 && right <= 360 && right - left > 250, `${id}: ${left} to ${right}`);
        }
        const wide = await page.run(() =>
          [...document.querySelectorAll(":is(.figures, .explain, .energy) *")]
            .filter((e) => !e.closest(".scroll") && e.getBoundingClientRect().right > 360)
            .map((e) => `${e.tagName} ${e.className} ${e.getBoundingClientRect().right}`),
        );
        assert.deepEqual(wide, [], "nothing is wider than the screen");
        await page.driver.sendDevToolsCommand("Emulation.setEmulatedMedia", {
          features: [{ name: "prefers-reduced-motion", value: "reduce" }],
        });
        await page.choose("explain-layer", "3");
        await page.until("another way on", async () => (await page.text("explain-play")) === "To the end");
        await press("explain-play");
        const { steps } = await page.data("explain-steps");
        await page.until(
          "the end",
          async () => (await page.data("explain-steps")).step === String(steps - 1),
        );
        await page.driver.sendDevToolsCommand("Emulation.setEmulatedMedia", { media: "print", features: [] });
        if (!(await there("explanation-scale"))) await press("explain-scale");
        await page.until("open", () => there("explanation-scale"));
        const position = await page.run(
          () => getComputedStyle(document.querySelector('[data-testid="explanation-scale"]')).position,
        );
        assert.equal(position, "static", "on paper it covers nothing");
      });
    }
  });
}

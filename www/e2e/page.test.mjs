// The page's main promise, in every engine: it opens with both models trained, answers a real drawing with both, shows
// honest figures, trains again and can be stopped, and neither complains nor talks to anyone but its server.
import assert from "node:assert/strict";
import { after, before, describe } from "node:test";
import axe from "axe-core";
import { ONE, SEVEN, THREE, ZERO } from "./digits.mjs";
import { BROWSERS, pictured, visit } from "./harness.mjs";

const FP32_PARAMETER_BYTES = 650 * 4;

/** One element of each part of the page. */
const PARTS = ["pad", "summary", "dataset", "train", "format-select", "time-again", "runs", "export-fp32"];

/** Notes which parts there are when the page first says that it is ready. */
const WATCH = `new MutationObserver(() => {
  const find = (id) => document.querySelector('[data-testid="' + id + '"]');
  if (find("app")?.dataset.state === "ready") globalThis.parts ??= ${JSON.stringify(PARTS)}.filter(find);
}).observe(document, { subtree: true, childList: true, attributes: true, attributeFilter: ["data-state"] });`;

for (const browser of BROWSERS) {
  describe(`page in ${browser}`, { timeout: 180_000 }, () => {
    let page;
    before(async () => {
      page = await visit(browser, { server: { inject: WATCH } });
      await page.untilSettled();
    });
    after(() => page?.close());

    const promise = pictured(browser, () => page);

    const figures = async () => ({
      fp32: await page.data("fp32-accuracy"),
      quantized: await page.data("quantized-accuracy"),
    });

    /** What both models say about the drawing, checked for being a whole answer. */
    const answers = async () => {
      const both = {};
      for (const side of ["fp32", "quantized"]) {
        const { digit } = await page.data(`${side}-digit`);
        const probabilities = await page.json(`${side}-probabilities`, "values");
        assert.match(digit, /^[0-9]$/);
        assert.equal(probabilities.length, 10);
        assert.ok(Math.abs(probabilities.reduce((a, b) => a + b) - 1) < 1e-5, `sum of ${probabilities}`);
        assert.equal(probabilities.indexOf(Math.max(...probabilities)), Number(digit));
        both[side] = digit;
      }
      const { agree } = await page.data("agreement");
      assert.equal(agree, String(both.fp32 === both.quantized));
      return both;
    };

    const noAnswer = async () => {
      assert.equal((await page.data("fp32-digit")).digit, "");
      assert.equal((await page.data("quantized-digit")).digit, "");
      assert.equal((await page.data("agreement")).agree, "");
      assert.equal((await page.data("pad")).strokes, "0");
    };

    const clear = async () => {
      if ((await page.data("pad")).strokes !== "0") await page.click("pad-clear");
    };

    const train = async (seed) => {
      await page.type("seed", seed);
      await page.click("train");
      await page.until("a training in progress", async () => (await page.data("progress")).job === "train");
    };

    promise("says that it is ready when all its parts are there, and not before", async () => {
      assert.deepEqual(await page.run(() => globalThis.parts), PARTS);
    });

    promise("is ready without a click, on the fast kernels", async () => {
      const app = await page.data("app");
      assert.equal(app.state, "ready");
      // WebKit on Linux has no relaxed SIMD.
      assert.equal(app.backend, browser === "webkit" ? "simd128" : "relaxed");
      assert.equal(app.model, "softmax");
      assert.equal((await page.data("error")).code, "");
      assert.equal(await page.run(() => globalThis.crossOriginIsolated), true);
    });

    promise("times both models on every build that the browser can load", async () => {
      await page.until("the page's own timing", () => page.element("compare-backends").isEnabled());
      await page.click("compare-backends");
      await page.until("all of them", () => page.element("compare-backends").isEnabled());
      const rows = await page.run(() =>
        [...document.querySelectorAll('[data-testid="backends"] tr[data-backend]')].map((row) => row.dataset),
      );
      const builds = browser === "webkit" ? ["simd128", "scalar"] : ["relaxed", "simd128", "scalar"];
      assert.deepEqual(
        rows.map(({ backend, batch }) => `${backend} ${batch}`),
        ["1", "360"].flatMap((batch) => builds.map((build) => `${build} ${batch}`)),
      );
      const time = (build, side) => Number(rows.find(({ backend }) => backend === build)[`${side}Ns`]);
      for (const { fp32Ns, int8Ns } of rows) assert.ok(Number(fp32Ns) > 0 && Number(int8Ns) > 0);
      assert.ok(time("scalar", "fp32") > time(builds[0], "fp32"), "SIMD is faster than plain loops");
      assert.equal((await page.data("error")).code, "");
    });

    promise("measures where int8 pays, from 64 to 4096, and says what limits it", async () => {
      await page.click("payoff-run");
      const rows = () =>
        page.run(() =>
          [...document.querySelectorAll('[data-testid="payoff"] tr[data-size]')].map((row) => row.dataset),
        );
      await page.until("all layers", async () => (await rows()).length === 14, 90_000);
      await page.until("the end", () => page.element("payoff-run").isEnabled());
      const layers = await rows();
      assert.deepEqual(
        layers.map(({ size }) => Number(size)),
        [1, 2].flatMap(() => [64, 128, 256, 512, 1024, 2048, 4096]),
      );
      for (const { fp32Ns, int8Ns, limit } of layers) {
        assert.ok(Number(fp32Ns) > 0 && Number(int8Ns) > 0);
        assert.match(limit, /^(overhead|compute|memory)$/);
      }
      const ratio = ({ fp32Ns, int8Ns }) => fp32Ns / int8Ns;
      assert.ok(Math.max(...layers.map(ratio)) > 1, "int8 pays somewhere");
      assert.equal((await page.data("error")).code, "");
    });

    promise("quantizes with static ranges too", async () => {
      await page.choose("activation-select", "static-minmax");
      await page.until(
        "the scheme",
        async () => (await page.data("app")).scheme === "int8-static-minmax-per-tensor",
      );
      await page.until("its figures", () => page.element("time-again").isEnabled());
      const { quantized } = await figures();
      assert.ok(Number(quantized.correct) >= 349, `int8 has ${quantized.correct}`);
      await page.choose("activation-select", "dynamic");
      await page.until("the figures again", () => page.element("time-again").isEnabled());
    });

    promise("shows 350 of 360 for fp32, and int8 loses at most one", async () => {
      const { fp32, quantized } = await figures();
      assert.deepEqual([fp32.correct, fp32.total], ["350", "360"]);
      assert.equal(quantized.total, "360");
      assert.ok(Number(quantized.correct) >= 349, `int8 has ${quantized.correct}`);
    });

    promise("gives no prediction for an empty pad", noAnswer);

    for (const [digit, strokes] of Object.entries({ 0: ZERO, 1: ONE, 3: THREE, 7: SEVEN })) {
      promise(`answers a drawn ${digit} with both models`, async () => {
        await clear();
        await page.draw(strokes);
        assert.equal((await page.data("pad")).strokes, String(strokes.length));
        assert.deepEqual(await answers(), { fp32: digit, quantized: digit });

        const input = await page.data("model-input");
        const pixels = JSON.parse(input.values);
        assert.deepEqual([input.width, input.height, pixels.length], ["8", "8", 64]);
        assert.ok(pixels.every((value) => value >= 0 && value <= 16));
        assert.ok(
          pixels.some((value) => value > 8),
          "there is ink",
        );
      });
    }

    promise("takes strokes back, puts them back, and clears", async () => {
      await clear();
      await page.draw(SEVEN);
      await page.click("pad-undo");
      assert.equal((await page.data("pad")).strokes, "1");
      await page.click("pad-redo");
      assert.equal((await page.data("pad")).strokes, "2");
      await answers();
      await page.click("pad-clear");
      await noAnswer();
    });

    promise("puts a test digit on the pad, and the first stroke replaces it", async () => {
      await clear();
      await page.click("pad-sample");
      const pixels = await page.until("an image", async () => {
        const pixels = await page.json("model-input", "values");
        return pixels.length === 64 && pixels;
      });
      assert.ok(pixels.every((value) => Number.isInteger(value) && value >= 0 && value <= 16));
      // The palest digit of the data set has a pixel of 14.
      assert.ok(Math.max(...pixels) >= 14, `${pixels}`);
      assert.equal((await page.data("pad")).strokes, "0");
      await answers();
      await page.draw(ONE);
      assert.equal((await page.data("pad")).strokes, "1");
      assert.notDeepEqual(await page.json("model-input", "values"), pixels);
      await page.click("pad-clear");
      await noAnswer();
    });

    promise("keeps the page scrollable everywhere but on the pad", async () => {
      const fixed = await page.run(() =>
        [...document.querySelectorAll("*")]
          .filter((element) => getComputedStyle(element).touchAction === "none")
          .map((element) => element.dataset.testid),
      );
      assert.deepEqual(fixed, ["pad"]);
    });

    promise("what is looked at stays where it is while parts above it change in height", async () => {
      const top = () =>
        page.run(() => document.querySelector('[data-testid="runs"]').getBoundingClientRect().top);
      const height = () => page.run(() => document.body.getBoundingClientRect().height);
      // Panels fill when they come near.
      const rest = async () => {
        for (let last, now = await height(); last !== now; now = await height()) {
          last = now;
          await page.driver.sleep(400);
        }
      };
      await page.run(() =>
        document.querySelector('[data-testid="runs"]').scrollIntoView({ block: "center" }),
      );
      await rest();
      const before = await top();
      const stays = async (what) => {
        await rest();
        let now;
        // A script may look between a change and the frame that shows it.
        const same = async () => {
          now = await top();
          return Math.abs(now - before) <= 2;
        };
        await page.until("the place", same, 1_000).catch(() => assert.fail(`${what}: ${before} → ${now}`));
      };
      for (const format of ["binary", "int8"]) {
        await page.run((format) => {
          const select = document.querySelector('[data-testid="format-select"]');
          select.value = format;
          select.dispatchEvent(new Event("change", { bubbles: true }));
        }, format);
        await page.until(format, async () => (await page.data("app")).scheme.startsWith(format));
        await stays(format);
      }
      for (const padding of ["300px", ""]) {
        await page.run((padding) => {
          document.querySelector("#draw").style.paddingBottom = padding;
        }, padding);
        await stays(`padding ${padding}`);
      }
      await page.run(() => scrollTo(0, 0));
    });

    promise("shows the size of parameters and files", async () => {
      const [fp32, quantized] = [await page.data("fp32-size"), await page.data("quantized-size")];
      assert.equal(fp32.parameterBytes, String(FP32_PARAMETER_BYTES));
      // 640 weights of one byte, ten fp32 biases, and one scale or one for each output.
      assert.ok(["684", "720"].includes(quantized.parameterBytes), quantized.parameterBytes);
      for (const { bytes, parameterBytes } of [fp32, quantized])
        assert.ok(Number(bytes) > Number(parameterBytes));
    });

    promise("shows times with their spread", async () => {
      const button = page.element("time-again");
      await page.until("the first timing", () => button.isEnabled());
      await page.click("time-again");
      await page.until("the timing", () => button.isEnabled());
      for (const side of ["fp32", "quantized"]) {
        const { ns, nsSpread, batchNs } = await page.data(`${side}-time`);
        for (const value of [ns, batchNs]) assert.ok(Number(value) > 1 && Number(value) < 1e6, `${value} ns`);
        assert.ok(Number(nsSpread) >= 0 && nsSpread !== "", `spread ${nsSpread}`);
      }
    });

    promise("quantizes again per tensor and per channel", async () => {
      for (const [granularity, bytes] of [
        ["per-tensor", "684"],
        ["per-channel", "720"],
      ]) {
        await page.choose("granularity-select", granularity);
        await page.until(
          `${bytes} bytes`,
          async () => (await page.data("quantized-size")).parameterBytes === bytes,
        );
        await page.untilSettled();
        assert.ok(Number((await page.data("quantized-accuracy")).correct) >= 349);
      }
    });

    promise("re-runs the lab's table: as published, its recipe, and int8 done right", async () => {
      const rows = await page.until("three rows", async () => {
        const rows = await page.run(() =>
          [...document.querySelectorAll('[data-testid="lab-report"] [data-row]')].map((row) => ({
            ...row.dataset,
          })),
        );
        return rows.length === 3 && rows;
      });
      const row = Object.fromEntries(rows.map((data) => [data.row, data]));
      assert.deepEqual([row.published.correct, row.published.total], ["242", "360"]);
      assert.deepEqual([row["lab-recipe"].correct, row["lab-recipe"].total], ["242", "360"]);
      assert.ok(Number(row.int8.correct) >= 349 && row.int8.total === "360", JSON.stringify(row.int8));
      for (const { bytes, ns } of rows) assert.ok(Number(bytes) > 600 && Number(ns) > 0);
    });

    promise("trains again with another seed, and shows the progress", async () => {
      const before = await figures();
      await train("7");
      const epochs = new Set();
      const losses = [];
      await page.until("the end of the training", async () => {
        const { job, epoch, loss } = await page.data("progress");
        if (job === "train" && epoch) {
          epochs.add(Number(epoch));
          losses.push(Number(loss));
        }
        return job === "" && (await page.data("app")).state === "ready";
      });
      const seen = [...epochs];
      assert.ok(seen.length >= 3, `epochs seen: ${seen}`);
      assert.deepEqual(
        seen,
        seen.toSorted((a, b) => a - b),
      );
      assert.ok(losses.at(-1) < losses[0], `loss from ${losses[0]} to ${losses.at(-1)}`);
      const { quantized } = await figures();
      assert.notDeepEqual(await figures(), before);
      // What is timed and put into the lab's table is the new model too.
      await page.until(
        "the new model in the lab's table",
        async () =>
          (await page.run(() => document.querySelector('[data-row="int8"]')?.dataset.correct)) ===
          quantized.correct,
      );
    });

    promise("a cancelled training leaves the models that were there", async () => {
      const before = await figures();
      await clear();
      await page.draw(ZERO);
      const said = await page.data("fp32-probabilities");
      // Not over before the click, however slow the driver is.
      await page.choose("model-select", "mlp");
      await page.type("field-epochs", "3000");
      await train("123");
      await page.cancel();
      assert.equal((await page.data("progress")).job, "");
      assert.deepEqual(await figures(), before);
      assert.deepEqual(await page.data("fp32-probabilities"), said);
      await page.choose("model-select", "softmax");
      await clear();
      await page.draw(SEVEN);
      await answers();
    });

    for (const [what, seed] of [
      ["a negative number", "-1"],
      ["a number too big", "4294967296"],
      ["a fraction", "1.5"],
      ["nothing", ""],
      ["text", "seed"],
    ]) {
      promise(`answers ${what} as seed in a sentence, and loses nothing`, async () => {
        const before = await figures();
        await page.type("seed", seed);
        await page.click("train");
        // An engine may refuse letters in a number input; what it took is what the sentence must be about.
        const taken = await page.element("seed").getProperty("value");
        const sentence = await page.until("a sentence about it", async () => {
          const sentence = await page.complaintShown();
          return /seed/i.test(sentence) && sentence.includes(taken) && sentence;
        });
        assert.match(sentence, /4294967295|4,294,967,295/, "the sentence says what would do");
        assert.equal((await page.data("app")).state, "ready");
        assert.deepEqual(await figures(), before);
      });
    }

    promise("is put back to where it began by Reset", async () => {
      await page.choose("regularization", "0.01");
      await page.choose("granularity-select", "per-channel");
      await page.click("reset");
      await page.until("the end of the training", async () => (await page.data("progress")).job === "");
      await page.untilSettled();
      assert.equal((await figures()).fp32.correct, "350");
      assert.equal((await page.data("quantized-size")).parameterBytes, "684");
      assert.equal(await page.element("seed").getProperty("value"), "42");
      assert.equal(await page.complaintShown(), "");
    });

    if (browser === "chromium") {
      promise("a second finger ends the stroke", async () => {
        await clear();
        const { left, top, width, height } = await page.padBox();
        const at = (...fingers) =>
          fingers.map(([id, x, y]) => ({ id, x: left + x * width, y: top + y * height }));
        const touch = (type, touchPoints) =>
          page.driver.sendDevToolsCommand("Input.dispatchTouchEvent", { type, touchPoints });
        await touch("touchStart", at([1, 0.3, 0.3]));
        await touch("touchMove", at([1, 0.5, 0.5]));
        await touch("touchStart", at([1, 0.5, 0.5], [2, 0.8, 0.2]));
        const ended = await page.data("model-input");
        await touch("touchMove", at([1, 0.2, 0.9], [2, 0.9, 0.9]));
        await touch("touchEnd", []);
        assert.equal((await page.data("pad")).strokes, "1");
        assert.equal((await page.data("model-input")).values, ended.values);
      });

      for (const scheme of ["light", "dark"]) {
        for (const width of [360, 1280]) {
          promise(`fits and is accessible at ${width} px, ${scheme}`, async () => {
            await page.emulate({ width, scheme });
            const widths = await page.run(() => [innerWidth, document.documentElement.scrollWidth]);
            assert.deepEqual(widths, [width, width], "nothing to scroll sideways");
            await page.run(axe.source);
            const { violations } = await page.driver.executeAsyncScript((done) =>
              globalThis.axe.run().then(done),
            );
            assert.deepEqual(
              violations.map(({ id, nodes }) => [
                id,
                ...nodes.map((node) => `${node.html} ${node.failureSummary}`),
              ]),
              [],
            );
          });
        }
      }
    }

    promise("asks nobody but its own server, and only for what is there", async () => {
      const elsewhere = (await page.requests()).filter(
        (url) => !/^(data|blob):/.test(url) && !url.startsWith(page.server.url),
      );
      assert.deepEqual(elsewhere, []);
      assert.deepEqual(
        page.server.requests.filter(({ status }) => status >= 400),
        [],
      );
    });

    promise("has said nothing wrong on the console", async () => {
      assert.deepEqual(await page.complaints(), []);
    });
  });
}

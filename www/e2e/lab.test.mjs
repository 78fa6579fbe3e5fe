// The lab's mistake is repaired by the reader, in every engine: each step with its count, its confusion matrix and the
// weights that wrap; by keyboard too, and on a model trained here.
import assert from "node:assert/strict";
import { after, before, describe } from "node:test";
import axe from "axe-core";
import { Key } from "selenium-webdriver";
import { BROWSERS, pictured, visit } from "./harness.mjs";

/** Right answers of 360 on the lab's own fit. */
const STEPS = { fp32: 350, wrap: 242, saturate: 346, scale: 350 };

for (const browser of BROWSERS) {
  describe(`the lab repaired in ${browser}`, { timeout: 120_000 }, () => {
    let page;
    before(async () => {
      page = await visit(browser);
      await page.untilSettled();
      const scrolled = () =>
        page.run(() => document.querySelector('[data-testid="repair"]')?.scrollIntoView() ?? null);
      await page.until("the panel and its numbers", async () => {
        await scrolled();
        return page.run(() => document.querySelector('[data-testid="repair-outcome"]') !== null);
      });
    });
    after(() => page?.close());
    const promise = pictured(browser, () => page);

    const outcome = () => page.data("repair-outcome");
    const until = (what, wanted) =>
      page.until(what, async () => {
        const now = await outcome();
        return Object.entries(wanted).every(([key, value]) => now[key] === String(value)) && now;
      });
    const sum = (values) => values.reduce((a, b) => a + b, 0);
    const diagonal = (counts) => sum(counts.filter((_, i) => i % 11 === 0));

    promise("goes from 242 over 346 to 350, each step with a confusion matrix that agrees", async () => {
      for (const [step, correct] of Object.entries(STEPS)) {
        await page.click(`repair-step-${step}`);
        await until(step, { step, model: "lab", correct, total: 360, wrapped: 20 });
        const counts = await page.json("repair-confusion", "counts");
        assert.equal(counts.length, 100);
        assert.equal(sum(counts), 360);
        assert.equal(diagonal(counts), correct, step);
      }
    });

    promise("marks the 20 wrapped weights on the digits, and tells of each where it comes from", async () => {
      await page.click("repair-step-wrap");
      await until("wrap", { step: "wrap" });
      const { marked, crosses, told } = await page.run(() => {
        const templates = document.querySelector('[data-testid="templates"]');
        return {
          marked: Number(templates.dataset.marked),
          crosses: templates.querySelectorAll(".mark path").length,
          told: [...templates.querySelectorAll(".mark title")].map((title) => title.textContent),
        };
      });
      assert.deepEqual([marked, crosses, told.length], [20, 20, 20]);
      assert.ok(
        told.some((text) => /digit 1, row 1, column 6: 130 stored as −126/.test(text)),
        told.join("\n"),
      );
      const rows = await page.run(() =>
        [...document.querySelectorAll('[data-testid="repair-weights"] tbody tr')].map((row) =>
          [...row.querySelectorAll("td")].map((cell) => Number(cell.textContent.replace("−", "-"))),
        ),
      );
      assert.equal(rows.length, 20);
      for (const [weight, nearest, wrap, saturate, scale] of rows) {
        assert.equal(Math.abs(nearest - wrap), 256);
        assert.ok(weight * wrap < 0, `${weight} keeps its sign`);
        assert.equal(saturate, nearest < 0 ? -128 : 127);
        assert.ok(weight * scale > 0 && Math.abs(scale) <= 127);
      }
    });

    promise("is stepped through with the arrow keys", async () => {
      await page.click("repair-step-fp32");
      await page.element("repair-step-fp32").sendKeys(Key.ARROW_RIGHT);
      await until("the next step", { step: "wrap", correct: 242 });
    });

    promise("has 230 to 245 right on the model trained here, and says why", async () => {
      await page.click("repair-model-own");
      await page.click("repair-step-wrap");
      const { correct, wrapped } = await until("the own model", { model: "own", step: "wrap", total: 360 });
      assert.ok(Number(correct) >= 230 && Number(correct) <= 245, correct);
      assert.equal(wrapped, "21");
      const why = await page.data("repair-difference");
      assert.deepEqual([why.wrapped, why.shared], ["21", "20"]);
      assert.match(await page.text("repair-difference"), /digit 6, row 3, column 6, −131 → 125/);
      await page.click("repair-step-saturate");
      const { correct: saturated } = await until("saturation", { step: "saturate" });
      assert.ok(["346", "347"].includes(saturated), saturated);
      await page.click("repair-step-scale");
      const { correct: repaired } = await until("the scale", { step: "scale" });
      const { correct: fp32 } = await page.data("fp32-accuracy");
      assert.ok(Number(repaired) >= Number(fp32) - 1, repaired);
    });

    promise("says that a network cannot show it, and keeps the lab's fit", async () => {
      await page.choose("model-select", "mlp");
      await page.type("field-epochs", "2");
      await page.click("train");
      await page.until("the network", async () => (await page.data("app")).model === "mlp", 60_000);
      await until("the lab's fit again", { model: "lab" });
      assert.match(await page.text("repair"), /Train softmax regression on the digits/);
    });

    if (browser === "chromium") {
      for (const scheme of ["light", "dark"]) {
        for (const width of [360, 1280]) {
          promise(`fits and is accessible at ${width} px, ${scheme}`, async () => {
            await page.emulate({ width, scheme });
            const widths = await page.run(() => [innerWidth, document.documentElement.scrollWidth]);
            assert.deepEqual(widths, [width, width]);
            await page.run(axe.source);
            const violations = await page.driver.executeAsyncScript((done) =>
              globalThis.axe.run('[data-testid="repair"]').then(({ violations }) => done(violations)),
            );
            assert.deepEqual(
              violations.map(({ id, nodes }) => [id, ...nodes.map((node) => node.html)]),
              [],
            );
          });
        }
      }
    }

    promise("has said nothing wrong on the console", async () => {
      assert.deepEqual(await page.complaints(), []);
    });
  });
}

// Where the models disagree, in every engine: as many images as the accuracy panel says, each of which puts both answers
// on the pad as told; and confusion matrices that agree with the accuracies.
import assert from "node:assert/strict";
import { after, before, describe } from "node:test";
import axe from "axe-core";
import { BROWSERS, pictured, visit } from "./harness.mjs";

for (const browser of BROWSERS) {
  describe(`flips in ${browser}`, { timeout: 120_000 }, () => {
    let page;
    before(async () => {
      page = await visit(browser);
      await page.untilSettled();
    });
    after(() => page?.close());
    const promise = pictured(browser, () => page);

    /** The panel, scrolled to, once it is of the models in use. */
    const flips = () =>
      page.until("the flips of these models", async () => {
        await page.run(() => document.querySelector('[data-testid="flips"]')?.scrollIntoView());
        const data = await page.data("flips").catch(() => ({}));
        return data.current === "true" && data;
      });
    const scheme = async (name) => {
      await page.choose("preset-select", name);
      await page.until(name, async () => (await page.data("app")).scheme === name);
    };
    const agreed = async () => Number((await page.data("agreed")).agreed);
    const accuracy = async (side) => Number((await page.data(`${side}-accuracy`)).correct);
    const sum = (values) => values.reduce((a, b) => a + b, 0);
    const diagonal = (counts) => sum(counts.filter((_, i) => i % 11 === 0));
    const matrix = async (which) => {
      await page.click(`flips-matrix-${which}`);
      await page.until(which, async () => (await page.data("flips-matrix")).value === which);
      return page.json("flips-confusion", "counts");
    };
    const cards = () =>
      page.run(() =>
        [...document.querySelectorAll('[data-testid="flips"] .flip')].map((card) => ({ ...card.dataset })),
      );

    promise("says when nothing differs, and offers a scheme where something does", async () => {
      await scheme("f32");
      assert.equal((await flips()).total, "0");
      assert.ok((await matrix("difference")).every((count) => count === 0));
      await page.click("flips-try-ternary");
      await page.until("ternary", async () => (await page.data("app")).scheme === "ternary-per-channel");
      assert.ok(Number((await flips()).total) > 0);
    });

    promise("counts as many as the models disagree on, and tells broken from fixed", async () => {
      for (const name of ["binary-per-channel", "ternary-per-channel"]) {
        await scheme(name);
        const { total, tested, broken, fixed, changed } = await flips();
        assert.equal(Number(total), Number(tested) - (await agreed()), name);
        assert.equal(Number(broken) + Number(fixed) + Number(changed), Number(total));
        assert.equal((await accuracy("fp32")) - (await accuracy("quantized")), broken - fixed, name);
      }
    });

    promise("shows confusion matrices that add up, and their difference", async () => {
      const { tested } = await flips();
      const counts = {};
      for (const side of ["fp32", "quantized"]) {
        counts[side] = await matrix(side);
        assert.equal(sum(counts[side]), Number(tested));
        assert.equal(diagonal(counts[side]), await accuracy(side), side);
      }
      assert.deepEqual(
        await matrix("difference"),
        counts.quantized.map((count, i) => count - counts.fp32[i]),
      );
      const cells = await page.run(() =>
        [...document.querySelectorAll('[data-testid="flips-confusion"] td')].map((cell) => cell.textContent),
      );
      assert.ok(cells.some((text) => /^\+\d/.test(text)) && cells.some((text) => /^−\d/.test(text)), "signs");
    });

    promise("shows each image with both answers, and more of them on demand", async () => {
      const { total } = await flips();
      const before = await cards();
      assert.ok(before.length < Number(total));
      await page.click("flips-more");
      const all = await page.until("more", async () => {
        const now = await cards();
        return now.length > before.length && now;
      });
      for (const { label, kind, fp32, quantized } of all) {
        assert.notEqual(fp32, quantized);
        const wanted = fp32 === label ? "broken" : quantized === label ? "fixed" : "changed";
        assert.equal(kind, wanted);
      }
      await page.click("flips-kind-fixed");
      const fixed = await page.until("the fixed ones", async () => {
        const now = await cards();
        return now.every(({ kind }) => kind === "fixed") && now;
      });
      assert.equal(String(fixed.length), (await flips()).fixed);
      await page.click("flips-kind-all");
    });

    promise("puts an image on the pad, and both models answer as told", async () => {
      await flips();
      const some = (await cards()).slice(0, 3);
      assert.equal(some.length, 3);
      for (const { row, label, fp32, quantized } of some) {
        await page.run(
          (row) => document.querySelector(`[data-testid="flip-${row}"]`).scrollIntoView({ block: "center" }),
          row,
        );
        await page.click(`flip-${row}`);
        await page.until("its answers", async () =>
          page.run((row) => document.body.textContent.includes(`Row ${row} of the data set`), row),
        );
        assert.equal((await page.data("fp32-digit")).digit, fp32);
        assert.equal((await page.data("quantized-digit")).digit, quantized);
        assert.equal((await page.data("agreement")).agree, "false");
        assert.notEqual(fp32, quantized);
        assert.match(label, /^[0-9]$/);
        assert.equal((await page.json("model-input", "values")).length, 64);
        assert.equal(await page.run(() => document.activeElement.dataset.testid), "pad");
      }
    });

    promise("follows a new training", async () => {
      await page.type("seed", "7");
      await page.click("train");
      await page.until(
        "the new models",
        async () =>
          (await page.text("fp32-accuracy")) !== "" &&
          (await page.data("progress")).job === "" &&
          (await page.data("app")).state === "ready",
      );
      const { total, tested } = await flips();
      assert.equal(Number(total), Number(tested) - (await agreed()));
      assert.equal(diagonal(await matrix("fp32")), await accuracy("fp32"));
    });

    if (browser === "chromium") {
      for (const colours of ["light", "dark"]) {
        for (const width of [360, 1280]) {
          promise(`fits and is accessible at ${width} px, ${colours}`, async () => {
            await page.emulate({ width, scheme: colours });
            await flips();
            const widths = await page.run(() => [innerWidth, document.documentElement.scrollWidth]);
            assert.deepEqual(widths, [width, width]);
            await page.run(axe.source);
            const violations = await page.driver.executeAsyncScript((done) =>
              globalThis.axe.run('[data-testid="flips"]').then(({ violations }) => done(violations)),
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

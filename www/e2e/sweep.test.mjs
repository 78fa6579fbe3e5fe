// The sweep on the page, in every engine: every scheme is compared, the numbers are those that the page shows once a scheme
// is loaded, the files hold the same, and what has come in stays when it is cancelled.
import assert from "node:assert/strict";
import { after, before, describe } from "node:test";
import axe from "axe-core";
import { KEEP_FILES, saved as savedBy } from "./files.mjs";
import { BROWSERS, pictured, visit } from "./harness.mjs";

/** McNemar's exact two-sided p-value, in whole numbers. */
function mcnemar(a, b) {
  const n = a + b;
  let [coefficient, sum] = [1n, 1n];
  for (let i = 0; i < Math.min(a, b); i++) {
    coefficient = (coefficient * BigInt(n - i)) / BigInt(i + 1);
    sum += coefficient;
  }
  const digits = 10n ** 18n;
  return Math.min(1, Number((2n * sum * digits) / 2n ** BigInt(n)) / 1e18);
}

/** The cells of a CSV file; fields that hold a comma are quoted. */
const cells = (line) =>
  [...line.matchAll(/("(?:[^"]|"")*"|[^,]*)(?:,|$)/g)]
    .map(([, field]) => field.replace(/^"|"$/g, "").replaceAll('""', '"'))
    .slice(0, -1);

for (const browser of BROWSERS) {
  describe(`the sweep in ${browser}`, { timeout: 240_000 }, () => {
    let page;
    before(async () => {
      page = await visit(browser, { server: { inject: KEEP_FILES } });
      await page.untilSettled();
      await page.until("the panel", () =>
        page.run(() => document.querySelector('[data-testid="sweep-run"]') !== null),
      );
    });
    after(() => page?.close());
    const promise = pictured(browser, () => page);

    const rows = () =>
      page.run(() =>
        [...document.querySelectorAll('[data-testid="sweep"] [data-scheme]')].map((row) => ({
          ...row.dataset,
        })),
      );
    const row = async (scheme, model = "softmax") =>
      (await rows()).find((row) => row.scheme === scheme && row.model === model);
    const press = (selector) => page.run((selector) => document.querySelector(selector).click(), selector);
    const ended = (timeout) =>
      page.until(
        "the end of the sweep",
        async () =>
          (await page.data("sweep-status")).running === "false" &&
          /compared|Stopped/.test(await page.text("sweep-status")),
        timeout,
      );
    /** The page's own figures of the quantized model are those of the row. */
    const agrees = async (scheme, model = "softmax") => {
      await page.until(scheme, async () => {
        const app = await page.data("app");
        return app.scheme === scheme && app.model === model;
      });
      const { correct, total, bytes, fileBytes, agree } = await row(scheme, model);
      const accuracy = await page.data("quantized-accuracy");
      const size = await page.data("quantized-size");
      assert.deepEqual([accuracy.correct, accuracy.total], [correct, total], scheme);
      assert.deepEqual([size.parameterBytes, size.bytes], [bytes, fileBytes], scheme);
      assert.match(
        await page.run(
          () => document.querySelector('[data-testid="quantized-accuracy"]').closest("article").innerText,
        ),
        new RegExp(`agree on ${agree} of`),
      );
    };
    /** What a button hands out as a file. */
    const saved = (id) => savedBy(page, () => press(`[data-testid="${id}"]`));

    promise("compares every scheme, and says how sure the figures are", async () => {
      await press('[data-testid="sweep-run"]');
      await ended(60_000);
      const all = await rows();
      assert.ok(all.length >= 60, `${all.length} schemes`);
      assert.equal(new Set(all.map(({ scheme }) => scheme)).size, all.length);
      const fp32 = await page.data("fp32-accuracy");
      assert.deepEqual([all[0].scheme, all[0].correct, all[0].agree], ["f32", fp32.correct, "360"]);
      for (const { scheme, correct, total, low, high, p, bytes, fileBytes, ns } of all) {
        assert.equal(total, "360", scheme);
        assert.ok(Number(low) < correct / total && correct / total < Number(high), scheme);
        assert.ok(Number(p) > 0 && Number(p) <= 1, scheme);
        assert.ok(Number(bytes) > 100 && Number(fileBytes) > Number(bytes), scheme);
        assert.ok(Number(ns) > 1 && Number(ns) < 1e7, `${scheme}: ${ns} ns`);
      }
      // The model's own int8 is as good; binary is not, and the test says so.
      assert.ok(Number((await row("int8-dynamic-per-tensor")).p) > 0.05);
      assert.ok(Number((await row("binary-per-tensor")).p) < 1e-6);
    });

    promise("marks what nothing else beats in size and accuracy", async () => {
      const all = await rows();
      for (const one of all) {
        const beaten = all.some(
          (other) =>
            Number(other.bytes) <= Number(one.bytes) &&
            Number(other.correct) >= Number(one.correct) &&
            (other.bytes !== one.bytes || other.correct !== one.correct),
        );
        assert.equal(one.best, String(!beaten), one.scheme);
      }
    });

    promise("hands out the same figures as CSV, JSON and Markdown", async () => {
      const all = await rows();
      const { rows: listed, ...about } = JSON.parse(await saved("export-json"));
      assert.deepEqual([about.quantpad, about.split_seed, about.test_images], ["sweep", 42, 360]);
      const plain = ({ scheme, model, correct, total, agree, p, bytes, fileBytes, ns }) =>
        [scheme, model, correct, total, agree, p, bytes, fileBytes, ns].map(String);
      const ofFile = (row) =>
        plain({
          ...row,
          agree: row.agree_with_fp32,
          p: row.mcnemar_p,
          bytes: row.parameter_bytes,
          fileBytes: row.file_bytes,
        });
      assert.deepEqual(listed.map(ofFile), all.map(plain));
      for (const { scheme, mcnemar_p, only_fp32_right, only_quantized_right } of listed) {
        const expected = mcnemar(only_fp32_right, only_quantized_right);
        assert.ok(Math.abs(mcnemar_p - expected) < 1e-12, `${scheme}: p = ${mcnemar_p}, not ${expected}`);
      }
      const [head, ...lines] = (await saved("export-csv")).trimEnd().split("\r\n").map(cells);
      const objects = lines.map((line) => Object.fromEntries(head.map((name, i) => [name, line[i]])));
      assert.deepEqual(objects.map(ofFile), all.map(plain));
      const table = (await saved("export-md")).split("\n").filter((line) => line.startsWith("| "));
      assert.equal(table.length, all.length + 2);
      all.forEach(({ scheme, correct }, i) => {
        assert.ok(
          table[i + 2].includes(` ${scheme} `) && table[i + 2].includes(` ${correct} / 360 `),
          table[i + 2],
        );
      });
    });

    promise("sorts by any column, both ways", async () => {
      for (const [column, of] of [
        ["accuracy", "correct"],
        ["bytes", "bytes"],
        ["time", "ns"],
      ]) {
        for (const [sign, name] of [
          [1, "ascending"],
          [-1, "descending"],
        ]) {
          await press(`[data-testid="sort-${column}"]`);
          const values = (await rows()).map((row) => Number(row[of]));
          assert.deepEqual(
            values,
            values.toSorted((a, b) => sign * (a - b)),
            `${column} ${name}`,
          );
          assert.equal(
            await page.run(
              (column) =>
                document
                  .querySelector(`[data-testid="sort-${column}"]`)
                  .closest("th")
                  .getAttribute("aria-sort"),
              column,
            ),
            name,
          );
        }
      }
      await press('[data-testid="sort-scheme"]');
    });

    promise("loads the scheme of a dot that is clicked, with the figures of its row", async () => {
      const best = (await rows()).filter((row) => row.best === "true").map(({ scheme }) => scheme);
      // Dots may lie over one another; these are in sight.
      const dots = await page.run(() => {
        document.querySelector(".pareto-chart svg").scrollIntoView({ block: "center" });
        return [...document.querySelectorAll("[data-dot]")]
          .filter((dot) => {
            const { left, top, width, height } = dot.querySelector(".mark").getBoundingClientRect();
            return dot.contains(document.elementFromPoint(left + width / 2, top + height / 2));
          })
          .map((dot) => dot.dataset.dot);
      });
      assert.ok(dots.length > 10 && best.some((scheme) => dots.includes(scheme)));
      for (const scheme of [dots[0], dots[dots.length >> 1], dots.at(-1)]) {
        await page.press(`[data-dot="${scheme}"] .mark`);
        await agrees(scheme);
      }
    });

    promise("leads from dot to dot by arrow keys, and loads by Enter", async () => {
      const stops = await page.run(() => {
        const stops = [...document.querySelectorAll('[data-dot][tabindex="0"]')];
        stops[0].focus();
        return stops.length;
      });
      assert.equal(stops, 1, "the Tab key stops once");
      const keys = async (...keys) =>
        page.driver
          .switchTo()
          .activeElement()
          .sendKeys(...keys);
      await keys("\uE011"); // Home
      await keys("\uE010"); // End
      await keys("\uE012"); // left
      const scheme = await page.run(() => document.activeElement.dataset.dot);
      const sizes = (await rows()).map(({ bytes }) => Number(bytes)).toSorted((a, b) => b - a);
      assert.equal((await row(scheme)).bytes, String(sizes[1]), "the largest but one");
      assert.match(await page.text("sweep-told"), new RegExp(`${scheme}.*B,.*95 % interval`));
      await keys("\uE007"); // Enter
      await agrees(scheme);
    });

    promise("loads a row as it was calibrated, whatever the controls say by now", async () => {
      const scheme = "int8-static-entropy-per-tensor";
      const load = () =>
        page.run((scheme) => document.querySelector(`tr[data-scheme="${scheme}"] button`).click(), scheme);
      await load();
      await agrees(scheme);
      await page.run(() => {
        const slider = document.querySelector('[data-testid="calibration-samples"]');
        slider.value = "8";
        slider.dispatchEvent(new Event("input", { bubbles: true }));
      });
      await page.until("few images", () =>
        page.run(() => /Calibration images: 8\b/.test(document.body.innerText)),
      );
      await page.until("the figures", () => page.element("time-again").isEnabled());
      await load();
      await page.until("as before", () =>
        page.run(() => /Calibration images: 256\b/.test(document.body.innerText)),
      );
      await page.until("the figures again", () => page.element("time-again").isEnabled());
      await agrees(scheme);
    });

    promise("keeps what has come in when it is cancelled, and begins anew", async () => {
      await press('[data-testid="sweep-all"]');
      await press('[data-testid="sweep-run"]');
      // The CNN's training takes seconds; the schemes of softmax regression come meanwhile.
      const running = async () => (await page.data("sweep-status")).running === "true";
      await page.until("the beginning", running);
      await page.until("some rows", async () => (await rows()).length >= 5, 60_000);
      await press('[data-testid="sweep-cancel"]');
      await ended(3_000);
      const kept = await rows();
      assert.ok(kept.length >= 5 && kept.length < 213, `${kept.length} rows`);
      assert.match(await page.text("sweep-status"), new RegExp(`Stopped with ${kept.length} schemes`));
      await page.driver.sleep(300);
      assert.deepEqual(await rows(), kept);
      assert.equal((await page.data("error")).code, "");
      await press('[data-testid="sweep-this"]');
      await press('[data-testid="sweep-run"]');
      await ended(60_000);
      assert.equal((await rows()).length, 73);
    });

    if (browser === "chromium") {
      promise("compares all three networks, and loads a scheme of another network", async () => {
        await press('[data-testid="sweep-all"]');
        await press('[data-testid="sweep-run"]');
        await ended(180_000);
        const all = await rows();
        for (const model of ["softmax", "mlp", "cnn"]) {
          assert.equal(all.filter((row) => row.model === model).length, 73, model);
        }
        const right = (model) =>
          Number(all.find((row) => row.model === model && row.scheme === "f32").correct);
        assert.ok(right("mlp") > right("softmax") && right("cnn") >= right("mlp"));
        await page.run(() =>
          document
            .querySelector('tr[data-model="cnn"][data-scheme="int8-static-minmax-per-channel"] button')
            .click(),
        );
        await agrees("int8-static-minmax-per-channel", "cnn");
        assert.equal(await page.element("model-select").getProperty("value"), "cnn");
        await page.run(() =>
          document.querySelector('tr[data-model="softmax"][data-scheme="f16"] button').click(),
        );
        await agrees("f16");
      });

      for (const scheme of ["light", "dark"]) {
        for (const width of [360, 1280]) {
          promise(`fits and is accessible at ${width} px, ${scheme}`, async () => {
            await page.emulate({ width, scheme });
            const widths = await page.run(() => [innerWidth, document.documentElement.scrollWidth]);
            assert.deepEqual(widths, [width, width], "nothing to scroll sideways");
            await page.run(axe.source);
            const { violations } = await page.driver.executeAsyncScript((done) =>
              globalThis.axe
                .run('[data-testid="sweep"]', { rules: { "target-size": { enabled: true } } })
                .then(done),
            );
            assert.deepEqual(
              violations.map(({ id, nodes }) => [
                id,
                ...nodes.map((node) => `${node.html} ${node.failureSummary}`),
              ]),
              [],
            );
            await page.picture(`sweep-${width}-${scheme}`);
          });
        }
      }
    }

    promise("complains of nothing", async () => {
      assert.deepEqual(await page.complaints(), []);
    });
  });
}

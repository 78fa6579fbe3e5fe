// Which layer is to blame, in every engine: the table's figures hang together, the button keeps the worst layer in fp32,
// and each layer shows where its weights lie. And names of schemes lead to the controls and back.
import assert from "node:assert/strict";
import { after, before, describe } from "node:test";
import { BROWSERS, pictured, visit } from "./harness.mjs";

for (const browser of BROWSERS) {
  describe(`blame in ${browser}`, { timeout: 180_000 }, () => {
    let page;
    before(async () => {
      page = await visit(browser);
      await page.untilSettled();
    });
    after(() => page?.close());
    const promise = pictured(browser, () => page);

    const scheme = async () => (await page.data("app")).scheme;
    const choose = async (name) => {
      await page.choose("preset-select", name);
      await page.until(name, async () => (await scheme()) === name);
    };
    /** The table of the scheme in use, once it is there. */
    const blame = async () => {
      const name = await scheme();
      await page.run(() => document.querySelector('[data-testid="blame"]').scrollIntoView());
      await page.until(`blame of ${name}`, async () => (await page.data("blame")).scheme === name);
      const rows = await page.run(() =>
        [...document.querySelectorAll('[data-testid="blame"] tr[data-layer]')].map((row) => ({
          ...row.dataset,
        })),
      );
      return { ...(await page.data("blame")), rows };
    };

    promise("blames the one layer of softmax regression for everything", async () => {
      await page.until("the panel", () => page.run(() => !!document.querySelector('[data-testid="blame"]')));
      await choose("binary-per-channel");
      const { rows, quantizedCorrect, fp32Correct, total } = await blame();
      assert.equal(rows.length, 1);
      assert.equal(rows[0].onlyCorrect, quantizedCorrect);
      assert.equal(rows[0].withoutCorrect, fp32Correct);
      assert.equal(quantizedCorrect, (await page.data("quantized-accuracy")).correct);
      assert.equal(total, "360");
      assert.match(await page.text("blame-verdict"), /one layer/);
    });

    promise("asks nothing of models that nobody looks at", async () => {
      // Away from it, and the panel knows: a browser tells of what has left the screen in the order it was asked to.
      await page.run(async () => {
        scrollTo(0, 0);
        const panel = document.querySelector('[data-testid="blame"]');
        await new Promise((done) => {
          new IntersectionObserver(
            (entries, observer) => {
              if (entries.some(({ isIntersecting }) => isIntersecting)) return;
              observer.disconnect();
              done();
            },
            { rootMargin: "200px" },
          ).observe(panel);
        });
      });
      await choose("f16");
      await page.driver.sleep(300);
      assert.equal((await page.data("blame")).scheme, "binary-per-channel");
      const { rows } = await blame();
      assert.ok(Number(rows[0].weightsDb) > 60, rows[0].weightsDb);
    });

    promise("names the worst layer of a network, and keeps it in fp32 on a click", async () => {
      await page.run(() => scrollTo(0, 0));
      await page.click("slow-motion");
      await page.choose("model-select", "cnn");
      await page.type("field-epochs", "8");
      await page.click("train");
      await page.until("the network", async () => (await page.data("app")).model === "cnn");
      await page.untilSettled();
      await choose("binary-per-channel");
      const found = await blame();
      assert.equal(found.rows.length, 3);
      const lost = Number(found.fp32Correct) - Number(found.quantizedCorrect);
      assert.ok(lost > 20, `${lost} lost`);
      for (const row of found.rows) {
        assert.ok(
          Number(row.weightsDb) > 0 && Number(row.weightsDb) < 8,
          `one bit keeps ${row.weightsDb} dB`,
        );
        assert.ok(Number(row.outputsDb) < 15, row.outputsDb);
        assert.ok(Number(row.onlyCorrect) >= Number(found.quantizedCorrect), "one layer loses less than all");
      }
      // A figure opens into its formula, which gives it.
      await page.click("explain-weights-db-1");
      const { values, result } = await page.data("explanation-weights-db-1");
      const [signal, noise] = values
        .match(/[\d.,]+(?:e[+−]?\d+)?/g)
        .slice(-2)
        .map((x) => Number(x.replace(",", "")));
      assert.ok(Math.abs(10 * Math.log10(signal / noise) - Number(found.rows[0].weightsDb)) < 0.05, values);
      assert.equal(result, `${Number(found.rows[0].weightsDb).toFixed(1)}\u00a0dB`);
      const best = Math.max(...found.rows.map((row) => Number(row.withoutCorrect)));
      const { layer } = await page.data("blame-verdict");
      assert.equal(Number(found.rows[layer - 1].withoutCorrect), best);
      await page.click("blame-keep");
      const kept = ["first", "layer1", "last"][layer - 1];
      const name = `binary-per-channel-${kept}-f32`;
      await page.until(name, async () => (await scheme()) === name);
      assert.equal(Number((await page.data("quantized-accuracy")).correct), best, "as promised");
      assert.equal(await page.element(`${kept}-select`).getProperty("value"), "f32");
      const after = await blame();
      assert.equal(after.rows[layer - 1].weightsDb, "Infinity");
    });

    promise("shows where the weights lie, the values of the format, and what is cut off", async () => {
      await choose("int4-per-channel-mse");
      const { rows } = await blame();
      await page.run(() => document.querySelector('[data-testid="blame-weights-2"] summary').click());
      await page.until("the histogram", () =>
        page.run(
          () => document.querySelectorAll('[data-testid="blame-weights-2"] .histogram .bin').length > 60,
        ),
      );
      const drawn = await page.run(() => {
        const details = document.querySelector('[data-testid="blame-weights-2"]');
        const channels = [...details.querySelectorAll("tr[data-min]")].map((row) => ({ ...row.dataset }));
        return {
          levels: details.querySelectorAll(".level").length,
          cut: details.querySelectorAll(".cut").length,
          words: details.querySelector("figcaption").textContent,
          channels,
        };
      });
      assert.ok(drawn.levels > 8 && drawn.levels <= 15, `${drawn.levels} values`);
      assert.equal(drawn.channels.length, 16);
      const clipped = drawn.channels.reduce((sum, channel) => sum + Number(channel.clipped), 0);
      assert.equal(clipped, Number(rows[1].clipped));
      assert.equal(drawn.cut > 0, clipped > 0);
      assert.match(drawn.words, clipped > 0 ? /Hatched: \d+ weight/ : /None lies beyond/);
      for (const { min, max, scale } of drawn.channels) {
        assert.ok(Number(min) < Number(max) && Number(scale) > 0);
      }
    });

    promise("has a select for each layer, which sets and shows its format", async () => {
      await choose("int8-dynamic-per-tensor");
      await page.choose("layer1-select", "codebook16");
      const one = "int8-dynamic-per-tensor-layer1-codebook16";
      await page.until(one, async () => (await scheme()) === one);
      await page.choose("first-select", "ternary");
      const two = "int8-dynamic-per-tensor-first-ternary-layer1-codebook16";
      await page.until(two, async () => (await scheme()) === two);
      const { rows } = await blame();
      assert.deepEqual(
        rows.map(({ format }) => format),
        ["ternary", "codebook16", "int8"],
      );
      // A model without such layers forgets them.
      await page.choose("model-select", "softmax");
      await page.click("train");
      await page.until("softmax regression", async () => (await page.data("app")).model === "softmax");
      await page.untilSettled();
      assert.equal((await page.data("error")).code, "");
    });

    promise("complains of nothing", async () => {
      assert.deepEqual(await page.complaints(), []);
    });
  });
}

// The search, in every engine: within the loss it was allowed, never larger than the best uniform scheme, and what it
// found can be used at a click.
import assert from "node:assert/strict";
import { after, before, describe } from "node:test";
import { BROWSERS, pictured, visit } from "./harness.mjs";

for (const browser of BROWSERS) {
  describe(`search in ${browser}`, { timeout: 240_000 }, () => {
    let page;
    before(async () => {
      page = await visit(browser);
      await page.untilSettled();
    });
    after(() => page?.close());
    const promise = pictured(browser, () => page);

    const search = async (points) => {
      await page.run(() => document.querySelector('[data-testid="search"]').scrollIntoView());
      await page.type("search-points", String(points));
      await page.click("search-run");
      await page.until(
        `a result for ${points} points`,
        async () => {
          const data = await page.data("search-result").catch(() => null);
          const running = await page.run(() => !!document.querySelector('[data-testid="search-stop"]'));
          return !running && data?.points === String(points);
        },
        90_000,
      );
      return page.run(() =>
        Object.fromEntries(
          [...document.querySelectorAll('[data-testid="search-table"] tr[data-row]')].map((row) => [
            row.dataset.row,
            { ...row.dataset },
          ]),
        ),
      );
    };
    const check = ({ fp32, uniform, best }, points) => {
      assert.ok(Number(best.bytes) <= Number(uniform.bytes), `${best.bytes} for ${uniform.bytes}`);
      assert.ok(Number(uniform.bytes) < Number(fp32.bytes));
      for (const row of [uniform, best]) {
        for (const kind of ["correct", "varied"]) {
          const lost = (100 * (Number(fp32[kind]) - Number(row[kind]))) / Number(row.total);
          assert.ok(lost <= points, `${row.scheme} loses ${lost} ${kind}`);
        }
      }
    };

    promise("finds a scheme for softmax regression, which has no layers to mix", async () => {
      await page.until("the panel", () => page.run(() => !!document.querySelector('[data-testid="search"]')));
      const found = await search(1);
      check(found, 1);
      assert.equal(found.best.scheme, found.uniform.scheme);
      assert.equal(found.fp32.bytes, "2600");
    });

    promise("refuses a loss that is no number of points", async () => {
      for (const wrong of ["-1", "x", "101"]) {
        await page.type("search-points", wrong);
        assert.equal(await page.element("search-run").isEnabled(), false, wrong);
        assert.match(await page.complaintShown(), /0 to 100/);
      }
    });

    promise("mixes the formats of a network’s layers, and puts the mix to use", async () => {
      await page.run(() => scrollTo(0, 0));
      await page.click("slow-motion");
      await page.choose("model-select", "mlp");
      await page.type("field-epochs", "20");
      await page.click("train");
      await page.until("the network", async () => (await page.data("app")).model === "mlp");
      await page.untilSettled();
      const found = await search(0.5);
      check(found, 0.5);
      await page.click("search-use-best");
      await page.until("the mix", async () => (await page.data("app")).scheme === found.best.scheme);
      assert.equal((await page.data("quantized-accuracy")).correct, found.best.testCorrect);
      assert.equal((await page.data("quantized-size")).parameterBytes, found.best.bytes);
      const looser = await search(3);
      check(looser, 3);
      assert.ok(Number(looser.best.bytes) <= Number(found.best.bytes), "more loss needs no more bytes");
    });

    promise("can be stopped, and what was found before stays", async () => {
      const before = await page.data("search-result");
      await page.type("search-points", "2");
      // At once, before it ends.
      await page.run(() => {
        document.querySelector('[data-testid="search-run"]').click();
        const stop = () => document.querySelector('[data-testid="search-stop"]');
        const wait = () => (stop() ? stop().click() : requestAnimationFrame(wait));
        wait();
      });
      await page.until("the end", () =>
        page.run(() => !!document.querySelector('[data-testid="search-run"]')),
      );
      assert.deepEqual(await page.data("search-result"), before);
      assert.equal((await page.data("error")).code, "");
    });

    promise("complains of nothing", async () => {
      assert.deepEqual(await page.complaints(), []);
    });
  });
}

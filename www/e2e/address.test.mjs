// Whatever stands in the page's address: the page opens with models that answer drawings, says in a short sentence what
// it did not take, and neither breaks nor complains.
import assert from "node:assert/strict";
import { after, before, describe } from "node:test";
import { SEVEN } from "./digits.mjs";
import { BROWSERS, pictured, visit } from "./harness.mjs";

const long = (text, times) => text.repeat(times);

/** Addresses of which parts make no sense: those parts are refused, and the usual stands in. */
const REFUSED = [
  "?seed=1&seed=99999999999",
  "?seed=-0",
  "?seed=1e9",
  "?seed=%F0%9F%92%A9",
  "?seed=%D9%A1%D9%A2", // digits of another script
  "?seed=%",
  "?seed=%zz&scheme=%E0%A4",
  "?scheme=%00%0A%E2%80%AE",
  "?scheme=codebook99999999999999999999",
  `?scheme=${long("int8-", 800)}`,
  `?layers=${long("9", 4000)}&model=mlp`,
  "?model=mlp&layers=1e3",
  "?model=mlp&epochs=NaN&rate=Infinity&batch=-1",
  `?${Array.from({ length: 300 }, (_, i) => `seed=x${i}`).join("&")}`,
  "?open=__proto__&explain=constructor&tour=999999999999999999999",
  "?samples=0&calibration-seed=4294967296&correction=valueOf",
  "?model=mlp&model=%3Cscript%3Ealert(1)%3C/script%3E",
];

/** Addresses that can be read, but of which the core can make nothing: the usual models stand in. */
const UNMAKEABLE = [
  "?model=mlp&epochs=99999999999",
  "?model=mlp&batch=0",
  "?model=mlp&batch=1e300",
  "?model=mlp&rate=1e308",
  "?model=mlp&rate=-1e-300",
  "?model=mlp&validation=1",
  "?model=mlp&validation=-0.5",
  "?model=mlp&momentum=7&optimizer=sgd",
  "?model=mlp&layers=999999,999999",
  `?model=mlp&layers=${Array(2000).fill(1).join(",")}`,
  "?model=mlp&layers=0",
  "?model=cnn&layers=999999,1",
  "?model=mlp&rotation=1e9&scale=-5&shift=1e9&elastic=1e30&noise=-1",
  "?model=mlp&weightDecay=-1",
];

/** Addresses with nothing wrong in them, strange as they are. */
const TAKEN = [
  "?",
  "?&&&===&",
  "?__proto__=1&constructor=2&toString=3",
  "?seed=4294967295",
  "?seed=0000000007",
  "?samples=999999&scheme=int8-static-mse-per-tensor",
  "?seed=3&utm_source=%zz%%%&fbclid=%F0%9F%92%A9",
  `?nothing=${long("x", 6000)}`,
  "?explain=999999-999999-999999&open=blame-99",
  "?seed=1&seed=2&seed=3",
  "#%zz",
  "?seed=5#nowhere",
];

for (const browser of BROWSERS) {
  describe(`whatever stands in the address, in ${browser}`, { timeout: 240_000 }, () => {
    let page;
    before(async () => {
      page = await visit(browser);
      await page.untilState("ready");
    });
    after(() => page?.close());
    const promise = pictured(browser, () => page);

    const all = [];
    /** Chromium sees all of them, the others every third: what reads them is the same. */
    const some = (queries) => queries.filter((_, i) => browser === "chromium" || i % 3 === 0);
    /** Opens it as in a tab of its own; answers what the page says is wrong. */
    const open = async (query) => {
      all.push(...(await page.complaints()));
      await page.run(() => sessionStorage.clear());
      await page.driver.get("about:blank");
      await page.driver.get(page.server.url + query);
      await page.untilState("ready", 30_000);
      assert.equal(await page.run(() => typeof globalThis.complaints), "object");
      return { code: (await page.data("error")).code, text: await page.text("error") };
    };
    const usual = async () => {
      const { model, scheme } = await page.data("app");
      return `${model} ${scheme}`;
    };
    const answers = async () => {
      await page.draw(SEVEN);
      assert.match((await page.data("fp32-digit")).digit, /^\d$/);
      await page.click("pad-clear");
    };

    promise("what makes no sense is named shortly, and the rest stands", async () => {
      for (const query of some(REFUSED)) {
        const { code, text } = await open(query);
        assert.equal(code, "bad-link", query.slice(0, 80));
        assert.match(text, /makes no sense here; the usual setting stands in\.$/);
        assert.ok(text.length < 400, `${text.length} letters for ${query.slice(0, 80)}`);
        assert.match(await page.run(() => location.search), /^$|^\?(seed=1|model=mlp)$/, query.slice(0, 80));
      }
      await answers();
    });

    promise("what cannot be made is told with its reason, and the usual models stand in", async () => {
      for (const query of some(UNMAKEABLE)) {
        const { code, text } = await open(query);
        assert.equal(code, "bad-link", `${query.slice(0, 80)}: ${text}`);
        assert.match(text, /The usual settings stand in\.$/);
        assert.ok(text.length < 500, text);
        assert.equal(await usual(), "softmax int8-dynamic-per-tensor", query);
        assert.equal((await page.data("fp32-accuracy")).correct, "350");
        assert.equal(await page.run(() => location.search), "");
      }
      await answers();
    });

    promise("a run on files of one’s own is told apart from the same on the digits", async () => {
      for (const name of ["my digits.csv", long("é", 500)]) {
        const { code, text } = await open(`?data=${encodeURIComponent(name)}&seed=5`);
        assert.equal(code, "other-data");
        assert.ok(text.startsWith(`This link is of a run on ${name.slice(0, 13)}`), text);
        assert.ok(text.length < 300, text);
        assert.equal(await page.run(() => location.search), "?seed=5");
      }
    });

    promise("what is strange but right is taken", async () => {
      for (const query of some(TAKEN)) {
        const { code, text } = await open(query);
        assert.equal(code, "", `${query.slice(0, 80)}: ${text}`);
        assert.ok(Number((await page.data("fp32-accuracy")).correct) > 330, query);
      }
      await answers();
    });

    promise("has said nothing wrong on the console", async () => {
      assert.deepEqual([...all, ...(await page.complaints())], []);
    });
  });
}

// A link made on one machine makes the same models on another, to the bit: in a second profile and in every other engine
// (which run other builds of the core), what is handed out has the same hash.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { BROWSERS, visit } from "./harness.mjs";

/** Runs before the page's own scripts: of files that it hands out the hash is kept, and they go nowhere. */
const HASH_FILES = `
  globalThis.hashes = [];
  URL.createObjectURL = (blob) => {
    blob.arrayBuffer().then(async (bytes) => {
      const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
      hashes.push([...hash].map((byte) => byte.toString(16).padStart(2, "0")).join(""));
    });
    return "#";
  };
  HTMLAnchorElement.prototype.click = () => {};`;

/** What a visitor chooses in the first browser, and the link that comes of it. */
const RUNS = {
  "softmax regression": {
    link: "?seed=7&c=0.1&scheme=int8-static-entropy-per-channel&samples=40&calibration-seed=3",
    async make(page) {
      await page.type("seed", "7");
      await page.choose("regularization", "0.1");
      await page.click("train");
      await page.until("the training", async () =>
        (await page.run(() => location.search)).includes("seed=7"),
      );
      await untilIdle(page);
      await page.choose("granularity-select", "per-channel");
      await untilIdle(page);
      await page.choose("activation-select", "static-entropy");
      await untilIdle(page);
      await page.run(() => {
        for (const [id, value] of [
          ["calibration-samples", "40"],
          ["calibration-seed", "3"],
        ]) {
          const input = document.querySelector(`[data-testid="${id}"]`);
          input.value = value;
          input.dispatchEvent(new Event("input", { bubbles: true }));
          input.dispatchEvent(new Event("change", { bubbles: true }));
        }
      });
    },
  },
  "a short MLP": {
    link: "?model=mlp&seed=3&epochs=4&layers=24&scheme=int4-dynamic-per-tensor",
    async make(page) {
      await page.choose("model-select", "mlp");
      await page.type("seed", "3");
      await page.type("field-layers", "24");
      await page.type("field-epochs", "4");
      await page.click("train");
      await page.until("the training", async () => (await page.data("app")).model === "mlp");
      await untilIdle(page);
      await page.choose("format-select", "int4");
    },
  },
  "quantization-aware training": {
    link: "?scheme=ternary-dynamic-per-tensor-qat",
    async make(page) {
      await page.choose("format-select", "ternary");
      await untilIdle(page);
      await page.choose("method-select", "qat");
    },
  },
};

const untilIdle = (page) => page.until("an idle page", () => page.element("train").isEnabled(), 60_000);

describe("a link", { timeout: 400_000 }, () => {
  const pages = [];
  let first;
  before(async () => {
    // The first engine twice: the visitor's own browser, and another profile of it.
    for (const browser of [BROWSERS[0], ...BROWSERS]) {
      const page = await visit(browser, { server: { inject: HASH_FILES } });
      pages.push(page);
      await page.untilSettled();
    }
    first = pages.shift();
  });
  after(() => Promise.all([first, ...pages].map((page) => page?.close())));

  /** Of both models' files. */
  const hashes = async (page) => {
    const count = await page.run(() => globalThis.hashes.length);
    for (const side of ["fp32", "quantized"]) {
      const done = await page.run(() => globalThis.hashes.length);
      await page.run((id) => document.querySelector(id).click(), `[data-testid="export-${side}"]`);
      await page.until("the file", async () => (await page.run(() => globalThis.hashes.length)) > done);
    }
    return page.run((from) => globalThis.hashes.slice(from), count);
  };
  const sorted = (search) => String(new URLSearchParams([...new URLSearchParams(search)].sort()));
  const fresh = async (page, search) => {
    await page.run(() => sessionStorage.clear());
    await page.driver.get(page.server.url + search);
    await page.untilState("ready", 60_000);
    await untilIdle(page);
  };

  for (const [name, { link, make }] of Object.entries(RUNS)) {
    it(`to ${name} makes the same models in another profile and in every engine`, async () => {
      await fresh(first, "");
      const usual = await hashes(first);
      await make(first);
      await first.until(
        "the link",
        async () => sorted(await first.run(() => location.search)) === sorted(link),
        60_000,
      );
      await untilIdle(first);
      const made = await hashes(first);
      assert.notEqual(made[1], usual[1]);
      for (const page of pages) {
        await fresh(page, await first.run(() => location.search));
        assert.equal((await page.data("error")).code, "", page.browser);
        const { backend } = await page.data("app");
        assert.deepEqual(await hashes(page), made, `${page.browser} (${backend})`);
      }
    });
  }

  it("leaves no complaint on any console", async () => {
    for (const page of [first, ...pages]) assert.deepEqual(await page.complaints(), [], page.browser);
  });
});

// What could lose the visitor's work does not: a crash of the tab, a browser without room left, a database that a newer
// version of the page has written, or one that a newer version takes over while the page is open.
import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import WebSocket from "ws";
import { SEVEN } from "./digits.mjs";
import { BROWSERS, visit } from "./harness.mjs";

/** Longer than a run must rest to be noted and written down with its tab, in ms. */
const NOTED = 1600;

/** How long a page waits for what its tab showed before, in ms. */
const PATIENCE = 3000;

/** A database of a version of the page that this one cannot know, with its stores as they might be then. */
const NEWER_VERSION = `
  if (sessionStorage.getItem("newer") === null) {
    sessionStorage.setItem("newer", "made");
    const opening = indexedDB.open("quantpad", 1000);
    opening.onupgradeneeded = () => {
      const runs = opening.result.createObjectStore("runs", { keyPath: "number" });
      runs.add({ number: 1, of: "another form" });
      opening.result.createObjectStore("classes");
    };
    opening.onsuccess = () => opening.result.close();
  }`;

/** A disk that is full: nothing more can be written. */
const FULL = `
  for (const method of ["add", "put"]) {
    const original = IDBObjectStore.prototype[method];
    IDBObjectStore.prototype[method] = function (...values) {
      const request = original.apply(this, values);
      const get = () => new DOMException("no room", "QuotaExceededError");
      for (const one of [request, this.transaction]) Object.defineProperty(one, "error", { get });
      this.transaction.abort();
      return request;
    };
  }`;

/** Speaks to a tab of Chromium past its driver, which gives up a tab that has crashed. */
async function attach(driver, url) {
  const { debuggerAddress } = (await driver.getCapabilities()).get("goog:chromeOptions");
  const { webSocketDebuggerUrl } = await (await fetch(`http://${debuggerAddress}/json/version`)).json();
  const socket = new WebSocket(webSocketDebuggerUrl);
  await new Promise((open, fail) => socket.once("open", open).once("error", fail));
  const waiting = new Map();
  let last = 0;
  let sessionId;
  const send = (method, params = {}) =>
    new Promise((done, fail) => {
      waiting.set(++last, { done, fail });
      socket.send(JSON.stringify({ id: last, method, params, ...(sessionId && { sessionId }) }));
    });
  socket.on("message", (text) => {
    const { id, result, error } = JSON.parse(text);
    const one = waiting.get(id);
    waiting.delete(id);
    if (error) one?.fail(new Error(error.message));
    else one?.done(result);
  });
  const { targetInfos } = await send("Target.getTargets");
  const { targetId } = targetInfos.find((target) => target.url === url);
  ({ sessionId } = await send("Target.attachToTarget", { targetId, flatten: true }));
  return { send, close: () => socket.close() };
}

for (const browser of BROWSERS) {
  describe(`nothing is lost in ${browser}`, { timeout: 120_000 }, () => {
    let page;
    afterEach(async (test) => {
      await page?.picture(`lost ${browser} ${test.name}`.replace(/\W+/g, "-")).catch(() => {});
      await page?.close();
      page = undefined;
    });

    /** Of a page that may only just be coming. */
    const count = () => page.run(() => document.querySelector('[data-testid="runs"]')?.dataset.count);
    const error = () => page.data("error");
    const quantize = async (format) => {
      await page.choose("format-select", format);
      await page.until(format, async () => (await page.data("app")).scheme.startsWith(format));
    };
    const answers = async () => {
      await page.draw(SEVEN);
      for (const side of ["fp32", "quantized"]) assert.equal((await page.data(`${side}-digit`)).digit, "7");
    };
    const notKept = (words) =>
      page.until("a sentence", async () => {
        const { code } = await error();
        return code === "not-kept" && words.test(await page.text("error"));
      });

    it("without room left the page says so once, and goes on", async () => {
      page = await visit(browser, { server: { inject: FULL } });
      await page.untilState("ready");
      await notKept(/no room left/);
      await quantize("int4");
      await page.until("a second run", async () => (await count()) === "2");
      assert.equal((await error()).code, "", "said once");
      await answers();
      await page.click("teach-7");
      await notKept(/no room left.*drawing/);
      assert.equal((await page.data("own-drawings")).count, "1", "it serves until the page is closed");
      await page.click("fine-tune");
      await page.until(
        "models that have learned",
        async () => (await page.data("own-drawings")).tuned === "1",
      );
      assert.deepEqual(await page.complaints(), []);
    });

    it("a page left while it writes keeps the next ones from nothing, and writes when it is come back to", async () => {
      page = await visit(browser);
      await page.untilSettled();
      await page.driver.sleep(NOTED);
      const queries = ["?seed=5", "?seed=6", "?model=mlp&epochs=3", ""];
      for (const query of [...queries, ...queries]) {
        await page.driver.get(page.server.url + query);
        await page.untilState("ready");
        const ready = await page.run(() => performance.getEntriesByName("ready")[0].startTime);
        assert.ok(ready < PATIENCE, `ready after ${ready} ms: the database has not answered`);
      }
      for (let i = 0; i < 2; i++) {
        await page.run(() => history.back());
        await page.driver.sleep(300);
      }
      await page.untilState("ready");
      await page.until("a run", () => page.run(() => document.querySelector('[data-used="true"]') !== null));
      const runs = Number(await count());
      await page.driver.get(page.server.url);
      await page.until("the runs", async () => Number(await count()) >= runs);
      assert.deepEqual(await page.complaints(), []);
    });

    it("what a newer version of the page has written is left alone, and the page says so and goes on", async () => {
      page = await visit(browser, { server: { inject: NEWER_VERSION } });
      await page.untilState("ready");
      await notKept(/newer version/);
      await quantize("int4");
      await page.until("a second run", async () => (await count()) === "2");
      assert.equal((await error()).code, "", "said once");
      await answers();
      const read = (done) => {
        const opening = indexedDB.open("quantpad");
        opening.onsuccess = () => {
          const db = opening.result;
          const reading = db.transaction("runs").objectStore("runs").getAll();
          reading.onsuccess = () => {
            db.close();
            done({ version: db.version, runs: reading.result });
          };
        };
      };
      const kept = await page.driver.executeAsyncScript(read);
      assert.deepEqual(kept, { version: 1000, runs: [{ number: 1, of: "another form" }] });
      await page.click("delete-everything");
      await page.until("its deletion", async () => {
        const { runs } = await page.driver.executeAsyncScript(read).catch(() => ({}));
        return runs?.length === 0;
      });
      await page.untilState("ready");
      assert.deepEqual(await page.complaints(), []);
    });

    it("a newer version that comes while the page is open takes the database over, and the page goes on", async () => {
      page = await visit(browser);
      await page.untilState("ready");
      await page.until("a run", async () => (await count()) === "1");
      const taken = await page.driver.executeAsyncScript((done) => {
        const opening = indexedDB.open("quantpad", 3);
        opening.onblocked = () => done("blocked");
        opening.onsuccess = () => {
          opening.result.close();
          done("taken");
        };
      });
      assert.equal(taken, "taken");
      await quantize("int4");
      await notKept(/newer version/);
      await answers();
      assert.deepEqual(await page.complaints(), []);
    });

    if (browser === "chromium") {
      it("after a crash of the tab drawing, models and settings are there again", async () => {
        page = await visit(browser);
        await page.untilState("ready");
        const { driver } = page;
        const first = await driver.getWindowHandle();
        await driver.switchTo().newWindow("tab");
        await driver.get(`${page.server.url}?seed=5`);
        await page.untilState("ready");
        await quantize("ternary");
        await answers();
        await page.driver.sleep(NOTED);
        const before = {
          search: await page.run(() => location.search),
          pixels: (await page.data("model-input")).values,
          correct: (await page.data("quantized-accuracy")).correct,
          runs: await count(),
        };
        const tab = await attach(driver, await driver.getCurrentUrl());
        await driver.switchTo().window(first);
        // It answers with the crash, or not at all.
        void tab.send("Page.crash").catch(() => {});
        await driver.sleep(500);
        await tab.send("Page.reload");
        const state = async () => {
          const expression = `(() => {
            const data = (id) => document.querySelector('[data-testid="' + id + '"]').dataset;
            if (data("app").state !== "ready") return "";
            return JSON.stringify({
              search: location.search,
              pixels: data("model-input").values,
              correct: data("quantized-accuracy").correct,
              runs: data("runs").count,
              complaints,
            });
          })()`;
          const { result } = await tab.send("Runtime.evaluate", { expression });
          return result.value;
        };
        await page.until("the page", () => state().catch(() => ""));
        await driver.sleep(NOTED);
        assert.deepEqual(JSON.parse(await state()), { ...before, complaints: [] });
        tab.close();
      });

      it("a browser that grants the page no room is a page that goes on", async () => {
        // The browser reckons with what room there was for some time, so it has none from the beginning.
        page = await visit(browser, { path: "icon.svg" });
        const { origin } = new URL(page.server.url);
        await page.driver.sendDevToolsCommand("Storage.overrideQuotaForOrigin", { origin, quotaSize: 1 });
        await page.driver.get(page.server.url);
        await page.untilState("ready");
        await notKept(/no room left/);
        await quantize("ternary");
        await page.until("a second run", async () => (await count()) === "2");
        assert.equal((await error()).code, "", "said once");
        await answers();
        // The picture has no icon of its own, and the browser looks for one, at some time.
        assert.deepEqual(
          (await page.complaints()).filter((complaint) => !complaint.includes("/favicon.ico")),
          [],
        );
      });
    }
  });
}

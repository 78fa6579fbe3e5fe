// When something fails, the page says what in words, and what still can work does.
import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import { SEVEN } from "./digits.mjs";
import { visit } from "./harness.mjs";

// Lets the test end the page's workers as a crash would: dead, with an error event.
const CRASHABLE_WORKERS = `{
  const workers = [];
  globalThis.Worker = class extends globalThis.Worker {
    constructor(...args) {
      super(...args);
      workers.push(this);
    }
  };
  globalThis.crashWorkers = () => {
    // Only those of now: the page answers a crash with a new worker.
    const crashed = workers.splice(0);
    for (const worker of crashed) {
      worker.terminate();
      worker.dispatchEvent(new ErrorEvent('error', { message: 'out of memory', cancelable: true }));
    }
    return crashed.length;
  };
}`;

describe("page errors", { timeout: 120_000 }, () => {
  let page;
  afterEach(async (test) => {
    await page?.picture(`error ${test.name}`.replace(/\W+/g, "-")).catch(() => {});
    await page?.close();
    page = undefined;
  });

  const shownError = async () => {
    const code = await page.until("an error", async () => (await page.data("error")).code);
    assert.ok(await page.element("error").isDisplayed());
    return { code, text: await page.text("error") };
  };

  const answersDrawing = async () => {
    await page.draw(SEVEN);
    for (const side of ["fp32", "quantized"]) assert.equal((await page.data(`${side}-digit`)).digit, "7");
  };

  it("without SIMD the page works on the scalar kernels, and says so", async () => {
    // What wasm-feature-detect asks.
    page = await visit("chromium", { server: { inject: "WebAssembly.validate = () => false;" } });
    await page.untilState("ready");
    assert.equal((await page.data("app")).backend, "scalar");
    const { code, text } = await shownError();
    assert.equal(code, "no-simd");
    assert.match(text, /SIMD/);
    assert.equal((await page.data("fp32-accuracy")).correct, "350");
    const modules = page.server.requests
      .map(({ path }) => /\w+(?=-[^/]*\.wasm$)/.exec(path)?.[0])
      .filter(Boolean);
    // The page asks for the SIMD build of its own part before any script can tell.
    assert.deepEqual(modules.sort(), ["page_scalar", "page_simd128", "quantpad_scalar"]);
    await answersDrawing();
    // After some seconds Chromium complains of a preload that nobody has taken.
    await page.driver.sleep(6000);
    assert.deepEqual(await page.complaints(), []);
  });

  it("a module that cannot be loaded is named with its address and status", async () => {
    page = await visit("chromium", { server: { missing: (path) => path.endsWith(".wasm") } });
    await page.untilState("error");
    const { code, text } = await shownError();
    assert.equal(code, "wasm-load");
    const { path } = page.server.requests.find(({ status }) => status === 404);
    assert.ok(text.includes(path), `${text} names ${path}`);
    assert.match(text, /404/);
  });

  it("without WebAssembly the page says so", async () => {
    page = await visit("chromium", { server: { inject: "delete globalThis.WebAssembly;" } });
    await page.untilState("error");
    const { code, text } = await shownError();
    assert.equal(code, "no-wasm");
    assert.match(text, /WebAssembly/);
  });

  it("a worker that cannot be loaded is asked for once, and again by Train", async () => {
    let there = false;
    page = await visit("chromium", { server: { missing: (path) => !there && path.includes("worker") } });
    await page.until("what is wrong", async () => (await page.data("error")).code !== "");
    await answersDrawing();
    const { code, text } = await shownError();
    assert.equal(code, "worker-crashed");
    assert.match(text, /Train/);
    const asked = () => page.server.requests.filter(({ path }) => path.includes("worker")).length;
    assert.equal(asked(), 1);
    await page.driver.sleep(500);
    assert.equal(asked(), 1, "no loop of new workers");
    there = true;
    await page.click("train");
    await page.untilSettled();
    assert.equal((await page.data("fp32-accuracy")).correct, "350");
    assert.equal((await page.data("error")).code, "");
    await answersDrawing();
  });

  it("without the workers' module drawings are answered, and the page says what it could not load", async () => {
    page = await visit("chromium", { server: { missing: (path) => /quantpad_\w+.*\.wasm$/.test(path) } });
    await page.untilState("ready");
    await answersDrawing();
    await page.until("what is wrong", async () => (await page.data("error")).code === "wasm-load");
    assert.match((await shownError()).text, /404/);
  });

  it("after a crash of the worker drawings are answered, and training works again", async () => {
    page = await visit("chromium", { server: { inject: CRASHABLE_WORKERS } });
    await page.untilState("ready");
    const accuracy = await page.data("fp32-accuracy");
    // Not over before the crash, however slow the driver is.
    await page.choose("model-select", "mlp");
    await page.type("field-epochs", "3000");
    await page.click("train");
    await page.until("a training in progress", async () => (await page.data("progress")).job === "train");
    assert.ok((await page.run(() => globalThis.crashWorkers())) > 0);

    const { code, text } = await shownError();
    assert.equal(code, "worker-crashed");
    assert.ok(text.length > 20, text);
    assert.equal((await page.data("progress")).job, "");
    assert.deepEqual(await page.data("fp32-accuracy"), accuracy);
    await answersDrawing();

    await page.type("field-epochs", "3");
    await page.click("train");
    await page.until("the end of the training", async () => {
      const { epoch, job } = await page.data("progress");
      return job === "" && epoch && (await page.data("error")).code === "";
    });
    await page.untilState("ready");
  });
});

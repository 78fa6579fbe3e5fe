// What a visit costs: the server sends compressed files to those who take them, and few bytes are needed for the first drawing.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { get } from "node:http";
import { after, before, describe, it } from "node:test";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { startServer } from "../serve.mjs";
import { visit } from "./harness.mjs";

const DIST = new URL("../dist/", import.meta.url);

describe("the server", () => {
  let server;
  before(async () => {
    server = await startServer();
  });
  after(() => server.close());

  const ask = (path, headers) =>
    new Promise((done, fail) => {
      get(server.url + path, { headers }, async (response) => {
        const body = Buffer.concat(await response.toArray());
        done({ status: response.statusCode, headers: response.headers, body });
      }).once("error", fail);
    });
  const wasm = `assets/${readdirSync(new URL("assets", DIST)).find((name) => /^page_simd128.*\.wasm$/.test(name))}`;

  for (const [path, type] of [
    [wasm, "application/wasm"],
    ["index.html", "text/html;charset=utf-8"],
    ["sw.js", "text/javascript"],
    ["manifest.webmanifest", "application/manifest+json"],
  ]) {
    it(`sends ${path.replace(/-.*(?=\.)/, "")} compressed as asked, under its own type`, async () => {
      const original = readFileSync(new URL(path, DIST));
      const tags = new Set();
      for (const [accept, encoding, open] of [
        ["gzip, deflate, br", "br", brotliDecompressSync],
        ["gzip, deflate", "gzip", gunzipSync],
        ["identity", undefined, (body) => body],
      ]) {
        const { status, headers, body } = await ask(path, { "Accept-Encoding": accept });
        assert.equal(status, 200);
        assert.equal(headers["content-encoding"], encoding);
        assert.equal(headers["content-type"], type);
        assert.equal(headers.vary, "Accept-Encoding");
        assert.equal(Number(headers["content-length"]), body.length);
        assert.deepEqual(open(body), original);
        tags.add(headers.etag);
        const again = await ask(path, { "Accept-Encoding": accept, "If-None-Match": headers.etag });
        assert.equal(again.status, 304);
      }
      assert.equal(tags.size, 3, "no two encodings are taken for the same");
    });
  }
});

describe("a first visit", { timeout: 60_000 }, () => {
  let page;
  after(() => page?.close());

  it("is ready for a drawing after at most 200 KB, and keeps the page with at most 450 KB", async (test) => {
    page = await visit("chromium");
    await page.untilState("ready");
    await page.until("kept", async () => (await page.data("kept")).kept === "true");
    const files = await page.run(() => {
      const ready = performance.getEntriesByName("ready")[0].startTime;
      return [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")].map(
        ({ name, startTime, transferSize }) => [name, transferSize, startTime < ready],
      );
    });
    const bytes = (chosen) => chosen.reduce((sum, [, size]) => sum + size, 0);
    const first = bytes(files.filter(([, , early]) => early));
    // The page knows nothing of the service worker's requests; but these find every asset in the browser's cache.
    const assets = page.server.requests.map(({ path }) => path).filter((path) => path.includes("/assets/"));
    assert.deepEqual(assets, [...new Set(assets)], "nothing is sent twice");
    const all = bytes(files) + readFileSync(new URL("sw.js.br", DIST)).length;
    test.diagnostic(`until ready ${first} bytes, in all ${all} bytes`);
    assert.ok(first <= 200_000, `${first} bytes until ready: ${JSON.stringify(files)}`);
    assert.ok(all <= 450_000, `${all} bytes in all: ${JSON.stringify(files)}`);
  });
});

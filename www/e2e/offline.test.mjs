// The page is kept on the visitor's device: it works without its server, and a new version is taken whole, when the visitor says.
import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe } from "node:test";
import { fileURLToPath } from "node:url";
import { startServer } from "../serve.mjs";
import { SEVEN } from "./digits.mjs";
import { BROWSERS, pictured, visit } from "./harness.mjs";

const DIST = fileURLToPath(new URL("../dist", import.meta.url));
const FOLDER = "some/folder/";
/** What the names of the new version's files say. */
const NEW = "-NEW";

/** A host's root with the page in a folder. */
function host(name) {
  const root = mkdtempSync(join(tmpdir(), `quantpad-${name}-`));
  // Compressed files would still be of the old version once the names are changed.
  cpSync(DIST, join(root, FOLDER), { recursive: true, filter: (path) => !/\.(br|gz)$/.test(path) });
  return root;
}

/** The same page, as if every file had changed: all names under assets/ are others. */
function makeNew(root) {
  const folder = join(root, FOLDER);
  const assets = readdirSync(join(folder, "assets"));
  const renamed = assets.map((name) => [name, name.replace(/-.{4}(.{4}\.\w+)$/, `${NEW}$1`)]);
  for (const [before, now] of renamed)
    renameSync(join(folder, "assets", before), join(folder, "assets", now));
  for (const name of readdirSync(folder, { recursive: true })) {
    if (!/\.(html|js|css)$/.test(name)) continue;
    let text = readFileSync(join(folder, name), "utf8");
    for (const [before, now] of renamed) text = text.replaceAll(before, now);
    if (name === "sw.js") text = text.replace(/("revision":)"\w+"(,"url":"index\.html")/, '$1"new"$2');
    writeFileSync(join(folder, name), text);
  }
}

for (const browser of BROWSERS) {
  describe(`kept on the device, in ${browser}`, { timeout: 180_000 }, () => {
    let page;
    const roots = {};
    const promise = pictured(browser, () => page);

    before(async () => {
      Object.assign(roots, { first: host("first"), next: host("next"), torn: host("torn") });
      makeNew(roots.next);
      makeNew(roots.torn);
      cpSync(join(roots.first, FOLDER, "index.html"), join(roots.torn, FOLDER, "index.html"));
      page = await visit(browser, { path: FOLDER, server: { dir: roots.first } });
    });
    after(async () => {
      await page?.close();
      for (const root of Object.values(roots)) rmSync(root, { recursive: true });
    });

    /** As a visitor does; Firefox's driver asks the network. */
    const reload = async () => {
      await page.run(() => {
        document.documentElement.dataset.before = "";
        location.reload();
      });
      await page.until("the reloaded page", () =>
        page.run(() => !("before" in document.documentElement.dataset)).catch(() => false),
      );
      await page.untilState("ready");
    };
    const answers = async () => {
      await page.draw(SEVEN);
      for (const side of ["fp32", "quantized"]) assert.equal((await page.data(`${side}-digit`)).digit, "7");
    };
    const kept = () => page.until("kept", async () => (await page.data("kept")).kept === "true");
    const announced = async () => (await page.data("update")).newer === "true";
    /** From now on the server, at the same address, has these files. */
    const serve = async (dir) => {
      const port = Number(new URL(page.server.url).port);
      await page.server.close();
      page.server = await startServer({ port, dir });
    };
    /** The files that the page has asked for, by name. */
    const loaded = () =>
      page.run(() =>
        [...document.querySelectorAll("script[src], link[rel=stylesheet]")]
          .map((element) => element.src ?? element.href)
          .concat(performance.getEntriesByType("resource").map((entry) => entry.name))
          .filter((name) => name.includes("/assets/")),
      );
    const inCache = () =>
      page.run(async () => {
        const names = [];
        for (const key of await caches.keys()) {
          for (const { url } of await (await caches.open(key)).keys()) names.push(url);
        }
        return names;
      });
    /** What the page itself has said wrong: the recorder is not among the files that are kept. */
    const consoleErrors = async () => {
      if (browser !== "chromium") return [];
      const entries = await page.driver.manage().logs().get("browser");
      const ours = entries.filter(
        ({ level, message }) => level.value >= 900 && !/injected-by-test|favicon/.test(message),
      );
      return ours.map(({ message }) => message);
    };
    const askForUpdate = () =>
      page.run(async () => void (await (await navigator.serviceWorker.getRegistration()).update()));

    promise(
      "one visit keeps the page, with the one build of each part of the core that runs here",
      async () => {
        await page.untilState("ready");
        const { backend } = await page.data("app");
        await kept();
        assert.deepEqual(await page.complaints(), []);
        const modules = (await inCache()).filter((url) => url.endsWith(".wasm"));
        const builds = [/page_simd128-/, new RegExp(`quantpad_${backend}-`)];
        const runs = (address) => builds.some((build) => build.test(address));
        assert.ok(modules.length === 2 && modules.every(runs), modules.join());
        const asked = page.server.requests.map(({ path }) => path).filter((path) => path.endsWith(".wasm"));
        assert.ok(asked.every(runs), asked.join());
      },
    );

    promise("without its server it opens, answers drawings and trains", async () => {
      await page.server.close();
      await reload();
      await answers();
      await page.type("seed", "7");
      await page.click("train");
      await page.until("the training", async () =>
        (await page.run(() => location.search)).includes("seed=7"),
      );
      await page.untilState("ready");
      assert.equal((await page.data("error")).code, "");
      await answers();
    });

    promise("without its server it opens by a link with settings", async () => {
      await page.driver.get(`${page.server.url}${FOLDER}?seed=3`);
      await page.untilState("ready");
      assert.equal(await page.run(() => document.querySelector('[data-testid="seed"]').value), "3");
      assert.equal((await page.data("error")).code, "");
    });

    promise("without its server it says in words which instruction sets it cannot compare", async () => {
      await page.driver.get(`${page.server.url}${FOLDER}`);
      await page.untilSettled();
      const { backend } = await page.data("app");
      await page.click("compare-backends");
      await page.until("a sentence", async () => (await page.data("error")).code === "offline");
      const said = await page.text("error");
      assert.match(
        said,
        /^Not measured: .*scalar\. Only the build that this browser uses is kept on this device/,
      );
      assert.ok(!said.includes(` ${backend}`), said);
      const measured = () =>
        page.run(() =>
          [...document.querySelectorAll("[data-backend][data-batch]")].map((row) => row.dataset),
        );
      assert.deepEqual([...new Set((await measured()).map((row) => row.backend))], [backend]);
      // The panels loaded last, and the part of the core that explains.
      await answers();
      await page.run(() => document.getElementById("explain").scrollIntoView());
      await page.until("an explanation", async () => (await page.data("explain")).result !== "");
      assert.deepEqual(await consoleErrors(), []);
    });

    promise("a page and files of two versions are refused", async () => {
      await serve(roots.torn);
      await askForUpdate().catch(() => {});
      await page.until("the attempt", () =>
        page.server.requests.some(({ path }) => path.endsWith("index.html")),
      );
      await page.driver.sleep(1000);
      assert.equal(await announced(), false);
      await reload();
      assert.ok((await loaded()).every((name) => !name.includes(NEW)));
    });

    promise("a new version is announced, and waits: the page stays of one version", async () => {
      await serve(roots.next);
      await reload();
      await page.until("the announcement", announced);
      await reload();
      await page.until("the announcement again", announced);
      await kept();
      const names = await loaded();
      assert.ok(names.some((name) => name.endsWith(".wasm")));
      assert.ok(
        names.every((name) => !name.includes(NEW)),
        names.join("\n"),
      );
      await answers();
    });

    promise("the new version is taken whole, in place of the old, and the drawing stays", async () => {
      const { strokes } = await page.data("pad");
      await page.driver.sleep(500); // the drawing is written down when it has rested
      const other = await page.driver.getWindowHandle();
      // WebKit's driver does not come back from a tab, but from a window.
      await page.driver.switchTo().newWindow(browser === "webkit" ? "window" : "tab");
      await page.driver.get(`${page.server.url}${FOLDER}`);
      await page.untilState("ready");
      await page.until("the announcement here too", announced);
      const taking = await page.driver.getWindowHandle();
      await page.driver.switchTo().window(other);
      const search = await page.run(() => location.search);
      await page.click("update-now");
      await page.until("the new page", async () => {
        const names = await loaded().catch(() => []);
        return names.some((name) => name.includes(NEW));
      });
      await page.untilState("ready");
      await kept();
      const names = await loaded();
      assert.ok(names.some((name) => name.endsWith(".wasm")));
      assert.ok(
        names.every((name) => name.includes(NEW)),
        names.join("\n"),
      );
      assert.equal(await announced(), false);
      assert.equal((await page.data("pad")).strokes, strokes);
      assert.equal(await page.run(() => location.search), search);

      // The other tab stays as it is until it is told to.
      await page.driver.switchTo().window(taking);
      assert.ok((await loaded()).every((name) => !name.includes(NEW)));
      assert.ok(await announced());
      // Its files are gone from the server, and its worker and panels come from what is kept.
      const oldOnes = async () =>
        (await inCache()).filter((url) => url.includes("/assets/") && !url.includes(NEW));
      assert.ok((await oldOnes()).some((url) => url.includes("worker")));
      await page.choose("model-select", "mlp");
      await page.type("field-epochs", "3000");
      await page.click("train");
      await page.until("a training", async () => (await page.data("progress")).job === "train");
      assert.equal(await page.element("update-now").isEnabled(), false);
      assert.match(await page.text("update"), /later: a training is under way/);
      await page.click("cancel");
      await page.until("an idle page", () => page.element("train").isEnabled());
      await page.type("field-epochs", "3");
      await page.click("train");
      await page.until("a network", async () => (await page.data("app")).model === "mlp");
      assert.equal((await page.data("error")).code, "");
      const fetched = await page.driver.executeAsyncScript(
        (url, done) => {
          fetch(url, { cache: "reload" }).then(({ status }) => done(status));
        },
        (await oldOnes()).find((url) => url.includes("worker")),
      );
      assert.equal(fetched, 200);
      await page.until("an idle page", () => page.element("sweep-run").isEnabled());
      await page.click("sweep-run");
      await page.until("the comparison", async () => /comparison of every/.test(await page.text("update")));
      assert.equal(await page.element("update-now").isEnabled(), false);
      await page.click("sweep-cancel");
      await page.until("its end", () => page.element("update-now").isEnabled());
      await page.click("update-now");
      await page.until("the new page", async () =>
        (await loaded().catch(() => [])).some((name) => name.includes(NEW)),
      );
      await page.untilState("ready");
      assert.equal(await announced(), false);

      // They are forgotten when a page opens that is the only one.
      await page.driver.close();
      await page.driver.switchTo().window(other);
      await reload();
      await page.until("the old files to be gone", async () => (await oldOnes()).length === 0);
    });

    promise("a page that is open since the first visit takes the new version too", async () => {
      await page.close();
      page = await visit(browser, { path: FOLDER, server: { dir: roots.first } });
      await page.untilState("ready");
      await kept();
      await serve(roots.next);
      await askForUpdate();
      await page.until("the announcement", announced);
      await page.click("update-now");
      await page.until("the new page", async () =>
        (await loaded().catch(() => [])).some((name) => name.includes(NEW)),
      );
      await page.untilState("ready");
      assert.ok((await loaded()).every((name) => name.includes(NEW)));
    });

    if (browser === "chromium") {
      promise("can be installed", async () => {
        const ask = (command) => page.driver.sendAndGetDevToolsCommand(command, {});
        const { url, errors } = await ask("Page.getAppManifest");
        assert.equal(url, `${page.server.url}${FOLDER}manifest.webmanifest`);
        assert.deepEqual(errors, []);
        const { installabilityErrors } = await ask("Page.getInstallabilityErrors");
        assert.deepEqual(installabilityErrors, []);
      });
    }
  });
}

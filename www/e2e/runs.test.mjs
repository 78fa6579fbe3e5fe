// Nothing is lost, in every engine: runs are noted, used again, named, compared, deleted, handed out; settings are undone
// and redone; all of it, the drawing and the models that learned from own drawings or data come back after a reload; two
// tabs leave each other's work alone; what is deleted is gone; and a browser that keeps nothing is told of once.
import assert from "node:assert/strict";
import { after, afterEach, before, describe } from "node:test";
import { By } from "selenium-webdriver";
import { assertAccessible, chooseTheme } from "./access.mjs";
import { ONE, SEVEN, THREE } from "./digits.mjs";
import { KEEP_FILES, saved } from "./files.mjs";
import { BROWSERS, pictured, visit } from "./harness.mjs";

/** Longer than a run must rest to be noted and written down with its tab, in ms. */
const NOTED = 1600;

/** In the page: what its database holds, as numbers of entries and the runs with a hash of their bytes. */
const readDatabase = (done) => {
  const hash = async (bytes) =>
    [...new Uint8Array(await crypto.subtle.digest("SHA-256", bytes))].map((b) => b.toString(16)).join("");
  const opening = indexedDB.open("quantpad");
  opening.onerror = () => done(String(opening.error));
  opening.onsuccess = async () => {
    const db = opening.result;
    const all = (store) =>
      new Promise((resolve) => {
        const reading = db.transaction(store).objectStore(store).getAll();
        reading.onsuccess = () => resolve(reading.result);
      });
    const stores = {};
    for (const name of db.objectStoreNames) stores[name] = (await all(name)).length;
    const runs = [];
    if (stores.runs !== undefined) {
      for (const { id, name, record, fp32, quantized } of await all("runs"))
        runs.push({ id, name, record, fp32: await hash(fp32), quantized: await hash(quantized) });
    }
    const { version } = db;
    db.close();
    done({ version, stores, runs });
  };
};

/** A database of the first version of the page, with a drawing in it. */
const FIRST_VERSION = `
  if (sessionStorage.getItem("old") === null) {
    sessionStorage.setItem("old", "made");
    const opening = indexedDB.open("quantpad", 1);
    opening.onupgradeneeded = () => {
      const own = opening.result.createObjectStore("own", { autoIncrement: true });
      own.add({ label: 7, strokes: [[0.2, 0.2, 0.8, 0.2, 0.4, 0.9]] });
    };
    opening.onsuccess = () => opening.result.close();
  }`;

/** A browser that lets the page keep nothing. */
const NOTHING_KEPT = `
  IDBFactory.prototype.open = () => { throw new DOMException("refused", "SecurityError"); };`;

/** Emptying all takes its time, and meanwhile there is something new to be written down. */
const SLOW_CLEAR = `{
  const { clear } = IDBObjectStore.prototype;
  IDBObjectStore.prototype.clear = function () {
    const request = clear.call(this);
    if (this.name === "tabs") {
      document.querySelector('[data-testid="pad-clear"]').click();
      const end = performance.now() + 300;
      const goOn = () => {
        if (performance.now() < end) this.count().onsuccess = goOn;
      };
      goOn();
    }
    return request;
  };
}`;

/** Bars at four places: 8 × 8 pixels and the label. */
const OWN_CSV = Array.from({ length: 80 }, (_, i) => {
  const label = i % 4;
  const pixels = Array.from({ length: 64 }, (_, pixel) => (pixel >> 4 === label ? 10 + (i % 7) : pixel % 3));
  return [...pixels, label].join(",");
}).join("\n");

for (const browser of BROWSERS) {
  describe(`runs in ${browser}`, { timeout: 120_000 }, () => {
    let page;
    before(async () => {
      page = await visit(browser, { server: { inject: `${KEEP_FILES}\n${SLOW_CLEAR}` } });
      await page.untilSettled();
    });
    after(() => page?.close());
    const promise = pictured(browser, () => page);

    const stored = () => page.driver.executeAsyncScript(readDatabase);
    const rows = () =>
      page.run(() =>
        [...document.querySelectorAll("[data-run]")].map((row) => ({
          ...row.dataset,
          name: row.querySelector("input").value,
          points: row.querySelector("[data-points]")?.dataset.points ?? "",
        })),
      );
    const noted = (count) => page.until(`${count} runs`, async () => (await rows()).length === count);
    const scheme = async () => (await page.data("app")).scheme;
    const quantize = async (format) => {
      await page.choose("format-select", format);
      await page.until(format, async () => (await scheme()).startsWith(format));
    };
    /** The button of the first row of that name, or of a run's own. */
    const press = async (name, id) => {
      const { run } = (await rows()).find((one) => one.name === name || one.run === name);
      await page.press(`[data-run="${run}"] [data-testid="${id}"]`);
    };
    const reload = async () => {
      await page.driver.navigate().refresh();
      await page.untilState("ready");
    };
    const idle = () => page.until("an idle page", () => page.element("train").isEnabled());
    const NAMES = {
      int8: "softmax regression, int8-dynamic-per-tensor",
      ternary: "softmax regression, ternary-dynamic-per-tensor",
    };

    promise("a run is noted after a second of rest, and nothing that was passed through", async () => {
      await noted(1);
      for (const format of ["int4", "binary", "ternary"]) await quantize(format);
      await noted(2);
      await page.driver.sleep(NOTED);
      assert.deepEqual(
        (await rows()).map(({ name, used }) => [name, used]),
        [
          [NAMES.ternary, "true"],
          [NAMES.int8, "false"],
        ],
      );
    });

    promise("settings are undone and redone, also before they are noted", async () => {
      await page.click("settings-undo");
      await page.until("int8", async () => (await scheme()) === "int8-dynamic-per-tensor");
      assert.equal(await page.element("format-select").getProperty("value"), "int8");
      assert.equal(await page.run(() => location.search), "");
      assert.equal(await page.element("settings-undo").isEnabled(), false);
      await page.until("redo", () => page.element("settings-redo").isEnabled());
      await page.click("settings-redo");
      await page.until("ternary", async () => (await scheme()).startsWith("ternary"));
      await quantize("int4");
      await page.click("settings-undo");
      await page.until("what was before", async () => (await scheme()).startsWith("ternary"));
      await page.driver.sleep(NOTED);
      assert.equal((await rows()).length, 2, "nothing was passed to, so nothing is noted");
    });

    promise("what is there already is not noted again", async () => {
      await quantize("int8");
      await page.until("the run from before", async () =>
        (await rows()).some(({ name, used }) => name === NAMES.int8 && used === "true"),
      );
      assert.equal((await rows()).length, 2);
    });

    promise("runs are compared, used again and named", async () => {
      await press(NAMES.int8, "run-compare");
      const [ternary, int8] = await rows();
      const points = (100 * (ternary.correct - int8.correct)) / int8.total;
      assert.equal(ternary.points, points.toFixed(2));
      assert.equal(int8.points, "");
      await press(NAMES.ternary, "run-use");
      await page.until("ternary", async () => (await scheme()).startsWith("ternary"));
      assert.equal((await page.data("quantized-accuracy")).correct, ternary.correct);
      const input = await page.driver.findElement(By.css(`[data-run="${ternary.run}"] input`));
      await input.clear();
      await input.sendKeys('My "two", bits');
      await page.run(() => document.activeElement.blur());
      await page.until("the name", async () => (await rows())[0].name === 'My "two", bits');
    });

    promise("runs are handed out as CSV, JSON and Markdown with the same figures", async () => {
      const file = (ending) => saved(page, () => page.click(`export-runs-${ending}`));
      const { quantpad, rows: listed } = JSON.parse(await file("json"));
      assert.equal(quantpad, "runs");
      assert.deepEqual(
        listed.map(({ name, quantized_correct }) => [name, String(quantized_correct)]),
        (await rows()).map(({ name, correct }) => [name, correct]),
      );
      assert.equal(listed[0].settings, "scheme=ternary-dynamic-per-tensor");
      const lines = (await file("csv")).trimEnd().split("\r\n");
      assert.equal(lines[0], Object.keys(listed[0]).join(","));
      assert.ok(lines[1].startsWith('"My ""two"", bits",'), lines[1]);
      const table = (await file("md")).split("\n").filter((line) => line.startsWith("| "));
      assert.equal(table.length, 2 + listed.length);
      assert.ok(table[2].startsWith('| My "two", bits |'), table[2]);
    });

    promise("runs, names, the models in use and the drawing survive a reload", async () => {
      await page.draw(SEVEN);
      await page.driver.sleep(NOTED);
      const before = [await rows(), await scheme(), await page.json("model-input", "values")];
      const [{ quantized }] = (await stored()).runs.filter(({ name }) => name.startsWith("My"));
      await reload();
      await page.until("the runs", async () => (await rows()).length === 2);
      const usual = (list) => list.map(({ points, ...row }) => row);
      assert.deepEqual(usual(await rows()), usual(before[0]));
      assert.equal(await scheme(), before[1]);
      assert.deepEqual(await page.json("model-input", "values"), before[2]);
      assert.equal((await page.data("pad")).strokes, "2");
      assert.equal((await page.data("fp32-digit")).digit, "7");
      await page.driver.sleep(NOTED);
      assert.deepEqual(
        (await stored()).runs.map((run) => run.quantized).filter((hash) => hash === quantized),
        [quantized],
        "the same run, and not another of the same bytes",
      );
    });

    promise("models that learned from own drawings survive a reload", async () => {
      await page.click("pad-clear");
      for (const strokes of [ONE, THREE]) {
        await page.draw(strokes);
        await page.click(`teach-${strokes === ONE ? 1 : 3}`);
      }
      await page.until("both kept", async () => (await page.data("own-drawings")).count === "2");
      await page.click("fine-tune");
      await page.until("a third run", async () => (await rows()).length === 3, 10_000);
      await page.driver.sleep(NOTED);
      const { runs } = await stored();
      const tuned = runs.at(-1);
      assert.ok(runs.slice(0, -1).every(({ fp32 }) => fp32 !== tuned.fp32));
      await reload();
      await page.until("the run", async () => (await rows())[0]?.used === "true");
      assert.equal((await rows())[0].run, String(tuned.id));
      assert.match(await page.text("app"), /does not carry your drawings/);
      assert.equal((await page.data("own-drawings")).count, "2");
    });

    promise("an own data set and its models survive a reload", async () => {
      await page.run((csv) => {
        const files = new DataTransfer();
        files.items.add(new File([csv], "squares.csv", { type: "text/csv" }));
        const input = document.querySelector('[data-testid="file-input"]');
        input.files = files.files;
        input.dispatchEvent(new Event("change", { bubbles: true }));
      }, OWN_CSV);
      await page.until("a run of it", async () => (await rows()).length === 4, 20_000);
      assert.equal((await page.data("error")).code, "");
      await page.driver.sleep(NOTED);
      const accuracy = await page.data("fp32-accuracy");
      await reload();
      await page.until("the run", async () => (await rows())[0]?.used === "true");
      assert.match(await page.text("dataset"), /squares\.csv/);
      assert.equal((await page.data("error")).code, "");
      assert.match(await page.run(() => location.search), /^\?data=squares\.csv(&|$)/);
      assert.deepEqual(await page.data("fp32-accuracy"), accuracy);
      await page.click("use-digits");
      await page.until("the digits", async () => (await page.data("fp32-accuracy")).total === "360");
      await idle();
    });

    // The driver of WebKit does not come back from a second tab.
    if (browser !== "webkit") {
      promise("two tabs leave each other’s runs, names and drawings alone", async () => {
        const { driver } = page;
        const first = await driver.getWindowHandle();
        const nameOfFirst = await page.run(() => sessionStorage.getItem("quantpad-tab"));
        const before = (await stored()).runs.length;
        await driver.switchTo().newWindow("tab");
        const second = await driver.getWindowHandle();
        await driver.get(`${page.server.url}?seed=11`);
        await page.untilState("ready");
        // As a browser does that duplicates a tab.
        await page.run((name) => sessionStorage.setItem("quantpad-tab", name), nameOfFirst);
        await reload();
        await page.until("a name of its own", () =>
          page.run((name) => sessionStorage.getItem("quantpad-tab") !== name, nameOfFirst),
        );
        if ((await page.data("pad")).strokes !== "0") await page.click("pad-clear");
        await page.draw(ONE);
        await page.driver.sleep(NOTED);
        // The first tab still shows the list of before: what it writes must not undo what the second wrote.
        await driver.switchTo().window(first);
        await page.draw(SEVEN);
        const name = (await rows()).at(-1).name;
        const input = await driver.findElement(By.css(`[data-run="${(await rows()).at(-1).run}"] input`));
        await input.sendKeys(" (first)");
        await page.run(() => document.activeElement.blur());
        await quantize("int16");
        await page.driver.sleep(NOTED);
        await driver.switchTo().window(second);
        await press(name, "run-use");
        await page.driver.sleep(NOTED);
        for (const [handle, digit] of [
          [first, "7"],
          [second, "1"],
        ]) {
          await driver.switchTo().window(handle);
          await reload();
          await page.until("the runs of both", async () => (await rows()).length === before + 2);
          const names = (await rows()).map(({ name }) => name);
          assert.ok(names.includes(`${name} (first)`), `${names}`);
          assert.ok((await stored()).runs.some(({ record }) => record.seed === 11));
          assert.equal((await page.data("fp32-digit")).digit, digit, "each has its own drawing");
        }
        await driver.switchTo().window(second);
        await driver.close();
        await driver.switchTo().window(first);
      });
    }

    promise("a name that is being typed stays while another run comes", async () => {
      const before = await rows();
      const input = await page.driver.findElement(By.css(`[data-run="${before[0].run}"] input`));
      await page.run((input) => input.scrollIntoView({ block: "center" }), input);
      await input.sendKeys(" and mor");
      // The keyboard stays where it is.
      await page.run(() => {
        const select = document.querySelector('[data-testid="format-select"]');
        select.value = "tf32";
        select.dispatchEvent(new Event("change", { bubbles: true }));
      });
      await noted(before.length + 1);
      assert.equal(await input.getProperty("value"), `${before[0].name} and mor`);
    });

    promise("a run is deleted, and then all of them", async () => {
      await page.driver.sleep(NOTED);
      const before = await rows();
      await press(before[1].run, "run-delete");
      await noted(before.length - 1);
      assert.ok((await stored()).runs.every(({ id }) => String(id) !== before[1].run));
      await page.click("runs-delete");
      await noted(0);
      assert.deepEqual((await stored()).runs, []);
      assert.equal(await page.element("settings-undo").isEnabled(), false);
      assert.equal((await page.data("error")).code, "");
    });

    if (browser === "chromium") {
      promise("fits and is accessible with runs in the table", async () => {
        for (const format of ["ternary", "int8"]) {
          await quantize(format);
          await page.driver.sleep(NOTED);
        }
        await page.run(() => document.querySelector('[data-testid="run-compare"]').click());
        for (const [theme, width] of [
          ["dark", 360],
          ["light", 1280],
        ]) {
          await chooseTheme(page, theme);
          await page.emulate({ width });
          await assertAccessible(page);
          await page.picture(`runs-${width}-${theme}`);
        }
      });
    }

    promise("Delete everything leaves nothing", async () => {
      await chooseTheme(page, "dark");
      await page.draw(ONE);
      await page.driver.sleep(NOTED);
      // What the page writes by itself after it has opened anew is not what was deleted, so it is kept from opening.
      await page.run(() =>
        addEventListener("pagehide", () =>
          sessionStorage.setItem(
            "left",
            JSON.stringify([...Object.keys(localStorage), ...Object.keys(sessionStorage)]),
          ),
        ),
      );
      await page.click("delete-everything");
      await page.until("the new page", () => page.run(() => sessionStorage.getItem("left")));
      assert.deepEqual(JSON.parse(await page.run(() => sessionStorage.getItem("left"))), []);
      await page.untilState("ready");
      const { stores, runs } = await stored();
      assert.equal(stores.own + stores.data, 0, JSON.stringify(stores));
      assert.ok(runs.length <= 1 && stores.tabs <= 1, JSON.stringify(stores));
      assert.equal((await page.data("theme")).theme, "system");
      assert.equal((await page.data("own-drawings")).count, "0");
      assert.equal((await page.data("pad")).strokes, "0");
    });

    promise("has said nothing wrong on the console", async () => {
      assert.deepEqual(await page.complaints(), []);
    });
  });

  describe(`what a browser keeps, in ${browser}`, { timeout: 60_000 }, () => {
    const promise = pictured(browser, () => page);
    let page;
    afterEach(() => page?.close());

    promise("drawings of the first version of the page are still there", async () => {
      page = await visit(browser, { server: { inject: FIRST_VERSION } });
      await page.untilSettled();
      await page.until("the drawing", async () => (await page.data("own-drawings")).count === "1");
      await page.until("a run", async () => (await page.data("runs")).count === "1");
      const { version, stores } = await page.driver.executeAsyncScript(readDatabase);
      assert.equal(version, 2);
      assert.equal(stores.own, 1);
      assert.deepEqual(await page.complaints(), []);
    });

    promise("that nothing is kept is said once, in words, and the page goes on", async () => {
      page = await visit(browser, { server: { inject: NOTHING_KEPT } });
      await page.untilState("ready");
      await page.until("a sentence", async () => (await page.data("error")).code === "not-kept");
      assert.match(await page.text("error"), /keeps nothing/);
      await page.choose("format-select", "int4");
      await page.until("int4", async () => (await page.data("app")).scheme.startsWith("int4"));
      await page.until("a second run", async () => (await page.data("runs")).count === "2");
      assert.equal((await page.data("error")).code, "", "said once");
      await page.draw(SEVEN);
      assert.equal((await page.data("fp32-digit")).digit, "7");
      assert.deepEqual(await page.complaints(), []);
    });
  });
}

// Two tabs, in every engine: what one notes, names, draws and deletes the other shows at once; both train at the same time;
// and after everything was deleted in one, the other goes on and nothing is left.
import assert from "node:assert/strict";
import { after, before, describe } from "node:test";
import { By } from "selenium-webdriver";
import { ONE, SEVEN, THREE } from "./digits.mjs";
import { BROWSERS, pictured, visit } from "./harness.mjs";

/** In the page: how many entries each store of its database holds. */
const countStores = (done) => {
  const opening = indexedDB.open("quantpad");
  opening.onerror = () => done(String(opening.error));
  opening.onsuccess = async () => {
    const db = opening.result;
    const counts = {};
    for (const name of db.objectStoreNames) {
      const counting = db.transaction(name).objectStore(name).count();
      await new Promise((resolve) => {
        counting.onsuccess = resolve;
      });
      counts[name] = counting.result;
    }
    db.close();
    done(counts);
  };
};

for (const browser of BROWSERS) {
  describe(`two tabs in ${browser}`, { timeout: 150_000 }, () => {
    let page;
    let first;
    let second;
    before(async () => {
      page = await visit(browser);
      await page.untilSettled();
      first = await page.driver.getWindowHandle();
      // WebKit's driver does not come back from a tab, but from a window.
      await page.driver.switchTo().newWindow(browser === "webkit" ? "window" : "tab");
      second = await page.driver.getWindowHandle();
      await page.driver.get(`${page.server.url}?seed=11`);
      await page.untilSettled();
    });
    after(() => page?.close());
    const promise = pictured(browser, () => page);

    const to = (handle) => page.driver.switchTo().window(handle);
    const names = () => page.run(() => [...document.querySelectorAll(".run-name")].map(({ value }) => value));
    const runs = () =>
      page.run(() => [...document.querySelectorAll("[data-run]")].map(({ dataset }) => dataset.run));
    const own = async () => (await page.data("own-drawings")).count;
    const scheme = async () => (await page.data("app")).scheme;
    const quantize = async (format) => {
      const before = await runs();
      await page.choose("format-select", format);
      await page.until("a new run", async () => (await runs()).length === before.length + 1);
      return (await runs()).find((run) => !before.includes(run));
    };
    const click = (run, id) => page.press(`[data-run="${run}"] [data-testid="${id}"]`);

    promise("a run that one makes, names or deletes is so in the other", async () => {
      for (const handle of [first, second]) {
        await to(handle);
        await page.until("the runs of both", async () => (await runs()).length === 2);
      }
      const made = await quantize("int4");
      await to(first);
      await page.until("the run", async () => (await runs()).includes(made));
      const input = await page.driver.findElement(By.css(`[data-run="${made}"] input`));
      await page.run((input) => input.scrollIntoView({ block: "center" }), input);
      await input.clear();
      await input.sendKeys("Named in the first");
      await page.run(() => document.activeElement.blur());
      await to(second);
      await page.until("the name", async () => (await names()).includes("Named in the first"));
      assert.equal(
        await page.run((run) => document.querySelector(`[data-run="${run}"]`).dataset.used, made),
        "true",
      );
      await to(first);
      await click(made, "run-delete");
      await to(second);
      await page.until("the deletion", async () => !(await runs()).includes(made));
      assert.ok((await scheme()).startsWith("int4"), "what is in use stays in use");
      await page.draw(SEVEN);
      assert.equal((await page.data("fp32-digit")).digit, "7");
      await page.click("pad-clear");
    });

    promise("drawings that one teaches or takes back are so in the other", async () => {
      await to(second);
      await page.draw(ONE);
      await page.click("teach-1");
      await to(first);
      await page.until("the drawing", async () => (await own()) === "1");
      await page.draw(THREE);
      await page.click("teach-3");
      await to(second);
      await page.until("both", async () => (await own()) === "2");
      await page.click("own-undo");
      await to(first);
      await page.until("one of them", async () => (await own()) === "1");
      assert.match(await page.text("own-drawings"), /1× 1/);
    });

    promise("both train at the same time", async () => {
      for (const handle of [first, second]) {
        await to(handle);
        await page.choose("model-select", "mlp");
        await page.type("field-epochs", "60");
        if (await page.run(() => document.querySelector('[data-testid="slow-motion"]')?.checked))
          await page.click("slow-motion");
      }
      const before = (await runs()).length;
      for (const handle of [first, second]) {
        await to(handle);
        await page.click("train");
      }
      const counts = [];
      for (const handle of [first, second]) {
        await to(handle);
        await page.until(
          "a trained network",
          async () => (await page.data("app")).model === "mlp" && (await page.element("train").isEnabled()),
          60_000,
        );
        assert.equal((await page.data("error")).code, "");
        counts.push((await page.data("fp32-accuracy")).correct);
      }
      for (const handle of [first, second]) {
        await to(handle);
        await page.until("both runs", async () => (await runs()).length === before + 2, 10_000);
        assert.ok(Number((await page.data("fp32-accuracy")).correct) > 340, `${counts}`);
      }
    });

    promise("after Delete everything in one the other goes on, and nothing is left", async () => {
      await to(second);
      await page.draw(SEVEN);
      await page.driver.sleep(600); // until the drawing is written down
      await to(first);
      await page.until("an idle page", () => page.element("delete-everything").isEnabled());
      await page.click("delete-everything");
      await to(second);
      await page.until("the deletion", async () => (await own()) === "0");
      assert.ok(
        (await names()).every((name) => !/^MLP/.test(name)),
        `${await names()}`,
      );
      await page.driver.sleep(1500);
      const counts = await page.driver.executeAsyncScript(countStores);
      // The first tab may have begun anew meanwhile, and noted what it begins with.
      assert.equal(counts.own + counts.data, 0, JSON.stringify(counts));
      assert.ok(counts.runs <= 1 && counts.tabs <= 1, JSON.stringify(counts));
      assert.equal((await page.data("app")).model, "mlp");
      assert.equal((await page.data("fp32-digit")).digit, "7");
      assert.equal(await page.element("settings-undo").isEnabled(), false);
      assert.equal((await page.data("error")).code, "");
      const made = await quantize("ternary");
      await page.click("pad-clear");
      await page.draw(ONE);
      await page.click("teach-1");
      await page.until("its drawing", async () => (await own()) === "1");
      await to(first);
      await page.untilState("ready");
      await page.until("the run of the other", async () => (await runs()).includes(made));
      assert.equal(await own(), "1");
    });

    promise("neither has said anything wrong on the console", async () => {
      for (const handle of [first, second]) {
        await to(handle);
        assert.deepEqual(await page.complaints(), []);
      }
    });
  });
}

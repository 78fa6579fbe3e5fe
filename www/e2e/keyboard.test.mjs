// The keyboard alone will do, in every engine: Tab reaches everything that can be worked, in the order in which it is seen,
// the focus shows and lies under no bar, and Escape closes what has opened.
import assert from "node:assert/strict";
import { after, before, describe } from "node:test";
import { Key } from "selenium-webdriver";
import { tabThrough } from "./access.mjs";
import { BROWSERS, pictured, visit } from "./harness.mjs";

for (const browser of BROWSERS) {
  describe(`keyboard in ${browser}`, { timeout: 240_000 }, () => {
    let page;
    before(async () => {
      page = await visit(browser, { size: [1280, 800] });
      await page.untilSettled(60_000);
    });
    after(() => page?.close());
    const promise = pictured(browser, () => page);

    const press = (...keys) =>
      page.driver
        .actions({ async: true })
        .sendKeys(...keys)
        .perform();
    const focused = () => page.run(() => document.activeElement?.dataset.testid ?? "");
    const focus = (id) => page.run((id) => document.querySelector(`[data-testid="${id}"]`).focus(), id);
    const idle = () => page.until("an idle page", () => page.element("train").isEnabled());
    const size = async (width, height) => {
      if (browser === "chromium") await page.emulate({ width, height });
      else await page.driver.manage().window().setRect({ width, height });
    };
    /** Nothing that is computed or measured comes in any more: it would change the page under the keyboard. */
    const still = async () => {
      await idle();
      // What a panel shows is computed once it is seen; the page may hold another part in sight for a moment.
      const see = (id, check) =>
        page.until(`all of ${id}`, async () => {
          await page.run((id) => document.getElementById(id).scrollIntoView(), id);
          return check();
        });
      const there = (selector) => () =>
        page.run((selector) => document.querySelector(selector) !== null, selector);
      const scheme = async (id) => (await page.data(id)).scheme;
      await see("lab", there('[data-testid="repair-outcome"]'));
      await see("blame", async () => (await scheme("blame")) === (await scheme("app")));
      await see("explain", async () => (await page.data("explain")).output !== "");
      await see("flips", async () => (await page.data("flips")).current === "true");
      await see("compare", there('[data-testid="time-again"]:enabled'));
    };
    const assertReached = async (options) => {
      const { reached, faults, missed, over } = await tabThrough(page, options);
      assert.ok(over, `no way round after ${reached} stops`);
      assert.deepEqual(faults, []);
      assert.deepEqual(missed, [], "out of reach");
      return reached;
    };

    promise("the first stop leads past the links, to the pad", async () => {
      await page.run(() => document.querySelector(".skip").focus());
      assert.ok(await page.driver.findElement({ css: ".skip" }).isDisplayed());
      await press(Key.ENTER);
      await page.until("the pad", async () => (await focused()) === "pad");
    });

    promise("draws, names the drawing by its digit, and only there", async () => {
      const count = async () => Number((await page.data("own-drawings")).count);
      const times = (key, number) => Array(number).fill(key);
      await press(...times(Key.ARROW_UP, 9), " ", ...times(Key.ARROW_DOWN, 18), " ");
      assert.equal((await page.data("fp32-digit")).digit, "1");
      await focus("pad-clear");
      await press("1");
      await page.driver.sleep(100);
      assert.equal(await count(), 0, "elsewhere a digit does nothing");
      await focus("pad");
      await press("1");
      await page.until("the drawing", async () => (await count()) === 1);
      await press(" ", Key.ARROW_RIGHT, Key.ARROW_RIGHT, " ");
    });

    promise("reaches everything, with every panel filled and everything open", async () => {
      // A network has fields and layers that softmax regression has not, two bits a gallery.
      await page.driver.get(`${page.server.url}?model=mlp&epochs=5&scheme=ternary-per-tensor`);
      await page.untilSettled(60_000);
      await page.click("pad-sample");
      await page.run(() => {
        for (const details of document.querySelectorAll("details")) details.open = true;
        document.querySelector('[data-testid="sweep-run"]').click();
      });
      await page.until("some of them", () =>
        page.run(() => document.querySelectorAll("[data-dot]").length > 3),
      );
      await page.run(() => document.querySelector('[data-testid="sweep-cancel"]').click());
      await page.until("the end", async () => (await page.data("sweep-status")).running === "false");
      await still();
      const stops = await assertReached();
      assert.ok(stops > 100, `${stops} stops`);
    });

    // WebKit's driver does not turn Tab round by Shift, and a window that it sizes has the keyboard no more.
    if (browser !== "webkit") {
      promise("backwards too, in a narrow window", async () => {
        await size(500, 640);
        await assertReached({ back: true });
      });
    }

    promise("what a pointer does on the charts, keys do", async () => {
      await page.run(() => document.querySelector('[data-dot][tabindex="0"]').focus());
      await press(Key.END);
      const dot = await page.run(() => document.activeElement.getAttribute("aria-label"));
      assert.ok((await page.text("sweep-told")).length > 20 && dot.length > 20);
      await focus("sort-bytes");
      await press(Key.ENTER);
      const sorted = () =>
        page.run(() => document.querySelector('[data-testid="sort-bytes"]').closest("th").ariaSort);
      assert.equal(await sorted(), "ascending");
      const chosen = () =>
        page.run(() => document.querySelector('[data-testid="flips-matrix"]').dataset.value);
      const before = await chosen();
      await page.run(() => document.querySelector('[data-testid="flips-matrix"] :checked').focus());
      await press(Key.ARROW_LEFT);
      assert.notEqual(await chosen(), before);
      await page.run(() => document.querySelector('[data-testid^="flip-"]').focus());
      await press(Key.ENTER);
      assert.equal(await focused(), "pad", "and the keyboard goes along to the pad");
    });

    promise("with the tour open, wide and narrow", async () => {
      await focus("tour-begin");
      await press(Key.ENTER);
      await page.until("the tour", async () => (await focused()) === "tour-next");
      await page.until("its first step", async () => (await page.data("app")).model === "softmax");
      await still();
      await assertReached();
      if (browser === "webkit") return;
      await size(1280, 800);
      await assertReached({ back: true });
    });

    promise("Escape closes an explanation, and then the tour, each where it was opened", async () => {
      await focus("explain-fp32-size");
      await press(Key.ENTER);
      assert.ok(await page.element("explanation-fp32-size").isDisplayed());
      await press(Key.ESCAPE);
      assert.equal(await focused(), "explain-fp32-size");
      assert.equal(await page.run(() => document.querySelector(".explanation")), null);
      await focus("tour-next");
      await press(Key.ESCAPE);
      await page.until("the end", async () => (await focused()) === "tour-begin");
    });
  });
}

// Everyone can use it: axe-core finds nothing in any state of the page, the keyboard reaches everything and sees where it is,
// screen readers are told what matters and no more, and the page bears zoom, other spacing, other colours and fingers.
import assert from "node:assert/strict";
import { after, before, describe } from "node:test";
import { assertAccessible, chooseTheme } from "./access.mjs";
import { SEVEN, THREE } from "./digits.mjs";
import { BROWSERS, pictured, visit } from "./harness.mjs";

const SCRIBBLE = [Array.from({ length: 12 }, (_, i) => [i % 2 ? 0.9 : 0.1, 0.08 + i * 0.075])];

/** Until `release()`, no module of the core arrives, and no file is read. */
const HELD = `
  const gate = new Promise((open) => { globalThis.release = open; });
  const fetched = globalThis.fetch;
  globalThis.fetch = async (...request) => {
    // Asked for at once: what is preloaded and not used for seconds is complained of.
    const response = fetched(...request);
    if (String(request[0]?.url ?? request[0]).endsWith(".wasm")) await gate;
    return response;
  };
  // Nothing reaches the workers while this is true.
  globalThis.deaf = false;
  const { postMessage } = Worker.prototype;
  Worker.prototype.postMessage = function (...message) {
    if (!globalThis.deaf) postMessage.apply(this, message);
  };
  // A new version, as the browser tells of it.
  globalThis.tellOfUpdate = () => navigator.serviceWorker.dispatchEvent(new Event("controllerchange"));`;

/** So tall that every panel is on the screen, and fills. */
const TALL = 14_000;

const idle = (page) => page.until("an idle page", () => page.element("train").isEnabled());

/** Fills every panel, and opens whatever opens. */
async function fill(page) {
  await page.emulate({ width: 1280, height: TALL });
  await page.until("the panels", () => page.run(() => document.getElementById("blame") !== null));
  await page.until("their contents", () =>
    page.run(
      () =>
        document.querySelector('[data-testid="flips"]').dataset.current === "true" &&
        document.querySelector('[data-testid="time-again"]:enabled') !== null,
    ),
  );
  await page.run(() => {
    for (const details of document.querySelectorAll("details")) details.open = true;
  });
}

/** axe-core at two widths, light and dark, with a system that is the other way round; each leaves a picture for people. */
async function assertInEveryLook(page, name, part) {
  for (const theme of ["light", "dark"]) {
    await chooseTheme(page, theme);
    for (const width of [360, 1280]) {
      await page.emulate({ width, scheme: theme === "light" ? "dark" : "light" });
      await assertAccessible(page, part).catch((error) => {
        error.message = `${name}, ${width} px, ${theme}: ${error.message}`;
        throw error;
      });
      await page.picture(`state-${name.replace(/\W+/g, "-")}-${width}-${theme}`, "window");
    }
  }
}

if (BROWSERS.includes("chromium")) {
  describe("access of every state, in chromium", { timeout: 400_000 }, () => {
    let page;
    before(async () => {
      page = await visit("chromium", { server: { inject: HELD } });
    });
    after(() => page?.close());
    const promise = pictured("chromium", () => page);
    /** `part`: what the state changes. */
    const finds = (state, part, reach) =>
      promise(`axe-core finds nothing: ${state}`, async () => {
        await reach();
        await assertInEveryLook(page, state, part);
      });
    const open = async (query) => {
      await page.driver.get(page.server.url + query);
      await page.run(() => globalThis.release());
      await page.untilState("ready");
    };
    const error = (code) => page.until(code, async () => (await page.data("error")).code === code);

    finds("loading", ":root", async () => {
      assert.equal((await page.data("app")).state, "loading");
    });

    finds("empty", "#draw, .teach, .explain", async () => {
      await page.run(() => globalThis.release());
      await page.untilSettled(60_000);
      await fill(page);
      assert.equal((await page.data("pad")).strokes, "0");
    });

    finds("drawn, with every explanation open", ":root", async () => {
      await page.emulate({ width: 1280 });
      await page.draw(THREE);
      await fill(page);
      await page.run(() => document.querySelector('[data-testid="explain-fp32-accuracy"]').click());
      assert.ok(await page.element("explanation-fp32-accuracy").isDisplayed());
    });

    finds("not sure of the drawing", "#draw", async () => {
      await page.emulate({ width: 1280 });
      await page.click("pad-clear");
      await page.draw(SCRIBBLE);
      assert.equal((await page.data("fp32-digit")).sure, "false");
    });

    finds("own drawings given", ".teach, #export", async () => {
      for (const [digit, strokes] of [
        [3, THREE],
        [7, SEVEN],
      ]) {
        await page.emulate({ width: 1280 });
        await page.click("pad-clear");
        await page.draw(strokes);
        await page.click(`teach-${digit}`);
      }
      await page.until("both kept", async () => (await page.data("own-drawings")).count === "2");
    });

    finds("training in slow motion, paused", "header, #train, .sweep", async () => {
      await idle(page);
      // It takes half a second.
      await page.run(() => {
        document.querySelector('[data-testid="train"]').click();
        const timer = setInterval(() => {
          const pause = document.querySelector('[data-testid="pause"]:enabled');
          if (!pause) return;
          clearInterval(timer);
          pause.click();
        });
      });
      await page.until("the pause", async () => (await page.data("progress")).paused === "true");
    });

    finds("a seed that is none", ".failure, #train", async () => {
      await page.run(() => document.querySelector('[data-testid="cancel"]').click());
      await idle(page);
      await page.emulate({ width: 1280 });
      await page.type("seed", "x");
      await page.click("train");
      await error("bad-seed");
    });

    finds("all schemes being compared", ".sweep", async () => {
      await page.emulate({ width: 1280 });
      await page.type("seed", "42");
      await page.run(() => document.querySelector('[data-testid="sweep-run"]').click());
      await page.until("some of them", () => page.run(() => document.querySelector("[data-dot]") !== null));
    });

    finds("all schemes compared, runs compared", ".sweep, [data-testid=runs]", async () => {
      await page.until("the end", async () => (await page.data("sweep-status")).running === "false", 60_000);
      await page.run(() => document.querySelector('tr[data-scheme="ternary-per-channel"] button').click());
      await page.until("a second run", async () => Number((await page.data("runs")).count) >= 2);
      await page.run(() => document.querySelector('[data-testid="run-compare"]').click());
      await page.run(() => document.querySelector(".run-name").focus());
    });

    finds("files over the page, and an update there", ".drop-hint, .update", async () => {
      await page.run(() => {
        const dataTransfer = new DataTransfer();
        dataTransfer.items.add(new File(["x"], "x.csv"));
        dispatchEvent(new DragEvent("dragover", { dataTransfer }));
        globalThis.tellOfUpdate();
      });
      await page.until("both", () =>
        page.run(() => document.querySelector(".drop-hint") && document.querySelector(".update-note")),
      );
    });

    finds("reading a file", "#data, header", async () => {
      await page.run(() => {
        globalThis.deaf = true;
        const dataTransfer = new DataTransfer();
        dataTransfer.items.add(new File(["no digits"], "x.csv"));
        dispatchEvent(new DragEvent("drop", { dataTransfer }));
      });
      await page.until("reading", async () => (await page.data("progress")).job === "read");
    });

    finds("a file refused", ".failure, #data", async () => {
      await page.run(() => {
        globalThis.deaf = false;
        document.querySelector('[data-testid="cancel"]').click();
        const dataTransfer = new DataTransfer();
        dataTransfer.items.add(new File(["no digits"], "x.csv"));
        dispatchEvent(new DragEvent("drop", { dataTransfer }));
      });
      await page.until("a refusal", async () => (await page.data("error")).code !== "");
    });

    finds("the tour at three of its steps", ".tour", async () => {
      await idle(page);
      await page.run(() => document.querySelector('[data-testid="tour-begin"]').click());
      for (const step of [1, 6]) {
        await page.run((step) => document.querySelector(`[data-testid="tour-${step}"]`).click(), step);
        await page.until(`step ${step}`, async () => (await page.data("tour")).stop === String(step));
        await idle(page);
        await assertInEveryLook(page, `step ${step}`, step === 6 ? ".tour, .flips" : ".tour");
      }
      await page.run(() => document.querySelector('[data-testid="tour-10"]').click());
      await idle(page);
    });

    finds("training a network for its quantization", "#train, #quantize", async () => {
      await page.run(() => document.querySelector('[data-testid="tour-end"]').click());
      await open("?model=cnn&epochs=3&scheme=int8-dynamic-per-tensor");
      await page.untilSettled(60_000);
      await fill(page);
      await page.emulate({ width: 1280 });
      await page.type("field-epochs", "3000");
      await page.run(() => {
        const select = document.querySelector('[data-testid="method-select"]');
        select.value = "qat";
        select.dispatchEvent(new Event("change", { bubbles: true }));
      });
      await page.until("the training", () =>
        page.run(() => document.querySelector('[data-testid="aware-progress"]') !== null),
      );
    });

    finds("a link that makes no sense", ".failure", async () => {
      await open("?model=foo");
      await error("bad-link");
    });

    promise("has said nothing wrong on the console", async () => {
      assert.deepEqual(await page.complaints(), []);
    });
  });
}

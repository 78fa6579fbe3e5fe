// The page as different people have it: told by a screen reader, zoomed to 400 %, spaced wider, in colours of their own, with
// less motion, with more contrast, under a finger.
import assert from "node:assert/strict";
import { after, before, describe } from "node:test";
import { Command, Name } from "selenium-webdriver/lib/command.js";
import { assertAccessible, assertFits, chooseTheme } from "./access.mjs";
import { SEVEN, THREE } from "./digits.mjs";
import { BROWSERS, pictured, visit } from "./harness.mjs";

/** In the page: notes what live regions say, and when. */
const LISTEN = () => {
  window.heard = [];
  const LIVE = '[role="status"], [role="alert"], [aria-live="polite"], [aria-live="assertive"], output';
  const last = new Map();
  new MutationObserver((records) => {
    const regions = new Set(
      records.map(({ target }) => (target.nodeType === 1 ? target : target.parentElement)?.closest(LIVE)),
    );
    for (const region of regions) {
      if (!region || region.ariaLive === "off") continue;
      const words = region.textContent.trim();
      if (words === "" || last.get(region) === region.textContent) continue;
      last.set(region, region.textContent);
      window.heard.push({
        words,
        at: performance.now(),
        where: [...document.querySelectorAll(LIVE)].indexOf(region),
      });
    }
  }).observe(document.body, { subtree: true, childList: true, characterData: true });
};

for (const browser of BROWSERS) {
  describe(`senses in ${browser}`, { timeout: 180_000 }, () => {
    let page;
    before(async () => {
      page = await visit(browser);
      await page.untilSettled(60_000);
      await page.until("the first words", () =>
        page.run(() =>
          [...document.querySelectorAll("[role=status]")].some((at) => / is ready: /.test(at.textContent)),
        ),
      );
      await page.run(LISTEN);
    });
    after(() => page?.close());
    const promise = pictured(browser, () => page);

    /** What is said from now on, until `act` is done and these words have come, and a little longer: to hear them twice. */
    const heard = async (pattern, act) => {
      const from = await page.run(() => window.heard.length);
      await act();
      await page.until(String(pattern), () =>
        page.run(
          (from, pattern) => window.heard.slice(from).some(({ words }) => words.search(pattern) >= 0),
          from,
          pattern.source,
        ),
      );
      await page.driver.sleep(1500);
      return page.run((from) => window.heard.slice(from), from);
    };
    const assertCalm = (all) => {
      for (const where of new Set(all.map((one) => one.where))) {
        const times = all.filter((one) => one.where === where).map(({ at }) => at);
        for (let i = 1; i < times.length; i++) assert.ok(times[i] - times[i - 1] > 900, JSON.stringify(all));
      }
    };
    const said = (all, pattern) => all.filter(({ words }) => pattern.test(words)).length;

    promise("the answers are told once the drawing rests, and once", async () => {
      const all = await heard(/says 7/, () => page.draw(SEVEN));
      assertCalm(all);
      assert.equal(said(all, /^fp32 says 7; int8 says 7\.$/), 1, JSON.stringify(all));
      assert.match(all.at(-1).words, /says 7/);
    });

    promise("a training is told by its quarters and its end, also of the same outcome", async () => {
      for (const seed of ["42", "42", "7"]) {
        await page.type("seed", seed);
        const all = await heard(/is ready/, () => page.click("train"));
        assertCalm(all);
        assert.equal(said(all, /^Softmax regression is ready: .*\d\s%/), 1, JSON.stringify(all));
      }
    });

    promise("an error is told once", async () => {
      await page.type("seed", "x");
      const all = await heard(/./, () => page.click("train"));
      assert.equal(all.length, 1, JSON.stringify(all));
      await page.type("seed", "42");
    });

    promise("a comparison is told by its quarters and its end", async () => {
      const all = await heard(/schemes (compared|judged)/, async () => {
        await page.click("sweep-run");
        await page.until("a start", async () => (await page.data("sweep-status")).running === "true");
        // A whole comparison takes some engines a minute.
        if (browser !== "chromium") {
          await page.until("some", () => page.run(() => document.querySelectorAll("[data-dot]").length > 3));
          await page.click("sweep-cancel");
        }
        await page.until(
          "the end",
          async () => (await page.data("sweep-status")).running === "false",
          60_000,
        );
      });
      assertCalm(all);
      assert.equal(said(all, /schemes (compared: |judged, )/), 1, JSON.stringify(all));
      assert.ok(all.length <= 8, JSON.stringify(all));
    });

    promise("the browser's own bars take the colour that is chosen on the page", async () => {
      const ground = async () => {
        const [bars, body] = await page.run(() => {
          const bars = [...document.querySelectorAll('meta[name="theme-color"]')].filter(
            ({ media }) => matchMedia(media).matches,
          );
          const probe = document.createElement("i");
          probe.style.color = bars[0].content;
          document.body.append(probe);
          const colour = getComputedStyle(probe).color;
          probe.remove();
          return [[bars.length, colour], getComputedStyle(document.body).backgroundColor];
        });
        assert.deepEqual(bars, [1, body]);
        return body;
      };
      await chooseTheme(page, "light");
      const light = await ground();
      await chooseTheme(page, "dark");
      assert.notEqual(await ground(), light);
      await chooseTheme(page, "system");
      await ground();
    });

    promise("wider spacing of lines, letters and words cuts nothing off", async () => {
      // WCAG 1.4.12
      await page.run(() => {
        const sheet = new CSSStyleSheet();
        sheet.replaceSync(
          "* { line-height: 1.5 !important; letter-spacing: 0.12em !important; word-spacing: 0.16em !important } p { margin-bottom: 2em !important }",
        );
        document.adoptedStyleSheets = [sheet];
        for (const details of document.querySelectorAll("details")) details.open = true;
      });
      try {
        for (const width of browser === "chromium" ? [320, 1280] : [1280]) {
          if (browser === "chromium") await page.emulate({ width });
          await assertFits(page);
          const cut = await page.run(() =>
            [...document.querySelectorAll("body *")]
              .filter((element) => {
                const { overflowX, overflowY, clipPath, position } = getComputedStyle(element);
                if (position === "absolute" && clipPath !== "none") return false;
                const hides = (overflow) => /hidden|clip/.test(overflow);
                return (
                  element.childElementCount < 3 &&
                  element.textContent.trim() !== "" &&
                  ((hides(overflowX) && element.scrollWidth > element.clientWidth + 1) ||
                    (hides(overflowY) && element.scrollHeight > element.clientHeight + 1))
                );
              })
              .map((element) => element.outerHTML.slice(0, 120)),
          );
          assert.deepEqual(cut, [], `${width} px`);
        }
      } finally {
        await page.run(() => {
          document.adoptedStyleSheets = [];
        });
        if (browser === "chromium") await page.emulate({ width: 1280 });
      }
    });

    promise("a finger draws, and the page stays where it is", async () => {
      await page.click("pad-clear");
      const { left, top, width, height } = await page.padBox();
      const before = await page.run(() => scrollY);
      const at = ([x, y]) => ({
        type: "pointerMove",
        x: Math.round(left + x * width),
        y: Math.round(top + y * height),
        duration: 0,
        origin: "viewport",
      });
      const actions = SEVEN.flatMap((stroke) => [
        at(stroke[0]),
        { type: "pointerDown", button: 0 },
        ...stroke.slice(1).map(at),
        { type: "pointerUp", button: 0 },
      ]);
      // Selenium's own actions have no fingers.
      const finger = { id: "finger", type: "pointer", parameters: { pointerType: "touch" }, actions };
      await page.driver.execute(new Command(Name.ACTIONS).setParameter("actions", [finger]));
      assert.equal((await page.data("pad")).strokes, "2");
      assert.equal((await page.data("fp32-digit")).digit, "7");
      assert.equal(await page.run(() => scrollY), before);
    });

    // Every state of the page, light and dark: access.test.mjs, in Chromium.
    if (browser !== "chromium") {
      promise("axe-core finds nothing, light and dark", async () => {
        for (const theme of ["light", "dark"]) {
          await chooseTheme(page, theme);
          await assertAccessible(page);
        }
      });
    }

    if (browser === "chromium") inChromium(promise, () => page);

    promise("has said nothing wrong on the console", async () => {
      assert.deepEqual(await page.complaints(), []);
    });
  });
}

/** What only Chromium can be told to be. */
function inChromium(promise, of) {
  const media = (features) =>
    of().driver.sendDevToolsCommand("Emulation.setEmulatedMedia", {
      features: Object.entries(features).map(([name, value]) => ({ name, value })),
    });
  const page = () => of();

  promise("zoomed to 400 %, it fits, and no more than half of the window is covered", async () => {
    // 1280 x 1024 at 400 %
    await page().emulate({ width: 320, height: 256 });
    await assertFits(page());
    for (const tour of [false, true]) {
      if (tour) await page().run(() => document.querySelector('[data-testid="tour-begin"]').click());
      for (const part of ["data", "lab", "export"]) {
        await page().run((part) => document.getElementById(part).scrollIntoView(), part);
        const covered = await page().run(() =>
          [...document.querySelectorAll("body *")]
            .filter(
              (element) =>
                /sticky|fixed/.test(getComputedStyle(element).position) && !element.closest(".scroll"),
            )
            .map((element) => {
              const { top, bottom } = element.getBoundingClientRect();
              return Math.max(0, Math.min(bottom, innerHeight) - Math.max(top, 0));
            })
            .reduce((a, b) => a + b, 0),
        );
        assert.ok(covered <= 128, `${covered} px of 256 are covered at ${part}`);
      }
      await assertFits(page());
      if (tour) await page().run(() => document.querySelector('[data-testid="tour-end"]').click());
    }
    await page().emulate({ width: 1280 });
  });

  promise("in the visitor's own few colours the drawing, bars, charts and choices can be seen", async () => {
    await page().draw(THREE);
    for (const scheme of ["light", "dark"]) {
      await media({ "forced-colors": "active", "prefers-color-scheme": scheme });
      await page().driver.sleep(100);
      const { ink, ...pairs } = await page().run(() => {
        const style = (selector) => getComputedStyle(document.querySelector(selector));
        const pad = document.querySelector(".pad");
        const copy = new OffscreenCanvas(pad.width, pad.height).getContext("2d");
        copy.drawImage(pad, 0, 0);
        const { data } = copy.getImageData(0, 0, pad.width, pad.height);
        let [ink, count] = [0, 0];
        for (let i = 0; i < data.length; i += 4) {
          if (data[i + 3] > 200) {
            ink += data[i];
            count++;
          }
        }
        const first = (colour) => Number(colour.match(/\d+/)[0]);
        return {
          ink: Math.abs(ink / count - first(style(".pad").backgroundColor)),
          bar: [style(".best .bar-fill").backgroundColor, style(".best .bar").backgroundColor],
          chosen: [
            style(".segments .chosen").backgroundColor,
            style(".segments label:not(.chosen)").backgroundColor,
          ],
          mark: [style(".pareto-chart .mark").stroke, style(".card").backgroundColor],
          front: [style(".pareto-chart .front").stroke, style(".card").backgroundColor],
          pixels: [style(".model-input svg").fill, style(".model-input svg").backgroundColor],
        };
      });
      assert.ok(ink > 100, `ink ${ink} from the ground, ${scheme}`);
      for (const [what, [a, b]] of Object.entries(pairs)) assert.notEqual(a, b, `${what}, ${scheme}`);
      await page().picture(`forced-colours-${scheme}`);
    }
    await media({});
  });

  promise("who wants more contrast has 7 to 1 for what is soft otherwise", async () => {
    await media({ "prefers-contrast": "more" });
    const [note, body] = await page().run(() => [
      getComputedStyle(document.querySelector(".note")).color,
      getComputedStyle(document.body).color,
    ]);
    assert.equal(note, body);
    await media({});
  });

  promise("who wants less motion sees nothing move by itself", async () => {
    await media({ "prefers-reduced-motion": "reduce" });
    await page().run(() => document.querySelector('[data-testid="explain"]').scrollIntoView());
    await page().until("the calculation", () =>
      page().run(() => document.querySelector('[data-testid="explain-play"]') !== null),
    );
    // So that it is rendered since.
    await page().run(() => document.querySelector('[data-testid="explain-back"]').click());
    await page().driver.sleep(50);
    assert.equal(await page().text("explain-play"), "To the end");
    const moving = await page().run(() => document.getAnimations().length);
    assert.equal(moving, 0);
    await media({});
  });

  promise("two fingers draw nothing beyond the first stroke; beside the pad a finger scrolls", async () => {
    await page().emulate({ width: 360, height: 740 });
    await page().driver.sendDevToolsCommand("Emulation.setTouchEmulationEnabled", {
      enabled: true,
      maxTouchPoints: 2,
    });
    const touch = (type, ...points) =>
      page().driver.sendDevToolsCommand("Input.dispatchTouchEvent", {
        type,
        touchPoints: points.map(([x, y], id) => ({ x, y, id })),
      });
    await page().run(() => document.querySelector('[data-testid="pad-clear"]').click());
    const { left, top, width, height } = await page().padBox();
    const at = ([x, y]) => [left + x * width, top + y * height];
    const before = await page().run(() => scrollY);
    await touch("touchStart", at([0.3, 0.3]));
    await touch("touchMove", at([0.35, 0.5]));
    await touch("touchStart", at([0.35, 0.5]), at([0.7, 0.3]));
    for (let i = 0; i < 8; i++) await touch("touchMove", at([0.35, 0.5 + i / 20]), at([0.7, 0.3 + i / 20]));
    await touch("touchEnd");
    assert.equal((await page().data("pad")).strokes, "1");
    assert.equal(await page().run(() => scrollY), before, "the pad does not scroll the page");
    const visualScale = await page().run(() => visualViewport.scale);
    assert.equal(visualScale, 1);
    await page().run(() => scrollTo(0, 0));
    const card = await page().run(() => {
      document.getElementById("data").scrollIntoView({ block: "start" });
      return scrollY;
    });
    await touch("touchStart", [180, 600]);
    for (let y = 590; y > 300; y -= 20) await touch("touchMove", [180, y]);
    await touch("touchEnd");
    await page().until("the page to scroll", async () => (await page().run(() => scrollY)) > card + 100);
    await page().driver.sendDevToolsCommand("Emulation.setTouchEmulationEnabled", { enabled: false });
    await page().emulate({ width: 1280 });
  });
}

// Pictures of every state of the page, for people to look at, in artifacts/: what a visitor sees first, at each width, and
// the whole page with every panel filled, light and dark; single states at a narrow and a wide one; what comes out of a
// printer. With QUANTPAD_UPDATE_PICTURE=1 the README's picture is taken anew.
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { SEVEN, THREE, ZERO } from "./digits.mjs";
import { visit } from "./harness.mjs";

const README_PICTURE = new URL("../../docs/page.png", import.meta.url);

/** Windows: a phone, a tablet, a laptop, a large screen. */
const WINDOWS = [
  [360, 740],
  [768, 1024],
  [1280, 800],
  [1920, 1080],
];
const [PHONE, , LAPTOP] = WINDOWS;
const SCRIBBLE = [Array.from({ length: 12 }, (_, i) => [i % 2 ? 0.9 : 0.1, 0.08 + i * 0.075])];

describe("pictures of the page", { timeout: 240_000 }, () => {
  let page;
  before(async () => {
    page = await visit("chromium");
    await page.untilSettled();
  });
  after(() => page?.close());

  /** What is in the window, at the page's top or where `id` is. */
  const inWindow = async (name, windows, { id, schemes = ["light"] } = {}) => {
    for (const [width, height] of windows) {
      for (const scheme of schemes) {
        await page.emulate({ width, height, scheme });
        await page.run((id) => {
          if (id) document.querySelector(`[data-testid="${id}"], #${id}`).scrollIntoView({ block: "start" });
          else scrollTo(0, 0);
        }, id);
        const picture = await page.picture(`${name}-${width}-${scheme}`, "window");
        assert.ok(picture.length > 5_000, "a picture of something");
      }
    }
  };
  /** Pressed as soon as it can be. */
  const press = (id) =>
    page.until(id, () =>
      page.run((id) => {
        const button = document.querySelector(`[data-testid="${id}"]:enabled`);
        button?.click();
        return button !== null;
      }, id),
    );
  const shown = (id) =>
    page.until(id, () => page.run((id) => !!document.querySelector(`[data-testid="${id}"]`), id), 60_000);
  /** Panels fill once they are in sight. */
  const look = (id) =>
    page.run((id) => document.querySelector(`[data-testid="${id}"], #${id}`).scrollIntoView(), id);
  const idle = () =>
    page.until(
      "an idle page",
      () =>
        page.run(
          () =>
            document.querySelector('[data-testid="train"]:enabled') &&
            document.querySelector('[data-testid="time-again"]:enabled') !== null,
        ),
      60_000,
    );

  it("the first screen, empty", () => inWindow("empty", WINDOWS, { schemes: ["light", "dark"] }));

  it("nothing moves by itself where motion is not wanted", async () => {
    const moving = async (motion) => {
      const features = [{ name: "prefers-reduced-motion", value: motion }];
      await page.driver.sendDevToolsCommand("Emulation.setEmulatedMedia", { features });
      return page.run(() => document.getAnimations().length);
    };
    assert.equal(await moving("reduce"), 0);
    assert.equal(await moving("no-preference"), 1, "the hint on the pad");
    assert.equal(await page.run(() => getComputedStyle(document.documentElement).scrollBehavior), "auto");
  });

  it("the first screen with a digit drawn", async () => {
    await page.emulate({ width: LAPTOP[0], height: LAPTOP[1] });
    await page.draw(THREE, { step: 12 });
    assert.equal((await page.data("fp32-digit")).digit, "3");
    await idle();
    for (const [width, height] of WINDOWS) {
      await page.emulate({ width, height });
      await page.run(() => scrollTo(0, 0));
      for (const id of ["pad", "agreement", "fp32-probabilities", "quantized-probabilities"]) {
        const bottom = await page.run(
          (id) => document.querySelector(`[data-testid="${id}"]`).getBoundingClientRect().bottom,
          id,
        );
        assert.ok(bottom <= height, `${id} ends at ${bottom} of ${width} x ${height}`);
      }
    }
    await inWindow("drawn", WINDOWS, { schemes: ["light", "dark"] });
    if (process.env.QUANTPAD_UPDATE_PICTURE === "1") {
      await page.emulate({ width: 1280, height: 900 });
      await page.run(() => scrollTo(0, 0));
      mkdirSync(new URL(".", README_PICTURE), { recursive: true });
      writeFileSync(README_PICTURE, Buffer.from(await page.driver.takeScreenshot(), "base64"));
    }
  });

  it("a drawing that neither model is sure of", async () => {
    await press("pad-clear");
    await page.draw(SCRIBBLE, { step: 40 });
    await page.run(() => document.querySelector('[data-testid="unsure-rule"] summary').click());
    await inWindow("unsure", [PHONE, LAPTOP]);
    await page.run(() => document.querySelector('[data-testid="unsure-rule"] summary').click());
    await press("pad-clear");
  });

  it("own drawings", async () => {
    for (const [digit, strokes] of [
      [0, ZERO],
      [3, THREE],
      [7, SEVEN],
    ]) {
      await page.draw(strokes, { step: 20 });
      await press(`teach-${digit}`);
    }
    await inWindow("own", [PHONE, LAPTOP], { id: "own-drawings" });
  });

  it("an error", async () => {
    await page.type("seed", "minus one");
    await press("train");
    await page.until("the alert", async () => (await page.data("error")).code !== "");
    await inWindow("error", [PHONE, LAPTOP]);
    await page.type("seed", "42");
  });

  it("every scheme compared", async () => {
    await press("sweep-run");
    await page.until("the sweep", async () => /compared/.test(await page.text("sweep-status")), 60_000);
    await idle();
  });

  it("training in slow motion, held", async () => {
    await page.choose("model-select", "mlp");
    await press("slow-motion");
    await press("train");
    await page.until("some epochs", async () => Number((await page.data("progress")).epoch) > 8);
    await press("pause");
    await inWindow("training", WINDOWS, { id: "train" });
    await press("slow-motion");
    await press("pause");
    await page.until("the MLP", async () => (await page.data("app")).model === "mlp", 60_000);
    await idle();
  });

  it("trained for quantization", async () => {
    await page.choose("preset-select", "ternary-per-channel");
    await page.until("the model", async () => (await page.data("app")).scheme === "ternary-per-channel");
    await idle();
    await page.choose("method-select", "qat");
    await shown("aware-progress");
    await inWindow("aware", [PHONE, LAPTOP], { id: "quantize" });
    await page.until("the model", async () => (await page.data("app")).scheme === "ternary-per-channel-qat");
    await idle();
  });

  it("a formula open", async () => {
    await page.draw(THREE, { step: 12 });
    await press("explain-quantized-size");
    await inWindow("formula", [PHONE, LAPTOP], { id: "compare", schemes: ["light", "dark"] });
    await press("explain-quantized-size");
  });

  /** Lines are read with ease up to some 75 letters; a few more where they are narrow. */
  const inLines = async () => {
    for (const [width, height] of WINDOWS) {
      await page.emulate({ width, height });
      const long = await page.run(() =>
        [...document.querySelectorAll("main :is(p, li, figcaption):not(:has(svg))")].flatMap((element) => {
          const range = document.createRange();
          range.selectNodeContents(element);
          const rects = [...range.getClientRects()];
          const lines = new Set(rects.map(({ bottom }) => Math.round(bottom / 8))).size;
          const text = element.textContent.trim();
          const perLine = text.length / lines;
          return lines > 1 && perLine > 80 ? [`${perLine.toFixed(0)}: ${text.slice(0, 60)}`] : [];
        }),
      );
      assert.deepEqual(long, [], `at ${width} px`);
    }
  };

  it("the whole page, every panel filled", async () => {
    await page.emulate({ width: LAPTOP[0], height: LAPTOP[1] });
    await page.choose("preset-select", "ternary-per-channel");
    await page.until("the model", async () => (await page.data("app")).scheme === "ternary-per-channel");
    await idle();
    await press("compare-backends");
    await shown("backends");
    await idle();
    await press("search-run");
    await shown("search-table");
    await press("payoff-run");
    await page.until(
      "the payoff",
      () =>
        page.run(
          () =>
            document.querySelector('[data-testid="payoff-run"]:enabled') &&
            document.querySelector(".payoff .notes") !== null,
        ),
      60_000,
    );
    for (const id of ["repair", "explain", "blame", "flips"]) {
      await look(id);
      await page.driver.sleep(300);
    }
    await shown("repair-outcome");
    await press("repair-step-wrap");
    await look("blame");
    await shown("blame-verdict");
    await look("explain");
    await shown("explain-steps");
    await look("flips");
    await page.until("the flips", async () => (await page.data("flips")).current === "true");
    await press("flips-matrix-difference");
    await page.run(() => {
      for (const details of document.querySelectorAll(".blame details, .explain details"))
        details.open = true;
      document.querySelector('[data-testid="run-compare"]').click();
    });
    await idle();
    await page.driver.sleep(500);
    await inLines();
    for (const [width, height] of WINDOWS) {
      for (const scheme of ["light", "dark"]) {
        await page.emulate({ width, height, scheme });
        await page.run(() => scrollTo(0, 0));
        await page.picture(`page-${width}-${scheme}`);
      }
    }
  });

  it("on paper: light, with every figure, and nothing to press", async () => {
    await page.emulate({ width: 720, height: 1000, scheme: "dark", media: "print" });
    const sheet = await page.run(() => {
      const shown = (selector) =>
        [...document.querySelectorAll(selector)].filter((element) => element.checkVisibility());
      const figures = [".summary-values", ".figure-value", "tr[data-row]", "[data-scheme] td"];
      return {
        ground: getComputedStyle(document.body).backgroundColor,
        // Figures that open into a formula, names of schemes and of columns are read as text.
        pressed: shown("button, select, progress, nav, [type=range], [type=checkbox], [role=toolbar]")
          .filter((element) => !element.matches(".explained > button, .link, .sort"))
          .map((element) => element.outerHTML),
        sticky: shown("body *")
          .filter((element) => /sticky|fixed/.test(getComputedStyle(element).position))
          .map((element) => element.outerHTML.slice(0, 80))
          .filter((html) => !html.startsWith("<th")),
        figures: figures.map((selector) => shown(selector).length),
        charts: shown("figure svg").length,
        head: shown(".printed").map((element) => element.innerText)[0],
        wide: document.documentElement.scrollWidth - innerWidth,
      };
    });
    assert.equal(sheet.ground, "rgb(255, 255, 255)");
    assert.deepEqual(sheet.pressed, []);
    assert.deepEqual(sheet.sticky, []);
    assert.ok(
      sheet.figures.every((count) => count >= 3),
      String(sheet.figures),
    );
    assert.ok(sheet.charts >= 8, `${sheet.charts} charts`);
    assert.match(sheet.head, /seed 42[\s\S]*ternary-per-channel[\s\S]*http/);
    assert.ok(sheet.wide <= 0, `${sheet.wide} px too wide`);
    await page.picture("print");
    await page.emulate({ width: LAPTOP[0], height: LAPTOP[1], scheme: "dark" });
    const { data } = await page.driver.sendAndGetDevToolsCommand("Page.printToPDF", {
      preferCSSPageSize: true,
      paperWidth: 8.27,
      paperHeight: 11.69,
    });
    const pdf = Buffer.from(data, "base64");
    writeFileSync(new URL("artifacts/print.pdf", import.meta.url), pdf);
    const pages = pdf.toString("latin1").match(/\/Type\s*\/Page\b/g).length;
    assert.ok(pages > 2 && pages < 20, `${pages} pages`);
    assert.equal((await page.data("theme")).theme, "system", "the colours of before");
  });

  it("the tour", async () => {
    await press("tour-begin");
    await shown("tour");
    await inWindow("tour", WINDOWS, { id: "train" });
    await press("tour-end");
  });
});

// What a visit costs in time: from opening the page to its first models, beside an empty page, and from a move of the pen
// to both answers on the screen.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SEVEN, THREE, ZERO } from "./digits.mjs";
import { visit } from "./harness.mjs";

/** A browser that has just been started has more to do than the page: both pages are opened when it has come to rest, in ms. */
const REST = 1500;

/** For how long nobody asks a page that opens how far it is, in ms: to answer would take time from it. */
const OPENING = 1000;

/** Opens a page as a visitor does: with nobody watching. */
export async function visitAlone(browser, server) {
  const page = await visit(browser, { server, rest: REST, logged: false });
  await page.driver.sleep(OPENING);
  return page;
}

/** Milliseconds from opening a page with one line of code to the running of that line, in a fresh profile. */
export async function openEmpty(browser) {
  const dir = mkdtempSync(join(tmpdir(), "quantpad-empty-"));
  try {
    writeFileSync(
      join(dir, "index.html"),
      '<!doctype html><html><head><title>Empty</title><script type="module" src="ready.js"></script></head><body></body></html>',
    );
    writeFileSync(join(dir, "ready.js"), "globalThis.readyAt = performance.now();");
    const page = await visitAlone(browser, { dir, inject: ";" });
    try {
      return await page.until("the empty page", () => page.run(() => globalThis.readyAt));
    } finally {
      await page.close();
    }
  } finally {
    rmSync(dir, { recursive: true });
  }
}

// The browser hands moves over just before a frame, so what is measured is from there: until then they wait for the screen,
// whatever the page does. Styles, layout and paint belong to the frame's task, so that they are over when anything else
// runs: the message, or an event that the browser takes before it.
const WATCH = `{
  const moves = (globalThis.moves = []);
  const frames = (globalThis.frames = []);
  const { port1, port2 } = new MessageChannel();
  let waiting = [];
  let framed = false;
  const painted = () => {
    if (!framed) return;
    const now = performance.now();
    moves.push(...waiting.map((then) => now - then));
    waiting = [];
    framed = false;
  };
  port1.onmessage = painted;
  for (const event of ["pointerdown", "pointerup"]) addEventListener(event, painted, true);
  addEventListener("pointermove", ({ buttons }) => {
    painted();
    if (buttons === 0) return;
    if (waiting.length === 0) {
      requestAnimationFrame(() => {
        framed = true;
        port2.postMessage(null);
      });
    }
    waiting.push(performance.now());
  }, true);
  let last = 0;
  const frame = (now) => {
    if (waiting.length > 0 && last > 0) frames.push(now - last);
    last = now;
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
}`;

/** Milliseconds from each move of the pen to both answers painted, and between the frames of drawing; Chromium only. */
export async function drawAndWatch() {
  const page = await visit("chromium", { server: { inject: WATCH } });
  try {
    await page.untilSettled();
    await page.until("the page's own timing", () => page.element("time-again").isEnabled());
    await page.run(() => {
      globalThis.moves.length = globalThis.frames.length = 0;
    });
    for (let round = 0; round < 4; round++) {
      for (const strokes of [ZERO, SEVEN, THREE]) {
        await page.draw(strokes);
        await page.click("pad-clear");
      }
    }
    return await page.run(() => ({ moves: globalThis.moves, frames: globalThis.frames }));
  } finally {
    await page.close();
  }
}

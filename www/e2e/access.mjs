// What everyone needs of a page, as far as a machine can tell.
import assert from "node:assert/strict";
import axe from "axe-core";
import { Key } from "selenium-webdriver";

/** WCAG 2.2 A and AA, and what axe-core recommends besides. */
const RULES = {
  runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
  rules: { "target-size": { enabled: true } },
};

/** Nothing to scroll sideways, and nothing that axe-core finds wrong, in the whole page or within `part`, a selector. */
export async function assertAccessible(page, part = ":root") {
  await assertFits(page);
  if (!(await page.run(() => "axe" in globalThis))) await page.run(axe.source);
  const violations = await page.driver.executeAsyncScript(
    (part, rules, done) =>
      globalThis.axe
        .run(part, { ...rules, resultTypes: ["violations"] })
        .then(({ violations }) =>
          done(
            violations.map(({ id, nodes }) => [
              id,
              ...nodes.map((node) => `${node.html} ${node.failureSummary}`),
            ]),
          ),
        ),
    part,
    RULES,
  );
  assert.deepEqual(violations, []);
}

/** Nothing reaches beyond the window's side, but within what scrolls by itself; and that has a name, and the keyboard can scroll it. */
export async function assertFits(page) {
  const { width, wide, mute } = await page.run(() => {
    const edge = document.documentElement.clientWidth;
    const inScroller = (element) => {
      for (let at = element.parentElement; at; at = at.parentElement) {
        if (getComputedStyle(at).overflowX !== "visible") return true;
      }
      return false;
    };
    const all = [...document.querySelectorAll("body *")];
    const wide = all
      .filter((element) => element.getBoundingClientRect().right > edge + 1 && !inScroller(element))
      .map((element) => element.outerHTML.slice(0, 120));
    const mute = all
      .filter(
        (element) =>
          /auto|scroll/.test(getComputedStyle(element).overflowX) &&
          element.scrollWidth > element.clientWidth + 1 &&
          !(element.matches("nav, section, [role=region]") && element.ariaLabel),
      )
      .map((element) => element.outerHTML.slice(0, 120));
    return { width: [edge, document.documentElement.scrollWidth], wide, mute };
  });
  assert.equal(width[0], width[1], `wider than the window: ${wide.slice(0, 3).join(" ")}`);
  assert.deepEqual(mute, [], "scrolls sideways, and has no name");
}

/** Puts the page's own colours to light, dark, or the system's. */
export async function chooseTheme(page, theme) {
  while ((await page.data("theme")).theme !== theme) {
    await page.run(() => document.querySelector('[data-testid="theme"]').click());
  }
}

/** In the page: looks at whatever the Tab key has come to. */
const FOLLOW_THE_KEYBOARD = () => {
  const BARS = ".summary, .tour, .update, .sweep thead";
  const luminance = (rgb) => {
    const [r, g, b] = rgb.map((value) => {
      const share = value / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const numbers = (colour) => (colour.match(/[\d.]+/g) ?? []).map(Number);
  const contrast = (a, b) => {
    const [low, high] = [luminance(numbers(a)), luminance(numbers(b))].sort((x, y) => x - y);
    return (high + 0.05) / (low + 0.05);
  };
  const groundUnder = (element) => {
    for (let at = element.parentElement; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if (colour !== "transparent" && numbers(colour)[3] !== 0) return colour;
    }
    return getComputedStyle(document.body).backgroundColor;
  };
  /** What shows the focus, and in which colour. */
  const mark = (element) => {
    for (const at of [element, element.closest("label"), element.querySelector(".target")]) {
      if (!at) continue;
      const style = getComputedStyle(at);
      if (style.outlineStyle !== "none" && Number.parseFloat(style.outlineWidth) >= 2)
        return [at, style.outlineColor];
      if (at !== element && style.stroke !== "none" && Number.parseFloat(style.strokeWidth) >= 2)
        return [at, style.stroke];
    }
    return null;
  };
  const sticks = (element) => element.closest(".tour, .update, .skip") !== null;
  /** Whether b is left of or above a, where both are parts of the same whole. */
  const backwards = (a, b) => {
    if (!a || a === b || !a.isConnected || sticks(a) || sticks(b) || a.contains(b) || b.contains(a))
      return false;
    let whole = a;
    while (!whole.contains(b)) whole = whole.parentElement;
    const part = (of) => {
      let at = of;
      while (at.parentElement !== whole) at = at.parentElement;
      // What has no box of its own (display: contents) lies where its parts do.
      return (getComputedStyle(at).display === "contents" ? of : at).getBoundingClientRect();
    };
    const [first, second] = [part(a), part(b)];
    if (second.bottom <= first.top + 1) return true;
    return second.top < first.bottom - 1 && first.top < second.bottom - 1 && second.right <= first.left + 1;
  };

  const walk = { reached: new Set(), faults: [], doubts: [], last: null, over: false, back: false };
  /** What the Tab key should come to: of radio buttons only the chosen one. */
  walk.workable = () =>
    [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex]")].filter(
      (element) =>
        !element.disabled &&
        element.tabIndex >= 0 &&
        !(element.type === "radio" && !element.checked) &&
        element.checkVisibility({ visibilityProperty: true }) &&
        element.closest("fieldset:disabled") === null,
    );
  window.walk = walk;
  /** Why what has the focus cannot be seen; empty where it can. */
  const hidden = (element) => {
    const [shown] = mark(element) ?? [element];
    const box = shown.getBoundingClientRect();
    const height = document.documentElement.clientHeight;
    // Firefox leaves alone what can be seen in part.
    const whole = walk.whole && box.height < height / 3;
    const out = whole ? box.top < -1 || box.bottom > height + 1 : box.bottom < 1 || box.top > height - 1;
    if (out) return `beyond the window, ${box.top.toFixed()} to ${box.bottom.toFixed()} of ${height}`;
    const points = [
      [box.left + box.width / 2, box.top + box.height / 2],
      [box.left + 3, box.top + 3],
      [box.right - 3, box.bottom - 3],
    ];
    const covered = points.filter(([x, y]) => {
      const bar = document.elementFromPoint(x, y)?.closest(BARS);
      return bar && !bar.contains(element);
    });
    return covered.length > (whole ? 0 : 2) ? "covered by a bar" : "";
  };
  const name = (element) =>
    `${element.dataset?.testid ?? ""} ${element.outerHTML.replace(/\s+/g, " ").slice(0, 100)}`;
  /** Goes back to before the next thing that was not seen when the keyboard came to it; whether there was one. */
  walk.return = () => {
    walk.doubt = walk.doubts.shift();
    walk.doubt?.before.focus();
    return walk.doubt !== undefined;
  };
  /** Looks at it again, come to by itself and at rest. */
  walk.lookAgain = () => {
    const { element, why } = walk.doubt;
    const still = document.activeElement === element ? hidden(element) : `${why}, and not come to again`;
    if (still) walk.faults.push(`${still}: ${name(element)}`);
  };
  // Past the last element a headless window would lose the keyboard.
  addEventListener("keydown", (event) => {
    if (event.key === "Tab" && walk.over && !walk.doubt) event.preventDefault();
  });
  addEventListener("keyup", (event) => {
    if (event.key !== "Tab" || walk.over) return;
    const element = document.activeElement;
    // Past the last element some engines leave the page for a moment.
    if (!element || element === document.body || element === document.documentElement) return;
    walk.over = element === walk.end || walk.reached.has(element);
    walk.reached.add(element);
    const fault = (what) => walk.faults.push(`${what}: ${name(element)}`);
    const before = walk.last;
    const [from, to] = walk.back ? [element, before] : [before, element];
    if (from && to && backwards(from, to)) fault(`comes after ${name(before)}`);
    walk.last = element;
    const marked = mark(element);
    if (!marked) return fault("nothing shows the focus");
    const [shown, colour] = marked;
    const seen = contrast(colour, groundUnder(shown));
    if (seen < 3) fault(`the focus has a contrast of ${seen.toFixed(1)}`);
    const why = walk.seen ? hidden(element) : "";
    if (why) walk.doubts.push({ before, element, why });
  });
};

/** Tabs through the whole page, forwards or backwards, and answers what is wrong on the way and what was reached. */
export async function tabThrough(page, { back = false } = {}) {
  if (!(await page.run(() => "walk" in window))) await page.run(FOLLOW_THE_KEYBOARD);
  await page.run(
    (back, browser) => {
      const all = window.walk.workable();
      const [first, end] = back ? [all.at(-1), all[0]] : [all[0], all.at(-1)];
      Object.assign(window.walk, { last: first, end, over: false, back, faults: [], doubts: [] });
      // WebKit scrolls only with its next frame.
      Object.assign(window.walk, { seen: browser !== "webkit", whole: browser === "chromium" });
      window.walk.reached.clear();
      window.walk.reached.add(first);
      first.focus();
    },
    back,
    page.browser,
  );
  const tab = (times) => {
    const actions = page.driver.actions({ async: true });
    if (back) actions.keyDown(Key.SHIFT);
    for (let i = 0; i < times; i++) actions.keyDown(Key.TAB).keyUp(Key.TAB);
    if (back) actions.keyUp(Key.SHIFT);
    return actions.perform();
  };
  const BATCH = 25;
  for (let sent = 0; sent < 800; sent += BATCH) {
    await tab(BATCH);
    if (await page.run(() => window.walk.over)) break;
  }
  // Keys that come this fast overtake the scrolling of some engines.
  while (await page.run(() => window.walk.return())) {
    await tab(1);
    await page.driver.executeAsyncScript((done) =>
      requestAnimationFrame(() => requestAnimationFrame(() => done())),
    );
    await page.run(() => window.walk.lookAgain());
  }
  return page.run(() => {
    const { reached, faults, over } = window.walk;
    const missed = window.walk
      .workable()
      .filter((element) => !reached.has(element))
      .map((element) => element.outerHTML.slice(0, 140));
    return { reached: reached.size, faults, missed, over };
  });
}

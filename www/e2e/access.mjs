// What everyone needs of a page, as far as a machine can tell.
import assert from "node:assert/strict";
import axe from "axe-core";

/** Nothing to scroll sideways, and nothing that axe-core finds wrong. */
export async function assertAccessible(page) {
  const { width, wide } = await page.run(() => {
    const edge = document.documentElement.clientWidth;
    const inScroller = (element) => {
      for (let at = element.parentElement; at; at = at.parentElement) {
        if (getComputedStyle(at).overflowX !== "visible") return true;
      }
      return false;
    };
    const wide = [...document.querySelectorAll("body *")]
      .filter((element) => element.getBoundingClientRect().right > edge + 1 && !inScroller(element))
      .map((element) => element.outerHTML.slice(0, 120));
    return { width: [edge, document.documentElement.scrollWidth], wide };
  });
  assert.equal(width[0], width[1], `wider than the window: ${wide.slice(0, 3).join(" ")}`);
  await page.run(axe.source);
  const { violations } = await page.driver.executeAsyncScript((done) => globalThis.axe.run().then(done));
  assert.deepEqual(
    violations.map(({ id, nodes }) => [id, ...nodes.map((node) => `${node.html} ${node.failureSummary}`)]),
    [],
  );
}

/** Puts the page's own colours to light, dark, or the system's. */
export async function chooseTheme(page, theme) {
  while ((await page.data("theme")).theme !== theme) await page.click("theme");
}

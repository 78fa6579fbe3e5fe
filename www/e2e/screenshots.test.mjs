// Pictures of the page with a digit drawn, for people to look at: artifacts/page-{360,1280}-{light,dark}.png.
// With QUANTPAD_UPDATE_PICTURE=1 the README's picture is taken anew.
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { THREE } from "./digits.mjs";
import { visit } from "./harness.mjs";

const README_PICTURE = new URL("../../docs/page.png", import.meta.url);

describe("pictures of the page", { timeout: 120_000 }, () => {
  let page;
  before(async () => {
    page = await visit("chromium");
    await page.untilSettled();
  });
  after(() => page?.close());

  for (const width of [1280, 360]) {
    for (const scheme of ["light", "dark"]) {
      it(`${width} px, ${scheme}`, async () => {
        await page.emulate({ width, scheme });
        if ((await page.data("pad")).strokes !== "0") await page.click("pad-clear");
        await page.draw(THREE);
        assert.equal((await page.data("fp32-digit")).digit, "3");
        await page.until("the page's own timing", () => page.element("time-again").isEnabled());
        await page.run(() => scrollTo(0, 0));
        const picture = await page.picture(`page-${width}-${scheme}`);
        assert.ok(picture.length > 10_000, "a picture of something");
        if (process.env.QUANTPAD_UPDATE_PICTURE === "1" && width === 1280 && scheme === "light") {
          mkdirSync(new URL(".", README_PICTURE), { recursive: true });
          // What a visitor sees first.
          writeFileSync(README_PICTURE, Buffer.from(await page.driver.takeScreenshot(), "base64"));
        }
      });
    }
  }
});

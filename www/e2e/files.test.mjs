// What goes in and out as files, in every engine: models that the page handed out are opened again and are the same, what
// is no such file is refused in words, large files show how far they are read, reports agree with the page, charts are pictures.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, beforeEach, describe } from "node:test";
import { SEVEN } from "./digits.mjs";
import { BROWSERS, pictured, visit } from "./harness.mjs";

// Files that the page hands out are kept here, and go nowhere.
const KEEP = `
  globalThis.handedOut = [];
  let last;
  URL.createObjectURL = (blob) => ((last = blob), '#');
  HTMLAnchorElement.prototype.click = function () { globalThis.handedOut.push({ name: this.download, blob: last }); };`;

const MNIST = { width: 28, height: 28 };

for (const browser of BROWSERS) {
  describe(`files in ${browser}`, { timeout: 240_000 }, () => {
    let page;
    before(async () => {
      page = await visit(browser, { server: { inject: KEEP } });
      await page.untilSettled();
    });
    after(() => page?.close());
    const promise = pictured(browser, () => page);

    const open = async (query = "") => {
      await page.run(() => sessionStorage.clear());
      await page.driver.get(page.server.url + query);
      await page.untilSettled();
    };
    /** What a button hands out: `{ name, bytes }`. */
    const saved = async (press) => {
      const before = await page.run(() => globalThis.handedOut.length);
      await press();
      await page.until("the file", () => page.run((number) => globalThis.handedOut.length > number, before));
      const { name, base64 } = await page.driver.executeAsyncScript((number, done) => {
        const { name, blob } = globalThis.handedOut[number];
        const reader = new FileReader();
        reader.onload = () => done({ name, base64: reader.result.split(",")[1] });
        reader.readAsDataURL(blob);
      }, before);
      return { name, bytes: Buffer.from(base64, "base64") };
    };
    const exported = (side) => saved(() => page.click(`export-${side}`));
    const both = async () => [await exported("fp32"), await exported("quantized")];
    /** Drops files anywhere, as a hand does: over the page, then let go. */
    const drop = (files) =>
      page.run(
        (files) => {
          const dataTransfer = new DataTransfer();
          for (const { name, base64 } of files) {
            const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
            dataTransfer.items.add(new File([bytes], name));
          }
          const send = (type) =>
            document.body.dispatchEvent(
              new DragEvent(type, { dataTransfer, bubbles: true, cancelable: true }),
            );
          send("dragover");
          send("drop");
        },
        files.map(({ name, bytes }) => ({ name, base64: Buffer.from(bytes).toString("base64") })),
      );
    const hash = (bytes) => createHash("sha256").update(bytes).digest("hex");
    const figures = async () =>
      Promise.all(
        ["fp32-accuracy", "quantized-accuracy", "fp32-size", "quantized-size"].map((id) => page.data(id)),
      );
    const shown = (side) =>
      page.run((side) => document.querySelector(`[data-testid=opened] [data-side=${side}]`)?.dataset, side);
    const opened = (side, file) =>
      page.until(`${file} in use`, async () => (await shown(side))?.file === file);
    const idle = () => page.until("an idle page", () => page.element("train").isEnabled());
    const answers = async () => {
      await page.click("pad-clear").catch(() => {});
      await page.draw(SEVEN);
      return [
        await page.json("fp32-probabilities", "values"),
        await page.json("quantized-probabilities", "values"),
      ];
    };

    promise("models come back from their files as they went: bytes, figures, answers, settings", async () => {
      await open("?model=mlp&seed=7&scheme=int4-per-channel-mse&layers=12&epochs=15");
      const [fp32, quantized] = await both();
      const [before, said] = [await figures(), await answers()];
      await open();
      await drop([fp32, quantized]);
      await opened("fp32", fp32.name);
      await opened("quantized", quantized.name);
      assert.deepEqual(await figures(), before);
      assert.deepEqual(await answers(), said);
      assert.deepEqual(
        (await both()).map(({ bytes }) => hash(bytes)),
        [fp32, quantized].map(({ bytes }) => hash(bytes)),
      );
      const { model, scheme } = await page.data("app");
      assert.deepEqual([model, scheme], ["mlp", "int4-per-channel-mse"]);
      assert.equal((await shown("fp32")).doubt + (await shown("quantized")).doubt, "");
      const query = new URLSearchParams(await page.run(() => location.search));
      assert.deepEqual([query.get("seed"), query.get("layers")], ["7", "12"]);
      assert.match(
        await page
          .text("export-fp32")
          .then(() => page.run(() => document.querySelector("#export").textContent)),
        /link does not carry the model/,
      );
    });
  });
}

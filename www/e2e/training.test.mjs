// Networks on the page, in every engine: MLP and CNN train, with their curves; a training can be held, stepped, ended
// early and cancelled, and one that runs away says what to try. Own data sets are read, or refused in words.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe } from "node:test";
import { gzipSync } from "node:zlib";
import { SEVEN, ZERO } from "./digits.mjs";
import { BROWSERS, pictured, visit } from "./harness.mjs";

/** An IDX file: magic number, sizes, bytes. */
const idx = (kind, sizes, bytes) =>
  Buffer.concat([Buffer.from([0, 0, 8, kind]), ...sizes.map(bigEndian), Buffer.from(bytes)]);
const bigEndian = (value) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};

/** 12 x 10 pixels; each label has a bright block at a place of its own, and noise that changes with every image. */
const COUNT = 400;
const [WIDTH, HEIGHT] = [12, 10];
/** Five blocks in a line, two lines. */
const inBlock = (x, y, label) =>
  x >= 2 * (label % 5) + 1 && x < 2 * (label % 5) + 3 && y >= 1 + 5 * (label < 5) && y < 4 + 5 * (label < 5);

function ownData() {
  let state = 1;
  const noise = () => {
    state = (state * 1103515245 + 12345) % 2 ** 31;
    return (state >> 16) % 60;
  };
  const labels = Array.from({ length: COUNT }, (_, i) => i % 10);
  const pixels = labels.flatMap((label) =>
    Array.from(
      { length: WIDTH * HEIGHT },
      (_, i) => noise() + (inBlock(i % WIDTH, Math.floor(i / WIDTH), label) ? 190 : 0),
    ),
  );
  return { images: idx(3, [COUNT, HEIGHT, WIDTH], pixels), labels: idx(1, [COUNT], labels) };
}

for (const browser of BROWSERS) {
  describe(`training in ${browser}`, { timeout: 240_000 }, () => {
    let page;
    const folder = mkdtempSync(join(tmpdir(), "quantpad-"));
    before(async () => {
      page = await visit(browser);
      await page.untilSettled();
      await page.click("slow-motion");
    });
    after(async () => {
      await page?.close();
      rmSync(folder, { recursive: true });
    });

    const promise = pictured(browser, () => page);

    const facts = async () => ({
      app: await page.data("app"),
      dataset: await page.data("dataset"),
      fp32: await page.data("fp32-accuracy"),
      quantized: await page.data("quantized-accuracy"),
    });
    const job = async () => (await page.data("progress")).job;
    const ended = (timeout = 60_000) =>
      page.until(
        "the end of the training",
        async () => (await job()) === "" && page.element("train").isEnabled(),
        timeout,
      );
    const train = async (model, fields) => {
      await page.choose("model-select", model);
      for (const [field, value] of Object.entries(fields)) await page.type(`field-${field}`, String(value));
      await page.click("train");
    };
    const complaint = (words) =>
      page.until(`a sentence with ${words}`, async () =>
        words.test(await page.text("error").catch(() => "")),
      );
    /** Gives files to the page as a visitor does who chooses them. */
    const give = async (files) => {
      const paths = Object.entries(files).map(([name, bytes]) => {
        const path = join(folder, name);
        writeFileSync(path, bytes);
        return path;
      });
      await page.element("file-input").sendKeys(paths.join("\n"));
    };

    for (const [model, fields, least] of [
      ["mlp", { epochs: 40 }, 345],
      ["cnn", { epochs: 6 }, 340],
    ]) {
      promise(`trains the ${model}, both versions answer, and int8 loses at most two images`, async () => {
        await train(model, fields);
        await page.until("its first epoch", async () => Number((await page.data("progress")).epoch) > 0);
        await ended();
        const { app, fp32, quantized } = await facts();
        assert.equal(app.model, model);
        assert.ok(Number(fp32.correct) >= least, `${fp32.correct} of 360`);
        assert.ok(
          Math.abs(fp32.correct - quantized.correct) <= 2,
          `${fp32.correct} and ${quantized.correct}`,
        );
        const ratio =
          (await page.data("fp32-size")).parameterBytes / (await page.data("quantized-size")).parameterBytes;
        assert.ok(ratio > 3.6 && ratio < 4, `${ratio} times smaller`);
        const lines = await page.run(() => document.querySelectorAll(".line-chart polyline").length);
        assert.equal(lines, 4, "training and validation, loss and accuracy");
        await page.draw(SEVEN);
        assert.equal((await page.data("fp32-digit")).digit, (await page.data("quantized-digit")).digit);
        await page.click("pad-clear");
      });
    }

    promise("holds, steps and ends a training early, and keeps the best model so far", async () => {
      await train("mlp", { epochs: 5000, layers: "48, 24" });
      await page.until("some epochs", async () => Number((await page.data("progress")).epoch) > 2);
      await page.click("pause");
      const epoch = async () => Number((await page.data("progress")).epoch);
      await page.until("a rest", async () => {
        const before = await epoch();
        await page.driver.sleep(300);
        return (await epoch()) === before;
      });
      const held = await epoch();
      await page.click("step");
      await page.until("one epoch more", async () => (await epoch()) === held + 1);
      await page.driver.sleep(200);
      assert.equal(await epoch(), held + 1);
      assert.equal(await page.text("pause"), "Resume");
      await page.click("pause");
      await page.until("further epochs", async () => (await epoch()) > held + 1);
      await page.click("finish");
      await ended();
      assert.equal((await page.data("app")).model, "mlp");
      const weights = 64 * 48 + 48 * 24 + 24 * 10;
      assert.equal((await page.data("fp32-size")).parameterBytes, String(4 * (weights + 48 + 24 + 10)));
    });

    promise("answers drawings while a training goes on, and a cancelled one changes nothing", async () => {
      const before = await facts();
      await train("cnn", { epochs: 500 });
      await page.until("a training", async () => (await job()) === "train");
      await page.draw(ZERO);
      assert.equal((await page.data("fp32-digit")).digit, "0");
      await page.click("pad-clear");
      await page.cancel();
      assert.deepEqual(await facts(), before);
    });

    promise("says which learning rate to try when a training runs away", async () => {
      const before = await facts();
      await train("mlp", { epochs: 20, rate: 20 });
      await complaint(/ran away.*learning rate of 2\b/);
      await ended();
      assert.deepEqual(await facts(), before);
      assert.equal((await page.data("error")).code, "diverged");
    });

    for (const [field, value, words] of [
      ["rate", "fast", /learning rate must be a number/],
      ["epochs", "0", /epochs must be/],
      ["layers", "32, many", /layer sizes must be whole numbers/],
      ["layers", "4096", /hidden sizes must be/],
    ]) {
      promise(`answers ${value} as ${field} in a sentence`, async () => {
        const before = await facts();
        const old = await page.element(`field-${field}`).getProperty("value");
        await train("mlp", { rate: 0.005, [field]: value });
        await complaint(words);
        await page.untilSettled();
        assert.deepEqual(await facts(), before);
        await page.type(`field-${field}`, old);
      });
    }

    promise("softmax regression minds nothing that is typed for a network", async () => {
      await train("mlp", { rate: "fast" });
      await complaint(/learning rate must be a number/);
      await page.choose("model-select", "softmax");
      await page.click("train");
      await page.until("the fit", async () => (await page.data("app")).model === "softmax");
      await ended();
      assert.equal((await page.data("error")).code, "");
      await page.choose("model-select", "mlp");
      await page.type("field-rate", "0.008");
    });

    const { images, labels } = ownData();
    const magic = Buffer.from(images);
    magic[2] = 9;
    const label = Buffer.from(labels);
    label[20] = 11;
    for (const [what, files, words] of [
      ["a wrong magic number", { "a-images": magic, "a-labels": labels }, /a-images.*begins with/],
      [
        "a truncated file",
        { "b-images": images.subarray(0, 5000), "b-labels": labels },
        /b-images.*ends after/,
      ],
      ["labels over 9", { "c-images": images, "c-labels": label }, /c-.*label of image 12.*11/],
      ["a missing partner", { "d-images": images }, /labels of d-images are missing/],
      ["a broken gzip", { "e-images.gz": gzipSync(images).subarray(0, 3000), "e-labels": labels }, /damaged/],
      ["absurd sizes", { "f-images": idx(3, [9, 70000, 70000], []), "f-labels": labels }, /70000 x 70000/],
      ["a gzip bomb", { "g-images.gz": gzipSync(Buffer.alloc(140 << 20)) }, /unpacks to more than 128 MB/],
      ["a picture", { "h.png": Buffer.from("\x89PNG\r\n\x1a\n", "latin1") }, /no data set/],
    ]) {
      promise(`refuses ${what} by its name, and leaves data and models as they were`, async () => {
        const before = await facts();
        await give(files);
        await complaint(words);
        await page.untilSettled();
        assert.deepEqual(await facts(), before);
      });
    }

    promise(
      "trains on the visitor's own images, draws in their form, and goes back to the digits",
      async () => {
        await page.choose("model-select", "mlp");
        await give({ "own-images.gz": gzipSync(images), "own-labels": labels });
        await page.until(
          "the new data",
          async () => (await page.data("dataset")).width === String(WIDTH),
          30_000,
        );
        await ended();
        const { dataset, fp32, quantized } = await facts();
        assert.deepEqual([dataset.train, dataset.test, dataset.height], ["320", "80", String(HEIGHT)]);
        assert.ok(
          Number(fp32.correct) >= 70 && Number(quantized.correct) >= 70,
          `${fp32.correct}, ${quantized.correct}`,
        );
        await page.draw(ZERO);
        const input = await page.data("model-input");
        assert.equal(JSON.parse(input.values).length, WIDTH * HEIGHT);
        await page.click("pad-sample");
        await page.until("a test image", async () => (await page.data("pad")).strokes === "0");
        assert.notEqual((await page.data("fp32-digit")).digit, "");
        await page.choose("activation-select", "static-minmax");
        await page.until("its size", async () => (await page.data("app")).scheme.includes("static"));

        // A cancelled training on other data keeps these.
        await page.type("field-epochs", "5000");
        await page.click("train");
        await page.until("a training", async () => (await job()) === "train");
        await page.cancel();
        assert.equal((await page.data("dataset")).width, String(WIDTH));
        await page.type("field-epochs", "40");
        await page.click("train");
        await ended();
        assert.equal((await page.data("dataset")).width, String(WIDTH));

        await page.click("use-digits");
        await page.until("the digits", async () => (await page.data("dataset")).width === "8", 30_000);
        await ended();
        assert.equal((await page.data("fp32-accuracy")).total, "360");
      },
    );

    promise("complains of nothing and asks no one else", async () => {
      assert.deepEqual(await page.complaints(), []);
    });
  });
}

// What goes in and out as files, in every engine: models that the page handed out are opened again and are the same, what
// is no such file is refused in words, large files show how far they are read, reports agree with the page, charts are pictures.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe } from "node:test";
import { gzipSync } from "node:zlib";
import { assertAccessible, chooseTheme } from "./access.mjs";
import { SEVEN } from "./digits.mjs";
import { BROWSERS, pictured, visit } from "./harness.mjs";

// Files that the page hands out are kept here, and go nowhere; so is what was seen of its progress.
const KEEP = `
  globalThis.seen = {};
  globalThis.handedOut = [];
  let last;
  URL.createObjectURL = (blob) => ((last = blob), '#');
  HTMLAnchorElement.prototype.click = function () { globalThis.handedOut.push({ name: this.download, blob: last }); };`;

/** A safetensors file of F32 tensors, `[shape, value]` each. */
function safetensors(metadata, tensors) {
  let end = 0;
  const header = metadata ? { __metadata__: metadata } : {};
  const data = Object.entries(tensors).map(([name, [shape, value]]) => {
    const values = new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(value);
    const start = end;
    end += values.byteLength;
    header[name] = { dtype: "F32", shape, data_offsets: [start, end] };
    return Buffer.from(values.buffer);
  });
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text, ...data]);
}

/** Softmax regression on images of so many pixels a side. */
const softmax = (side, { entry = "3 fp32 dense", mean = 0, weight = 0.5, notes = {} } = {}) =>
  safetensors(
    { quantpad: entry, ...notes },
    {
      "input.mean": [[side, side], mean],
      "input.factor": [[side, side], 1],
      "0.weight": [[10, side * side], weight],
      "0.bias": [[10], 0],
    },
  );

/** Bars in ten places, as a CSV file of 8 x 8 pixels and the label. */
const BARS = Array.from({ length: 60 }, (_, row) => {
  const pixels = Array.from({ length: 64 }, (_, i) => (Math.floor(i / 6) === row % 10 ? 16 : (row + i) % 3));
  return `${[...pixels, row % 10].join(",")}\n`;
}).join("");

for (const browser of BROWSERS) {
  describe(`files in ${browser}`, { timeout: 400_000 }, () => {
    let page;
    const folder = mkdtempSync(join(tmpdir(), "quantpad-files-"));
    before(async () => {
      page = await visit(browser, { server: { inject: KEEP } });
      await page.untilSettled();
    });
    after(async () => {
      rmSync(folder, { recursive: true });
      await page?.close();
    });
    const promise = pictured(browser, () => page);

    /** As in a new tab. */
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
    const hash = ({ bytes }) => createHash("sha256").update(bytes).digest("hex");
    /** Drops files anywhere, as a hand does: over the page, then let go. */
    const drop = (files) =>
      page.run(
        (files) => {
          const dataTransfer = new DataTransfer();
          for (const { name, base64, size } of files) {
            const bytes = size ?? Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
            dataTransfer.items.add(new File([size ? new Uint8Array(size) : bytes], name));
          }
          for (const type of ["dragover", "drop"]) {
            const event = new DragEvent(type, { dataTransfer, bubbles: true, cancelable: true });
            document.body.dispatchEvent(event);
          }
        },
        files.map(({ name, bytes = "", size }) => ({
          name,
          size,
          base64: Buffer.from(bytes).toString("base64"),
        })),
      );
    const choose = async (id, { name, bytes }) => {
      const path = join(folder, name);
      writeFileSync(path, bytes);
      await page.element(id).sendKeys(path);
    };
    const figures = () =>
      Promise.all(
        ["fp32-accuracy", "quantized-accuracy", "fp32-size", "quantized-size"].map((id) => page.data(id)),
      );
    /** What the page says of where a model came from. */
    const shown = (side) =>
      page.run((side) => {
        const line = document.querySelector(`[data-testid="opened"] [data-side="${side}"]`);
        return line && { ...line.dataset };
      }, side);
    const opened = (side, file) =>
      page.until(`${file} in use`, async () => (await shown(side))?.file === file);
    const idle = () => page.until("an idle page", () => page.element("train").isEnabled());
    const says = (selector) => page.run((selector) => document.querySelector(selector).textContent, selector);
    const digits = async () => {
      await page.click("use-digits");
      await page.until("the digits", async () => (await page.data("dataset")).test === "360");
      await idle();
    };

    promise("models come back from their files as they went: bytes, figures, answers, settings", async () => {
      const answers = async () => {
        await page.draw(SEVEN);
        const sides = ["fp32", "quantized"].map((side) => page.json(`${side}-probabilities`, "values"));
        const both = await Promise.all(sides);
        await page.click("pad-clear");
        return both;
      };
      await open("?model=mlp&seed=7&scheme=int4-per-channel-mse&layers=12&epochs=15");
      const files = await both();
      const [before, said] = [await figures(), await answers()];
      await open();
      await drop(files);
      await opened("fp32", files[0].name);
      await opened("quantized", files[1].name);
      assert.deepEqual(await figures(), before);
      assert.deepEqual(await answers(), said);
      assert.deepEqual((await both()).map(hash), files.map(hash));
      const { model, scheme } = await page.data("app");
      assert.deepEqual([model, scheme], ["mlp", "int4-per-channel-mse"]);
      assert.equal((await shown("fp32")).doubt + (await shown("quantized")).doubt, "");
      const query = new URLSearchParams(await page.run(() => location.search));
      assert.deepEqual([query.get("seed"), query.get("layers")], ["7", "12"]);
      assert.match(await says("#export"), /link does not carry the model that you opened/);
      if (browser === "chromium") await assertAccessible(page);
    });

    promise(
      "an opened model is undone and redone, is there after a reload, and learns own drawings",
      async () => {
        await open("?seed=7&c=0.1");
        const file = await exported("fp32");
        const accuracy = await page.data("fp32-accuracy");
        await open("?scheme=int4-per-channel-mse");
        const usual = await page.data("fp32-accuracy");
        const used = () =>
          page.run(() => document.querySelector('[data-used="true"] small')?.textContent ?? "");
        await page.until("a run", used);
        await drop([file]);
        await opened("fp32", file.name);
        await idle();
        assert.deepEqual(await page.data("fp32-accuracy"), accuracy);
        assert.equal((await page.data("app")).scheme, "int4-per-channel-mse", "by the settings on the page");
        assert.equal(await page.run(() => document.querySelector('[data-testid="seed"]').value), "7");
        await page.until("its run", async () => (await used()).includes(`opened from ${file.name}`));

        await page.click("settings-undo");
        await page.until("the model before", async () => !(await shown("fp32")));
        assert.deepEqual(await page.data("fp32-accuracy"), usual);
        await page.until("the end of the way back", () => page.element("settings-redo").isEnabled());
        await page.click("settings-redo");
        await opened("fp32", file.name);
        assert.deepEqual(await page.data("fp32-accuracy"), accuracy);

        await page.driver.sleep(600); // until it is written down
        await page.driver.navigate().refresh();
        await page.untilSettled();
        await opened("fp32", file.name);
        assert.deepEqual(await page.data("fp32-accuracy"), accuracy);

        await page.draw(SEVEN);
        await page.click("teach-7");
        await page.until("the drawing", async () => (await page.data("own-drawings")).count === "1");
        await page.click("fine-tune");
        await page.until("learned", async () => (await says("#export")).includes("carry your drawings"));
        const tuned = await exported("fp32");
        assert.notEqual(hash(tuned), hash(file));
        assert.match(tuned.bytes.toString("latin1"), /"own_drawings":"1"/);
        assert.equal((await shown("fp32")).file, file.name);
        await page.click("own-delete");
      },
    );

    promise(
      "a quantized model of another split stands beside the fp32 model in use, with a warning",
      async () => {
        await open("?seed=7&scheme=ternary-per-channel");
        const file = await exported("quantized");
        await open();
        const before = await page.data("fp32-accuracy");
        await choose("open-model", file);
        await opened("quantized", file.name);
        assert.equal((await page.data("app")).scheme, "ternary-per-channel");
        assert.deepEqual(await page.data("fp32-accuracy"), before);
        assert.match((await shown("quantized")).doubt, /seed 7/);
        assert.match(await says("#compare"), /may have learned from/);
        await page.choose("format-select", "int8");
        await page.until("a model made here", async () => !(await shown("quantized")));
        assert.match(await says("#compare"), /never saw/);
      },
    );

    promise("a data set and a model given together: first the data, then the model on it", async () => {
      await open();
      const file = await exported("fp32");
      await drop([file, { name: "bars.csv", bytes: BARS }]);
      await opened("fp32", file.name);
      const { name, test } = await page.data("dataset");
      assert.equal(name, "bars.csv");
      assert.match((await shown("fp32")).doubt, /other images/);
      assert.equal((await page.data("fp32-accuracy")).total, test);
      await digits();
    });

    promise("what is no model for this page is refused in words, and nothing is lost", async () => {
      await open();
      const files = await both();
      const kept = await figures();
      const given = (bytes, name = "a.bin") => [{ name, bytes }];
      const entry = (entry) => given(softmax(8, { entry }));
      const wrongly = (name) => given(files[0].bytes.subarray(0, 700), name);
      for (const [what, code, words, dropped] of [
        ["empty", "bad-model", /a\.safetensors is empty/, given("", "a.safetensors")],
        ["cut off", "bad-model", /cut\.safetensors.*(bytes|damaged)/, wrongly("cut.safetensors")],
        ["text", "bad-model", /t\.safetensors.*header cannot be read/, given("hello, you", "t.safetensors")],
        [
          "of another program",
          "bad-model",
          /lacks the entry “quantpad”.*input\.mean/,
          given(safetensors(null, { "fc.weight": [[10, 64], 1] })),
        ],
        [
          "lacking tensors",
          "bad-model",
          /lacks the tensors input\.mean, input\.factor, 0\.bias/,
          given(safetensors({ quantpad: "3 fp32 dense" }, { "0.weight": [[10, 64], 1] })),
        ],
        ["of another version", "bad-model", /version 4/, entry("4 fp32 dense")],
        ["of other layers", "bad-model", /dense maxpool2 dense/, entry("3 fp32 dense maxpool2 dense")],
        ["of no such scheme", "bad-model", /scheme.*int3/, entry("3 int3 dense")],
        ["not finite", "bad-model", /a\.bin: .*finite/, given(softmax(8, { weight: Number.NaN }))],
        ["of other images", "other-images", /28×28.*8×8/, given(softmax(28))],
        [
          "of other pixels",
          "other-images",
          /0…255.*0…16/,
          given(softmax(8, { notes: { max_pixel: "255" } })),
        ],
        ["of brighter pixels", "other-images", /beyond 16/, given(softmax(8, { mean: 40 }))],
        ["an MLP", "other-layers", /quantized MLP.*softmax/, entry("3 int8-per-tensor dense+relu dense")],
        ["two of a kind", "bad-model", /several models of a kind/, [files[1], files[1]]],
        ["too big", "bad-model", /larger than 64 MB/, [{ name: "huge.safetensors", size: 65 << 20 }]],
      ]) {
        await drop(dropped);
        await page.until(`refused: ${what}`, async () => words.test(await page.text("error")));
        assert.equal((await page.data("error")).code, code, what);
        assert.deepEqual(await figures(), kept, what);
      }
      await page.choose("model-select", "mlp");
      await page.type("field-epochs", "5000");
      await page.click("train");
      await page.until("a training", async () => (await page.data("progress")).job === "train");
      await drop(files);
      await page.until("refused: busy", async () => (await page.data("error")).code === "busy");
      await page.click("cancel");
      await idle();
      assert.equal((await page.data("app")).state, "ready");
      assert.deepEqual((await both()).map(hash), files.map(hash));
    });

    promise("a model that does not say how it was made is opened, and no more is claimed of it", async () => {
      await drop([{ name: "plain.safetensors", bytes: softmax(8) }]);
      await opened("fp32", "plain.safetensors");
      assert.equal((await page.data("error")).code, "");
      assert.match((await shown("fp32")).doubt, /does not say what it was trained on/);
      assert.match(await says("#compare"), /may have learned from/);
      const { bytes } = await exported("fp32");
      assert.ok(!bytes.includes("max_pixel") && !bytes.includes("settings"));
    });

    promise("a big file shows how far it is read while the page goes on, and can be left alone", async () => {
      await open();
      const kept = await figures();
      /** Forty thousand images of 28 x 28, 31 MB, without labels: read as a whole, then refused. */
      const give = (cancel) =>
        page.run((cancel) => {
          const count = 40_000;
          const images = new Uint8Array(16 + count * 784).fill(7);
          const head = new DataView(images.buffer);
          for (const [i, value] of [0x803, count, 28, 28].entries()) head.setUint32(4 * i, value);
          const seen = Object.assign(globalThis.seen, { shares: [], label: "" });
          const changed = new MutationObserver(() => {
            const bar = document.querySelector('[data-testid="reading"]');
            if (!bar) return;
            seen.label = bar.getAttribute("aria-label");
            if (bar.position < 0) return;
            seen.shares.push(bar.position);
            if (!cancel) return;
            changed.disconnect();
            document.querySelector('[data-testid="reading-cancel"]').click();
          });
          changed.observe(document.querySelector("#data"), {
            subtree: true,
            childList: true,
            attributes: true,
          });
          const files = new DataTransfer();
          files.items.add(new File([images], "big-images"));
          const event = new DragEvent("drop", { dataTransfer: files, bubbles: true, cancelable: true });
          document.body.dispatchEvent(event);
        }, cancel);
      const seen = () => page.run(() => globalThis.seen);
      await give(false);
      const refused = /labels of big-images are missing/i;
      await page.until("the end", async () => refused.test(await page.text("error")), 60_000);
      const { shares, label } = await seen();
      assert.match(label, /big-images/);
      assert.ok(
        shares.some((share) => share > 0 && share < 1),
        `${shares}`,
      );
      assert.deepEqual(
        shares,
        [...shares].sort((a, b) => a - b),
        "never back",
      );
      await give(true);
      const left = async () =>
        (await seen()).shares.length > 0 &&
        page.run(() => !document.querySelector('[data-testid="reading"]'));
      await page.until("an end", left, 60_000);
      await idle();
      assert.equal((await page.data("error")).code, "", "what is cancelled is no failure");
      assert.deepEqual(await figures(), kept);
      assert.equal((await page.data("dataset")).test, "360");
      await page.click("pad-sample");
      await page.until("a new worker", async () => (await says(".pad-tools")).includes("labelled"));
    });

    promise("a packed data set is unpacked; a damaged one is refused in words", async () => {
      const packed = gzipSync(BARS);
      await drop([{ name: "bars.csv.gz", bytes: packed }]);
      await page.until("the bars", async () => (await page.data("dataset")).name === "bars.csv.gz");
      await idle();
      const damaged = packed.subarray(0, packed.length - 9);
      await drop([{ name: "bad.csv.gz", bytes: damaged }]);
      await page.until("refused", async () => /bad\.csv\.gz.*damaged/.test(await page.text("error")));
      assert.equal((await page.data("dataset")).name, "bars.csv.gz");
      await digits();
    });

    promise("the report says what the page says, the same in Markdown, CSV and JSON", async () => {
      await open("?scheme=int4-per-channel-mse");
      const read = async (ending) => (await saved(() => page.click(`report-${ending}`))).bytes.toString();
      const { quantpad, version, ...tables } = JSON.parse(await read("json"));
      assert.deepEqual([quantpad, version], ["report", 1]);
      const setting = (name) => tables.settings[name].value;
      assert.equal(setting("scheme"), "int4-per-channel-mse");
      assert.equal(setting("link"), `${page.server.url}?scheme=int4-per-channel-mse`);
      assert.equal(setting("link makes the same models"), true);
      assert.equal(setting("instruction set"), (await page.data("app")).backend);
      for (const side of ["fp32", "quantized"]) {
        const [accuracy, size, time] = await Promise.all(
          ["accuracy", "size", "time"].map((what) => page.data(`${side}-${what}`)),
        );
        const figure = (name) => tables.figures[name][side];
        const percent = (100 * accuracy.correct) / accuracy.total;
        assert.equal(figure("right answers"), Number(accuracy.correct));
        assert.equal(figure("accuracy, %"), Number(percent.toFixed(2)));
        assert.ok(figure("accuracy, % (95 % interval from)") < percent);
        assert.ok(figure("accuracy, % (95 % interval to)") > percent);
        assert.equal(figure("parameters, bytes"), Number(size.parameterBytes));
        assert.equal(figure("model file, bytes"), Number(size.bytes));
        assert.equal(figure("one image, median ns"), Number(Number(time.ns).toPrecision(4)));
        const matrix = Object.entries(tables[`confusion_${side}`]);
        const right = matrix.reduce((sum, [label, row]) => sum + row[`answered ${label}`], 0);
        assert.equal(right, Number(accuracy.correct));
      }
      // Every value but the moment, in the same order.
      const values = Object.values(tables).flatMap((rows) =>
        Object.entries(rows)
          .filter(([name]) => name !== "date")
          .flatMap(([, row]) => Object.values(row).map((value) => String(value ?? ""))),
      );
      const csv = (await read("csv")).trimEnd().split("\r\n").slice(1);
      const fields = csv.map((line) =>
        [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^",]*))/g)].map(([, quoted, bare]) =>
          (quoted ?? bare).replaceAll('""', '"'),
        ),
      );
      assert.ok(fields.every((field) => field.length === 4));
      assert.deepEqual(
        fields.filter(([, row]) => row !== "date").map(([, , , value]) => value),
        values,
      );
      const lines = (await read("md")).split("\n").filter((line) => line.startsWith("|"));
      const cells = lines.map((line) => line.slice(2, -2).split(" | "));
      const isRule = (row) => row?.[0].startsWith(":--");
      const rows = cells.filter((row, i) => !isRule(row) && !isRule(cells[i + 1]) && row[0] !== "date");
      assert.deepEqual(
        rows.flatMap(([, ...row]) => row),
        values,
      );
    });

    promise("a chart is saved as a picture of twice its pixels, in the colours shown", async () => {
      await open();
      await page.until("the matrix", () =>
        page.run(() => {
          document.querySelector('[data-testid="flips"]').scrollIntoView();
          return document.querySelector('[data-testid="flips-confusion"]');
        }),
      );
      for (const theme of ["light", "dark"]) {
        await chooseTheme(page, theme);
        for (const chart of [".line-chart", ".chart:has([data-testid=flips-confusion])"]) {
          const [width, height, label, target] = await page.run((chart) => {
            const element = document.querySelector(chart);
            const inner = element.querySelector("svg, table").getBoundingClientRect();
            const button = element.querySelector('[data-testid="png"]');
            const { height } = button.getBoundingClientRect();
            return [inner.width, inner.height, button.getAttribute("aria-label"), height];
          }, chart);
          assert.match(label, /^Save as PNG: ./);
          assert.ok(target >= 24, `${target} px`);
          const press = (chart) => document.querySelector(`${chart} [data-testid="png"]`).click();
          const { name, bytes } = await saved(() => page.run(press, chart));
          assert.match(name, /^quantpad-[a-z0-9-]+\.png$/);
          const [wide, high] = [bytes.readUInt32BE(16), bytes.readUInt32BE(20)];
          assert.ok(Math.abs(wide - 2 * (Math.max(width, 300) + 32)) <= 4, `${wide} px for ${width}`);
          assert.ok(high > 2 * (height + 32) && high < 2 * (height + 200), `${high} px for ${height}`);
          const colours = await page.driver.executeAsyncScript((done) => {
            createImageBitmap(globalThis.handedOut.at(-1).blob).then((image) => {
              const canvas = document.createElement("canvas");
              [canvas.width, canvas.height] = [image.width, image.height];
              const context = canvas.getContext("2d");
              context.drawImage(image, 0, 0);
              const { data } = context.getImageData(0, 0, image.width, image.height);
              const colours = {};
              for (let i = 0; i < data.length; i += 4) {
                const colour = data.slice(i, i + 3).join();
                colours[colour] = (colours[colour] ?? 0) + 1;
              }
              done(colours);
            });
          });
          const [card, line] = await page.run(() =>
            [
              getComputedStyle(document.querySelector(".card")).backgroundColor,
              getComputedStyle(document.querySelector(".line-chart polyline")).stroke,
            ].map((colour) => colour.match(/\d+/g).slice(0, 3).join()),
          );
          const [most] = Object.entries(colours).sort(([, a], [, b]) => b - a);
          assert.equal(most[0], card, "on the ground of the page");
          assert.ok(Object.keys(colours).length > 20, "not blank");
          if (chart === ".line-chart") assert.ok(colours[line] > 100, `the line is ${line}`);
        }
      }
      await chooseTheme(page, "system");
      assert.deepEqual(await page.complaints(), []);
    });
  });
}

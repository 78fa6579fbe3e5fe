// What the page knows of itself, in every engine: the address makes the same models again, nonsense in it is refused in
// words, the colours are the visitor's choice, the summary says what the panels say.
import assert from "node:assert/strict";
import { after, before, describe } from "node:test";
import { assertAccessible, chooseTheme } from "./access.mjs";
import { ONE } from "./digits.mjs";
import { KEEP_FILES, saved } from "./files.mjs";
import { BROWSERS, pictured, visit } from "./harness.mjs";

for (const browser of BROWSERS) {
  describe(`state in ${browser}`, { timeout: 120_000 }, () => {
    let page;
    before(async () => {
      page = await visit(browser, { server: { inject: KEEP_FILES } });
      await page.untilState("ready");
    });
    after(() => page?.close());
    const promise = pictured(browser, () => page);

    const open = async (query) => {
      await page.driver.get(page.server.url + query);
      await page.untilState("ready");
    };
    const address = () => page.run(() => location.search);
    const scheme = async () => (await page.data("app")).scheme;
    /** Both models' files, as the page hands them out. */
    const files = async () => {
      const all = [];
      for (const side of ["fp32", "quantized"])
        all.push(
          await saved(page, () =>
            page.run((id) => document.querySelector(id).click(), `[data-testid="export-${side}"]`),
          ),
        );
      return all;
    };
    const idle = () => page.until("an idle page", () => page.element("train").isEnabled());
    /** As if in a tab of its own, which recalls nothing. */
    const forget = () => page.run(() => sessionStorage.clear());

    promise("an address says what differs from the usual, and nothing else", async () => {
      assert.equal(await address(), "");
      await page.choose("format-select", "int4");
      await page.until("int4", async () => (await scheme()).startsWith("int4"));
      assert.equal(await address(), `?scheme=${await scheme()}`);
      await page.choose("format-select", "int8");
      await page.until("int8", async () => (await scheme()) === "int8-dynamic-per-tensor");
      assert.equal(await address(), "");
    });

    for (const query of [
      "?seed=7&c=0.1&scheme=ternary-per-channel",
      "?scheme=int8-static-entropy-per-tensor&samples=5&calibration-seed=9&correction=biases",
      "?model=mlp&seed=3&scheme=int8-dynamic-per-channel-first-f16&layers=12&epochs=15&rate=0.01",
    ]) {
      promise(`the same models, to the byte, come of ${query}`, async () => {
        await open(query);
        assert.equal((await page.data("error")).code, "");
        assert.equal(
          String(new URLSearchParams([...new URLSearchParams(await address())].sort())),
          String(new URLSearchParams([...new URLSearchParams(query)].sort())),
        );
        const first = await files();
        await forget();
        await open("");
        assert.notDeepEqual(await files(), first, "others come of nothing");
        await forget();
        await open(query);
        assert.deepEqual(await files(), first);
      });
    }

    promise("the usual stands in for what makes no sense in a link, and the page says so", async () => {
      await open("?model=foo&seed=-1&scheme=int3&toString=1&utm=mail&samples=99");
      const { code } = await page.data("error");
      assert.equal(code, "bad-link");
      const said = await page.text("error");
      for (const part of ["model=foo", "seed=-1", "scheme=int3"]) assert.ok(said.includes(part), said);
      assert.ok(!/toString|utm|samples/.test(said), said);
      const app = await page.data("app");
      assert.deepEqual([app.model, app.scheme], ["softmax", "int8-dynamic-per-tensor"]);
      assert.equal((await page.data("fp32-accuracy")).correct, "350");
      assert.equal(await address(), "?samples=99");
    });

    promise("the usual models stand in where the core refuses the numbers of a link", async () => {
      await open("?model=mlp&rate=-5");
      assert.equal((await page.data("error")).code, "bad-link");
      assert.match(await page.text("error"), /learning rate/i);
      assert.equal((await page.data("app")).model, "softmax");
      assert.equal((await page.data("fp32-accuracy")).correct, "350");
      assert.equal(await address(), "");
    });

    promise("Copy link copies the address, or says where it is", async () => {
      if (browser === "chromium") {
        await page.driver.sendDevToolsCommand("Browser.grantPermissions", {
          permissions: ["clipboardReadWrite", "clipboardSanitizedWrite"],
        });
      }
      await open("?seed=5");
      await page.click("copy-link");
      const said = await page.until("an answer", () =>
        page.run(() => document.querySelector('[data-testid="copy-link"] + [role=status]').textContent),
      );
      assert.match(said, /^(Copied\.|This browser does not let the page copy: take the address)/);
      if (browser === "chromium") {
        assert.match(said, /^Copied/);
        const copied = await page.driver.executeAsyncScript((done) =>
          navigator.clipboard.readText().then(done, (error) => done(String(error))),
        );
        assert.equal(copied, `${page.server.url}?seed=5`);
      }
    });

    promise(
      "the summary says what the panels say, once they are measured and while they change",
      async () => {
        await open("?scheme=int8-dynamic-per-channel");
        const summary = () =>
          page.run(() => ({
            model: document.querySelector(".summary-models strong").textContent,
            ...Object.fromEntries(
              [...document.querySelectorAll(".summary-change")].map((change) => [
                change.dataset.figure,
                [...change.querySelectorAll(".side-fp32, .side-quantized")].map((side) => side.textContent),
              ]),
            ),
          }));
        const panel = (ids) =>
          page.run(
            (ids) =>
              ids.map((id) => document.querySelector(`[data-testid="${id}"] .figure-value`).textContent),
            ids,
          );
        /** The panels say the unit on both sides. */
        const bare = ([from, to]) => [from.split("\u00a0")[0], to];
        await page.until("the timing", () => page.element("time-again").isEnabled());
        for (const choice of ["ternary", "int8"]) {
          await page.choose("format-select", choice);
          await page.until(choice, async () => (await scheme()).startsWith(choice));
          await page.until("the timing", () => page.element("time-again").isEnabled());
          const now = await summary();
          assert.equal(now.model, "Softmax regression");
          for (const [name, id] of [
            ["Accuracy", "accuracy"],
            ["Parameters", "size"],
            ["One image", "time"],
          ]) {
            const [from, to] = await panel([`fp32-${id}`, `quantized-${id}`]);
            assert.equal(now[name][1], to, name);
            assert.equal(now[name][0].split("\u00a0")[0], bare([from, to])[0], name);
            assert.match(to, /^[0-9]/, name);
          }
        }
      },
    );

    promise("what the summary says has become worse leads to where the page says why", async () => {
      await open("?scheme=ternary-per-channel");
      await page.until("the timing", () => page.element("time-again").isEnabled());
      const note = (figure) =>
        page.run((figure) => {
          const note = document.querySelector(`[data-figure="${figure}"] .summary-note`);
          return { text: note.textContent, to: note.querySelector("a")?.getAttribute("href") };
        }, figure);
      const lost = await note("Accuracy");
      assert.match(lost.text, /^−.* points: why\?$/);
      await page.press(`.summary-note a[href="${lost.to}"]`);
      await page.until("the layers, in sight", () =>
        page.run(
          () =>
            document.querySelector('[data-testid="blame"] table')?.getBoundingClientRect().top < innerHeight,
        ),
      );
      assert.deepEqual(await note("Parameters"), { text: "10.83× smaller", to: null });
      const time = await note("One image");
      const says = await page.run(() =>
        document.querySelector("#compare").textContent.includes("Why it does not win"),
      );
      if (time.to) assert.ok(says, time.text);
      else assert.match(time.text, /faster$|^the same$/);
      await page.choose("format-select", "int8");
      await page.until("int8", async () => (await note("Accuracy")).text === "the same");
      assert.equal((await note("Accuracy")).to, null, "nothing is lost");
    });

    promise(
      "colours follow the system until chosen, stay over a reload, and the pad is painted anew",
      async () => {
        await open("");
        assert.equal((await page.data("theme")).theme, "system");
        await page.draw(ONE);
        /** The mean brightness of what is painted on the pad. */
        const ink = () =>
          page.run(() => {
            const pad = document.querySelector('[data-testid="pad"]');
            const copy = new OffscreenCanvas(pad.width, pad.height).getContext("2d", {
              willReadFrequently: true,
            });
            copy.drawImage(pad, 0, 0);
            const { data } = copy.getImageData(0, 0, pad.width, pad.height);
            let [sum, count] = [0, 0];
            for (let i = 0; i < data.length; i += 4) {
              if (data[i + 3] < 200) continue;
              sum += data[i] + data[i + 1] + data[i + 2];
              count += 3;
            }
            return sum / count;
          });
        const ground = () =>
          page.run(() => {
            const [r, g, b] = getComputedStyle(document.body).backgroundColor.match(/\d+/g).map(Number);
            return (r + g + b) / 3;
          });
        await page.click("theme");
        assert.equal((await page.data("theme")).theme, "light");
        const light = [await ink(), await ground()];
        await page.click("theme");
        assert.equal((await page.data("theme")).theme, "dark");
        const dark = [await ink(), await ground()];
        assert.ok(light[1] > 200 && dark[1] < 60, `grounds ${light[1]} and ${dark[1]}`);
        assert.ok(light[0] < dark[0] - 50, `ink ${light[0]} in light, ${dark[0]} in dark`);
        await page.until("the drawing to be written down", async () => {
          await page.driver.sleep(400);
          return true;
        });
        await open("");
        assert.equal((await page.data("theme")).theme, "dark");
        assert.ok((await ground()) < 60);
        await page.until("the pad", async () => (await page.data("pad")).strokes === "1");
        assert.ok(Math.abs((await ink()) - dark[0]) < 5, "the drawing is painted in the chosen colours");
        await page.click("theme");
        assert.equal((await page.data("theme")).theme, "system");
      },
    );

    if (browser === "chromium") {
      promise(
        "fits 320 px and is accessible with a network, its curves and every panel, while it trains and when it errs",
        async () => {
          await open("?model=mlp&epochs=30&scheme=int4-per-channel");
          await page.until("every panel", () => page.run(() => document.getElementById("blame") !== null));
          await idle();
          for (const theme of ["light", "dark"]) {
            await chooseTheme(page, theme);
            for (const width of [320, 360, 1280]) {
              await page.emulate({ width });
              // Panels compute once they have been on the screen.
              for (const id of ["lab", "blame", "flips", "payoff", "export"]) {
                await page.run((id) => document.getElementById(id).scrollIntoView(), id);
                await page.driver.sleep(60);
              }
              await assertAccessible(page);
            }
          }
          await page.type("field-epochs", "3000");
          await page.click("train");
          await page.until("a training", async () => (await page.data("progress")).job === "train");
          await assertAccessible(page);
          await page.click("cancel");
          await idle();
          await page.type("field-epochs", "many");
          await page.click("train");
          await page.until("an error", async () => (await page.data("error")).code === "bad-setting");
          await page.emulate({ width: 320 });
          await assertAccessible(page);
        },
      );
    }

    promise("has said nothing wrong on the console", async () => {
      assert.deepEqual(await page.complaints(), []);
    });
  });
}

// What every page test uses: a browser of each engine, a server for the page, and the page's contract of test ids.
// A visit uses a fresh profile, and records from its first moment whatever the page complains about.

import { execFileSync } from "node:child_process";
import { EventEmitter } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Builder, By, logging, Origin } from "selenium-webdriver";
import chrome from "selenium-webdriver/chrome.js";
import firefox from "selenium-webdriver/firefox.js";
import { startServer } from "../serve.mjs";
import { startWebKitDriver } from "./webkit-driver.mjs";

/** The engines to test in, by the environment variable QUANTPAD_BROWSERS; all three unless told otherwise. */
export const BROWSERS = (process.env.QUANTPAD_BROWSERS || "chromium,firefox,webkit").split(",");

// Selenium's connection to the DevTools listens once for each command under way, and drawQuickly sends hundreds.
EventEmitter.defaultMaxListeners = 0;

const ARTIFACTS = new URL("artifacts/", import.meta.url);

// No name but this machine's resolves, so that a request to anywhere else fails loudly.
const CHROMIUM_ARGUMENTS = [
  "--headless",
  "--no-sandbox", // Chromium refuses to run as root with it, as in containers
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--hide-scrollbars", // they lie over the page, as on phones, so that a width is the page's own
  "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
];

// Runs in the page before its own scripts: the drivers of Firefox and WebKit hand out no console.
const RECORDER = `{
  const complaints = (globalThis.complaints = []);
  const describe = (value) => (value instanceof Error ? value.stack || String(value) : String(value));
  for (const level of ['error', 'warn']) {
    const original = console[level];
    console[level] = (...values) => {
      complaints.push('console.' + level + ': ' + values.map(describe).join(' '));
      original.apply(console, values);
    };
  }
  // Capturing, because a file that fails to load sends an event that does not bubble.
  addEventListener('error', (event) => complaints.push('uncaught: ' + (event.message || event.target?.outerHTML)), true);
  addEventListener('unhandledrejection', (event) => complaints.push('unhandled rejection: ' + describe(event.reason)));
  addEventListener('securitypolicyviolation', (event) => complaints.push('policy: ' + event.violatedDirective + ' ' + event.blockedURI));
}`;

const START = {
  async chromium({ logged }) {
    const log = new logging.Preferences();
    log.setLevel(logging.Type.BROWSER, logging.Level.ALL);
    if (logged) log.setLevel(logging.Type.PERFORMANCE, logging.Level.ALL);
    const options = new chrome.Options().addArguments(...CHROMIUM_ARGUMENTS).setLoggingPrefs(log);
    return new Builder()
      .forBrowser("chrome")
      .setChromeOptions(options)
      .setChromeService(new chrome.ServiceBuilder(which("chromedriver")))
      .build();
  },

  async firefox() {
    const options = new firefox.Options().addArguments("-headless");
    return new Builder()
      .forBrowser("firefox")
      .setFirefoxOptions(options)
      .setFirefoxService(new firefox.ServiceBuilder(which("geckodriver")))
      .build();
  },

  async webkit() {
    const service = await startWebKitDriver();
    try {
      const driver = await new Builder()
        .usingServer(service.url)
        .withCapabilities({ browserName: "MiniBrowser" })
        .build();
      driver.stopService = service.stop;
      return driver;
    } catch (error) {
      await service.stop();
      throw error;
    }
  },
};

// The path is given, so that Selenium looks for no driver to download.
function which(program) {
  try {
    return execFileSync("which", [program], { encoding: "utf8" }).trim();
  } catch {
    throw new Error(`${program} is missing; ./build.sh setup installs it`);
  }
}

/**
 * Opens the built page in a fresh browser of this engine.
 *
 * `server` are options of startServer; its `inject` runs after the recorder. `path` is the page's folder on the server.
 * `size` is that of the window. For benchmarks: `rest`, ms between the start of the browser and the opening of the page;
 * `logged`, whether Chromium tells its driver of every request, which takes time from a page that opens.
 */
export async function visit(
  browser,
  { server: options = {}, path = "", size = [1280, 1000], rest = 0, logged = true } = {},
) {
  const server = await startServer({ ...options, inject: `${RECORDER}\n${options.inject ?? ""}` });
  try {
    const driver = await START[browser]({ logged });
    const page = new Page(browser, driver, server);
    try {
      await driver.manage().window().setRect({ width: size[0], height: size[1] });
      await sleep(rest);
      await driver.get(server.url + path);
      return page;
    } catch (error) {
      await page.close();
      throw error;
    }
  } catch (error) {
    await server.close();
    throw error;
  }
}

/** Tests of a page that is there when they run; each leaves a picture when it fails. */
export const pictured = (browser, page) => (name, body) =>
  it(name, async () => {
    try {
      await body();
    } catch (error) {
      await page()
        ?.picture(`failed ${browser} ${name}`.replace(/\W+/g, "-"))
        .catch(() => {});
      throw error;
    }
  });

export class Page {
  constructor(browser, driver, server) {
    Object.assign(this, { browser, driver, server });
  }

  async close() {
    await this.driver.quit().catch(() => {});
    await this.driver.stopService?.();
    await this.server.close();
  }

  /** Runs a function in the page. */
  run(body, ...args) {
    return this.driver.executeScript(body, ...args);
  }

  element(id) {
    return this.driver.findElement(By.css(`[data-testid="${id}"]`));
  }

  click(id) {
    return this.press(`[data-testid="${id}"]`);
  }

  /** A click on what a selector finds. What sticks to the edges of the window covers what a driver has only just scrolled in. */
  async press(selector) {
    // WebKit does not hold the page where it is while a part above fills, and its driver then clicks on something else.
    for (let attempt = 1; attempt <= 3; attempt++) {
      const element = await this.driver.findElement(By.css(selector));
      await this.run((element) => {
        element.scrollIntoView({ block: "center" });
        const { dataset } = document.documentElement;
        dataset.click = "awaited";
        element.addEventListener(
          "click",
          () => {
            dataset.click = "arrived";
          },
          { once: true, capture: true },
        );
      }, element);
      await element.click();
      if (this.browser !== "webkit") return;
      // A page that has been left has nothing to say of it.
      const missed = await this.run(() => document.documentElement.dataset.click === "awaited").catch(
        () => false,
      );
      if (!missed) return;
    }
    throw new Error(`no click on ${selector} arrives`);
  }

  /** The data-* attributes of an element, by their names in JavaScript: `bytes`, `batchNs`. */
  async data(id) {
    const found = await this.run((id) => {
      const element = document.querySelector(`[data-testid="${id}"]`);
      return element && { ...element.dataset };
    }, id);
    if (!found) throw new Error(`the page has no element with data-testid="${id}"`);
    return found;
  }

  /** A data-* attribute that holds JSON. */
  async json(id, name) {
    return JSON.parse((await this.data(id))[name]);
  }

  async text(id) {
    return this.run((id) => document.querySelector(`[data-testid="${id}"]`).textContent.trim(), id);
  }

  /** What the page says is wrong: in its alert, or at an input that it marks as invalid. */
  complaintShown() {
    return this.run(() => {
      const alert = document.querySelector('[data-testid="error"]');
      const notes = [...document.querySelectorAll('[aria-invalid="true"]')].flatMap((input) =>
        `${input.getAttribute("aria-errormessage") ?? ""} ${input.getAttribute("aria-describedby") ?? ""}`
          .split(/\s+/)
          .filter(Boolean)
          .map((id) => document.getElementById(id)),
      );
      return [alert, ...notes]
        .map((element) => element?.textContent.trim())
        .filter(Boolean)
        .join(" ");
    });
  }

  /** Waits until `check` answers something true, and answers that. */
  async until(what, check, timeout = 20_000) {
    const end = Date.now() + timeout;
    for (;;) {
      const answer = await check();
      if (answer) return answer;
      if (Date.now() > end) throw new Error(`waited ${timeout / 1000} s in vain for: ${what}`);
      await this.driver.sleep(20);
    }
  }

  /** Waits until the models are there, and all that comes after them: times, and the parts that load last. */
  async untilSettled(timeout) {
    await this.untilState("ready", timeout);
    await this.until(
      "the last parts",
      () =>
        this.run(() =>
          ["time-again", "payoff-run"].every((id) => document.querySelector(`[data-testid="${id}"]:enabled`)),
        ),
      timeout,
    );
  }

  /** Cancels the job under way: that ends at once, and the page comes to rest in its own time. */
  async cancel() {
    await this.click("cancel");
    await this.until("the end of the job", async () => (await this.data("progress")).job === "", 3_000);
    await this.untilSettled();
  }

  /** Waits for the models that `act` has trained. The training itself may be over before one has looked. */
  async untilTrained(act, timeout = 60_000) {
    const count = () => this.run(() => performance.getEntriesByName("ready").length);
    const before = await count();
    await act();
    await this.until("new models", async () => (await count()) > before, timeout);
    await this.untilSettled(timeout);
  }

  async untilState(state, timeout) {
    let last;
    await this.until(
      `data-state="${state}"`,
      async () => {
        // WebKit's driver can lose the answer of a script that a new page overtakes: it is asked again.
        last = await Promise.race([
          this.run(() => document.querySelector('[data-testid="app"]')?.dataset.state),
          sleep(5000, undefined, { ref: false }),
        ]);
        return last === state;
      },
      timeout,
    ).catch(async (error) => {
      const complaints = await this.run(() => globalThis.complaints ?? []);
      const shown = await this.text("error").catch(() => "");
      throw new Error([error.message, `state: ${last}`, `error: ${shown}`, ...complaints].join("\n"));
    });
  }

  /** Replaces the text of an input as a visitor would. */
  async type(id, text) {
    const input = this.element(id);
    await input.clear();
    // WebKit's driver refuses to type nothing.
    if (text) await input.sendKeys(text);
  }

  /** Chooses an option of a select by its value. */
  async choose(id, value) {
    const select = await this.element(id);
    await this.run((element) => element.scrollIntoView({ block: "center" }), select);
    await select.findElement(By.css(`option[value="${value}"]`)).click();
  }

  /**
   * Draws with the real mouse. Strokes are lists of [x, y] in fractions of the pad; long ways are split into steps
   * of at most `step` CSS pixels, as a hand would make them.
   */
  async draw(strokes, { step = 6 } = {}) {
    const pad = await this.padBox();
    const actions = this.driver.actions({ async: true });
    // Chromium's driver takes a frame for each move, whatever its duration.
    const go = ([x, y]) =>
      actions.move({ x: Math.round(x), y: Math.round(y), origin: Origin.VIEWPORT, duration: 0 });
    for (const stroke of strokes) {
      const points = stroke.map(([x, y]) => [pad.left + x * pad.width, pad.top + y * pad.height]);
      go(points[0]).press();
      for (let i = 1; i < points.length; i++) {
        const [from, to] = [points[i - 1], points[i]];
        const steps = Math.max(1, Math.ceil(Math.hypot(to[0] - from[0], to[1] - from[1]) / step));
        for (let s = 1; s <= steps; s++)
          go(from.map((value, axis) => value + ((to[axis] - value) * s) / steps));
      }
      actions.release();
    }
    await actions.perform();
  }

  /**
   * Chromium only: draws with real mouse events that wait for no frame, so that the browser hands the page many moves
   * in one event, as it does for a quick hand.
   */
  async drawQuickly(strokes) {
    this.connection ??= await this.driver.createCDPConnection("page");
    const { left, top, width, height } = await this.padBox();
    const sent = [];
    const send = (type, [x, y], buttons, more) => {
      const position = { x: left + x * width, y: top + y * height };
      sent.push(this.connection.send("Input.dispatchMouseEvent", { type, ...position, buttons, ...more }));
    };
    const click = { button: "left", clickCount: 1 };
    for (const stroke of strokes) {
      send("mouseMoved", stroke[0], 0);
      send("mousePressed", stroke[0], 1, click);
      for (const point of stroke.slice(1)) send("mouseMoved", point, 1, { button: "left" });
      send("mouseReleased", stroke.at(-1), 0, click);
    }
    await Promise.all(sent);
  }

  /** Where the pad is in the window, scrolled into view. */
  padBox() {
    return this.run(() => {
      const element = document.querySelector('[data-testid="pad"]');
      element.scrollIntoView({ block: "center" });
      const { left, top, width, height } = element.getBoundingClientRect();
      return { left, top, width, height };
    });
  }

  /** Everything the page has said wrong so far: console errors and warnings, uncaught errors, policy violations. */
  async complaints() {
    const complaints = await this.run(() => globalThis.complaints);
    if (this.browser === "chromium") {
      const entries = await this.driver.manage().logs().get(logging.Type.BROWSER);
      for (const { level, message } of entries) {
        if (level.value >= logging.Level.WARNING.value) complaints.push(`${level.name}: ${message}`);
      }
    }
    return complaints;
  }

  /** The addresses of everything the page has asked for. */
  async requests() {
    const urls = await this.run(() => performance.getEntriesByType("resource").map((entry) => entry.name));
    if (this.browser === "chromium") {
      // The network log of the browser knows what the page cannot see, such as a request that a policy stopped.
      for (const { message } of await this.driver.manage().logs().get(logging.Type.PERFORMANCE)) {
        const event = JSON.parse(message).message;
        if (event.method === "Network.requestWillBeSent") urls.push(event.params.request.url);
      }
    }
    return urls;
  }

  /** Chromium only: a viewport of exactly this width, and light or dark; `media` is screen or print. */
  async emulate({ width, height = 900, scheme = "light", scale = 1, media = "" }) {
    await this.driver.sendDevToolsCommand("Emulation.setDeviceMetricsOverride", {
      width,
      height,
      deviceScaleFactor: scale,
      mobile: false,
    });
    await this.driver.sendDevToolsCommand("Emulation.setEmulatedMedia", {
      media,
      features: [{ name: "prefers-color-scheme", value: scheme }],
    });
  }

  /**
   * A picture of the whole page in Chromium, of the window elsewhere or if asked for. Kept among the artifacts; answers its
   * bytes.
   */
  async picture(name, of = "page") {
    let base64;
    if (this.browser === "chromium" && of === "page") {
      const { cssContentSize } = await this.driver.sendAndGetDevToolsCommand("Page.getLayoutMetrics", {});
      const options = { format: "png", captureBeyondViewport: true, clip: { ...cssContentSize, scale: 1 } };
      ({ data: base64 } = await this.driver.sendAndGetDevToolsCommand("Page.captureScreenshot", options));
    } else {
      base64 = await this.driver.takeScreenshot();
    }
    const bytes = Buffer.from(base64, "base64");
    mkdirSync(ARTIFACTS, { recursive: true });
    writeFileSync(fileURLToPath(new URL(`${name}.png`, ARTIFACTS)), bytes);
    return bytes;
  }
}

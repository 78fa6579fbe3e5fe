// Measures in a real browser, as a visitor's machine would run it: page load in fresh profiles, and the page's own timing
// panel. Prints a table; --json FILE writes one record for each figure, so that two runs can be compared by a program.
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { visit } from "./harness.mjs";

const VISITS = 5;

const { values } = parseArgs({
  options: { browser: { type: "string", default: "chromium" }, json: { type: "string" } },
});

/** One visit in a fresh profile: milliseconds from the start of loading until ready, and the figures of the page. */
async function measure() {
  // The page notes the moment itself: asking through the driver would be late.
  const inject = `new MutationObserver(() => {
    const state = document.querySelector('[data-testid="app"]')?.dataset.state;
    if (state === 'ready') globalThis.readyAt ??= performance.now();
  }).observe(document, { subtree: true, childList: true, attributes: true, attributeFilter: ['data-state'] });`;
  const page = await visit(values.browser, { server: { inject } });
  try {
    await page.untilState("ready");
    // The page measures by itself when it is ready; its button is back when it has done so.
    await page.until("the page's own timing", () => page.element("time-again").isEnabled());
    const timed = async (side) => ({
      time: await page.data(`${side}-time`),
      size: await page.data(`${side}-size`),
    });
    return {
      ready: await page.run(() => globalThis.readyAt),
      app: await page.data("app"),
      total: Number((await page.data("fp32-accuracy")).total),
      fp32: await timed("fp32"),
      quantized: await timed("quantized"),
    };
  } finally {
    await page.close();
  }
}

/** Median and quartiles, in nanoseconds. */
function quartiles(samples) {
  const sorted = samples.toSorted((a, b) => a - b);
  const at = (share) => sorted[Math.round(share * (sorted.length - 1))];
  return { median_ns: at(0.5), q1_ns: at(0.25), q3_ns: at(0.75) };
}

const visits = [];
for (let i = 0; i < VISITS; i++) visits.push(await measure());

const { app, total } = visits[0];
const over = (pick) => quartiles(visits.map(pick));
const name = app.model;
const backend = app.backend;
const records = [{ group: "page", name: "ready", backend, ...over(({ ready }) => ready * 1e6) }];
for (const [side, format] of [
  ["fp32", "fp32"],
  ["quantized", "int8"],
]) {
  records.push(
    { group: "model", name, backend, format, batch: 1, ...over((visit) => Number(visit[side].time.ns)) },
    {
      group: "model",
      name,
      backend,
      format,
      batch: total,
      ...over((visit) => total * Number(visit[side].time.batchNs)),
    },
    { group: "size", name, format, bytes: Number(visits[0][side].size.bytes) },
  );
}

const find = (format, batch) => records.find((record) => record.format === format && record.batch === batch);
const size = (format) => records.find((record) => record.group === "size" && record.format === format).bytes;
const rows = [
  ["", "fp32", "int8", "int8 / fp32"],
  ...[
    ["one image, ns", find("fp32", 1).median_ns, find("int8", 1).median_ns],
    [`${total} images, ns`, find("fp32", total).median_ns, find("int8", total).median_ns],
    ["model file, bytes", size("fp32"), size("int8")],
  ].map(([label, fp32, int8]) => [label, fp32.toFixed(0), int8.toFixed(0), (int8 / fp32).toFixed(2)]),
];

console.log(
  `${values.browser}, ${backend} kernels, ${name}: medians over ${VISITS} visits in fresh profiles\n`,
);
for (const [label, ...cells] of rows) {
  console.log(label.padEnd(20) + cells.map((cell) => cell.padStart(12)).join(""));
}
console.log(`\nfrom opening the page to ready: ${(records[0].median_ns / 1e6).toFixed(0)} ms`);

if (values.json) writeFileSync(values.json, `${JSON.stringify(records, null, 1)}\n`);

// Measures in a real browser, as a visitor's machine would run it: the kernels beside what the instructions allow, the
// models as functions from pixels to scores, training, how many drawings by real people are read, the sizes, page load in
// fresh profiles, and the page's own timing panel.
// Prints tables; --json FILE writes one record for each figure, so that two runs can be compared by a program.
import { execFileSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { drawAndWatch, openEmpty, visitAlone } from "./bench-opening.mjs";
import {
  drawingsTable,
  drawingTable,
  growthTable,
  kernelTable,
  loadTable,
  modelTable,
  sizeTable,
  targetTable,
  trainingTable,
} from "./bench-report.mjs";
import { visit } from "./harness.mjs";
import { penDigits, FILE as STROKES } from "./pen.mjs";

const VISITS = 7;
const BACKENDS = ["scalar", "simd128", "relaxed"];

/** [rows, inputs, outputs] of the products. */
const SHAPES = [...[256, 1024].map((n) => [n, n, n]), ...[64, 256, 512, 1024, 4096].map((n) => [1, n, n])];
const MODELS = {
  names: ["softmax", "mlp", "mlp784", "cnn"],
  batches: [1, 360],
  schemes: ["fp32", "int8-dynamic-per-tensor", "int8-static-minmax-per-tensor"],
};
/** The schemes' names among the records. */
const FORMATS = ["fp32", "int8-dynamic", "int8-static"];

/** A build without SIMD is measured only for comparison with the others, where it takes no minutes. */
const PLANS = {
  scalar: {
    products: SHAPES.filter(([, inputs]) => inputs <= 256),
    models: { names: [], batches: [], schemes: [] },
  },
  simd128: { products: SHAPES, models: MODELS },
  relaxed: { products: SHAPES, models: MODELS },
};

/** Modules as they are published: Vite and the npm package copy them unchanged. */
const MODULES = fileURLToPath(new URL("../src/wasm/", import.meta.url));
const DIST = fileURLToPath(new URL("../dist/", import.meta.url));
const ASSETS = join(DIST, "assets");
const WORKERS = ["bench-worker.mjs", "bench-training.mjs", "bench-drawings.mjs"];
const DRAWINGS = "drawings.json";
const MNIST = fileURLToPath(new URL("../../../shared/data/mnist/", import.meta.url));
const MNIST_FILES = ["train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"].map(
  (name) => `${name}-ubyte.gz`,
);

/** Median and quartiles, in nanoseconds. */
function quartiles(samples) {
  const sorted = samples.toSorted((a, b) => a - b);
  const at = (share) => sorted[Math.round(share * (sorted.length - 1))];
  return { median_ns: at(0.5), q1_ns: at(0.25), q3_ns: at(0.75) };
}

/** Figures for kernels, models and training of every build that the browser can load, each in a worker of its own. */
async function measureCore(browser, log) {
  const dir = mkdtempSync(join(tmpdir(), "quantpad-bench-"));
  try {
    // The glue that the page uses is bundled; the raw one is driven here, from an empty page of the same kind: the
    // harness serves it with the same headers, so that the clock is as fine.
    writeFileSync(join(dir, "index.html"), "<!doctype html><html><head><title>Bench</title></head></html>");
    for (const file of WORKERS) copyFileSync(fileURLToPath(new URL(file, import.meta.url)), join(dir, file));
    const mnist = MNIST_FILES.every((file) => existsSync(join(MNIST, file)));
    if (mnist) for (const file of MNIST_FILES) copyFileSync(join(MNIST, file), join(dir, file));
    else log("MNIST's files are not there (../shared/data/mnist): its training is left out.");
    const digits = existsSync(STROKES) ? penDigits() : [];
    writeFileSync(
      join(dir, DRAWINGS),
      JSON.stringify(digits.map(({ label, strokes }) => ({ label, strokes }))),
    );
    for (const file of readdirSync(MODULES)) copyFileSync(join(MODULES, file), join(dir, file));

    const page = await visit(browser, { server: { dir, inject: PAGE } });
    try {
      const records = [];
      let best;
      for (const backend of BACKENDS) {
        const [figures] = await runWorker(page, "bench-worker.mjs", { backend, ...PLANS[backend] });
        if (figures.refused) log(`\n${backend}: this browser cannot load it`);
        else {
          best = backend;
          records.push(...coreRecords(backend, figures, log));
        }
      }
      const plan = { backend: best, mnist: mnist && MNIST_FILES };
      const trained = (await runWorker(page, "bench-training.mjs", plan)).slice(0, -1).flat();
      const training = trained.map(({ samples, ...rest }) => ({
        group: "training",
        backend: best,
        ...rest,
        ...quartiles(samples),
      }));
      log(`\nTraining, ${best}\n${trainingTable(training)}`);
      log(`\nTraining grows with images and epochs (28x28, batch 32)\n${growthTable(training)}`);
      const read = digits.length > 0 ? await measureDrawings(page, best) : [];
      log(
        read.length > 0
          ? `\n${digits.length} drawings by 13 people, default models, ${best}\n${drawingsTable(read)}`
          : `\nThe drawings are not there (${STROKES}): how many are read is left out.`,
      );
      return [...records, ...training, ...read];
    } finally {
      await page.close();
    }
  } finally {
    rmSync(dir, { recursive: true });
  }
}

/** How many drawings by real people the default models read. */
async function measureDrawings(page, backend) {
  const read = await runWorker(page, "bench-drawings.mjs", { backend, drawings: DRAWINGS });
  return read
    .slice(0, -1)
    .flat()
    .map((record) => ({ group: "drawings", backend, ...record }));
}

// Code of the page itself: in Firefox what a driver runs has its own globals, which end with it.
const PAGE = `globalThis.measure = (script, plan) => {
  globalThis.heard = [];
  const worker = new Worker(script, { type: "module" });
  worker.onmessage = ({ data }) => {
    globalThis.heard.push(data);
    if (data.done || data.error) worker.terminate();
  };
  worker.onerror = ({ message }) => {
    globalThis.heard.push({ error: message || "the worker did not start" });
  };
  worker.postMessage(JSON.parse(plan));
};`;

/** All that the worker says; the last of it says `done`. */
async function runWorker(page, script, plan) {
  await page.run((script, plan) => globalThis.measure(script, plan), script, JSON.stringify(plan));
  const heard = async () => {
    // Rarely, for asking takes the machine's time.
    await page.driver.sleep(500);
    return page.run(() => {
      const last = globalThis.heard.at(-1);
      return (last?.done || last?.error) && globalThis.heard;
    });
  };
  const figures = await page.until(`the figures of ${plan.backend}`, heard, 600_000);
  const { error } = figures.at(-1);
  if (error) throw new Error(`${plan.backend}: ${error}`);
  return figures;
}

function coreRecords(backend, { isolated, path, kernels, models }, log) {
  if (!isolated) throw new Error("the page is not cross-origin isolated: its clock is too coarse");
  const ceilingOf = { fp32: /^f32/, int8: path.startsWith("relaxed") ? /^relaxed dot$/ : /^16-bit pairs$/ };
  const records = [...ceilingRecords(backend, kernels, ceilingOf)];
  for (const kernel of kernels) {
    records.push(
      kernelRecord(backend, kernel, "fp32", ceilingOf),
      kernelRecord(backend, kernel, "int8", ceilingOf),
      kernelRecord(backend, kernel, "xnor", ceilingOf),
    );
  }
  for (const { name, batch, times, layers } of models) {
    times.forEach((samples, i) => {
      records.push({ group: "model", name, backend, format: FORMATS[i], batch, ...quartiles(samples) });
    });
    layers.forEach((samples, i) => {
      const work = { group: "model", name: `${name}-layers`, backend, format: FORMATS[i], batch };
      records.push({ ...work, ...quartiles(samples) });
    });
  }
  log(`\nKernels, ${backend} (integers by: ${path})\n${kernelTable(records)}`);
  if (models.length > 0)
    log(
      `\nModels, ${backend}: float pixels from JavaScript to float scores (-layers: without copies, scaling, rounding)\n${modelTable(records)}`,
    );
  return records;
}

/** Multiplications a nanosecond of the best of the ceilings by these names, around one product; 0 where there is none. */
function ceiling({ ceilings }, names) {
  const best = ceilings.map((list) =>
    Math.max(0, ...list.filter(({ name }) => names.test(name)).map(({ productsPerNs }) => productsPerNs)),
  );
  return best.reduce((sum, value) => sum + value, 0) / best.length;
}

/** What the instructions alone reach from registers: the median over the run. */
function* ceilingRecords(backend, kernels, ceilingOf) {
  for (const [format, names] of Object.entries(ceilingOf)) {
    const sorted = kernels.map((kernel) => ceiling(kernel, names)).sort((a, b) => a - b);
    const gops = 2 * sorted[sorted.length >> 1];
    if (gops > 0) yield { group: "kernel", name: "ceiling", backend, format, gops };
  }
}

function kernelRecord(backend, kernel, format, ceilingOf) {
  const [rows, inputs, outputs] = kernel.shape;
  const { medianNs, q1Ns, q3Ns } = kernel[format];
  const rate = (rows * inputs * outputs) / medianNs;
  const limit = format in ceilingOf ? ceiling(kernel, ceilingOf[format]) : 0;
  return {
    group: "kernel",
    name: `${rows === 1 ? "gemv" : "gemm"}-${inputs}`,
    backend,
    format,
    median_ns: medianNs,
    q1_ns: q1Ns,
    q3_ns: q3Ns,
    gops: 2 * rate, // a multiplication and an addition
    ...(limit > 0 && { ceiling_share: rate / limit }),
  };
}

/**
 * What a visitor downloads, gzip -9: each module (of a page's part and a workers' part one is taken), all code and styles
 * of the page. And with Brotli, as the server sends it: what is needed until the page is ready, and everything.
 */
function measureSizes() {
  const gzip = (file) => execFileSync("gzip", ["-9", "-c", file], { maxBuffer: 2 ** 26 }).length;
  const assets = (wanted) =>
    readdirSync(ASSETS)
      .filter((file) => wanted.test(file))
      .reduce((sum, file) => sum + gzip(join(ASSETS, file)), 0);
  const sent = (file) => statSync(existsSync(`${file}.br`) ? `${file}.br` : file).size;
  const html = readFileSync(join(DIST, "index.html"), "utf8");
  const isFirst = (file) => html.includes(file);
  const brotli = (wanted) =>
    readdirSync(ASSETS)
      .filter((file) => !/\.(br|gz)$|_scalar-|quantpad_simd128-/.test(file) && wanted(file))
      .reduce((sum, file) => sum + sent(join(ASSETS, file)), sent(join(DIST, "index.html")));
  const modules = (name, part) =>
    BACKENDS.map((backend) => [backend, join(MODULES, `${part}_${backend}.wasm`)])
      .filter(([, file]) => existsSync(file))
      .map(([backend, file]) => [`${name}-${backend}`, gzip(file)]);
  return [
    ...modules("page", "page"),
    ...modules("wasm", "quantpad"),
    ["js", assets(/\.js$/)],
    ["css", assets(/\.css$/)],
    ["until-ready", brotli(isFirst)],
    ["everything", brotli(() => true) + sent(join(DIST, "sw.js"))],
  ].map(([name, bytes]) => ({
    group: "size",
    name,
    bytes,
  }));
}

/**
 * One visit in a fresh profile: milliseconds from the start of loading until drawings are answered, and until all parts of
 * the page are there; and the figures of the page.
 */
async function measureVisit(browser) {
  // The page notes the moment itself: asking through the driver would be late.
  const inject = `new MutationObserver(() => {
    const state = document.querySelector('[data-testid="app"]')?.dataset.state;
    if (state === 'ready') globalThis.readyAt ??= performance.now();
  }).observe(document, { subtree: true, childList: true, attributes: true, attributeFilter: ['data-state'] });`;
  const page = await visitAlone(browser, { inject });
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
      answering: await page.run(() => performance.getEntriesByName("ready")[0].startTime),
      app: await page.data("app"),
      total: Number((await page.data("fp32-accuracy")).total),
      fp32: await timed("fp32"),
      quantized: await timed("quantized"),
    };
  } finally {
    await page.close();
  }
}

/** The whole page over several visits: until it is ready, and what its own panels show. */
async function measurePage(browser) {
  const [visits, empty] = [[], []];
  for (let i = 0; i < VISITS; i++) {
    empty.push(await openEmpty(browser));
    visits.push(await measureVisit(browser));
  }

  const { app, total } = visits[0];
  const { model: name, backend } = app;
  const over = (pick) => quartiles(visits.map(pick));
  const panel = (side, format) => [
    { group: "page", name, backend, format, batch: 1, ...over((visit) => Number(visit[side].time.ns)) },
    {
      group: "page",
      name,
      backend,
      format,
      batch: total,
      ...over((visit) => total * Number(visit[side].time.batchNs)),
    },
    { group: "size", name, format, bytes: Number(visits[0][side].size.bytes) },
  ];
  return [
    { group: "page", name: "ready", backend, ...over(({ ready }) => ready * 1e6) },
    { group: "page", name: "answering", backend, ...over(({ answering }) => answering * 1e6) },
    { group: "page", name: "empty", ...quartiles(empty.map((ms) => ms * 1e6)) },
    {
      group: "page",
      name: "answering-over-empty",
      ...over(({ answering }, i) => (answering - empty[i]) * 1e6),
    },
    { group: "page", name: "over-empty", ...over(({ ready }, i) => (ready - empty[i]) * 1e6) },
    ...panel("fp32", "fp32"),
    ...panel("quantized", "int8"),
  ];
}

/** Drawing: 99 % of the moves are answered on the screen within the one, and 99 % of frames follow within the other. */
async function measureDrawing() {
  const { moves, frames } = await drawAndWatch();
  const record = (name, samples) => {
    const sorted = samples.map((ms) => ms * 1e6).toSorted((a, b) => a - b);
    const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
    return { group: "page", name, ...quartiles(sorted), p99_ns: at(0.99), longest_ns: sorted.at(-1) };
  };
  return [record("drawing", moves), record("drawing-frames", frames)];
}

const {
  values: { browser, json },
} = parseArgs({
  options: { browser: { type: "string", default: "chromium" }, json: { type: "string" } },
});

console.log(
  `${browser}, cross-origin isolated: medians; Gop/s count a multiplication and an addition as two.`,
);
const [load] = loadavg();
if (load > 0.5)
  console.log(`Other programs were at work (load ${load.toFixed(1)}): times and shares may suffer.`);
const core = await measureCore(browser, console.log);
const page = await measurePage(browser);
console.log(`\nPage: medians over ${VISITS} visits in fresh profiles\n${loadTable(page)}`);
const sizes = measureSizes();
console.log(`\nSizes\n${sizeTable(sizes)}`);

const drawing = browser === "chromium" ? await measureDrawing() : [];
if (drawing.length > 0) console.log(`\nDrawing\n${drawingTable(drawing)}`);

const records = [...core, ...page, ...sizes, ...drawing];
console.log(`\nTargets of the project in ${browser}\n${targetTable(browser, records)}`);
if (json) writeFileSync(json, `${JSON.stringify(records, null, 1)}\n`);

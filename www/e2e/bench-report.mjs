// The records of bench.mjs as tables for people.

/** Rows of cells as text; the first column to the left, figures to the right. */
function table(header, rows) {
  const lines = [header, ...rows].map((row) => row.map(String));
  const widths = header.map((_, column) => Math.max(...lines.map((line) => line[column].length)));
  return lines
    .map((line) =>
      line
        .map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i])))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

const NONE = "-";
const percent = (share) => (share === undefined ? NONE : `${(100 * share).toFixed(0)} %`);
const exact = (share) => `${(100 * share).toFixed(2)} %`;
const times = (ratio) => `${ratio.toFixed(2)}x`;

function duration(ns) {
  const units = [
    [1e3, 1, "ns"],
    [1e6, 1e3, "µs"],
    [1e9, 1e6, "ms"],
    [Infinity, 1e9, "s"],
  ];
  const [, size, unit] = units.find(([limit]) => ns < limit);
  const value = ns / size;
  return `${value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0)} ${unit}`;
}

/** Median, and the middle half of the samples as a share of it. */
const timed = ({ median_ns, q1_ns, q3_ns }) =>
  `${duration(median_ns)} ±${((50 * (q3_ns - q1_ns)) / median_ns).toFixed(0).padStart(2)} %`;

/** The one record that has all of these values, if there is one. */
const find = (records, wanted) =>
  records.find((record) => Object.entries(wanted).every(([key, value]) => record[key] === value));

/** The times of one group by what they measure: one list for each. */
function byWork(records, group) {
  const works = new Map();
  for (const record of records) {
    if (record.group !== group || record.median_ns === undefined) continue;
    const key = `${record.name} ${record.batch}`;
    works.set(key, [...(works.get(key) ?? []), record]);
  }
  return [...works.values()];
}

const ratio = (a, b) => (a && b ? a.median_ns / b.median_ns : undefined);

/** Kernels of one backend. */
export function kernelTable(records) {
  const rows = byWork(records, "kernel").map(([fp32, int8, xnor]) => [
    fp32.name,
    ...[fp32, int8].flatMap((side) => [timed(side), side.gops.toFixed(1), percent(side.ceiling_share)]),
    times(ratio(fp32, int8)),
    timed(xnor),
    times(ratio(fp32, xnor)),
  ]);
  const ceilings = ["fp32", "int8"].flatMap((format) => [
    "",
    find(records, { name: "ceiling", format })?.gops.toFixed(1) ?? NONE,
    "",
  ]);
  const side = (format) => [`${format} time`, "Gop/s", "of ceiling"];
  return table(
    ["kernel", ...side("fp32"), ...side("int8"), "fp32 / int8", "bits (XNOR) time", "fp32 / bits"],
    [...rows, ["ceiling", ...ceilings, "", "", ""]],
  );
}

/** Models of one backend. */
export function modelTable(records) {
  return table(
    ["model", "images", "fp32", "int8 dynamic", "int8 static", "fp32 / dynamic", "fp32 / static"],
    byWork(records, "model").map(([fp32, dynamic, fixed]) => [
      fp32.name,
      fp32.batch,
      ...[fp32, dynamic, fixed].map(timed),
      times(ratio(fp32, dynamic)),
      times(ratio(fp32, fixed)),
    ]),
  );
}

const count = (value) => (value === undefined ? NONE : Math.round(value).toLocaleString("en"));
const right = ({ correct, total }) => (total ? `${((100 * correct) / total).toFixed(2)} %` : NONE);

/** Fits, epochs, and whole trainings on MNIST. */
export function trainingTable(records) {
  return table(
    ["training", "time", "images/s", "of ceiling", "right", "int8 right", "memory"],
    records
      .filter(({ name }) => !name.startsWith("growth-"))
      .map((record) => [
        record.name,
        timed(record),
        count(record.rows_per_s),
        percent(record.ceiling_share),
        right(record),
        right({ correct: record.int8_correct, total: record.total }),
        record.memory_bytes ? `${count(record.memory_bytes / 2 ** 20)} MB` : NONE,
      ]),
  );
}

/** The same work on more images and for more epochs. */
export function growthTable(records) {
  const grown = records.filter(({ name }) => name.startsWith("growth-"));
  const first = (name) => grown.find((record) => record.name === name);
  const work = ({ images, epochs }) => images * epochs;
  return table(
    ["network", "images", "epochs", "time", "work", "time over the first"],
    grown.map((record) => [
      record.name.slice("growth-".length),
      count(record.images),
      record.epochs,
      duration(record.median_ns),
      `${work(record) / work(first(record.name))}x`,
      times(record.median_ns / first(record.name).median_ns),
    ]),
  );
}

/** Real people's drawings: right answers, int8's agreement with fp32, and which digits are taken for which. */
export function drawingsTable(records) {
  return table(
    ["model", "format", "right", "same answer as fp32", "meant, and read as: how often"],
    records.map(({ name, format, correct, total, same, confusions }) => [
      name,
      format,
      right({ correct, total }),
      same === undefined ? NONE : right({ correct: same, total }),
      confusions.map(([pair, times]) => `${pair}: ${times}`).join(", "),
    ]),
  );
}

/** The page's way to ready, and its own panels. */
export function loadTable(records) {
  const ready = find(records, { name: "ready" });
  const panels = byWork(records, "page").filter((sides) => sides.length === 2);
  const files = records.filter(({ group }) => group === "size");
  const [fp32File, int8File] = files.map(({ bytes }) => bytes);
  return table(
    ["", "fp32", "int8", "fp32 / int8"],
    [
      ["from opening to drawings being answered", timed(find(records, { name: "answering" })), "", ""],
      ["from opening to all parts of the page", timed(ready), "", ""],
      ["an empty page, opened in turn with it", timed(find(records, { name: "empty" })), "", ""],
      ["answering, over the empty page", timed(find(records, { name: "answering-over-empty" })), "", ""],
      ["all parts, over the empty page", timed(find(records, { name: "over-empty" })), "", ""],
      ...panels.map(([fp32, int8]) => [
        `its timing panel: ${fp32.name}, ${fp32.batch} image${fp32.batch === 1 ? "" : "s"}`,
        timed(fp32),
        timed(int8),
        times(ratio(fp32, int8)),
      ]),
      [`model file: ${files[0].name}, bytes`, fp32File, int8File, times(fp32File / int8File)],
    ],
  );
}

export const sizeTable = (records) =>
  table(
    ["download", "bytes"],
    records.map(({ name, bytes }) => [name, bytes]),
  );

const DRAWING = {
  drawing: "from a move of the pen to both answers painted",
  "drawing-frames": "from frame to frame while drawing",
};

export const drawingTable = (records) =>
  table(
    ["", "median", "99 %", "longest"],
    records.map(({ name, median_ns, p99_ns, longest_ns }) => [
      DRAWING[name],
      ...[median_ns, p99_ns, longest_ns].map(duration),
    ]),
  );

const least = (target) => ({ sign: "≥", met: (value) => value >= target, target });
const most = (target) => ({ sign: "≤", met: (value) => value <= target, target });
const below = (target) => ({ sign: "<", met: (value) => value < target, target });

/** What the project set itself to reach in this browser: `[what, bound, figure, how to write a figure]`. */
function targets(browser, records) {
  const kernel = (name, backend, format) => find(records, { group: "kernel", name, backend, format });
  const share = (name, backend, format) => kernel(name, backend, format)?.ceiling_share;
  const gain = (name, backend) => ratio(kernel(name, backend, "fp32"), kernel(name, backend, "int8"));
  const model = (name, batch, format) =>
    find(records, { group: "model", name, batch, format, backend: "relaxed" });
  // Of the two ways to quantize activations the quicker one.
  const int8 = (name, batch) =>
    ["int8-dynamic", "int8-static"]
      .map((format) => model(name, batch, format))
      .filter(Boolean)
      .sort((a, b) => a.median_ns - b.median_ns)[0];
  const modelGain = (name, batch) => ratio(model(name, batch, "fp32"), int8(name, batch));
  const overScalar = (format) =>
    ratio(kernel("gemm-256", "scalar", format), kernel("gemm-256", "relaxed", format));
  // The clock's rate follows from the ceiling of fp32: on the machines of the targets, 8 multiplications a cycle.
  const perCycle = (name) => {
    const [fp32, work] = [kernel(name, "relaxed", "fp32"), kernel(name, "relaxed", "int8")];
    return fp32 && (8 * work.gops * fp32.ceiling_share) / fp32.gops;
  };
  /** Each format by whichever build is quickest at it. */
  const best = (name, format) =>
    ["simd128", "relaxed"]
      .map((backend) => kernel(name, backend, format))
      .filter(Boolean)
      .sort((a, b) => a.median_ns - b.median_ns)[0];
  const bestGain = (name) => ratio(best(name, "fp32"), best(name, "int8"));

  const training = (name) => find(records, { group: "training", name });
  const trained = (name) => training(name)?.median_ns;
  const accuracy = (name) => {
    const record = training(name);
    return record && record.correct / record.total;
  };
  /** Share of the drawings that are read rightly. */
  const drawn = (name, format) => {
    const record = find(records, { group: "drawings", name, format });
    return record && record.correct / record.total;
  };
  const reading = { softmax: 0.91, mlp: 0.955, cnn: 0.97 };
  const everywhere = [
    ...Object.entries(reading).flatMap(([name, target]) => [
      [`drawings, ${name}, right`, least(target), drawn(name, "fp32"), exact],
      [`drawings, ${name}, int8 static, right`, least(target - 0.003), drawn(name, "int8-static"), exact],
    ]),
    [
      "relaxed module of workers, gzip",
      most(150_000),
      find(records, { name: "wasm-relaxed" })?.bytes,
      (bytes) => `${bytes} B`,
    ],
    [
      "until the page is ready, Brotli",
      most(200_000),
      find(records, { name: "until-ready" })?.bytes,
      (bytes) => `${bytes} B`,
    ],
    [
      "everything, Brotli",
      most(450_000),
      find(records, { name: "everything" })?.bytes,
      (bytes) => `${bytes} B`,
    ],
    [
      "drawings answered, over an empty page",
      most(100e6),
      find(records, { name: "answering-over-empty" })?.median_ns,
      duration,
    ],
    [
      "all parts there, over an empty page",
      most(100e6),
      find(records, { name: "over-empty" })?.median_ns,
      duration,
    ],
  ];
  if (browser === "firefox") {
    return [
      ["GEMM 1024, int8 over fp32, best to best", least(2), bestGain("gemm-1024"), times],
      ...everywhere,
    ];
  }
  if (browser !== "chromium") return everywhere;
  return [
    ["GEMM 1024 int8, relaxed, of its ceiling", least(0.9), share("gemm-1024", "relaxed", "int8"), percent],
    ["GEMM 1024 int8, simd128, of its ceiling", least(0.88), share("gemm-1024", "simd128", "int8"), percent],
    ["GEMM 1024 fp32, relaxed, of its ceiling", least(0.88), share("gemm-1024", "relaxed", "fp32"), percent],
    ["GEMM 1024, int8 over fp32, best to best", least(3.8), bestGain("gemm-1024"), times],
    ["GEMM 1024, int8 over fp32, simd128 only", least(1.8), gain("gemm-1024", "simd128"), times],
    // The layers, from scaled or rounded pixels to scores: what comes before them is the same work in every net.
    ["784-128-64-10 x 360, layers, int8 over fp32", least(3.6), modelGain("mlp784-layers", 360), times],
    ["64-10 x 360, layers, int8 over fp32", least(3.3), modelGain("softmax-layers", 360), times],
    ["64-32-10 x 360, layers, int8 over fp32", least(2.8), modelGain("mlp-layers", 360), times],
    ["CNN x 360, layers, int8 over fp32", least(2.6), modelGain("cnn-layers", 360), times],
    ["GEMM 256 fp32, SIMD over scalar", least(8), overScalar("fp32"), times],
    ["GEMM 256 int8, SIMD over scalar", least(35), overScalar("int8"), times],
    ...["gemv-256", "gemv-512"].flatMap((name) => [
      [`${name} int8, products a cycle`, least(24), perCycle(name), (value) => value.toFixed(1)],
      [`${name}, int8 over fp32`, least(3.8), gain(name, "relaxed"), times],
    ]),
    ["gemv-4096, int8 over fp32", least(6), gain("gemv-4096", "relaxed"), times],
    ["softmax, 1 image, int8", below(150), int8("softmax", 1)?.median_ns, duration],
    ["softmax, 1 image, fp32", below(200), model("softmax", 1, "fp32")?.median_ns, duration],
    ["softmax, 1 image, int8 over fp32", least(1), modelGain("softmax", 1), times],
    ["784-128-64-10, 1 image, int8", below(2e3), int8("mlp784", 1)?.median_ns, duration],
    ["784-128-64-10, 360 images, int8", below(350e3), int8("mlp784", 360)?.median_ns, duration],
    ["CNN, 360 images, int8", below(300e3), int8("cnn", 360)?.median_ns, duration],
    ["softmax to scikit-learn's default tolerance", below(13e6), trained("fit-softmax-default"), duration],
    ["softmax to 1e-6", below(35e6), trained("fit-softmax"), duration],
    ["MLP, one epoch at batch 32", below(2e6), trained("epoch-mlp"), duration],
    ["CNN, one epoch at batch 32", below(40e6), trained("epoch-cnn"), duration],
    ["MNIST, MLP 784-128-64-10, 3 epochs", below(60e9), trained("mnist-mlp"), duration],
    ["MNIST, MLP, right", least(0.97), accuracy("mnist-mlp"), exact],
    ["MNIST, memory", below(400e6), training("mnist-mlp")?.memory_bytes, (bytes) => `${count(bytes)} B`],
    ["MNIST, CNN, 3 epochs", below(90e9), trained("mnist-cnn"), duration],
    [
      "a move of the pen to both answers, 99 %",
      below(16e6),
      find(records, { name: "drawing" })?.p99_ns,
      duration,
    ],
    ["MNIST, CNN, right", least(0.985), accuracy("mnist-cnn"), exact],
    ...everywhere,
  ];
}

/** What the project set itself to reach beside what this run reached. */
export const targetTable = (browser, records) =>
  table(
    ["target", "bound", "reached", "met"],
    targets(browser, records).map(([what, { sign, target, met }, value, write]) => [
      what,
      `${sign} ${write(target)}`,
      value === undefined ? "not measured" : write(value),
      value === undefined ? "" : met(value) ? "yes" : "NO",
    ]),
  );

/**
 * A report of the models in use: how they were made, their figures, what they take for what, and the comparison of all
 * schemes if there was one. A list of tables; Markdown, CSV and JSON write the same ones.
 */

import { modelName } from "./format";
import { wilson } from "./interval";
import { ask } from "./jobs";
import * as state from "./state";
import * as sweep from "./sweep";
import { columns as sweepColumns } from "./sweep-report";
import { cell, csv, markdown, save, type Value } from "./table";
import type { Side, Timing } from "./wasm/quantpad.js";

/** Each row begins with its name. */
interface Table {
  id: string;
  title: string;
  columns: string[];
  rows: Value[][];
}

const WRITERS = { md: toMarkdown, csv: toCsv, json: toJson };
export type Ending = keyof typeof WRITERS;

export async function saveReport(ending: Ending): Promise<void> {
  save(WRITERS[ending](await tables()), `quantpad-report-${state.trained.value.model}`, ending);
}

async function tables(): Promise<Table[]> {
  const { models, evaluation, trained } = state;
  if (!models.value || !evaluation.value) return [];
  const { fp32, quantized } = models.value;
  // All of the same models: others may come to use meanwhile.
  const before = [settings(), figures(evaluation.value.fp32, evaluation.value.quantized)];
  const after = compared();
  const { seed } = trained.value;
  const found = await ask((jobs) => jobs.flips(fp32, quantized, seed));
  return [...before, confusion("fp32", found.fp32), confusion("quantized", found.quantized), ...after];
}

function settings(): Table {
  const { trained, record, evaluation, twin, backend } = state;
  const { data, seed, tuned, early, opened, made } = trained.value;
  const { fields, ...usual } = made;
  const { scheme, samples, calibrationSeed, correction } = record.value;
  const rows: Value[][] = [
    ["date", new Date().toISOString()],
    ["model", modelName(trained.value)],
    ["data", data.name],
    ["image size", `${data.width}×${data.height} pixels of 0…${data.maxPixel}`],
    ["training images", data.train],
    ["test images", data.test],
    ["split", data.ownTestPart ? "the makers’ own" : `by seed ${seed}`],
    ["seed", seed],
    ...(usual.model === "softmax"
      ? [
          ["regularisation C", usual.regularization],
          ["learned from varied images", usual.augment],
        ]
      : Object.entries(fields)),
    ...(tuned > 0 ? [["learned from own drawings", tuned]] : []),
    ...(early ? [["training ended early", early]] : []),
    ...(opened ? [["fp32 model opened from", opened.file]] : []),
    ...(twin.value ? [["quantized model opened from", twin.value.file]] : []),
    ["scheme", scheme],
    ["calibration images", samples],
    ["calibration seed", calibrationSeed],
    ["correction", correction],
    ["arithmetic", evaluation.value?.arithmetic],
    ["instruction set", backend.value],
    ["browser", navigator.userAgent],
    ["link", location.href],
    ["link makes the same models", isCarried(trained.value) && !twin.value],
  ];
  return { id: "settings", title: "Settings", columns: ["setting", "value"], rows };
}

const isCarried = ({ data, tuned, early, opened }: state.Trained) =>
  data.name === state.DIGITS.name && tuned === 0 && !early && !opened;

/** What is told of each side; shares and times in as many digits as they are sure of. */
function figures(fp32: Side, quantized: Side): Table {
  const { ownTiming, compressed, evaluation } = state;
  const pair = (name: string, of: (side: Side) => Value): Value[] => [name, of(fp32), of(quantized)];
  const bound = (which: 0 | 1) => (side: Side) => percent(wilson(side.correct, side.total)[which]);
  const ns = (name: string, a: Timing, b: Timing, images: number): Value[][] => [
    [`${name}, median ns`, four(a.medianNs / images), four(b.medianNs / images)],
    [`${name}, first quartile ns`, four(a.q1Ns / images), four(b.q1Ns / images)],
    [`${name}, third quartile ns`, four(a.q3Ns / images), four(b.q3Ns / images)],
  ];
  const { one, batch, batchSize } = ownTiming.value ?? {};
  return {
    id: "figures",
    title: "Figures",
    columns: ["figure", "fp32", "quantized"],
    rows: [
      pair("right answers", ({ correct }) => correct),
      pair("test images", ({ total }) => total),
      pair("accuracy, %", ({ correct, total }) => percent(correct / total)),
      pair("accuracy, % (95 % interval from)", bound(0)),
      pair("accuracy, % (95 % interval to)", bound(1)),
      pair("answers as the other", () => evaluation.value?.bothAgree),
      pair("parameters, bytes", ({ parameterBytes }) => parameterBytes),
      pair("weights, bytes", ({ weightBytes }) => weightBytes),
      pair("biases, bytes", ({ biasBytes }) => biasBytes),
      pair("scales, bytes", ({ scaleBytes }) => scaleBytes),
      pair("zero points, bytes", ({ zeroPointBytes }) => zeroPointBytes),
      pair("codebooks, bytes", ({ codebookBytes }) => codebookBytes),
      pair("activation ranges, bytes", ({ rangeBytes }) => rangeBytes),
      pair("input scaling, bytes", ({ inputScalingBytes }) => inputScalingBytes),
      pair("file header, bytes", ({ containerBytes }) => containerBytes),
      pair("model file, bytes", ({ fileBytes }) => fileBytes),
      ...(compressed.value ? [["model file by gzip, bytes", ...compressed.value]] : []),
      ...(one ? ns("one image", one.a, one.b, 1) : []),
      ...(batch && batchSize ? ns(`an image of ${batchSize} at once`, batch.a, batch.b, batchSize) : []),
    ],
  };
}

const percent = (share: number) => Number((100 * share).toFixed(2));
const four = (value: number) => Number(value.toPrecision(4));

/** How often each digit was taken for each, and the share of each that was recognised. */
function confusion(side: "fp32" | "quantized", counts: number[]): Table {
  const digits = Array.from({ length: 10 }, (_, digit) => digit);
  return {
    id: `confusion_${side}`,
    title: `What ${side === "fp32" ? "fp32" : "the quantized model"} takes for what`,
    columns: ["label", ...digits.map((digit) => `answered ${digit}`), "right, %"],
    rows: digits.map((label) => {
      const row = counts.slice(10 * label, 10 * label + 10);
      const all = row.reduce((sum, count) => sum + count, 0);
      return [String(label), ...row, all > 0 ? percent((row[label] ?? 0) / all) : undefined];
    }),
  };
}

/** The comparison of all schemes, if one was run. */
function compared(): Table[] {
  const entries = sweep.entries.value;
  if (entries.length === 0) return [];
  const columns = sweepColumns(sweep.front.value);
  return [
    {
      id: "schemes",
      title: "Every scheme",
      columns: ["number", ...columns.map(([name]) => name)],
      rows: entries.map((entry, i) => [String(i + 1), ...columns.map(([, of]) => of(entry))]),
    },
  ];
}

function toMarkdown(all: Table[]): string {
  const text = (value: Value) => String(value ?? "");
  const parts = all.flatMap(({ title, columns, rows }) => [
    `## ${title}`,
    "",
    ...markdown(
      columns,
      rows.map((row) => row.map(text)),
      1,
    ),
    "",
  ]);
  const note = ["Intervals: Wilson (1927). Times were measured in this browser: median and quartiles.", ""];
  return [`# Quantpad: ${cell(state.usedScheme.value)}`, "", ...parts, ...note].join("\n");
}

/** A line for each value: the table, the row, the column, and what stands there. */
function toCsv(all: Table[]): string {
  const lines = all.flatMap(({ id, columns, rows }) =>
    rows.flatMap(([name, ...values]) =>
      values.map((value, i) => ({ id, name, column: columns[i + 1], value })),
    ),
  );
  return csv(
    [
      ["table", ({ id }) => id],
      ["row", ({ name }) => name],
      ["column", ({ column }) => column],
      ["value", ({ value }) => value],
    ],
    lines,
  );
}

/** A table is an object of its rows, a row an object of its values. */
function toJson(all: Table[]): string {
  const named = all.map(({ id, columns, rows }) => [
    id,
    Object.fromEntries(
      rows.map(([name, ...values]) => [
        name,
        Object.fromEntries(values.map((value, i) => [columns[i + 1], value ?? null])),
      ]),
    ),
  ]);
  return `${JSON.stringify({ quantpad: "report", version: 1, ...Object.fromEntries(named) }, null, 2)}\n`;
}

/** A sweep as a file: CSV, JSON, Markdown. */

import { modelName } from "./format";
import type { Conditions, Entry } from "./sweep";
import { type Column, cell, csv, json, markdown } from "./table";

export const columns = (front: Set<Entry>): Column<Entry>[] => [
  ["model", ({ subject }) => subject.trained.model],
  ["layers", ({ subject }) => subject.trained.layers.join(" ")],
  ["scheme", ({ scheme }) => scheme],
  ["correct", ({ judged }) => judged.correct],
  ["total", ({ judged }) => judged.total],
  ["accuracy", ({ judged }) => judged.correct / judged.total],
  ["accuracy_low_95", ({ judged }) => judged.low],
  ["accuracy_high_95", ({ judged }) => judged.high],
  ["agree_with_fp32", ({ judged }) => judged.agreed],
  ["only_fp32_right", ({ judged }) => judged.fp32Alone],
  ["only_quantized_right", ({ judged }) => judged.quantizedAlone],
  ["mcnemar_p", ({ judged }) => judged.p],
  ["parameter_bytes", ({ judged }) => judged.parameterBytes],
  ["file_bytes", ({ judged }) => judged.fileBytes],
  ["ns", ({ time }) => time?.medianNs],
  ["ns_q1", ({ time }) => time?.q1Ns],
  ["ns_q3", ({ time }) => time?.q3Ns],
  ["pareto_optimal", (entry) => front.has(entry)],
];

export const toCsv = (entries: Entry[], front: Set<Entry>): string => csv(columns(front), entries);

function described(conditions: Conditions) {
  const { request, data, backend, workers } = conditions;
  return {
    data: data.name,
    train_images: data.train,
    test_images: data.test,
    split_seed: request.seed,
    calibration_images: request.samples,
    calibration_seed: request.calibrationSeed,
    correction: request.correction,
    backend,
    workers,
  };
}

export const toJson = (entries: Entry[], front: Set<Entry>, conditions: Conditions): string =>
  json("sweep", described(conditions), columns(front), entries);

export function toMarkdown(entries: Entry[], front: Set<Entry>, conditions: Conditions): string {
  const percent = (share: number) => (100 * share).toFixed(2);
  const rows = entries.map((entry) => {
    const { judged, time, subject, scheme } = entry;
    return [
      modelName(subject.trained),
      `${scheme}${front.has(entry) ? " ◆" : ""}`,
      `${judged.correct} / ${judged.total}`,
      percent(judged.correct / judged.total),
      `${percent(judged.low)} to ${percent(judged.high)}`,
      String(judged.agreed),
      judged.p.toPrecision(3),
      String(judged.parameterBytes),
      String(judged.fileBytes),
      time ? time.medianNs.toPrecision(4) : "",
    ];
  });
  const heads = ["Model", "Scheme", "Right", "Accuracy, %", "95 % interval, %", "As fp32", "McNemar p"];
  const head = [...heads, "Parameters, bytes", "File, bytes", "One image, ns"];
  const facts = Object.entries(described(conditions)).map(
    ([name, value]) => `- ${name.replaceAll("_", " ")}: ${cell(String(value))}`,
  );
  return [
    "# Quantization schemes compared",
    "",
    ...facts,
    "",
    ...markdown(head, rows, 2),
    "",
    "◆ Pareto-optimal: none is both as small and as accurate, and better in one of the two. Interval: Wilson (1927).",
    "McNemar p: exact, two-sided, against fp32 on the same test images.",
    "",
  ].join("\n");
}

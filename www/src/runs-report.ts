/** Past runs as a file: CSV, JSON, Markdown. */

import { modelName } from "./format";
import { toQuery } from "./record";
import type { Run } from "./runs";
import { type Column, csv, json, markdown } from "./table";

const COLUMNS: Column<Run>[] = [
  ["name", ({ name }) => name],
  ["when", ({ when }) => new Date(when).toISOString()],
  ["data", ({ trained }) => trained.data.name],
  ["model", ({ trained }) => trained.model],
  ["layers", ({ trained }) => trained.layers.join(" ")],
  ["seed", ({ record }) => record.seed],
  ["scheme", ({ record }) => record.scheme],
  ["settings", ({ record }) => toQuery(record)],
  ["own_drawings", ({ trained }) => trained.tuned],
  ["opened", ({ trained, twin }) => [trained.opened?.file, twin?.file].filter(Boolean).join(", ")],
  ["fp32_correct", ({ evaluation }) => evaluation.fp32.correct],
  ["quantized_correct", ({ evaluation }) => evaluation.quantized.correct],
  ["total", ({ evaluation }) => evaluation.fp32.total],
  ["fp32_parameter_bytes", ({ evaluation }) => evaluation.fp32.parameterBytes],
  ["quantized_parameter_bytes", ({ evaluation }) => evaluation.quantized.parameterBytes],
  ["fp32_file_bytes", ({ fp32 }) => fp32.length],
  ["quantized_file_bytes", ({ quantized }) => quantized.length],
  ["fp32_ns", ({ ns }) => ns?.fp32],
  ["quantized_ns", ({ ns }) => ns?.quantized],
];

export const toCsv = (runs: Run[]): string => csv(COLUMNS, runs);

export const toJson = (runs: Run[]): string => json("runs", {}, COLUMNS, runs);

export function toMarkdown(runs: Run[]): string {
  const percent = (correct: number, total: number) => ((100 * correct) / total).toFixed(2);
  const head = ["Name", "Data", "Model", "Scheme", "Seed", "fp32, %", "Quantized, %"];
  const rows = runs.map(({ name, trained, record, evaluation: { fp32, quantized }, ns }) => [
    name,
    trained.data.name,
    modelName(trained),
    record.scheme,
    String(record.seed),
    percent(fp32.correct, fp32.total),
    percent(quantized.correct, quantized.total),
    String(fp32.parameterBytes),
    String(quantized.parameterBytes),
    ns ? ns.fp32.toPrecision(4) : "",
    ns ? ns.quantized.toPrecision(4) : "",
  ]);
  const more = ["fp32, bytes", "Quantized, bytes", "fp32, ns", "Quantized, ns"];
  return [
    "# Runs",
    "",
    ...markdown([...head, ...more], rows, 4),
    "",
    "Percent of the test images answered rightly; bytes of all parameters; ns of one image (median).",
    "",
  ].join("\n");
}

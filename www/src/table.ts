/** A table as a file: CSV (RFC 4180), JSON, Markdown. */

import { download } from "./download";

/** Nothing for what is not known. */
export type Value = string | number | boolean | undefined;

/** A column's name, and what stands in it. */
export type Column<T> = [name: string, of: (row: T) => Value];

/** Quoted where it must be; nothing for what is not known. */
function field(value: Value): string {
  const text = String(value ?? "");
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

export function csv<T>(columns: Column<T>[], rows: T[]): string {
  const lines = rows.map((row) => columns.map(([, of]) => field(of(row))));
  return [columns.map(([name]) => name), ...lines].map((line) => `${line.join(",")}\r\n`).join("");
}

/** `kind` says what the rows are, `facts` what holds for all of them. */
export function json<T>(kind: string, facts: object, columns: Column<T>[], rows: T[]): string {
  const listed = rows.map((row) => Object.fromEntries(columns.map(([name, of]) => [name, of(row) ?? null])));
  return `${JSON.stringify({ quantpad: kind, version: 1, ...facts, rows: listed }, null, 2)}\n`;
}

/** Text as it may stand in a Markdown table. */
export const cell = (text: string): string =>
  text.replaceAll("\\", "\\\\").replaceAll("|", "\\|").replace(/\s+/g, " ");

/** The first `names` columns hold text, the others numbers. */
export function markdown(head: string[], rows: string[][], names: number): string[] {
  const line = (cells: string[]) => `| ${cells.map(cell).join(" | ")} |`;
  return [line(head), line(head.map((_, i) => (i < names ? ":--" : "--:"))), ...rows.map(line)];
}

const TYPES = { csv: "text/csv", json: "application/json", md: "text/markdown" };

export function save(text: string, name: string, ending: keyof typeof TYPES): void {
  download(new Blob([text], { type: `${TYPES[ending]};charset=utf-8` }), `${name}.${ending}`);
}

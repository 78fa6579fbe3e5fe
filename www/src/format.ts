/** Numbers as a visitor reads them. A number and its unit stay on one line (U+00A0). */

// Without Intl: to load its tables of languages takes a tenth of the time in which the page opens.

/** Digits before the point in groups of three. */
function grouped(number: string): string {
  const [whole = "", ...fraction] = number.split(".");
  return [whole.replace(/\B(?=(\d{3})+$)/g, ","), ...fraction].join(".");
}

export const count = (value: number): string => grouped(String(Math.round(value)));

/** A real number in four significant digits, with a minus sign that is one. */
export function real(value: number): string {
  const size = Math.abs(value);
  const inPowers = value !== 0 && (size < 1e-4 || size >= 1e7);
  const text = inPowers ? value.toExponential(3) : grouped(String(Number(value.toPrecision(4))));
  return text.replaceAll("-", "−");
}

/** The same, in brackets when it is negative: for the right side of an operator. */
export const operand = (value: number): string => (value < 0 ? `(${real(value)})` : real(value));

/** A whole number with a minus sign that is one. */
export const integer = (value: number): string => count(value).replaceAll("-", "−");

export const bytes = (value: number): string => `${count(value)}\u00a0B`;

type Unit = [size: number, name: string];
const NS: Unit = [1, "ns"];
const TIMES: Unit[] = [[1e9, "s"], [1e6, "ms"], [1e3, "µs"], NS];
const PJ: Unit = [1, "pJ"];
const ENERGIES: Unit[] = [[1e9, "mJ"], [1e6, "µJ"], [1e3, "nJ"], PJ];

/** Three significant digits, in the unit that fits. */
export const duration = (ns: number): string => range(ns);

/** From one duration to a longer one, in the unit that fits the longer. */
export const range = (ns: number, longer = ns): string => fitting(TIMES, NS, ns, longer);

/** The same of energies, given in pJ. */
export const energy = (pj: number, larger = pj): string => fitting(ENERGIES, PJ, pj, larger);

function fitting(units: Unit[], least: Unit, from: number, to: number): string {
  const [size, name] = units.find(([size]) => to >= size) ?? least;
  const ends = [...new Set([from, to])].map((end) => (end / size).toPrecision(3));
  return `${ends.join("–")}\u00a0${name}`;
}

export const percent = (part: number, total: number): string => `${((100 * part) / total).toFixed(2)}\u00a0%`;

/** Two shares as percent, in short. */
export const interval = (low: number, high: number): string =>
  `${(100 * low).toFixed(1)}–${(100 * high).toFixed(1)}\u00a0%`;

export const times = (ratio: number): string => `${ratio.toFixed(2)}×`;

/** A time that one waits. */
export function seconds(ms: number): string {
  if (ms < 1000) return `${ms.toFixed(0)}\u00a0ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)}\u00a0s`;
  return `${Math.floor(ms / 60_000)}\u00a0min ${Math.round((ms % 60_000) / 1000)}\u00a0s`;
}

/** What a model is called: with the sizes of its hidden layers. */
export function modelName({ model, layers }: { model: string; layers: number[] }): string {
  if (model === "softmax") return "softmax regression";
  return [model === "mlp" ? "MLP" : "CNN", layers.join("–")].join(" ").trim();
}

/** As a heading begins. */
export const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** A ratio of powers in decibels; without noise there is none to tell. */
export const decibels = (value: number): string =>
  Number.isFinite(value) ? `${value.toFixed(1)}\u00a0dB` : "exact";

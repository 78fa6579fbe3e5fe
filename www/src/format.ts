/** Numbers as a visitor reads them. A number and its unit stay on one line (U+00A0). */

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

export const count = (value: number): string => whole.format(value);

export const bytes = (value: number): string => `${count(value)}\u00a0B`;

const UNITS: [number, string][] = [
  [1e6, "ms"],
  [1e3, "µs"],
  [1, "ns"],
];

/** Three significant digits, in the unit that fits. */
export const duration = (ns: number): string => range(ns);

/** From one duration to a longer one, in the unit that fits the longer. */
export function range(ns: number, longer = ns): string {
  const [size, unit] = UNITS.find(([size]) => longer >= size) ?? [1, "ns"];
  const ends = [...new Set([ns, longer])].map((end) => (end / size).toPrecision(3));
  return `${ends.join("–")}\u00a0${unit}`;
}

export const percent = (part: number, total: number): string => `${((100 * part) / total).toFixed(2)}\u00a0%`;

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

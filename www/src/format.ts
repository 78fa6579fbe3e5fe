/** Numbers as a visitor reads them. */

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

export const count = (value: number): string => whole.format(value);

export const bytes = (value: number): string => `${count(value)} B`;

/** Three significant digits, in the unit that fits. */
export function duration(ns: number): string {
  if (ns < 1e3) return `${ns.toPrecision(3)} ns`;
  if (ns < 1e6) return `${(ns / 1e3).toPrecision(3)} µs`;
  return `${(ns / 1e6).toPrecision(3)} ms`;
}

export const percent = (part: number, total: number): string => `${((100 * part) / total).toFixed(2)} %`;

export const times = (ratio: number): string => `${ratio.toFixed(2)}×`;

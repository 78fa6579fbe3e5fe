/**
 * An estimate of what one inference costs in energy, and one download in time.
 *
 * Energies: M. Horowitz, “Computing’s energy problem (and what we can do about it)”, IEEE International Solid-State Circuits
 * Conference (ISSCC), 2014: a 45 nm process at 0.9 V.
 */

import type { LayerFacts } from "./wasm/quantpad.js";

/** pJ of a multiplication and of an addition, for each kind of arithmetic that the table has. */
export const OPERATIONS: Record<string, { multiply: number; add: number; names: [string, string] }> = {
  float: { multiply: 3.7, add: 0.9, names: ["fp32", "fp32"] },
  integer: { multiply: 0.2, add: 0.1, names: ["int8", "int32"] },
};

/** pJ of a read of 64 bits from a cache of so many bytes. */
const CACHES: [bytes: number, picojoules: number][] = [
  [8 * 1024, 10],
  [32 * 1024, 20],
  [1024 * 1024, 100],
];

/** pJ of a read of 64 bits from DRAM, from and to. */
export const DRAM: [number, number] = [1300, 2600];

/** The smallest cache of the table that holds so many bytes, if one does. */
export const cacheFor = (bytes: number) => CACHES.find(([size]) => bytes <= size);

/** Reads of 64 bits that so many bytes take. */
export const reads = (bytes: number) => Math.ceil(bytes / 8);

/** Multiplications, each with an addition, of one kind. */
export interface Work {
  arithmetic: string;
  count: number;
}

/** Of all layers, by kind; `fp32`: of the model that was quantized. */
export function work(layers: LayerFacts[], fp32: boolean): Work[] {
  const kinds = new Map<string, number>();
  for (const { arithmetic, multiplyAdds } of layers) {
    const kind = fp32 ? "float" : arithmetic;
    kinds.set(kind, (kinds.get(kind) ?? 0) + multiplyAdds);
  }
  return [...kinds].map(([arithmetic, count]) => ({ arithmetic, count }));
}

/** pJ of that work; null when the table has no figure for one of its kinds. */
export function picojoules(all: Work[]): number | null {
  let sum = 0;
  for (const { arithmetic, count } of all) {
    const cost = OPERATIONS[arithmetic];
    if (!cost) return null;
    sum += count * (cost.multiply + cost.add);
  }
  return sum;
}

/** Links at their stated speeds, in bit/s. */
export const LINKS: [name: string, speed: number][] = [
  ["Zigbee, Thread (IEEE 802.15.4)", 0.25e6],
  ["3G", 1e6],
  ["4G", 10e6],
  ["Broadband", 100e6],
];

/** Milliseconds of a download, without latency and what protocols add. */
export const downloadMs = (bytes: number, speed: number) => ((bytes * 8) / speed) * 1000;

import type { InitInput } from "./quantpad.js";

export * from "./quantpad.js";

/** The sets of instructions that there is a module for. */
export type Variant = "scalar" | "simd128" | "relaxed";

/** Address of the packed digits, for `new Lab(bytes)`. In Node: `new Lab(await readFile(DIGITS))`. */
export const DIGITS: URL;

/**
 * Loads the fastest module that this engine can run, and answers which one. Call it once, before anything else.
 *
 * @param open Turns the address of a module into what shall be compiled. In browsers leave it out: the module is
 *   fetched. In Node: `init((url) => readFile(url))`.
 */
export default function init(open?: (url: URL) => InitInput | Promise<InitInput>): Promise<Variant>;

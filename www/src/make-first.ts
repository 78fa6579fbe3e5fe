/** Makes the first pair of models: softmax regression as usual, and its quantized version. */

import init, { type Evaluation, First, type Step } from "./wasm/page.js";

export interface FirstRequest {
  /** Of the split. */
  seed: number;
  /** Of dynamic or no activation ranges. */
  scheme: string;
}

export interface FirstModels {
  fp32: Uint8Array;
  quantized: Uint8Array;
  evaluation: Evaluation;
  /** What the training images look like: see `Predictor.setFamiliarity`. */
  familiarity: Uint8Array;
  steps: Step[];
  computeMs: number;
}

/** What a worker is sent. */
export interface FirstTask extends FirstRequest {
  module: WebAssembly.Module;
  digits: Uint8Array;
}

export async function makeFirst({ module, digits, seed, scheme }: FirstTask): Promise<FirstModels> {
  await init({ module_or_path: module });
  const begin = performance.now();
  const first = new First(digits, seed);
  try {
    const steps: Step[] = [];
    for (let done = false; !done; ) {
      const progress = first.step();
      steps.push(...progress.steps);
      done = progress.done;
    }
    const computeMs = performance.now() - begin;
    const fp32 = first.model();
    const quantized = first.quantize(fp32, scheme);
    const evaluation = first.evaluate(fp32, quantized);
    return { fp32, quantized, evaluation, familiarity: first.familiarity(), steps, computeMs };
  } finally {
    first.free();
  }
}

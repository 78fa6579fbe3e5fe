/** The job worker: the Lab of the Rust core behind comlink. The page ends the whole worker to cancel a job. */

import * as Comlink from "comlink";
import { BATCH, SIZES } from "./sweep";
import init, {
  Bench,
  type Ceiling,
  type Evaluation,
  Lab,
  type LabReport,
  type Pair,
  type Progress,
  type Sample,
  type TimingReport,
} from "./wasm/quantpad.js";

export interface Trained {
  fp32: Uint8Array;
  quantized: Uint8Array;
  evaluation: Evaluation;
}

export interface Requantized {
  quantized: Uint8Array;
  evaluation: Evaluation;
}

export interface Measured {
  timing: TimingReport;
  lab: LabReport;
  /** How inference multiplies floats fastest in this engine. */
  rounding: string;
}

const SWEEP_PAIRS = 5;
const SWEEP_SAMPLE_MS = 2;

export interface TrainRequest {
  seed: number;
  c: number;
  scheme: string;
  /** One iteration a frame instead of as fast as it goes. */
  slow: boolean;
}

/** A frame at 60 Hz, in ms. */
const FRAME = 16;

class Jobs {
  #lab!: Lab;
  #rounding = "";

  async start(module: WebAssembly.Module): Promise<void> {
    await init({ module_or_path: module });
    this.#lab = new Lab();
  }

  /** `report` hears of every step; `computeMs` is the time spent computing so far. */
  async train(
    request: TrainRequest,
    report: (steps: Progress[], computeMs: number) => void,
  ): Promise<Trained> {
    let computeMs = 0;
    let steps = [this.#lab.start(request.seed, request.c)];
    report(steps, computeMs);
    while (!steps.at(-1)?.done) {
      const begin = performance.now();
      steps = this.#lab.step(request.slow ? 0 : FRAME);
      computeMs += performance.now() - begin;
      report(steps, computeMs);
      if (request.slow) await new Promise((wake) => setTimeout(wake, FRAME));
    }
    const fp32 = this.#lab.model();
    return { fp32, ...this.quantize(fp32, request.scheme, request.seed) };
  }

  sample(seed: number, number: number): Sample {
    return this.#lab.sample(seed, number);
  }

  quantize(fp32: Uint8Array, scheme: string, seed: number): Requantized {
    const quantized = this.#lab.quantize(fp32, scheme, seed);
    return { quantized, evaluation: this.#lab.evaluate(fp32, quantized, seed) };
  }

  measure(fp32: Uint8Array, quantized: Uint8Array, seed: number, pairs: number): Measured {
    return {
      timing: this.time(fp32, quantized, seed, pairs),
      lab: this.#lab.labReport(quantized, seed, pairs),
      rounding: this.#rounding,
    };
  }

  time(fp32: Uint8Array, quantized: Uint8Array, seed: number, pairs: number): TimingReport {
    // Training has had the engine compile this code well by now.
    if (!this.#rounding) {
      const bench = new Bench(SWEEP_PAIRS, SWEEP_SAMPLE_MS);
      this.#rounding = bench.chooseRounding();
      bench.free();
    }
    return this.#lab.time(fp32, quantized, seed, pairs);
  }

  /** Times layers of growing size; `report` hears of each. */
  async sweep(
    begin: (path: string, ceilings: Ceiling[]) => void,
    report: (rows: number, size: number, time: Pair) => void,
  ): Promise<void> {
    const bench = new Bench(SWEEP_PAIRS, SWEEP_SAMPLE_MS);
    bench.chooseRounding();
    await begin(bench.path(), bench.ceilings());
    for (const size of SIZES) {
      for (const rows of [1, BATCH]) await report(rows, size, bench.product(rows, size, size));
    }
    bench.free();
  }
}

export type { Jobs };

Comlink.expose(new Jobs());

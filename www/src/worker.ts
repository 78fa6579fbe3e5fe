/** The job worker: the Lab of the Rust core behind comlink. The page ends the whole worker to cancel a job. */

import * as Comlink from "comlink";
import init, {
  type Evaluation,
  Lab,
  type LabReport,
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
}

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
    const quantized = this.#lab.quantize(fp32, scheme);
    return { quantized, evaluation: this.#lab.evaluate(fp32, quantized, seed) };
  }

  measure(fp32: Uint8Array, quantized: Uint8Array, seed: number, pairs: number): Measured {
    return {
      timing: this.#lab.time(fp32, quantized, seed, pairs),
      lab: this.#lab.labReport(quantized, seed, pairs),
    };
  }
}

export type { Jobs };

Comlink.expose(new Jobs());

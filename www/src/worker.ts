/** The job worker: the Lab of the Rust core behind comlink. The page ends the whole worker to cancel a job. */

import * as Comlink from "comlink";
import type { Own } from "./storage";
import { BATCH, SIZES } from "./sweep";
import init, {
  Bench,
  type Ceiling,
  type DataInfo,
  type Evaluation,
  Lab,
  type LabReport,
  labReport,
  type Pair,
  type Sample,
  type Step,
  type TimingReport,
  type TrainRequest,
  timeModels,
} from "./wasm/quantpad.js";

export interface QuantizeRequest {
  scheme: string;
  /** Of the split. */
  seed: number;
  samples: number;
  calibrationSeed: number;
  correctBias: boolean;
}

export interface Requantized {
  request: QuantizeRequest;
  quantized: Uint8Array;
  evaluation: Evaluation;
  /** Bytes of both files after gzip. */
  compressed: [fp32: number, quantized: number];
}

async function packedSize(bytes: Uint8Array): Promise<number> {
  const stream = new Blob([bytes as BlobPart]).stream().pipeThrough(new CompressionStream("gzip"));
  return (await new Response(stream).arrayBuffer()).byteLength;
}

export interface Measured {
  timing: TimingReport;
  lab: LabReport;
  /** How inference multiplies floats fastest in this engine. */
  rounding: string;
}

const SWEEP_PAIRS = 5;
const SWEEP_SAMPLE_MS = 2;

/** What a training has come to since the last report. */
export interface Report {
  steps: Step[];
  /** Share of the work that is done, 0 to 1. */
  share: number;
  /** Time spent computing so far. */
  computeMs: number;
}

/** A model, or the step in which the loss ran away. */
export interface Trained {
  fp32: Uint8Array;
  diverged: number | null;
}

/** `step`: on to the end of an iteration or epoch, then pause. */
export type Command = "run" | "pause" | "step" | "finish";

/** A frame at 60 Hz, in ms. */
const FRAME = 16;

/** Between two reports, in ms: often enough to look alive, seldom enough to leave the page its frames. */
const REPORT = 40;

/** Lets messages in, without the 4 ms that a timer waits. */
const channel = new MessageChannel();
const breathe = () =>
  new Promise<void>((resolve) => {
    channel.port1.onmessage = () => resolve();
    channel.port2.postMessage(null);
  });

class Jobs {
  #opened: Lab | null = null;
  #rounding = "";
  #command: Command = "run";
  #heard = () => {};

  /** `files`: of the data set to use; none means the digits. */
  async start(module: WebAssembly.Module, files: File[]): Promise<void> {
    await init({ module_or_path: module });
    if (files.length > 0) await this.load(files);
  }

  /** With the digits, unless files have been read. A worker that only measures needs none. */
  get #lab(): Lab {
    this.#opened ??= new Lab();
    return this.#opened;
  }

  /** Reads a data set; the one in use stays when that fails. No files: the digits. */
  async load(files: File[]): Promise<DataInfo> {
    if (files.length === 0) {
      this.#opened?.free();
      this.#opened = null;
      return this.#lab.data();
    }
    try {
      for (const file of files) {
        this.#lab.checkFile(file.name, file.size);
        this.#lab.addFile(file.name, new Uint8Array(await file.arrayBuffer()));
      }
    } catch (error) {
      this.#lab.dropFiles();
      throw error;
    }
    this.#lab.readFiles();
    return this.#lab.data();
  }

  /** Trains until the end or a command; `report` hears of every step. `slow`: one step a frame. */
  async train(request: TrainRequest, slow: boolean, report: (report: Report) => void): Promise<Trained> {
    this.#lab.start(request);
    const diverged = await this.#run(slow, report);
    return { fp32: diverged === null ? this.#lab.model() : new Uint8Array(), diverged };
  }

  /** Trains the model on as a quantized one, and evaluates it. */
  async trainAware(
    fp32: Uint8Array,
    request: QuantizeRequest,
    report: (report: Report) => void,
  ): Promise<{ requantized: Requantized | null; diverged: number | null }> {
    this.#lab.startAware(fp32, request.scheme, request.seed);
    const diverged = await this.#run(false, report);
    if (diverged !== null) return { requantized: null, diverged };
    return { requantized: await this.#evaluated(fp32, this.#lab.awareModel(), request), diverged };
  }

  /** The step in which the loss ran away, if it did. */
  async #run(slow: boolean, report: (report: Report) => void): Promise<number | null> {
    this.#command = "run";
    let computeMs = 0;
    let steps: Step[] = [];
    let reported = performance.now();
    for (;;) {
      const stepping = this.#told("step");
      const begin = performance.now();
      const progress = this.#lab.step(FRAME, slow || stepping);
      const end = performance.now();
      computeMs += end - begin;
      steps.push(...progress.steps);
      const { share, done, diverged } = progress;
      if (stepping && steps.length > 0) this.#command = "pause";
      if (done || stepping || diverged !== null || slow || end - reported >= REPORT) {
        report({ steps, share, computeMs });
        steps = [];
        reported = end;
      }
      if (diverged !== null || done) return diverged;
      if (slow && progress.steps.length > 0) await new Promise((wake) => setTimeout(wake, FRAME));
      await breathe();
      if (this.#told("pause") && steps.length > 0) {
        // What has been done so far is shown before the rest.
        report({ steps, share, computeMs });
        steps = [];
      }
      while (this.#told("pause")) {
        await new Promise<void>((heard) => {
          this.#heard = heard;
        });
      }
      if (this.#told("finish")) return null;
    }
  }

  #told(command: Command): boolean {
    return this.#command === command;
  }

  /** Tells the training under way what to do. */
  command(command: Command): void {
    this.#command = command;
    this.#heard();
  }

  familiarity(seed: number): Uint8Array {
    return this.#lab.familiarity(seed);
  }

  fineTune(fp32: Uint8Array, seed: number, drawings: Own[]): Uint8Array {
    const strokes = drawings.flatMap((own) => own.strokes.map((points) => Float32Array.from(points)));
    const counts = Uint32Array.from(drawings, (own) => own.strokes.length);
    const labels = Uint8Array.from(drawings, ({ label }) => label);
    return this.#lab.fineTune(fp32, seed, strokes, counts, labels);
  }

  sample(seed: number, number: number): Sample {
    return this.#lab.sample(seed, number);
  }

  /** Quantizes, and evaluates both models. */
  quantize(fp32: Uint8Array, request: QuantizeRequest): Promise<Requantized> {
    const { scheme, seed, samples, calibrationSeed, correctBias } = request;
    const quantized = this.#lab.quantize(fp32, scheme, seed, samples, calibrationSeed, correctBias);
    return this.#evaluated(fp32, quantized, request);
  }

  async #evaluated(fp32: Uint8Array, quantized: Uint8Array, request: QuantizeRequest): Promise<Requantized> {
    return {
      request,
      quantized,
      evaluation: this.#lab.evaluate(fp32, quantized, request.seed),
      compressed: [await packedSize(fp32), await packedSize(quantized)],
    };
  }

  timedImages(seed: number): Float32Array {
    return this.#lab.timedImages(seed);
  }

  measure(fp32: Uint8Array, quantized: Uint8Array, images: Float32Array, pairs: number): Measured {
    return {
      timing: this.time(fp32, quantized, images, pairs),
      lab: labReport(quantized, images, pairs),
      rounding: this.#rounding,
    };
  }

  time(fp32: Uint8Array, quantized: Uint8Array, images: Float32Array, pairs: number): TimingReport {
    if (!this.#rounding) {
      const bench = new Bench(SWEEP_PAIRS, SWEEP_SAMPLE_MS);
      this.#rounding = bench.chooseRounding();
      bench.free();
    }
    return timeModels(fp32, quantized, images, pairs);
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

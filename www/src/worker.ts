/** The job worker: the Lab of the Rust core behind comlink. The page ends the whole worker to cancel a job. */

import * as Comlink from "comlink";
import { breathe } from "./breathe";
import { contentOf } from "./content";
import { BATCH, SIZES } from "./payoff";
import type { Correction } from "./record";
import type { Own } from "./storage";
import init, {
  Bench,
  type Blame,
  type Ceiling,
  type DataInfo,
  type Evaluation,
  type Flips,
  type Judged,
  Lab,
  type LabReport,
  type Pair,
  type Repair,
  type Sample,
  type SearchResult,
  type Side,
  type Step,
  type Sweep,
  type Timing,
  type TimingReport,
  type TrainRequest,
  timeModels,
  timeOne,
} from "./wasm/quantpad.js";

export interface QuantizeRequest {
  scheme: string;
  /** Of the split. */
  seed: number;
  samples: number;
  calibrationSeed: number;
  /** What is fitted to the layers’ outputs afterwards. */
  correction: Correction;
}

export interface Requantized {
  request: QuantizeRequest;
  quantized: Uint8Array;
  evaluation: Evaluation;
}

/** How the schemes of a sweep are calibrated; `seed` is that of the split. */
export type SweepRequest = Omit<QuantizeRequest, "scheme">;

/** A scheme of a sweep. */
export interface Swept {
  quantized: Uint8Array;
  judged: Judged;
}

export interface Measured {
  timing: TimingReport;
  lab: LabReport;
}

const PAYOFF_PAIRS = 5;
const PAYOFF_SAMPLE_MS = 2;

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

class Jobs {
  #digits: Uint8Array = new Uint8Array();
  #opened: Lab | null = null;
  #sweep: Sweep | null = null;
  #rounding = "";
  #command: Command = "run";
  #heard = () => {};
  #searching = false;

  /** `digits`: their file; `files`: of the data set to use; none means the digits. */
  async start(module: WebAssembly.Module, digits: Uint8Array, files: File[]): Promise<void> {
    this.#digits = digits;
    await init({ module_or_path: module });
    if (files.length > 0) await this.load(files);
  }

  /** With the digits, unless files have been read. A worker that only measures needs none. */
  get #lab(): Lab {
    this.#opened ??= new Lab(this.#digits);
    return this.#opened;
  }

  /** Reads a data set; `report` hears of the share read. The one in use stays when that fails. No files: the digits. */
  async load(files: File[], report: (share: number) => void = () => {}): Promise<DataInfo> {
    if (files.length === 0) {
      this.#opened?.free();
      this.#opened = null;
      return this.#lab.data();
    }
    const all = files.reduce((sum, { size }) => sum + size, 0);
    let [before, reported] = [0, 0];
    const heard = (bytes: number) => {
      if (performance.now() - reported < REPORT) return;
      reported = performance.now();
      report((before + bytes) / all);
    };
    try {
      for (const file of files) {
        this.#lab.checkFile(file.name, file.size);
        this.#lab.addFile(file.name, await contentOf(file, heard));
        before += file.size;
      }
      report(1);
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
    return { requantized: this.#evaluated(fp32, this.#lab.awareModel(), request), diverged };
  }

  /** Trains the fp32 model on as long, but without rounding; answers how it does then, or nothing when the loss ran away. */
  async trainControl(
    fp32: Uint8Array,
    quantized: Uint8Array,
    { scheme, seed }: Pick<QuantizeRequest, "scheme" | "seed">,
    report: (report: Report) => void,
  ): Promise<Side | null> {
    this.#lab.startControl(fp32, scheme, seed);
    const diverged = await this.#run(false, report);
    return diverged === null ? this.#lab.evaluate(this.#lab.model(), quantized, seed).fp32 : null;
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
  quantize(fp32: Uint8Array, request: QuantizeRequest): Requantized {
    const { scheme, seed, samples, calibrationSeed, correction } = request;
    const quantized = this.#lab.quantize(fp32, scheme, seed, samples, calibrationSeed, correction);
    return this.#evaluated(fp32, quantized, request);
  }

  /** Evaluates a quantized model that was not made here. */
  compare(fp32: Uint8Array, quantized: Uint8Array, request: QuantizeRequest): Requantized {
    return this.#evaluated(fp32, quantized, request);
  }

  #evaluated(fp32: Uint8Array, quantized: Uint8Array, request: QuantizeRequest): Requantized {
    return { request, quantized, evaluation: this.#lab.evaluate(fp32, quantized, request.seed) };
  }

  flips(fp32: Uint8Array, quantized: Uint8Array, seed: number): Flips {
    return this.#lab.flips(fp32, quantized, seed);
  }

  repairLab(): Repair {
    return this.#lab.repairLab();
  }

  repairModel(fp32: Uint8Array, seed: number): Repair {
    return this.#lab.repairModel(fp32, seed);
  }

  blame(fp32: Uint8Array, quantized: Uint8Array, seed: number): Blame {
    return this.#lab.blame(fp32, quantized, seed);
  }

  /** Searches for the smallest model; `report` hears of the share done. `null` when it was stopped. */
  async search(
    fp32: Uint8Array,
    request: QuantizeRequest,
    points: number,
    report: (share: number) => void,
  ): Promise<SearchResult | null> {
    const { scheme, seed, samples, calibrationSeed } = request;
    const searcher = this.#lab.search(fp32, scheme, seed, samples, calibrationSeed, points);
    this.#searching = true;
    try {
      while (this.#searching) {
        if (searcher.step(REPORT)) return searcher.result();
        report(searcher.share());
        await breathe();
      }
      return null;
    } finally {
      searcher.free();
    }
  }

  stopSearch(): void {
    this.#searching = false;
  }

  timedImages(seed: number): Float32Array {
    return this.#lab.timedImages(seed);
  }

  measure(fp32: Uint8Array, quantized: Uint8Array, images: Float32Array, pairs: number): Measured {
    return {
      timing: this.time(fp32, quantized, images, pairs),
      lab: this.#lab.labReport(quantized, images, pairs),
    };
  }

  time(fp32: Uint8Array, quantized: Uint8Array, images: Float32Array, pairs: number): TimingReport {
    this.#chooseRounding();
    return timeModels(fp32, quantized, images, pairs);
  }

  /** A shorter measurement: one model, one image, samples of at least `shortest` ms. */
  timeOne(quantized: Uint8Array, images: Float32Array, samples: number, shortest: number): Timing {
    this.#chooseRounding();
    return timeOne(quantized, images, samples, shortest);
  }

  #chooseRounding(): void {
    if (this.#rounding) return;
    const bench = new Bench(PAYOFF_PAIRS, PAYOFF_SAMPLE_MS);
    this.#rounding = bench.chooseRounding();
    bench.free();
  }

  /** From now on schemes are compared with this model. */
  sweepOn(fp32: Uint8Array, { seed, samples, calibrationSeed, correction }: SweepRequest): void {
    this.#sweep?.free();
    this.#sweep = this.#lab.sweep(fp32, seed, samples, calibrationSeed, correction);
  }

  sweepScheme(scheme: string): Swept {
    return this.#judged((sweep) => sweep.quantize(scheme));
  }

  /** Trains the model on as that scheme says; nothing when the loss ran away. */
  async sweepAware(fp32: Uint8Array, scheme: string, seed: number): Promise<Swept | null> {
    this.#lab.startAware(fp32, scheme, seed);
    const diverged = await this.#run(false, () => {});
    return diverged === null ? this.#judged(() => this.#lab.awareModel()) : null;
  }

  #judged(quantize: (sweep: Sweep) => Uint8Array): Swept {
    if (!this.#sweep) throw new Error("There is no model to compare with.");
    const quantized = quantize(this.#sweep);
    return { quantized, judged: this.#sweep.judge(quantized) };
  }

  /** Times layers of growing size; `report` hears of each. */
  async payoff(
    begin: (path: string, ceilings: Ceiling[]) => void,
    report: (rows: number, size: number, time: Pair) => void,
  ): Promise<void> {
    const bench = new Bench(PAYOFF_PAIRS, PAYOFF_SAMPLE_MS);
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

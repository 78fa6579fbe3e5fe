/** Runs the core: the pad and the predictor on this thread, jobs in a worker. Panels call these functions. */

import * as Comlink from "comlink";
import * as state from "./state";
import { compile, compileCore, Failure, loadable } from "./wasm";
import init, {
  backend,
  type Ceiling,
  Pad,
  type Pair,
  Predictor,
  type Progress,
  useRounding,
} from "./wasm/quantpad.js";
import type { Jobs, Requantized } from "./worker";

/** Alternating pairs of samples: a first look at once, then the figures that stay. */
const QUICK_PAIRS = 2;
const FULL_PAIRS = 15;

let module: WebAssembly.Module;
/** The job worker, if one is up; the next job starts one otherwise. */
let worker: { thread: Worker; jobs: Promise<Comlink.Remote<Jobs>> } | null = null;
/** Rejects the jobs under way: they never answer once their worker is gone. */
const pending = new Set<(reason: Failure) => void>();
let files: { fp32: Uint8Array; quantized: Uint8Array } | null = null;
let predictor: Predictor | null = null;
let pad: Pad | null = null;

const CANCELLED = new Failure("cancelled", "");

/** Loads the core, gives `canvas` its pad, trains and quantizes the first model. */
export async function start(canvas: HTMLCanvasElement): Promise<void> {
  try {
    const core = await compileCore();
    module = core.module;
    worker = spawn();
    await init({ module_or_path: module });
    state.backend.value = backend();
    performance.mark("core-ready");
    if (core.backend === "scalar") {
      state.failure.value = {
        code: "no-simd",
        message:
          "This browser has no WebAssembly SIMD, so the models run on plain (scalar) instructions: same answers, less speed.",
      };
    }
    pad = new Pad(canvas, drawingChanged);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => pad?.render());
    drawingChanged();
    state.phase.value = "training";
    await runTraining(state.DEFAULT_SEED, 1, false);
  } catch (error) {
    fail(error);
  }
}

/** Trains with what the controls say; the models in use stay until the new ones are there. */
export async function train(): Promise<void> {
  const seed = Number(state.seed.value);
  if (!/^\d+$/.test(state.seed.value.trim()) || seed > state.MAX_SEED) {
    state.failure.value = {
      code: "bad-seed",
      message: `The seed must be a whole number from 0 to ${state.MAX_SEED}; “${state.seed.value}” is not. Nothing was changed.`,
    };
    return;
  }
  if (!module || state.run.value.running) return;
  state.failure.value = null;
  state.phase.value = "training";
  try {
    await runTraining(seed, Number(state.regularization.value), state.slowMotion.value);
  } catch (error) {
    fail(error);
  }
}

/** Ends the running job at once; the last good models stay. */
export function cancel(): void {
  endJobs(CANCELLED);
}

export async function setScheme(change: {
  granularity?: state.Granularity;
  activations?: state.Activations;
}): Promise<void> {
  if (change.granularity) state.granularity.value = change.granularity;
  if (change.activations) state.activations.value = change.activations;
  // A training under way quantizes by the new setting when it ends.
  if (!files || state.run.value.running) return;
  try {
    const { fp32 } = files;
    const { seed } = state.trained.value;
    use(fp32, await ask((jobs) => jobs.quantize(fp32, state.scheme.value, seed)));
    await measure(FULL_PAIRS);
  } catch (error) {
    fail(error);
  }
}

export async function timeAgain(): Promise<void> {
  try {
    await measure(FULL_PAIRS);
  } catch (error) {
    fail(error);
  }
}

/** Puts a random test digit on the pad. */
export async function showSample(): Promise<void> {
  try {
    const { seed } = state.trained.value;
    const sample = await ask((jobs) => jobs.sample(seed, Math.floor(Math.random() * 2 ** 31)));
    pad?.show(Float32Array.from(sample.image));
    state.sample.value = sample;
  } catch (error) {
    fail(error);
  }
}

/** Puts every setting back to where the page began, and trains that model. */
export async function reset(): Promise<void> {
  state.seed.value = String(state.DEFAULT_SEED);
  state.regularization.value = "1";
  state.granularity.value = "per-tensor";
  state.activations.value = "dynamic";
  await train();
}

/** Times the models on every build of the core that this browser can run, one after the other. */
export async function compareBackends(): Promise<void> {
  if (!files || state.comparing.value) return;
  const { fp32, quantized } = files;
  const { seed } = state.trained.value;
  state.backends.value = [];
  try {
    for (const name of await loadable()) {
      state.comparing.value = name;
      const module = await compile(name);
      const timing = await alone(module, (jobs) => jobs.time(fp32, quantized, seed, FULL_PAIRS));
      if (files?.quantized !== quantized) return;
      state.backends.value = [...state.backends.value, { backend: name, timing }];
    }
  } catch (error) {
    fail(error);
  } finally {
    state.comparing.value = null;
  }
}

let stopSweep: (() => void) | null = null;

/** Times layers from 64 to 4096 inputs and outputs. What has been measured stays, however it ends. */
export async function sweepSizes(): Promise<void> {
  if (!module || state.sweeping.value) return;
  state.sweeping.value = true;
  state.sweep.value = null;
  const stopped = new Promise<void>((stop) => {
    stopSweep = stop;
  });
  const begin = Comlink.proxy((path: string, ceilings: Ceiling[]) => {
    state.sweep.value = { path, ceilings, layers: [] };
  });
  const report = Comlink.proxy((rows: number, size: number, time: Pair) => {
    const sweep = state.sweep.value;
    if (sweep) state.sweep.value = { ...sweep, layers: [...sweep.layers, { rows, size, time }] };
  });
  try {
    // A worker of its own: the memory of the largest layers goes with it.
    await alone(module, (jobs) => jobs.sweep(begin, report), stopped);
  } catch (error) {
    fail(error);
  } finally {
    state.sweeping.value = false;
  }
}

export const cancelSweep = () => stopSweep?.();

/** Runs a job in a worker of its own, on that build of the core; ends the worker when it is done, or `stopped`. */
async function alone<T>(
  core: WebAssembly.Module,
  job: (jobs: Comlink.Remote<Jobs>) => Promise<T>,
  stopped?: Promise<T>,
): Promise<T> {
  const thread = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
  try {
    const crashed = new Promise<never>((_, reject) => {
      thread.addEventListener("error", (event) => {
        event.preventDefault();
        const reason = event.message || "no reason given";
        reject(new Failure("worker-crashed", `The worker that measures has stopped (${reason}).`));
      });
    });
    const jobs = Comlink.wrap<Jobs>(thread);
    const done = jobs.start(core).then(() => job(jobs));
    return await Promise.race(stopped ? [done, crashed, stopped] : [done, crashed]);
  } finally {
    thread.terminate();
  }
}

export const clear = () => pad?.clear();
export const undo = () => pad?.undo();
export const redo = () => pad?.redo();

async function runTraining(seed: number, c: number, slow: boolean): Promise<void> {
  state.run.value = { running: true, computeMs: 0, share: 0, history: [] };
  try {
    const report = Comlink.proxy((steps: Progress[], computeMs: number) => {
      const { running, share } = state.run.value;
      if (!running) return;
      const history = [...state.run.value.history, ...steps];
      state.run.value = { running, computeMs, share: Math.max(share, fitted(history)), history };
    });
    const requested = state.scheme.value;
    const { fp32, ...result } = await ask((jobs) => jobs.train({ seed, c, slow, scheme: requested }, report));
    // The scheme may have been changed meanwhile.
    const wanted = state.scheme.value;
    const quantized = wanted === requested ? result : await ask((jobs) => jobs.quantize(fp32, wanted, seed));
    state.trained.value = { seed, c };
    use(fp32, quantized);
    performance.mark("models-ready");
    await measure(QUICK_PAIRS);
  } finally {
    state.run.value = { ...state.run.value, running: false };
  }
  state.phase.value = "ready";
  performance.mark("ready");
  await measure(FULL_PAIRS);
}

/** How far the fit has come: the gradient's norm falls to 1e-6 about as a straight line on a log scale. */
function fitted(history: Progress[]): number {
  const [first, last] = [history[0], history.at(-1)];
  if (!first || !last || last.done) return 1;
  return Math.log(last.gradientNorm / first.gradientNorm) / Math.log(1e-6 / first.gradientNorm);
}

/** Puts a pair of models to use. */
function use(fp32: Uint8Array, { quantized, evaluation }: Requantized): void {
  const next = new Predictor(fp32, quantized);
  predictor?.free();
  predictor = next;
  files = { fp32, quantized };
  state.evaluation.value = evaluation;
  // Times of other models.
  state.backends.value = [];
  predict();
}

async function measure(pairs: number): Promise<void> {
  if (!files) return;
  const { fp32, quantized } = files;
  const { seed } = state.trained.value;
  state.measuring.value = true;
  try {
    const measured = await ask((jobs) => jobs.measure(fp32, quantized, seed, pairs));
    // Figures of models that are no longer in use are not shown.
    if (files?.quantized !== quantized) return;
    state.timing.value = measured.timing;
    state.labReport.value = measured.lab;
    useRounding(measured.rounding);
  } finally {
    state.measuring.value = false;
  }
}

function drawingChanged(): void {
  if (!pad) return;
  state.drawing.value = { strokes: pad.strokes, canUndo: pad.canUndo, canRedo: pad.canRedo };
  state.image.value = pad.image() ?? null;
  state.sample.value = null;
  predict();
}

function predict(): void {
  const image = state.image.value;
  state.answers.value = image && predictor ? predictor.predict(image) : null;
}

/** Starts a job worker. */
function spawn(): NonNullable<typeof worker> {
  const thread = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
  thread.addEventListener("error", (event) => {
    event.preventDefault();
    if (thread === worker?.thread) crashed(event.message);
  });
  const remote = Comlink.wrap<Jobs>(thread);
  const jobs = remote.start(module).then(() => remote);
  // Whoever asks for a job hears of a failed start; nobody may have asked yet.
  jobs.catch(() => {});
  return { thread, jobs };
}

/** Runs a job; rejects when it fails, is cancelled, or its worker dies. */
async function ask<T>(job: (jobs: Comlink.Remote<Jobs>) => Promise<T>): Promise<T> {
  let reject!: (reason: Failure) => void;
  const ended = new Promise<never>((_, rejectEnded) => {
    reject = rejectEnded;
  });
  pending.add(reject);
  try {
    worker ??= spawn();
    return await Promise.race([worker.jobs.then(job), ended]);
  } catch (error) {
    // A trap leaves the worker's instance unusable. (Comlink hands errors over by name.)
    if (error instanceof Error && error.name === "RuntimeError") crashed(error.message);
    throw error;
  } finally {
    pending.delete(reject);
  }
}

function crashed(reason: string): void {
  const kept = files
    ? " The models in use are untouched: drawing goes on, and Train starts a new worker."
    : " Press Train to try again.";
  const failure = new Failure(
    "worker-crashed",
    `The worker that trains and measures has stopped (${reason || "no reason given"}).${kept}`,
  );
  fail(failure);
  endJobs(failure);
}

/** Ends every job with its worker. */
function endJobs(reason: Failure): void {
  worker?.thread.terminate();
  worker = null;
  for (const reject of [...pending]) reject(reason);
}

function fail(error: unknown): void {
  state.phase.value = files ? "ready" : "error";
  if (error === CANCELLED) {
    if (!files) state.failure.value = { code: "no-models", message: "There is no model yet: press Train." };
    return;
  }
  const message = error instanceof Error ? error.message : String(error);
  state.failure.value = { code: error instanceof Failure ? error.code : "job-failed", message };
}

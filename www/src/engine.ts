/** Runs the core: the pad and the predictor on this thread, jobs in a worker. Panels call these functions. */

import * as Comlink from "comlink";
import * as own from "./own";
import { DEFAULT, type Scheme } from "./scheme";
import { fromFields, toFields } from "./settings";
import * as state from "./state";
import { compile, compileCore, Failure, loadable } from "./wasm";
import init, {
  backend,
  type Ceiling,
  type NetworkSettings,
  networkDefaults,
  Pad,
  type Pair,
  Predictor,
  type TrainRequest,
  useRounding,
} from "./wasm/quantpad.js";
import type { Command, Jobs, QuantizeRequest, Report, Requantized } from "./worker";

/** Alternating pairs of samples: a first look at once, then the figures that stay. */
const QUICK_PAIRS = 2;
const FULL_PAIRS = 15;

interface JobWorker {
  thread: Worker;
  jobs: Promise<Comlink.Remote<Jobs>>;
  /** Rejects when the thread dies: its jobs then never answer. */
  died: Promise<never>;
}

let module: WebAssembly.Module;
/** The job worker, if one is up; the next job starts one otherwise. */
let worker: JobWorker | null = null;
/** The worker that measures, so that nobody waits for it. */
let measurer: JobWorker | null = null;
/** Rejects the jobs under way: they never answer once their worker is gone. */
const pending = new Set<(reason: Failure) => void>();
let files: { fp32: Uint8Array; quantized: Uint8Array } | null = null;
/** The fp32 model as it was trained, before it learned from own drawings. */
let base: Uint8Array | null = null;
/** What digits look like, and of which split of which data set. */
let familiarity: { bytes: Uint8Array; seed: number; data: state.Data } | null = null;
/** Files of the data set in use (the models' own); none are the digits. A new worker reads them again. */
let dataFiles: File[] = [];
let predictor: Predictor | null = null;
let pad: Pad | null = null;

const CANCELLED = new Failure("cancelled", "");

/** Loads the core, gives `canvas` its pad, trains and quantizes the first model. */
export async function start(canvas: HTMLCanvasElement): Promise<void> {
  try {
    const core = await compileCore();
    module = core.module;
    worker = spawn(dataFiles);
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
    setDefaults(state.DIGITS.train);
    pad = new Pad(canvas, drawingChanged);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => pad?.render());
    drawingChanged();
    void own.load();
    state.phase.value = "training";
    await runTraining(request(), false);
  } catch (error) {
    fail(error);
  }
}

/** Trains with what the controls say; the models in use stay until the new ones are there. */
export async function train(): Promise<void> {
  if (!module || state.busy.value) return;
  try {
    const wanted = request();
    state.failure.value = null;
    await runTraining(wanted, state.slowMotion.value);
  } catch (error) {
    fail(error);
  }
}

/** Reads a data set from files (none: the digits) and trains on it; whatever goes wrong, the one in use stays. */
export async function useData(chosen: File[]): Promise<void> {
  if (!module) return;
  if (state.busy.value) {
    const message = "A training is under way: cancel it or let it end, then give the files again.";
    state.failure.value = { code: "busy", message };
    return;
  }
  state.failure.value = null;
  const names = chosen.map(({ name }) => name).join(", ");
  let inUse = true;
  try {
    state.reading.value = names || state.DIGITS.name;
    const info = await ask((jobs) => jobs.load(chosen));
    inUse = false;
    state.reading.value = "";
    setDefaults(info.train);
    const data = { ...info, name: chosen.length > 0 ? names : state.DIGITS.name };
    await runTraining(request(), false, { files: chosen, data });
    inUse = true;
  } catch (error) {
    fail(error);
  } finally {
    state.reading.value = "";
    if (!inUse) {
      // The worker holds the new data; its successor will read that of the models in use.
      endJobs(CANCELLED);
      setDefaults(state.trained.value.data.train);
    }
  }
}

/** Tells the training under way to pause, to go on, to do one step, or to end with the best model so far. */
export async function command(command: Command): Promise<void> {
  if (!state.run.value.running || !worker) return;
  state.run.value = { ...state.run.value, paused: command === "pause" || command === "step" };
  const jobs = await worker.jobs;
  await jobs.command(command);
}

/** What the controls say. */
function request(): TrainRequest {
  const model = state.model.value;
  const seed = Number(state.seed.value);
  if (!/^\d+$/.test(state.seed.value.trim()) || seed > state.MAX_SEED) {
    throw new Failure(
      "bad-seed",
      `The seed must be a whole number from 0 to ${state.MAX_SEED}; “${state.seed.value}” is not. Nothing was changed.`,
    );
  }
  const fields = state.fields.value;
  if (!fields) throw new Failure("not-ready", "The page is still loading; try again in a moment.");
  // Softmax regression reads none of them, so what is typed there cannot be wrong for it.
  const network =
    model === "softmax" ? networkDefaults("mlp", state.trained.value.data.train) : fromFields(fields[model]);
  return { model, seed, c: Number(state.regularization.value), network };
}

/** Puts the fields to what suits so many training images. */
function setDefaults(images: number): void {
  const defaults = (model: string): NetworkSettings => networkDefaults(model, images);
  state.fields.value = { mlp: toFields(defaults("mlp")), cnn: toFields(defaults("cnn")) };
}

/** Ends the running job at once; the last good models stay. */
export function cancel(): void {
  endJobs(CANCELLED);
}

export async function setScheme(scheme: Scheme): Promise<void> {
  state.axes.value = scheme;
  await requantize();
}

export async function setCalibration(change: Partial<typeof state.calibration.value>): Promise<void> {
  state.calibration.value = { ...state.calibration.value, ...change };
  await requantize();
}

let requantizing = false;

/** Quantizes the model in use by what the controls say; a training under way, and one for it, will see to it. */
async function requantize(): Promise<void> {
  if (!files || state.run.value.running) return;
  if (requantizing) {
    // What is being trained for is no longer wanted.
    if (state.aware.value !== null) await worker?.jobs.then((jobs) => jobs.command("finish"));
    return;
  }
  state.failure.value = null;
  requantizing = true;
  try {
    const { fp32 } = files;
    const { seed } = state.trained.value;
    use(fp32, await quantizeAsWanted(fp32, seed));
  } catch (error) {
    // The controls say again what is in use.
    if (state.usedAxes.value) state.axes.value = state.usedAxes.value;
    fail(error);
  } finally {
    requantizing = false;
  }
  await measure(FULL_PAIRS).catch(fail);
}

export async function setCorrectBias(on: boolean): Promise<void> {
  state.correctBias.value = on;
  await requantize();
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
  state.model.value = "softmax";
  state.seed.value = String(state.DEFAULT_SEED);
  state.regularization.value = "1";
  state.axes.value = DEFAULT;
  state.calibration.value = { samples: 256, seed: 0 };
  state.correctBias.value = false;
  setDefaults(state.DIGITS.train);
  await (dataFiles.length > 0 ? useData([]) : train());
}

/** Times the models on every build of the core that this browser can run, one after the other. */
export async function compareBackends(): Promise<void> {
  if (!files || state.comparing.value) return;
  const { fp32, quantized } = files;
  state.backends.value = [];
  try {
    const images = await timedImages();
    for (const name of await loadable()) {
      state.comparing.value = name;
      const module = await compile(name);
      const timing = await alone(module, (jobs) => jobs.time(fp32, quantized, images, FULL_PAIRS));
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
    const done = jobs.start(core, []).then(() => job(jobs));
    return await Promise.race(stopped ? [done, crashed, stopped] : [done, crashed]);
  } finally {
    thread.terminate();
  }
}

export const clear = () => pad?.clear();
export const undo = () => pad?.undo();
export const redo = () => pad?.redo();

/** `next`: the data set that the worker holds now, which is in use from when there are models for it. */
async function runTraining(
  wanted: TrainRequest,
  slow: boolean,
  next?: { files: File[]; data: state.Data },
): Promise<void> {
  const { model, seed } = wanted;
  state.phase.value = "training";
  const layers = model === "softmax" ? [] : wanted.network.layers;
  state.run.value = { running: true, paused: false, model, layers, computeMs: 0, share: 0, history: [] };
  try {
    const report = Comlink.proxy(({ steps, share, computeMs }: Report) => {
      const now = state.run.value;
      if (!now.running) return;
      const history = [...now.history, ...steps];
      state.run.value = { ...now, history, computeMs, share: Math.max(now.share, share) };
    });
    const result = await ask((jobs) => jobs.train(wanted, slow, report));
    if (result.diverged !== null) throw runaway(wanted, result.diverged);
    const { fp32 } = result;
    const requantized = await quantizeAsWanted(fp32, seed);
    if (next) dataFiles = next.files;
    const data = next?.data ?? state.trained.value.data;
    state.trained.value = { model, layers, seed, data, tuned: 0 };
    base = fp32;
    use(fp32, requantized);
    performance.mark("models-ready");
    await measure(QUICK_PAIRS);
    await learnWhatDigitsLookLike();
  } finally {
    state.run.value = { ...state.run.value, running: false, paused: false };
  }
  state.phase.value = "ready";
  performance.mark("ready");
  await measure(FULL_PAIRS);
}

/** Quantizes by what the controls say, even when that changes meanwhile; trains for it where the method says so. */
async function quantizeAsWanted(fp32: Uint8Array, seed: number): Promise<Requantized> {
  for (;;) {
    const [axes, { samples, seed: calibrationSeed }, correctBias] = [
      state.axes.value,
      state.calibration.value,
      state.correctBias.value,
    ];
    const wanted = { scheme: state.scheme.value, seed, samples, calibrationSeed, correctBias };
    const requantized =
      axes.method === "qat"
        ? await trainAware(fp32, wanted)
        : await ask((jobs) => jobs.quantize(fp32, wanted));
    const same =
      state.scheme.value === wanted.scheme &&
      state.calibration.value.samples === samples &&
      state.calibration.value.seed === calibrationSeed &&
      state.correctBias.value === correctBias;
    if (same) return requantized;
  }
}

async function trainAware(fp32: Uint8Array, wanted: QuantizeRequest): Promise<Requantized> {
  const report = Comlink.proxy(({ share }: Report) => {
    // A last report may come after the worker has been ended.
    if (state.aware.value !== null) state.aware.value = share;
  });
  state.aware.value = 0;
  try {
    const { requantized, diverged } = await ask((jobs) => jobs.trainAware(fp32, wanted, report));
    if (!requantized) {
      throw new Failure(
        "diverged",
        `Quantization-aware training ran away in epoch ${diverged}. The models in use are untouched.`,
      );
    }
    return requantized;
  } finally {
    state.aware.value = null;
  }
}

function runaway({ model, network }: TrainRequest, step: number): Failure {
  const remedy =
    model === "softmax"
      ? "Try a stronger regularisation (a smaller C)."
      : `Try a learning rate of ${Number((network.rate / 10).toPrecision(1))}, a tenth of this one.`;
  return new Failure(
    "diverged",
    `Training ran away in ${model === "softmax" ? "step" : "epoch"} ${step}: the loss grows instead of falling. ${remedy} The models in use are untouched.`,
  );
}

/** Puts a pair of models to use. */
function use(fp32: Uint8Array, { request, quantized, evaluation, compressed }: Requantized): void {
  const next = new Predictor(fp32, quantized);
  predictor?.free();
  predictor = next;
  doubt();
  files = { fp32, quantized };
  const { width, height, maxPixel } = state.trained.value.data;
  pad?.setForm(width, height, maxPixel);
  state.usedScheme.value = request.scheme;
  state.usedAxes.value = state.axes.value;
  state.evaluation.value = evaluation;
  state.compressed.value = compressed;
  // Times of other models.
  state.backends.value = [];
  predict();
}

/** Times the models in use; asked again meanwhile, it goes on until those in use then have been timed as often. */
async function measure(pairs: number): Promise<void> {
  wantedPairs = Math.max(wantedPairs, pairs);
  measuring ??= measureAll().finally(() => {
    measuring = null;
  });
  await measuring;
}

let wantedPairs = 0;
let measuring: Promise<void> | null = null;

async function measureAll(): Promise<void> {
  state.measuring.value = true;
  try {
    while (files && wantedPairs > 0) {
      const { fp32, quantized } = files;
      const pairs = wantedPairs;
      wantedPairs = 0;
      const images = await timedImages();
      measurer ??= spawn([]);
      const { jobs, died } = measurer;
      const measured = await Promise.race([
        jobs.then((jobs) => jobs.measure(fp32, quantized, images, pairs)),
        died,
      ]);
      // Figures of models that are no longer in use are not shown.
      if (files?.quantized !== quantized) continue;
      state.timing.value = measured.timing;
      state.labReport.value = measured.lab;
      useRounding(measured.rounding);
    }
  } catch (error) {
    // Whatever went wrong there, the next measurement begins with a new one.
    measurer?.thread.terminate();
    measurer = null;
    throw error;
  } finally {
    state.measuring.value = false;
  }
}

/** The images that are timed, as long as they are of the models in use. */
let timed: { images: Float32Array; trained: state.Trained } | null = null;

async function timedImages(): Promise<Float32Array> {
  const trained = state.trained.value;
  if (timed?.trained.seed !== trained.seed || timed.trained.data !== trained.data) {
    timed = { images: await ask((jobs) => jobs.timedImages(trained.seed)), trained };
  }
  return timed.images;
}

function drawingChanged(): void {
  if (!pad) return;
  state.drawing.value = { strokes: pad.strokes, canUndo: pad.canUndo, canRedo: pad.canRedo };
  state.image.value = pad.image() ?? null;
  state.sample.value = null;
  predict();
}

/** Both models judge every writing of the drawing. */
function predict(): void {
  const images = pad?.images();
  const answers = images && predictor ? predictor.predict(images) : null;
  if (answers && !pad?.legible) answers.fp32.sure = answers.quantized.sure = false;
  state.answers.value = answers;
}

/** Asks the worker what the training images look like, so that a scribble can be told from a digit. */
async function learnWhatDigitsLookLike(): Promise<void> {
  const { seed, data } = state.trained.value;
  if (familiarity?.seed !== seed || familiarity.data !== data) {
    familiarity = { bytes: await ask((jobs) => jobs.familiarity(seed)), seed, data };
  }
  doubt();
  predict();
}

/** Hands the predictor what digits look like, where that is known. */
function doubt(): void {
  const { seed, data } = state.trained.value;
  if (familiarity?.seed === seed && familiarity.data === data) predictor?.setFamiliarity(familiarity.bytes);
}

/** Keeps the drawing as an example of `digit`, and clears the pad for the next. */
export async function teach(digit: number): Promise<void> {
  if (!pad || pad.strokes === 0) return;
  const strokes = pad.strokePoints.map((points) => Array.from(points));
  pad.clear();
  await own.add([{ label: digit, strokes }]).catch(fail);
}

/** Goes on training the model with all own drawings; both models are replaced. */
export async function fineTune(): Promise<void> {
  const drawings = own.own.value;
  if (!base || drawings.length === 0 || state.busy.value) return;
  state.failure.value = null;
  state.tuning.value = true;
  try {
    const { seed } = state.trained.value;
    const from = base;
    const fp32 = await ask((jobs) => jobs.fineTune(from, seed, drawings));
    const requantized = await quantizeAsWanted(fp32, seed);
    state.trained.value = { ...state.trained.value, tuned: drawings.length };
    use(fp32, requantized);
  } catch (error) {
    fail(error);
  } finally {
    state.tuning.value = false;
  }
  await measure(FULL_PAIRS).catch(fail);
}

export const forgetLast = () => own.removeLast();
export const forgetAll = () => own.clear();

export function exportOwn(): void {
  download(own.write(), "own-drawings.json");
}

export async function importOwn(file: File): Promise<void> {
  state.failure.value = null;
  try {
    await own.add(own.read(await file.text()));
  } catch (error) {
    fail(error);
  }
}

/** Hands the visitor a file. */
function download(content: Blob, name: string): void {
  const url = URL.createObjectURL(content);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}

/** Starts a worker, with a data set to work on. */
function spawn(data: File[]): JobWorker {
  let die!: (reason: Failure) => void;
  const died = new Promise<never>((_, reject) => {
    die = reject;
  });
  const thread = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
  thread.addEventListener("error", (event) => {
    event.preventDefault();
    if (thread === worker?.thread) crashed(event.message);
    if (thread === measurer?.thread) measurer = null;
    const reason = event.message || "no reason given";
    die(new Failure("worker-crashed", `The worker that measures has stopped (${reason}).`));
  });
  const remote = Comlink.wrap<Jobs>(thread);
  const jobs = remote.start(module, data).then(() => remote);
  // Whoever asks for a job hears of a failed start; nobody may have asked yet.
  jobs.catch(() => {});
  died.catch(() => {});
  return { thread, jobs, died };
}

/** Runs a job; rejects when it fails, is cancelled, or its worker dies. */
async function ask<T>(job: (jobs: Comlink.Remote<Jobs>) => Promise<T>): Promise<T> {
  let reject!: (reason: Failure) => void;
  const ended = new Promise<never>((_, rejectEnded) => {
    reject = rejectEnded;
  });
  pending.add(reject);
  try {
    worker ??= spawn(dataFiles);
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

/** Runs the core: the pad and the predictor on this thread, training and quantizing in a worker. Panels call these functions. */

import * as Comlink from "comlink";
import { fail } from "./fail";
import { ask, begin, CANCELLED, compiledCore, endJobs, hasOwnData, keepData } from "./jobs";
import { FULL_PAIRS, measure, QUICK_PAIRS } from "./meter";
import * as own from "./own";
import { DEFAULT, type Scheme } from "./scheme";
import { fromFields, toFields } from "./settings";
import * as state from "./state";
import { compileCore, Failure } from "./wasm";
import init, {
  backend,
  type NetworkSettings,
  networkDefaults,
  Pad,
  Predictor,
  type TrainRequest,
} from "./wasm/quantpad.js";
import type { Command, QuantizeRequest, Report, Requantized } from "./worker";

/** The fp32 model as it was trained, before it learned from own drawings. */
let base: Uint8Array | null = null;
/** What digits look like, and of which split of which data set. */
let familiarity: { bytes: Uint8Array; seed: number; data: state.Data } | null = null;
let predictor: Predictor | null = null;
let pad: Pad | null = null;

/** Loads the core, gives `canvas` its pad, trains and quantizes the first model. */
export async function start(canvas: HTMLCanvasElement): Promise<void> {
  try {
    const core = await compileCore();
    begin(core.module);
    await init({ module_or_path: core.module });
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
  if (!compiledCore() || state.busy.value) return;
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
  if (!compiledCore()) return;
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
  if (!state.run.value.running) return;
  state.run.value = { ...state.run.value, paused: command === "pause" || command === "step" };
  await ask((jobs) => jobs.command(command)).catch(fail);
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
  const { models } = state;
  if (!models.value || state.run.value.running) return;
  if (requantizing) {
    // What is being trained for is no longer wanted.
    if (state.aware.value !== null) await ask((jobs) => jobs.command("finish")).catch(fail);
    return;
  }
  state.failure.value = null;
  requantizing = true;
  try {
    const { fp32 } = models.value;
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
  await (hasOwnData() ? useData([]) : train());
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
    if (next) keepData(next.files);
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
  state.models.value = { fp32, quantized };
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

/** Trains and quantizes in a worker, and puts the models to use. Panels call these functions. */

import { batch, effect } from "@preact/signals";
import * as Comlink from "comlink";
import { breathe } from "./breathe";
import { quantizeRecord, request, setControls, setDefaults, trainRecord } from "./controls";
import { fail } from "./fail";
import { ask, cancellation, endJobs, hasOwnData, keepData } from "./jobs";
import { layerTitles } from "./layers";
import { FULL_PAIRS, measure, QUICK_PAIRS } from "./meter";
import * as own from "./own";
import * as pad from "./pad";
import { awareOf, quantizeAsWanted } from "./quantizing";
import {
  type Correction,
  DEFAULT_RECORD,
  fromQuery,
  type QuantizeRecord,
  type RunRecord,
  toQuery,
} from "./record";
import * as runs from "./runs";
import { fitted, ofName, type Scheme } from "./scheme";
import * as state from "./state";
import * as storage from "./storage";
import * as tab from "./tab";
import { Failure } from "./wasm";
import type { Evaluation } from "./wasm/page.js";
import type { TrainRequest } from "./wasm/quantpad.js";
import type { Command, Report, Requantized } from "./worker";

/** An fp32 model's file, and what is known of it. */
export interface Subject {
  fp32: Uint8Array;
  trained: state.Trained;
}

/** The fp32 model as it was trained, before it learned from own drawings. */
let base: Uint8Array | null = null;

/** The fp32 model in use as it was before it learned from own drawings. */
export const untuned = () => base;

/** A first look at once, then the figures that stay. */
export async function measureSoon(): Promise<void> {
  await measure(QUICK_PAIRS);
  await measure(FULL_PAIRS);
}

/** From now on drawings are answered. */
export function isReady(): void {
  state.phase.value = "ready";
  performance.mark("ready");
}

/** Trains with what the controls say; the models in use stay until the new ones are there. */
export async function train(slow = state.slowMotion.value): Promise<void> {
  if (!state.backend.value || state.busy.value) return;
  try {
    const wanted = request();
    state.failure.value = null;
    await runTraining(wanted, slow);
    await measureSoon();
  } catch (error) {
    fail(error);
  }
}

/**
 * Reads a data set from files (none: the digits) and trains on it, with what the controls say or by a record; whatever
 * goes wrong, the one in use stays.
 */
export async function useData(chosen: File[], record?: RunRecord): Promise<void> {
  if (!state.backend.value) return;
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
    state.readShare.value = null;
    const report = Comlink.proxy((share: number) => {
      // All read is not yet all understood.
      state.readShare.value = share < 1 ? share : null;
    });
    const info = await ask((jobs) => jobs.load(chosen, report));
    inUse = false;
    state.reading.value = "";
    if (record) setControls(record, info.train);
    else setDefaults(info.train);
    const data = { ...info, name: chosen.length > 0 ? names : state.DIGITS.name };
    await runTraining(request(), false, { files: chosen, data });
    inUse = true;
    await measureSoon();
  } catch (error) {
    fail(error);
  } finally {
    state.reading.value = "";
    if (!inUse) {
      // The worker holds the new data; its successor will read that of the models in use.
      endJobs(cancellation());
      setDefaults(state.trained.value.data.train);
    }
  }
}

/** Tells the training under way to pause, to go on, to do one step, or to end with the best model so far. */
export async function command(command: Command): Promise<void> {
  if (!state.run.value.running) return;
  finishedEarly ||= command === "finish";
  state.run.value = { ...state.run.value, paused: command === "pause" || command === "step" };
  await ask((jobs) => jobs.command(command)).catch(fail);
}

/** Whether the training under way was told to end before its time. */
let finishedEarly = false;

/** Ends the running job at once; the last good models stay. */
export function cancel(): void {
  endJobs(cancellation());
}

export async function setScheme(scheme: Scheme): Promise<void> {
  state.axes.value = fitted(scheme, layerTitles(state.trained.value).length);
  await requantize();
}

export async function setCalibration(change: Partial<typeof state.calibration.value>): Promise<void> {
  state.calibration.value = { ...state.calibration.value, ...change };
  await requantize();
}

/** Puts a past run to use again, with its settings; `at` is its place on the way of undo and redo. */
export async function restore(run: runs.Run, at?: number): Promise<void> {
  await requantizing;
  if (state.busy.value) return;
  state.failure.value = null;
  const { data } = state.trained.value;
  if (run.trained.data.name !== data.name) {
    state.failure.value = {
      code: "other-data",
      message: `This run was made with ${run.trained.data.name}, and ${data.name} is in use: put that data set to use first.`,
    };
    return;
  }
  await reuse(run, at);
  await measure(FULL_PAIRS).catch(fail);
}

/** Puts a run to use; `at`: see {@link restore}. */
export async function reuse(run: runs.Run, at?: number): Promise<void> {
  base = run.base;
  state.trained.value = { ...run.trained, data: state.trained.value.data };
  setControls(run.record);
  use(run.fp32, run.quantized, run.record, run.evaluation, run.twin);
  runs.visit(run, at);
  await pad.learnWhatDigitsLookLike().catch(fail);
}

export async function undoSettings(): Promise<void> {
  const to = runs.previous.value;
  if (to) await restore(to.run, to.at);
}

export async function redoSettings(): Promise<void> {
  const to = runs.next.value;
  if (to) await restore(to.run, to.at);
}

/** Does what an address says: trains and quantizes, as far as the models in use are others. The digits are the data. */
export async function follow(query: string): Promise<void> {
  await requantizing;
  if (state.busy.value) return;
  const { record } = fromQuery(query);
  const { made, data, tuned, early, opened } = state.trained.value;
  if (data.name !== state.DIGITS.name) return useData([], record);
  setControls(record);
  const trained = toQuery({ ...record, ...made }) === toQuery(record) && tuned === 0 && !early && !opened;
  if (!trained) return train(false);
  if (state.twin.value || toQuery(state.record.value) !== toQuery(record)) return requantize();
}

/** Comes back to a run, or to what an address says if it is gone; a training under way is no longer wanted. */
export async function comeTo(id: number | null, query: string): Promise<void> {
  if (state.busy.value) {
    cancel();
    await new Promise<void>((idle) => {
      const dispose = effect(() => {
        if (!state.busy.value) queueMicrotask(() => idle(dispose()));
      });
    });
  }
  const run = runs.runs.value.find((one) => one.id === id);
  await (run ? restore(run, runs.placeOf(run.id)) : follow(query));
}

/** The quantization under way. */
let requantizing: Promise<void> | null = null;

/** Puts a model to use that was trained before on the data in use, quantized by this scheme. */
export async function useModel(next: Subject, scheme: Scheme): Promise<void> {
  if (requantizing || state.busy.value) return;
  state.axes.value = scheme;
  await requantize(next);
}

/** A quantized model that was opened as a file. */
export interface Twin {
  requantized: Requantized;
  opened: state.Opened;
}

/** Puts models to use that were opened as files: the fp32 model quantized by what the controls say, or beside its twin. */
export async function useOpened(next: Subject, twin?: Twin): Promise<void> {
  await requantizing;
  const count = layerTitles(next.trained).length;
  if (!twin) state.axes.value = fitted(state.axes.value, count);
  await requantize(next, twin);
}

/**
 * Quantizes the model in use, or the next one, by what the controls say; a training under way, and one for it, will see
 * to it.
 */
async function requantize(next?: Subject, twin?: Twin): Promise<void> {
  const { models } = state;
  if (!models.value || state.run.value.running) return;
  if (requantizing) {
    // What is being trained for is no longer wanted.
    if (state.aware.value !== null) await ask((jobs) => jobs.command("finish")).catch(fail);
    return;
  }
  state.failure.value = null;
  requantizing = quantizeAndUse(models.value.fp32, next, twin).finally(() => {
    requantizing = null;
  });
  await requantizing;
  await measure(FULL_PAIRS).catch(fail);
}

async function quantizeAndUse(current: Uint8Array, next?: Subject, twin?: Twin): Promise<void> {
  try {
    const { fp32, trained } = next ?? { fp32: current, trained: state.trained.value };
    const requantized = twin?.requantized ?? (await quantizeAsWanted(fp32, trained.seed));
    if (next && fp32 !== current) {
      base = fp32;
      state.trained.value = trained;
      state.model.value = trained.model;
    }
    useRequantized(fp32, requantized, twin?.opened);
    if (!next?.trained.opened && !twin) return;
    // What was opened was made by other settings than the controls say, perhaps on another split.
    setControls(state.record.value);
    await pad.learnWhatDigitsLookLike();
  } catch (error) {
    // The controls say again what is in use.
    if (state.usedAxes.value) state.axes.value = state.usedAxes.value;
    fail(error);
  }
}

export async function setCorrection(wanted: Correction): Promise<void> {
  state.correction.value = wanted;
  await requantize();
}

/** Puts a random test digit on the pad. */
export async function showSample(): Promise<void> {
  try {
    const { seed } = state.trained.value;
    pad.show(await ask((jobs) => jobs.sample(seed, Math.floor(Math.random() * 2 ** 31))));
  } catch (error) {
    fail(error);
  }
}

/** Puts every setting back to where the page began, and trains that model. */
export async function reset(): Promise<void> {
  setControls(DEFAULT_RECORD);
  await (hasOwnData() ? useData([]) : train());
}

const unkeptData = (reason: unknown) =>
  new Failure(
    "not-kept",
    `This browser does not keep these files (${storage.whyNot(reason)}): on reload they must be given again.`,
  );

/**
 * Trains, and puts the models to use. `next`: the data set that the worker holds now, which is in use from when there are
 * models for it.
 */
export async function runTraining(
  wanted: TrainRequest,
  slow: boolean,
  next?: { files: File[]; data: state.Data },
): Promise<void> {
  const { model, seed } = wanted;
  const data = next?.data ?? state.trained.value.data;
  const made = trainRecord(data);
  finishedEarly = false;
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
    const trained = { model, layers, seed, data, tuned: 0, early: finishedEarly, made };
    state.axes.value = fitted(state.axes.value, layerTitles(trained).length);
    const requantized = await quantizeAsWanted(fp32, seed);
    if (next) {
      keepData(next.files);
      void tab
        .keepData({ name: next.data.name, files: next.files })
        .catch((reason) => fail(unkeptData(reason)));
    }
    state.trained.value = trained;
    base = fp32;
    useRequantized(fp32, requantized);
    await pad.learnWhatDigitsLookLike();
  } finally {
    state.run.value = { ...state.run.value, running: false, paused: false };
  }
  isReady();
}

/** Trains the fp32 model on for as long as the quantized one was, so that what training brings is not taken for more. */
export async function trainControl(): Promise<void> {
  const { models, record, busy, failure } = state;
  if (!models.value || busy.value || requantizing) return;
  const { fp32, quantized } = models.value;
  failure.value = null;
  try {
    const control = await awareOf((report) =>
      ask((jobs) => jobs.trainControl(fp32, quantized, record.value, report)),
    );
    if (models.value?.quantized === quantized) state.control.value = control;
  } catch (error) {
    fail(error);
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

function useRequantized(
  fp32: Uint8Array,
  { request, quantized, evaluation }: Requantized,
  twin?: state.Opened,
): void {
  use(fp32, quantized, request, evaluation, twin);
}

/** Puts a pair of models to use that was trained just now, quantized by what the controls say. */
export function useTrained(
  trained: state.Trained,
  fp32: Uint8Array,
  quantized: Uint8Array,
  evaluation: Evaluation,
): void {
  state.trained.value = trained;
  base = fp32;
  use(fp32, quantized, quantizeRecord(), evaluation);
}

/** Puts a pair of models to use. */
function use(
  fp32: Uint8Array,
  quantized: Uint8Array,
  { scheme, samples, calibrationSeed, correction }: QuantizeRecord,
  evaluation: Evaluation,
  twin: state.Opened | null = null,
): void {
  pad.setModels(fp32, quantized);
  batch(() => {
    state.twin.value = twin;
    state.models.value = { fp32, quantized };
    state.control.value = null;
    runs.used.value = null;
    state.record.value = { ...state.trained.value.made, scheme, samples, calibrationSeed, correction };
    state.usedScheme.value = scheme;
    state.usedAxes.value = ofName(scheme);
    state.evaluation.value = evaluation;
  });
  void weighCompressed(fp32, quantized);
  // Times of other models.
  state.backends.value = [];
}

async function weighCompressed(...files: [Uint8Array, Uint8Array]): Promise<void> {
  state.compressed.value = null;
  // What uses the models comes before it.
  await breathe();
  const [fp32, quantized] = await Promise.all(files.map(gzipSize));
  if (state.models.value?.quantized === files[1]) state.compressed.value = [fp32 ?? 0, quantized ?? 0];
}

async function gzipSize(file: Uint8Array): Promise<number> {
  const stream = new Blob([file as BlobPart]).stream().pipeThrough(new CompressionStream("gzip"));
  return (await new Response(stream).arrayBuffer()).byteLength;
}

/** Keeps the drawing as an example of `digit`, and clears the pad for the next. */
export async function teach(digit: number): Promise<void> {
  const drawn = pad.strokes();
  if (drawn.length === 0) return;
  pad.clear();
  await own.add([{ label: digit, strokes: drawn }]).catch(fail);
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
    useRequantized(fp32, requantized);
  } catch (error) {
    fail(error);
  } finally {
    state.tuning.value = false;
  }
  await measure(FULL_PAIRS).catch(fail);
}

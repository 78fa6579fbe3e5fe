/** The pad and both models' answers to it, on this thread. */

import { batch } from "@preact/signals";
import { rule } from "./confidence";
import { ask } from "./jobs";
import * as state from "./state";
import { theme } from "./theme";
import { Pad, Predictor } from "./wasm/page.js";
import type { Sample } from "./wasm/quantpad.js";

/** What digits look like, and of which split of which data set. */
let familiarity: { bytes: Uint8Array; seed: number; data: state.Data } | null = null;
let predictor: Predictor | null = null;
let pad: Pad | null = null;

/** Gives `canvas` its pad. */
export function open(canvas: HTMLCanvasElement): void {
  pad = new Pad(canvas, changed);
  for (const query of ["(prefers-color-scheme: dark)", "(forced-colors: active)"]) {
    matchMedia(query).addEventListener("change", () => pad?.render());
  }
  // The first ink is painted when the canvas gets its size: to ask for that now would lay the page out before its time.
  let first = true;
  theme.subscribe(() => {
    if (!first) pad?.render();
    first = false;
  });
  changed();
}

export const clear = () => pad?.clear();
export const undo = () => pad?.undo();
export const redo = () => pad?.redo();

/** Draws strokes as {@link strokes} gives them. */
export function draw(strokes: number[][]): void {
  pad?.draw(strokes.map((points) => Float32Array.from(points)));
}

/** For each stroke a list of x, y, x, y in shares of the pad. */
export const strokes = () => pad?.strokePoints.map((points) => Array.from(points)) ?? [];

/** Puts an image of the data set on the pad. */
export function show(sample: Sample): void {
  pad?.show(Float32Array.from(sample.image));
  state.sample.value = sample;
}

/** From now on these models answer, trained as `state.trained` says. */
export function setModels(fp32: Uint8Array, quantized: Uint8Array): void {
  const next = new Predictor(fp32, quantized);
  predictor?.free();
  predictor = next;
  rule.value = next.rule();
  doubt();
  const { width, height, maxPixel } = state.trained.value.data;
  pad?.setForm(width, height, maxPixel);
  predict();
}

/** Every move of the pen comes through here: what did not change is not set anew, and all is shown at once. */
function changed(): void {
  if (!pad) return;
  const { strokes, canUndo, canRedo } = pad;
  const last = state.drawing.peek();
  const edited = strokes !== last.strokes || canUndo !== last.canUndo || canRedo !== last.canRedo;
  batch(() => {
    if (edited) state.drawing.value = { strokes, canUndo, canRedo };
    state.sample.value = null;
    predict();
  });
}

/** Both models judge every writing of the drawing. */
function predict(): void {
  const images = pad?.images();
  const answers = images && predictor ? predictor.predict(images) : null;
  if (answers && !pad?.legible) answers.fp32.sure = answers.quantized.sure = false;
  const { width, height } = state.trained.value.data;
  batch(() => {
    // The first is the drawing as it is.
    state.image.value = images?.subarray(0, width * height) ?? null;
    state.answers.value = answers;
  });
}

/** Asks the worker what the training images look like, so that a scribble can be told from a digit. */
export async function learnWhatDigitsLookLike(): Promise<void> {
  const { seed, data } = state.trained.value;
  if (familiarity?.seed !== seed || familiarity.data !== data) {
    setFamiliarity(await ask((jobs) => jobs.familiarity(seed)), seed, data);
  }
}

/** `bytes`: what digits look like in that split of that data set. */
export function setFamiliarity(bytes: Uint8Array, seed: number, data: state.Data): void {
  familiarity = { bytes, seed, data };
  doubt();
  predict();
}

/** Hands the predictor what digits look like, where that is known. */
function doubt(): void {
  const { seed, data } = state.trained.value;
  if (familiarity?.seed === seed && familiarity.data === data) predictor?.setFamiliarity(familiarity.bytes);
}

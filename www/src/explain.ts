/** What is known of the models in use from the inside: what layers are made of, and how one output comes about. */

import { computed, signal } from "@preact/signals";
import { fail } from "./fail";
import { labCore } from "./jobs";
import * as state from "./state";
import { chosen } from "./view";
import type { Explainer, Explanation, LayerFacts } from "./wasm/quantpad.js";

/** The workers' part of the core on this thread too; it is loaded once somebody asks. */
const lab = signal<typeof import("./wasm/quantpad.js") | null>(null);
let loading = false;

async function load(): Promise<void> {
  loading = true;
  try {
    const [{ module }, glue] = await Promise.all([labCore(), import("./wasm/quantpad.js")]);
    await glue.default({ module_or_path: module });
    lab.value = glue;
  } catch (error) {
    loading = false;
    fail(error);
  }
}

let last: Explainer | null = null;

/** Both models taken apart, once somebody asks. */
const explainer = computed(() => {
  last?.free();
  last = null;
  const files = state.models.value;
  if (files && !lab.value && !loading) void load();
  if (files && lab.value) last = new lab.value.Explainer(files.fp32, files.quantized);
  return last;
});

/** The layers with weights of the models in use. */
export const layers = computed((): LayerFacts[] => explainer.value?.layers() ?? []);

/** The layer that is explained: the chosen one if this model has it, else the last. */
export const layer = computed(
  () => layers.value.find(({ number }) => number === chosen.value.layer) ?? layers.value.at(-1),
);

export const isLast = computed(() => layer.value !== undefined && layer.value === layers.value.at(-1));

/** Outputs of the layer: of a convolution one for each pixel and channel. */
export const outputs = computed(() => {
  const { images, outputs } = layer.value ?? { images: null, outputs: 0 };
  return outputs * (images ? (images[0] ?? 0) * (images[1] ?? 0) : 1);
});

/** The output that is explained: the chosen one, else the answer of the quantized model or the middle of the image. */
export const output = computed(() => {
  const wanted = chosen.value.output;
  if (wanted !== null && wanted < outputs.value) return wanted;
  if (isLast.value) return state.answers.value?.quantized.digit ?? 0;
  const [height = 0, width = 0] = layer.value?.images ?? [];
  return ((height >> 1) * width + (width >> 1)) * (layer.value?.outputs ?? 0);
});

/** Whether anybody sees the explanation; else it need not follow the drawing. */
export const watched = signal(false);

let shown: Explanation | null = null;

/** How both models come to that output for what is on the pad; null when it is empty. */
export const explanation = computed((): Explanation | null => {
  if (watched.value) shown = explain();
  return shown;
});

function explain(): Explanation | null {
  const [image, of, { width, height }] = [state.image.value, layer.value, state.trained.value.data];
  // A pad that still has the form of other models is put right in a moment.
  if (!image || !of || image.length !== width * height) return null;
  return explainer.value?.explain(image, of.number, output.value) ?? null;
}

/** The input that is looked at: the chosen one, else that of the largest product. */
export const step = computed(() => {
  const told = explanation.value;
  if (!told) return 0;
  const { x, w } = told.quantized;
  const wanted = chosen.value.step;
  if (wanted !== null) return Math.min(wanted, x.length - 1);
  const sizes = x.map((x, i) => Math.abs(x * (w[i] ?? 0)));
  return sizes.indexOf(Math.max(...sizes));
});

export function choose(change: Partial<typeof chosen.value>): void {
  chosen.value = { ...chosen.value, ...change };
}

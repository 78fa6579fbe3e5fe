/** What a comparison of every scheme has found, and what follows from it; `sweeping.ts` finds it. */

import { computed, signal } from "@preact/signals";
import * as engine from "./engine";
import { ofName } from "./scheme";
import * as state from "./state";
import type { Judged, ModelName, Timing } from "./wasm/quantpad.js";
import type { SweepRequest } from "./worker";

/** Samples, and the least that one lasts, in ms: a first look; the panel Time looks longer. */
export const SAMPLES = 5;
export const SAMPLE_MS = 0.5;
/** What a training weighs in the progress bar, in schemes. */
const TRAINING = 40;

/** What a scheme makes of a model. */
export interface Entry {
  /** Place in the list of all. */
  number: number;
  subject: engine.Subject;
  scheme: string;
  quantized: Uint8Array;
  judged: Judged;
  /** Of one image; null until it has been timed. */
  time: Timing | null;
}

export interface Progress {
  judged: number;
  timed: number;
  /** Schemes of all models. */
  total: number;
  /** How far the trainings have come, 0 to 1. */
  training: Partial<Record<ModelName, number>>;
  /** Whether the times are next. */
  timing: boolean;
}

/** What holds for all entries. */
export interface Conditions {
  request: SweepRequest;
  data: state.Data;
  backend: string;
  workers: number;
  /** Schemes of each model. */
  schemes: number;
  /** Models that were trained for the sweep. */
  trained: ModelName[];
}

/** How a sweep ended, and what it took, in ms. */
export interface End {
  cancelled: boolean;
  judgingMs: number;
  timingMs: number;
  /** Schemes whose training ran away. */
  diverged: string[];
}

/** What the controls say: all three models, and quantization-aware training besides. */
export const allModels = signal(false);
export const withAware = signal(false);

export const entries = signal<Entry[]>([]);
export const conditions = signal<Conditions | null>(null);
/** The sweep under way, or null. */
export const progress = signal<Progress | null>(null);
export const end = signal<End | null>(null);

/** Where a progress bar stands, 0 to 1. */
export const share = computed(() => {
  const now = progress.value;
  if (!now) return end.value && !end.value.cancelled ? 1 : 0;
  const trainings = Object.values(now.training);
  const done = now.judged + now.timed + TRAINING * trainings.reduce((sum, part) => sum + part, 0);
  return done / (2 * now.total + TRAINING * trainings.length);
});

/** Entries than which none is both as small and as accurate, and better in one of the two. */
export const front = computed<Set<Entry>>(() => {
  const all = entries.value;
  const beats = ({ judged: a }: Entry, { judged: b }: Entry) =>
    a.parameterBytes <= b.parameterBytes &&
    a.correct >= b.correct &&
    (a.parameterBytes < b.parameterBytes || a.correct > b.correct);
  return new Set(all.filter((one) => !all.some((other) => beats(other, one))));
});

/** The model's own entry, with which the others are compared. */
export const unquantized = ({ subject }: Entry): Entry | undefined =>
  entries.value.find((one) => one.subject === subject && one.scheme === "f32");

/** Whether an entry is what the page uses now. */
export const isUsed = ({ subject, scheme }: Entry): boolean =>
  subject.fp32 === state.models.value?.fp32 && scheme === state.usedScheme.value;

/** Whether entries can be put to use: only with the data set that they are of. */
export const usable = computed(
  () => conditions.value?.data === state.trained.value.data && !state.busy.value,
);

/** Puts the model and the scheme of an entry to use, calibrated as it was. */
export async function use({ subject, scheme }: Entry): Promise<void> {
  const was = conditions.value?.request;
  if (!was || !usable.value) return;
  state.calibration.value = { samples: was.samples, seed: was.calibrationSeed };
  state.correction.value = was.correction;
  const axes = ofName(scheme);
  const inUse = subject.fp32 === state.models.value?.fp32;
  await (inUse ? engine.setScheme(axes) : engine.useModel(subject, axes));
}

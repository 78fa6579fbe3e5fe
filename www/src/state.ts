/** All state of the page, as signals: panels read it, the engine writes it. */

import { computed, signal } from "@preact/signals";
import { type Correction, DEFAULT_RECORD, type RunRecord, type TrainRecord } from "./record";
import { DEFAULT, nameOf, type Scheme } from "./scheme";
import type { FIELDS } from "./settings";
import type { Backend } from "./wasm";
import type {
  Answers,
  Ceiling,
  DataInfo,
  Evaluation,
  LabReport,
  ModelName,
  Pair,
  Sample,
  Side,
  Step,
  TimingReport,
} from "./wasm/quantpad.js";

export type Phase = "loading" | "training" | "ready" | "error";

export const phase = signal<Phase>("loading");
/** Whether all parts of the page are there, or only its first screen yet. */
export const whole = signal(true);
/** The phase as the page's contract has it: what waits for the end of the beginning finds all parts there. */
export const told = computed((): Phase => {
  if (whole.value || phase.value === "loading") return phase.value;
  return "training";
});
/** `scalar`, `simd128` or `relaxed`, once known. */
export const backend = signal("");
/** What went wrong, in words, and a name for it; stays until something works again. */
export const failure = signal<{ code: string; message: string } | null>(null);

/** A data set, and what it is called. */
export interface Data extends DataInfo {
  name: string;
}
export const DIGITS: Data = {
  name: "scikit-learn’s digits",
  width: 8,
  height: 8,
  maxPixel: 16,
  train: 1437,
  test: 360,
  ownTestPart: false,
  many: false,
};

/** A data set as a record names it: the digits not at all. */
export const named = ({ name }: Data): { data?: string } => (name === DIGITS.name ? {} : { data: name });

/** What the controls say; `trained` is what the models in use were trained with. */
export const model = signal<ModelName>("softmax");
export const seed = signal(String(DEFAULT_RECORD.seed));
export const regularization = signal(DEFAULT_RECORD.regularization);
/** Whether softmax regression learns from variations of the images too. */
export const augment = signal(false);
export const axes = signal<Scheme>(DEFAULT);
/** The name of the scheme that the controls say. */
export const scheme = computed(() => nameOf(axes.value));
/** Whether post-training quantization corrects the biases. */
export const correction = signal<Correction>(DEFAULT_RECORD.correction);
/** Training images that static ranges are taken from, and the seed that picks them. */
export const calibration = signal({
  samples: DEFAULT_RECORD.samples,
  seed: DEFAULT_RECORD.calibrationSeed,
});
export const slowMotion = signal(true);
/** The fields of a network's settings, as typed; null until the core has told the defaults. */
export type Fields = Record<keyof typeof FIELDS, string>;
export const fields = signal<Record<"mlp" | "cnn", Fields> | null>(null);
/** What is known of a model that was opened as a file. */
export interface Opened {
  file: string;
  /** How it was made, as its header has it; empty where it does not say. */
  notes: Record<string, string>;
  /** What is to be known of its accuracy here; empty when there is nothing. */
  doubt: string;
  /** Whether it may have learned from some of the test images. */
  flattered: boolean;
}
/** `tuned`: own drawings that the models have learned from besides; `early`: whether the training was ended before its time. */
export interface Trained {
  model: ModelName;
  layers: number[];
  seed: number;
  data: Data;
  tuned: number;
  early: boolean;
  /** What the controls said. */
  made: TrainRecord;
  /** Where the fp32 model came from, if it was not trained here. */
  opened?: Opened;
}
/** The name of the scheme of the quantized model in use, and what the controls said for it. */
export const usedScheme = signal("");
export const usedAxes = signal<Scheme | null>(null);
/** The scheme that what is shown is of; before there are models, that of those to come. */
export const shownAxes = computed(() => usedAxes.value ?? axes.value);
/** How far a quantization-aware training has come, 0 to 1; null when there is none. */
export const aware = signal<number | null>(null);
/** The fp32 model in use, trained on for as long as the quantized one was, but without rounding; null unless asked for. */
export const control = signal<Side | null>(null);
export const trained = signal<Trained>({
  model: "softmax",
  layers: [],
  seed: DEFAULT_RECORD.seed,
  data: DIGITS,
  tuned: 0,
  early: false,
  made: DEFAULT_RECORD,
});
/** Where the quantized model in use came from, if it was not made here. */
export const twin = signal<Opened | null>(null);
/** Whether the models are learning from own drawings. */
export const tuning = signal(false);

/** The training under way, or the last one. */
export interface Run {
  running: boolean;
  paused: boolean;
  model: ModelName;
  layers: number[];
  computeMs: number;
  /** Where a progress bar stands, 0 to 1. */
  share: number;
  history: Step[];
}
export const run = signal<Run>({
  running: false,
  paused: false,
  model: "softmax",
  layers: [],
  computeMs: 0,
  share: 0,
  history: [],
});
/** The files that are being read, and which part of them has been; null when that is not known. */
export const reading = signal("");
export const readShare = signal<number | null>(null);
/** Whether the worker is training or reading, so that it can begin nothing else. */
export const busy = computed(
  () => run.value.running || reading.value !== "" || aware.value !== null || tuning.value,
);

/** A long task beside those of the job worker, in words; empty when there is none. */
export const task = signal("");
/** What a reload would lose, in words. */
export const underWay = computed(() => {
  if (reading.value) return "files are being read";
  return busy.value ? "a training is under way" : task.value;
});

/** All that defines the models in use. */
export const record = signal<RunRecord>(DEFAULT_RECORD);
/** The files of the models in use. */
export const models = signal<{ fp32: Uint8Array; quantized: Uint8Array } | null>(null);
export const evaluation = signal<Evaluation | null>(null);
/** Bytes of both files after gzip. */
export const compressed = signal<[fp32: number, quantized: number] | null>(null);
/** Weights of the models in use. */
export const weights = computed(() => (evaluation.value?.fp32.weightBytes ?? 0) / 4);
/** Times, and the quantized model that they are of. */
export interface Timed extends TimingReport {
  quantized: Uint8Array;
  axes: Scheme;
}
/** Of the models in use, or while those are measured of others before. */
export const timing = signal<Timed | null>(null);
/** The timing, if it is of the models in use. */
export const ownTiming = computed(() =>
  timing.value?.quantized === models.value?.quantized ? timing.value : null,
);
export const labReport = signal<LabReport | null>(null);
/** Whether a timing is under way. */
export const measuring = signal(false);

/** The same models on every build of the core that this browser can load. */
export const backends = signal<{ backend: Backend; timing: TimingReport }[]>([]);
/** The build that is being timed. */
export const comparing = signal<Backend | null>(null);

/** Times of a layer of `size` inputs and outputs, for so many rows at once. */
export interface Layer {
  rows: number;
  size: number;
  time: Pair;
}
/** Layers of growing size: how the engine multiplies integers, and what has been measured. */
export interface Payoff {
  path: string;
  ceilings: Ceiling[];
  layers: Layer[];
}
export const payoff = signal<Payoff | null>(null);
export const measuringPayoff = signal(false);

/** The drawing: what the model sees of it (null: nothing), and both answers. */
export const drawing = signal({ strokes: 0, canUndo: false, canRedo: false });
/** The test image on the pad in place of a drawing. */
export const sample = signal<Sample | null>(null);
export const image = signal<Float32Array | null>(null);
export const empty = computed(() => image.value === null);
export const answers = signal<Answers | null>(null);
export const agree = computed(() => {
  const both = answers.value;
  return both ? both.fp32.digit === both.quantized.digit : null;
});

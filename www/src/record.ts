/** All that defines a run, as the page's address says it: the link makes the same run again, to the bit. */

import { SEED } from "./anew";
import { DEFAULT, errorOf, nameOf, ofName } from "./scheme";
import { FIELDS, isReadable } from "./settings";
import type { Fields } from "./state";
import { STOPS } from "./tour";
import { CLOSED, type View } from "./view";
import type { ModelName } from "./wasm/quantpad.js";

/** How a model is trained. */
export interface TrainRecord {
  /** What the visitor's own data set is called; none: the digits. An address names it, but cannot carry it. */
  data?: string;
  model: ModelName;
  seed: number;
  /** C of softmax regression, as in the list of choices. */
  regularization: string;
  /** Whether softmax regression learns from variations of the images too. */
  augment: boolean;
  /** Of a network: the fields, as typed, that differ from the defaults. */
  fields: Partial<Fields>;
}

/** How strongly softmax regression is regularised: C, and what it is called. */
export const STRENGTHS: [c: string, name: string][] = [
  ["0.001", "very strong (C = 0.001)"],
  ["0.01", "strong (C = 0.01)"],
  ["0.1", "medium (C = 0.1)"],
  ["1", "as in the lab (C = 1)"],
  ["10", "weak (C = 10)"],
  ["100", "very weak (C = 100)"],
];

/** What is fitted, after rounding, to the outputs that layers had before. */
export const CORRECTIONS = {
  none: "nothing",
  biases: "the biases: each layer’s mean output as before",
  reconstruction: "codes, scales and biases: each layer’s outputs as before",
} as const;
export type Correction = keyof typeof CORRECTIONS;

/** How it is quantized. */
export interface QuantizeRecord {
  scheme: string;
  /** Calibration images, and the seed that picks them. */
  samples: number;
  calibrationSeed: number;
  correction: Correction;
}

export interface RunRecord extends TrainRecord, QuantizeRecord {}

export const DEFAULT_RECORD: RunRecord = {
  model: "softmax",
  seed: SEED,
  regularization: "1",
  augment: false,
  fields: {},
  scheme: nameOf(DEFAULT),
  samples: 256,
  calibrationSeed: 0,
  correction: "none",
};

export const MAX_SEED = 2 ** 32 - 1;

/** Whether the whole text is the name of a scheme that makes sense. */
export const isScheme = (text: string) => nameOf(ofName(text)) === text && !errorOf(ofName(text));

const isField = (key: string): key is keyof Fields => Object.hasOwn(FIELDS, key);

const isSeed = (text: string) => /^\d{1,10}$/.test(text) && Number(text) <= MAX_SEED;

/** How each key of the address is read: a part of the record, or nothing where it makes no sense. */
const READERS: Record<string, (text: string) => Partial<RunRecord> | undefined> = {
  data: (text) => (text ? { data: text } : undefined),
  model: (text) => (/^(softmax|mlp|cnn)$/.test(text) ? { model: text as ModelName } : undefined),
  seed: (text) => (isSeed(text) ? { seed: Number(text) } : undefined),
  c: (text) => (STRENGTHS.some(([c]) => c === text) ? { regularization: text } : undefined),
  augment: (text) => (text === "1" ? { augment: true } : undefined),
  scheme: (text) => (isScheme(text) ? { scheme: text } : undefined),
  samples: (text) => (/^[1-9]\d{0,5}$/.test(text) ? { samples: Number(text) } : undefined),
  "calibration-seed": (text) => (isSeed(text) ? { calibrationSeed: Number(text) } : undefined),
  correction: (text) => (Object.hasOwn(CORRECTIONS, text) ? { correction: text as Correction } : undefined),
};

/** Details that a link can open. */
const DETAILS = /^(augmentation|settings|repair-weights|explain-table|blame-[1-9]\d?)$/;

/** How each key of the address that is for the view is read. */
const VIEW_READERS: Record<string, (text: string) => Partial<View> | undefined> = {
  open: (text) => {
    const names = [...new Set(text.split(" "))];
    return names.every((name) => DETAILS.test(name)) ? { open: names } : undefined;
  },
  explain: (text) => {
    const numbers = /^(\d{0,6})(?:-(\d{0,6}))?(?:-(\d{1,6}))?$/.exec(text);
    if (!numbers || !/\d/.test(text)) return undefined;
    const [layer = null, output = null, step = null] = numbers
      .slice(1)
      .map((digits) => (digits ? Number(digits) : null));
    return { explain: { layer, output, step } };
  },
  tour: (text) => (STOPS[Number(text) - 1] && /^\d+$/.test(text) ? { tour: Number(text) - 1 } : undefined),
};

/** The part of an address that says what differs from the default; empty when nothing does. */
export function toQuery(record: RunRecord, view: View = CLOSED): string {
  const values: Record<string, string | number> = {
    data: record.data ?? "",
    model: record.model,
    seed: record.seed,
    c: record.regularization,
    augment: Number(record.augment),
    scheme: record.scheme,
    samples: record.samples,
    "calibration-seed": record.calibrationSeed,
    correction: record.correction,
  };
  const usual: typeof values = {
    data: "",
    model: DEFAULT_RECORD.model,
    seed: DEFAULT_RECORD.seed,
    c: DEFAULT_RECORD.regularization,
    augment: 0,
    scheme: DEFAULT_RECORD.scheme,
    samples: DEFAULT_RECORD.samples,
    "calibration-seed": DEFAULT_RECORD.calibrationSeed,
    correction: DEFAULT_RECORD.correction,
  };
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(values)) if (value !== usual[key]) query.set(key, String(value));
  for (const [key, value] of Object.entries(record.fields)) query.set(key, value);
  const { layer, output, step } = view.explain;
  if (view.open.length > 0) query.set("open", view.open.join(" "));
  const explain = [layer, output, step].join("-").replace(/-+$/, "");
  if (explain) query.set("explain", explain);
  if (view.tour !== null) query.set("tour", String(view.tour + 1));
  return query.toString();
}

/** All that an address says; `refused` are the parts that make no sense, which stay as usual. */
export function fromQuery(query: string): { record: RunRecord; view: View; refused: string[] } {
  const record: RunRecord = { ...DEFAULT_RECORD, fields: {} };
  const view = { ...CLOSED };
  const refused: string[] = [];
  for (const [key, text] of new URLSearchParams(query)) {
    const [run, shown] = [reader(READERS, key), reader(VIEW_READERS, key)];
    const known = run ?? shown;
    const read = known?.(text);
    if (read) Object.assign(run ? record : view, read);
    else if (isField(key) && isReadable(key, text)) record.fields[key] = text;
    else if (known || isField(key)) refused.push(`${key}=${text}`);
  }
  return { record, view, refused };
}

/** Never what every object has. */
const reader = <T>(readers: Record<string, T>, key: string): T | undefined =>
  Object.hasOwn(readers, key) ? readers[key] : undefined;

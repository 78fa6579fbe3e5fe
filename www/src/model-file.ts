/**
 * Model files as they leave the page and come back: safetensors, with notes in the header on how the model was made. The
 * core passes notes over, and the models in use are without them: equal models are equal bytes.
 */

import { DEFAULT_RECORD, toQuery } from "./record";
import * as state from "./state";
import { Failure } from "./wasm";
import type { ModelName } from "./wasm/quantpad.js";

type Notes = Record<string, string>;
type Header = { __metadata__?: Notes; [tensor: string]: unknown };
type Entries = Record<string, { shape?: number[]; data_offsets?: number[] } | undefined>;

/** The core's own entry: version, scheme, and the layers in order. */
const ENTRY = "quantpad";
const VERSION = "3";
/** Before the header: its length. */
const LENGTH_BYTES = 8;
/** Larger than any model that can be made here, in bytes. */
const MOST = 64 * 2 ** 20;
/** The most hidden layers, as in the core. */
const MOST_LAYERS = 4;
/** What the notes say, and how much at most. `settings` is as in the page's address. */
const KEYS = [
  "data",
  "train_images",
  "test_images",
  "max_pixel",
  "split_seed",
  "settings",
  "own_drawings",
  "ended_early",
];
const LONGEST = 1000;

/** A model file as it was given. */
export interface ModelFile {
  file: string;
  /** Without the notes. */
  bytes: Uint8Array;
  notes: Notes;
  /** `fp32`, or that of a quantized model. */
  scheme: string;
  model: ModelName;
  /** Sizes of the hidden layers. */
  layers: number[];
  width: number;
  height: number;
  /** The largest mean of a pixel. */
  ink: number;
}

/** The file of a model in use, with how it was made. */
export function withNotes(bytes: Uint8Array, side: "fp32" | "quantized"): Uint8Array {
  const { header, tensors } = split(bytes);
  return join({ ...header, __metadata__: { ...header.__metadata__, ...notesOf(side) } }, tensors);
}

function notesOf(side: "fp32" | "quantized"): Notes {
  const { opened, data, seed, tuned, early, made } = state.trained.value;
  const { twin, record } = state;
  if (side === "quantized" && twin.value) return twin.value.notes;
  const notes: Notes = opened
    ? { ...opened.notes }
    : {
        data: data.name,
        train_images: String(data.train),
        test_images: String(data.test),
        max_pixel: String(data.maxPixel),
        split_seed: String(seed),
        settings: toQuery({ ...DEFAULT_RECORD, ...made }),
      };
  if (side === "quantized" && notes.settings !== undefined) notes.settings = toQuery(record.value);
  if (tuned > 0) notes.own_drawings = String(tuned);
  if (early) notes.ended_early = "true";
  return notes;
}

/** @throws {Failure} saying what is wrong with the file */
export async function readModelFile(file: File): Promise<ModelFile> {
  const refuse = (reason: string) => new Failure("bad-model", `${file.name} ${reason} Nothing was changed.`);
  if (file.size === 0) throw refuse("is empty.");
  if (file.size > MOST) throw refuse(`is larger than ${MOST >> 20} MB, which no model of this page is.`);
  const content = await file.arrayBuffer().catch(() => {
    throw refuse("cannot be read: it is a folder, or has changed or gone since it was chosen.");
  });
  let parts: ReturnType<typeof split>;
  try {
    parts = split(new Uint8Array(content));
  } catch {
    throw refuse("is damaged, or no safetensors file: its header cannot be read.");
  }
  const { header, tensors } = parts;
  const metadata = header.__metadata__ ?? {};
  const entries = header as Entries;
  const shape = (tensor: string) => {
    const given = entries[tensor]?.shape;
    return Array.isArray(given) ? given : [];
  };

  const entry = metadata[ENTRY];
  const missing = ["input.mean", "input.factor", "0.weight", "0.bias"].filter((name) => !entries[name]);
  if (typeof entry !== "string" || missing.length > 0) {
    const lacks = [
      ...(typeof entry === "string" ? [] : [`the entry “${ENTRY}”, which names its scheme and layers`]),
      ...(missing.length > 0 ? [`the tensors ${missing.join(", ")}`] : []),
    ];
    throw refuse(`is a safetensors file, but not of this page: it lacks ${lacks.join(", and ")}.`);
  }
  const [version, scheme = "", ...words] = entry.split(" ");
  if (version !== VERSION) throw refuse(`is of version ${version}, and this page reads version ${VERSION}.`);
  const [height = 0, width = 0] = shape("input.mean");
  const architecture = words.join(" ");
  const model = /^(conv3x3\+relu )+maxpool2 dense$/.test(architecture)
    ? "cnn"
    : /^(dense\+relu )*dense$/.test(architecture)
      ? words.length > 1
        ? "mlp"
        : "softmax"
      : null;
  const layers = words.flatMap((word, i) => (word.endsWith("+relu") ? (shape(`${i}.bias`)[0] ?? 0) : []));
  if (!model || layers.length > MOST_LAYERS) {
    throw refuse(
      `has the layers “${architecture}”; this page knows softmax regression, and MLPs and CNNs of up to ${MOST_LAYERS} hidden layers.`,
    );
  }
  const notes = Object.fromEntries(
    Object.entries(metadata).filter(
      ([key, text]) => KEYS.includes(key) && typeof text === "string" && text.length <= LONGEST,
    ),
  );
  const [from = 0, to = 0] = entries["input.mean"]?.data_offsets ?? [];
  const means = new Float32Array(tensors.slice(from, to - ((to - from) % 4)).buffer);
  return {
    file: file.name,
    bytes: join({ ...header, __metadata__: { [ENTRY]: entry } }, tensors),
    notes,
    scheme,
    model,
    layers,
    width,
    height,
    ink: means.reduce((most, mean) => Math.max(most, mean), 0),
  };
}

/** @throws when there is no such header */
function split(file: Uint8Array): { header: Header; tensors: Uint8Array } {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const end = LENGTH_BYTES + Number(view.getBigUint64(0, true));
  if (end > file.length) throw new Error("longer than the file");
  const header = JSON.parse(
    new TextDecoder("utf-8", { fatal: true }).decode(file.subarray(LENGTH_BYTES, end)),
  );
  if (typeof header !== "object" || header === null || Array.isArray(header)) throw new Error("no object");
  return { header, tensors: file.subarray(end) };
}

/** As the core writes it: compact, filled with spaces. */
function join(header: Header, tensors: Uint8Array): Uint8Array {
  const text = new TextEncoder().encode(JSON.stringify(header));
  const length = Math.ceil(text.length / LENGTH_BYTES) * LENGTH_BYTES;
  const file = new Uint8Array(LENGTH_BYTES + length + tensors.length).fill(0x20);
  new DataView(file.buffer).setBigUint64(0, BigInt(length), true);
  file.set(text, LENGTH_BYTES);
  file.set(tensors, LENGTH_BYTES + length);
  return file;
}

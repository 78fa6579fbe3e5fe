/** A scheme as the record of its axes, and as the name that the core knows it by. */

import { schemeError } from "./wasm/quantpad.js";

export interface Scheme {
  /** `int8`, `f16`, `codebook`… */
  format: string;
  /** Values of a codebook. */
  k: number;
  granularity: "per-tensor" | "per-channel";
  symmetry: "symmetric" | "affine";
  rule: "max" | "mse";
  /** `float`, `dynamic`, `static-minmax`… */
  activations: string;
  method: "ptq" | "qat";
  /** Format of the first and the last layer, where it differs. */
  first: string;
  last: string;
}

export const DEFAULT: Scheme = {
  format: "int8",
  k: 16,
  granularity: "per-tensor",
  symmetry: "symmetric",
  rule: "max",
  activations: "dynamic",
  method: "ptq",
  first: "",
  last: "",
};

/** Formats with their names for people, and what they are. */
export const FORMATS: Record<string, [string, string]> = {
  f64: ["float64", "64-bit floats"],
  f32: ["float32", "32-bit floats"],
  tf32: ["TF32", "19-bit floats"],
  f16: ["float16", "16-bit floats"],
  bf16: ["bfloat16", "16-bit floats, range of float32"],
  int16: ["int16", "16-bit integers"],
  int8: ["int8", "8-bit integers"],
  int4: ["int4", "4-bit integers"],
  ternary: ["ternary", "−1, 0, +1"],
  binary: ["binary", "−1, +1"],
  codebook: ["codebook", "shared values"],
};

/** Presets by what they are called in the literature. */
export const PRESETS: [string, string][] = [
  ["int8-dynamic-per-tensor", "Dynamic int8 (PyTorch, ONNX Runtime)"],
  ["int8-dynamic-per-channel", "Dynamic int8, per channel"],
  ["int8-static-minmax-per-tensor", "Static int8 (calibrated)"],
  ["int8-static-minmax-per-channel", "Static int8, per channel (TensorFlow Lite)"],
  ["int8-per-channel", "Weight-only int8 (W8A16)"],
  ["f16", "float16"],
  ["bf16", "bfloat16"],
  ["tf32", "TF32"],
  ["int16-per-tensor", "int16"],
  ["int4-per-channel-mse", "Weight-only int4 (W4A16)"],
  ["int4-dynamic-per-channel-mse", "int4 weights, int8 activations (W4A8)"],
  ["ternary-per-channel", "Ternary weight networks (TWN)"],
  ["binary-per-channel", "Binary weight networks (BWN)"],
  ["codebook16", "Weight clustering, 16 values (Deep Compression)"],
  ["f32", "float32: nothing quantized"],
  ["f64", "float64: the reference"],
];

const isFloat = (format: string) => /^(f64|f32|tf32|f16|bf16)$/.test(format);

const formatName = ({ format, k }: Scheme) => (format === "codebook" ? `codebook${k}` : format);

export function nameOf(scheme: Scheme): string {
  const { format, granularity, symmetry, rule, activations, method, first, last } = scheme;
  const parts = [formatName(scheme)];
  if (symmetry === "affine") parts.push("affine");
  if (activations !== "float") parts.push(activations);
  if (granularity === "per-channel" || !(isFloat(format) || format === "codebook")) parts.push(granularity);
  if (rule === "mse") parts.push("mse");
  if (method === "qat") parts.push("qat");
  if (first) parts.push("first", first);
  if (last) parts.push("last", last);
  return parts.join("-");
}

/** The record of a preset's name. */
export function ofPreset(name: string): Scheme {
  const [head = ""] = name.split("-");
  const k = /^codebook(\d+)$/.exec(head)?.[1];
  return {
    ...DEFAULT,
    format: k ? "codebook" : head,
    k: Number(k ?? DEFAULT.k),
    granularity: name.includes("per-channel") ? "per-channel" : "per-tensor",
    rule: name.includes("-mse") && !name.includes("static-mse") ? "mse" : "max",
    activations: /dynamic|static-[a-z]+/.exec(name)?.[0] ?? "float",
  };
}

/** Why the scheme makes no sense; nothing when it does. */
export const errorOf = (scheme: Scheme): string | undefined => schemeError(nameOf(scheme));

/** The scheme itself if it makes sense; else with as few axes given up as will do. */
export function nearest(scheme: Scheme): Scheme {
  const { granularity, rule, symmetry, activations, method } = DEFAULT;
  const ways: Partial<Scheme>[] = [
    {},
    { rule },
    { symmetry },
    { method },
    { rule, symmetry },
    { activations: "float" },
    { granularity },
    { activations: "float", rule, symmetry },
    { activations: "float", granularity, rule, symmetry, method },
    { activations, granularity, rule, symmetry, method, first: "", last: "" },
    { activations: "float", granularity, rule, symmetry, method, first: "", last: "" },
  ];
  const candidates = ways.map((way) => ({ ...scheme, ...way }));
  return candidates.find((candidate) => !errorOf(candidate)) ?? DEFAULT;
}

/** A scheme as the record of its axes, and as the name that the core knows it by. */

import { schemeError } from "./wasm/page.js";

export interface Scheme {
  /** `int8`, `f16`, `codebook`… */
  format: string;
  /** Values of a codebook. */
  k: number;
  granularity: "per-tensor" | "per-channel";
  symmetry: "symmetric" | "affine";
  rule: "max" | "mse";
  /** `float`, `dynamic`, `static-minmax`…, `xnor` for binary ones. */
  activations: string;
  method: "ptq" | "qat";
  /** Formats of layers that differ, by the names of `LAYERS`. */
  layers: Record<string, string>;
}

/** What layers are called in the name of a scheme, in its order. */
const LAYERS = ["first", ...[1, 2, 3, 4, 5, 6, 7].map((number) => `layer${number}`), "last"];

export const DEFAULT: Scheme = {
  format: "int8",
  k: 16,
  granularity: "per-tensor",
  symmetry: "symmetric",
  rule: "max",
  activations: "dynamic",
  method: "ptq",
  layers: {},
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

/** What a format of the core is called. */
export const formatTitle = (format: string): string =>
  FORMATS[format]?.[0] ?? format.replace(/^codebook(\d+)$/, "codebook of $1");

/** What a scheme is called in a heading. */
export function schemeTitle(scheme: Scheme): [string, string] {
  const [name, what] = FORMATS[scheme.format] ?? [nameOf(scheme), ""];
  if (scheme.format === "codebook") return [`${scheme.k} values`, "weight clustering"];
  return scheme.activations === "xnor" ? [name, "weights and inputs of one bit"] : [name, what];
}

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
  ["binary-xnor-per-channel", "Binary weights and activations (XNOR-Net)"],
  ["codebook16", "Weight clustering, 16 values (Deep Compression)"],
  ["f32", "float32: nothing quantized"],
  ["f64", "float64: the reference"],
];

const isFloat = (format: string) => /^(f64|f32|tf32|f16|bf16)$/.test(format);

const formatName = ({ format, k }: Scheme) => (format === "codebook" ? `codebook${k}` : format);

export function nameOf(scheme: Scheme): string {
  const { format, granularity, symmetry, rule, activations, method, layers } = scheme;
  const parts = [formatName(scheme)];
  if (symmetry === "affine") parts.push("affine");
  if (activations !== "float") parts.push(activations);
  if (granularity === "per-channel" || !(isFloat(format) || format === "codebook")) parts.push(granularity);
  if (rule === "mse") parts.push("mse");
  if (method === "qat") parts.push("qat");
  for (const layer of LAYERS) if (layers[layer]) parts.push(layer, layers[layer]);
  return parts.join("-");
}

/** The record of the scheme of that name: the inverse of `nameOf`. */
export function ofName(name: string): Scheme {
  const named = name.search(/-(first|layer\d|last)-/);
  const body = named < 0 ? name : name.slice(0, named);
  const layers = name.slice(body.length).matchAll(/-(first|layer\d|last)-([a-z0-9]+)/g);
  const parts = body.split("-");
  const k = /^codebook(\d+)$/.exec(parts[0] ?? "")?.[1];
  return {
    format: k ? "codebook" : (parts[0] ?? ""),
    k: Number(k ?? DEFAULT.k),
    granularity: body.includes("per-channel") ? "per-channel" : "per-tensor",
    symmetry: parts.includes("affine") ? "affine" : "symmetric",
    rule: /(?<!static)-mse/.test(body) ? "mse" : "max",
    activations:
      /dynamic|xnor|static-(minmax|moving-average|percentile|entropy|mse)/.exec(body)?.[0] ?? "float",
    method: parts.includes("qat") ? "qat" : "ptq",
    layers: Object.fromEntries([...layers].map(([, layer = "", format = ""]) => [layer, format])),
  };
}

/** What layer `number` (from 0) of `count` is called. */
export const layerName = (number: number, count: number): string =>
  number + 1 === count ? "last" : (LAYERS[number] ?? "");

/** The scheme for a model of so many layers: each by its one name, and none that the model has not. */
export function fitted(scheme: Scheme, count: number): Scheme {
  const layers: Record<string, string> = {};
  for (let number = 0; number < count; number++) {
    const name = layerName(number, count);
    const format = scheme.layers[name] || scheme.layers[LAYERS[number] ?? ""];
    if (format) layers[name] = format;
  }
  return { ...scheme, layers };
}

/** The scheme with a format of its own for one layer; none is that of the others. */
export function withLayer(scheme: Scheme, layer: string, format: string): Scheme {
  const { [layer]: _, ...others } = scheme.layers;
  return { ...scheme, layers: format ? { ...others, [layer]: format } : others };
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
    { activations, granularity, rule, symmetry, method, layers: {} },
    { activations: "float", granularity, rule, symmetry, method, layers: {} },
  ];
  const candidates = ways.map((way) => ({ ...scheme, ...way }));
  return candidates.find((candidate) => !errorOf(candidate)) ?? DEFAULT;
}

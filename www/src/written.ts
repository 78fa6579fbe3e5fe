/** The calculation of one output, written out with its numbers: sentences for the step-through. */

import { integer, operand, real } from "./format";
import type { Explanation, Integers } from "./wasm/quantpad.js";

/** Where the real input `i` comes from: a pixel that is scaled, or the layer before. */
function input(told: Explanation, i: number, x: number): string {
  if (told.taps[i] === -1) return "the border of the image: x = 0";
  const [pixel, mean, factor] = [told.pixels[i], told.means[i], told.factors[i]];
  if (pixel === undefined || mean === undefined || factor === undefined) return `x = ${real(x)}`;
  return `pixel ${real(pixel)} → x = (${real(pixel)} − ${operand(mean)}) × ${real(factor)} = ${real(x)}`;
}

/** `= v`, or that it is cut off at the end of 0…255. */
function cut(value: number): string {
  const q = Math.min(255, Math.max(0, value));
  return value === q ? `= ${integer(q)}` : `= ${integer(value)}, cut off to ${integer(q)}`;
}

const roundHalfEven = (x: number) => {
  const low = Math.floor(x);
  const rest = x - low;
  return rest < 0.5 || (rest === 0.5 && low % 2 === 0) ? low : low + 1;
};

/** How the quantized model takes input `i` into its sum, step by step. */
export function quantizedSteps(told: Explanation, format: string, i: number): string[] {
  const { integers, quantized } = told;
  const [x = 0, w = 0] = [quantized.x[i], quantized.w[i]];
  if (!integers) {
    return [
      input(told, i, x),
      stored(told, format, i, w),
      `${real(x)} × ${operand(w)} = ${real(x * w)}`,
      `sum so far: ${real(quantized.sums[i] ?? 0)}`,
    ];
  }
  const { scale, zeroPoint } = integers.params;
  const [q = 0, weight = 0, product = 0, sum = 0] = [
    integers.q[i],
    integers.weights[i],
    integers.products[i],
    integers.sums[i],
  ];
  const rounded = integers.carried
    ? `q = ${q}, from the layer before: stands for (${q} − ${zeroPoint}) × ${real(scale)} = ${real(x)}`
    : `q = round(${real(x)} ÷ ${real(scale)}) + ${zeroPoint} ${cut(roundHalfEven(Math.fround(x / scale)) + zeroPoint)}`;
  return [
    ...(integers.carried ? [] : [input(told, i, x)]),
    rounded,
    `weight ${integer(weight)}, stands for ${operand(weight)} × ${real(integers.weightScale)} = ${real(w)}`,
    `(${q} − ${zeroPoint}) × ${operand(weight)} = ${integer(product)}`,
    `i32 sum so far: ${integer(sum)}, stands for ${real(sum * scale * integers.weightScale)}`,
  ];
}

/** A weight that is stored small, from its code. */
function stored(told: Explanation, format: string, i: number, w: number): string {
  const code = told.codes[i];
  const { scale, zeroPoint } = told.codeParams;
  if (code === undefined) return `weight ${real(w)}`;
  if (scale > 0) {
    const steps = zeroPoint === 0 ? operand(code) : `(${integer(code)} − ${operand(zeroPoint)})`;
    return `weight ${integer(code)}, decoded: ${steps} × ${real(scale)} = ${real(w)}`;
  }
  return format.startsWith("codebook")
    ? `weight: value no. ${code} of the codebook = ${real(w)}`
    : `weight: bits 0x${code.toString(16).toUpperCase()} = ${real(w)}`;
}

/** The same of the fp32 model. */
export function fp32Steps(told: Explanation, i: number): string[] {
  const { x, w, sums } = told.fp32;
  const [a = 0, b = 0] = [x[i], w[i]];
  return [
    input(told, i, a),
    `weight ${real(b)}`,
    `${real(a)} × ${operand(b)} = ${real(a * b)}`,
    `sum so far: ${real(sums[i] ?? 0)}`,
  ];
}

const plus = (value: number) => (value < 0 ? `− ${real(-value)}` : `+ ${real(value)}`);
const plusInteger = (value: number) => (value < 0 ? `− ${integer(-value)}` : `+ ${integer(value)}`);

/** What follows the sum of the quantized model. */
export function quantizedEnd(told: Explanation): string[] {
  const { integers, quantized, relu } = told;
  if (!integers) return realEnd(quantized, relu);
  const { scale } = integers.params;
  const { bias, weightScale, next, multiplier } = integers;
  const sum = integers.sums.at(-1) ?? 0;
  const result = real(quantized.result);
  if (bias === null) {
    const before = Math.fround(sum * multiplier);
    const biased = before + quantized.bias;
    return [
      `i32 sum ${integer(sum)} × ${real(scale)} (inputs) × ${real(weightScale)} (weights) = ${real(before)}`,
      `${real(before)} ${plus(quantized.bias)} (bias) = ${real(biased)}`,
      ...activation(biased, relu),
    ];
  }
  const start = sum + bias;
  const first = `i32 sum ${integer(sum)} ${plusInteger(bias)} (bias ${real(quantized.bias)} as i32) = ${integer(start)}`;
  if (!next) {
    const real_ = start * multiplier;
    return [
      first,
      `${integer(start)} × ${real(scale)} (inputs) × ${real(weightScale)} (weights) = ${real(real_)}`,
      ...activation(real_, relu),
    ];
  }
  const { params, q } = next;
  const unclamped = roundHalfEven(start * multiplier) + params.zeroPoint;
  const low = relu ? params.zeroPoint : 0;
  const ends = unclamped === q ? "" : `, cut off to ${Math.max(low, q)}${relu && q === low ? " (ReLU)" : ""}`;
  return [
    first,
    `${integer(start)} × ${real(scale)} × ${real(weightScale)} ÷ ${real(params.scale)} (next layer) = ${real(start * multiplier)}`,
    `q = round(${real(start * multiplier)}) + ${params.zeroPoint} = ${integer(unclamped)}${ends}`,
    `stands for (${q} − ${params.zeroPoint}) × ${real(params.scale)} = ${result}`,
  ];
}

/** What follows the sum of the fp32 model. */
export const fp32End = ({ fp32, relu }: Explanation): string[] => realEnd(fp32, relu);

function realEnd({ sums, bias }: Explanation["fp32"], relu: boolean): string[] {
  const sum = sums.at(-1) ?? 0;
  return [`sum ${real(sum)} ${plus(bias)} (bias) = ${real(sum + bias)}`, ...activation(sum + bias, relu)];
}

const activation = (value: number, relu: boolean): string[] =>
  relu ? [`ReLU: max(0, ${real(value)}) = ${real(Math.max(0, value))}`] : [];

/** How the scale of the inputs comes about. */
export const inputScale = ({ range, fixed, params }: Integers) => ({
  words: fixed
    ? "(Largest − smallest input) ÷ 255, the steps from 0 to 255; both fixed beforehand from training images"
    : "(Largest − smallest input) ÷ 255, the steps from 0 to 255; both of this image, and 0 always among them",
  values: `(${real(range[1])} − ${operand(range[0])}) ÷ 255`,
  result: real(params.scale),
});

export const inputZeroPoint = ({ range, params }: Integers) => ({
  words: "The integer that stands for 0: round(−smallest input ÷ scale)",
  values: `round(${real(-range[0])} ÷ ${real(params.scale)})`,
  result: integer(params.zeroPoint),
});

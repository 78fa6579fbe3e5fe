import { integer, real } from "../format";
import { shownAxes } from "../state";
import type { Explanation } from "../wasm/quantpad.js";
import { inputScale, inputZeroPoint } from "../written";
import { Explained, type Formula } from "./explained";

/** Scale and zero point of the inputs, scale of the weights: each opens its formula. */
export function Scales({ told }: { told: Explanation }) {
  const { integers, largestWeight } = told;
  if (!integers) return null;
  const { params, weightScale } = integers;
  return (
    <p
      class="scales"
      data-testid="explain-scales"
      data-scale={params.scale}
      data-zero-point={params.zeroPoint}
      data-weight-scale={weightScale}
    >
      Inputs: scale{" "}
      <Explained id="scale" of={() => inputScale(integers)}>
        {real(params.scale)}
      </Explained>
      , zero point{" "}
      <Explained id="zero-point" of={() => inputZeroPoint(integers)}>
        {integer(params.zeroPoint)}
      </Explained>
      . Weights: scale{" "}
      <Explained id="weight-scale" of={() => weightFormula(weightScale, largestWeight)}>
        {real(weightScale)}
      </Explained>
      .
    </p>
  );
}

/** The scale of weights, from the largest of them where that is the rule. */
function weightFormula(scale: number, largest: number): Formula {
  const steps = Math.round(largest / scale);
  const { format, rule, symmetry, method } = shownAxes.value;
  const of: Record<string, string> = {
    ternary: "Mean |weight| of those beyond the threshold 0.7 · mean |weight|",
    binary: "Mean |weight|",
  };
  const known = Math.abs(largest / steps / scale - 1) < 1e-5 && rule === "max" && symmetry === "symmetric";
  const words = known
    ? "Largest |weight| in fp32 ÷ the largest integer"
    : (of[format] ??
      (rule === "mse"
        ? "Searched: the scale of least squared error; larger weights are cut off"
        : "(Largest − smallest weight) ÷ steps between the integers"));
  return {
    words: method === "qat" && !known ? `${words}, of the weights trained on` : words,
    values: known ? `${real(largest)} ÷ ${steps}` : `scale of weights up to ±${real(largest)}`,
    result: real(scale),
  };
}

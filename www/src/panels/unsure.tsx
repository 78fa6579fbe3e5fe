import { rule } from "../confidence";
import { trained } from "../state";
import type { ModelName } from "../wasm/quantpad.js";

/**
 * Answers given, in per cent, of each kind of drawing, by the default fp32 models on the digits (seed 0): 3,248 digits of 13
 * people, 400 letters and signs, 1,200 scribbles. From `cargo run --release --example drawings`.
 */
const GIVEN: Record<ModelName, { right: number; wrong: number; letters: number; scribbles: number }> = {
  softmax: { right: 96.6, wrong: 42.7, letters: 16.0, scribbles: 11.4 },
  mlp: { right: 96.2, wrong: 42.2, letters: 21.2, scribbles: 13.7 },
  cnn: { right: 96.1, wrong: 44.4, letters: 16.8, scribbles: 12.8 },
};

const NAMES: Record<ModelName, string> = {
  softmax: "softmax regression",
  mlp: "the MLP",
  cnn: "the CNN",
};

const doubted = (given: number) => `${(100 - given).toFixed(0)}\u00a0%`;

/** The rule by which an answer is doubted, and what it does. */
export function Unsure() {
  const limits = rule.value;
  if (!limits) return null;
  const { threshold, reach, longestWay } = limits;
  const { model, data } = trained.value;
  const { right, wrong, letters, scribbles } = GIVEN[model];
  return (
    <details
      class="more unsure-rule"
      data-testid="unsure-rule"
      data-threshold={threshold}
      data-reach={reach}
      data-longest-way={longestWay}
    >
      <summary>When is an answer “not sure”?</summary>
      <p class="note">
        When its probability is below {(100 * threshold).toFixed(0)}&nbsp;% (the limit for {NAMES[model]}), or
        no training image of that digit is within {reach} times the usual distance between two of them, or the
        drawing is a tap, or the pen’s way is longer than {longestWay} times the drawing’s longer side.
      </p>
      <p class="note">
        Chosen on 3,248 digits by 13 people, 400 letters and signs, and 1,200 scribbles. With the default fp32
        model of this kind{data.width === 8 ? "" : " for 8×8 digits"}, doubted are {doubted(right)} of the
        digits read rightly, {doubted(wrong)} of those read wrongly, {doubted(letters)} of the letters,{" "}
        {doubted(scribbles)} of the scribbles.
      </p>
    </details>
  );
}

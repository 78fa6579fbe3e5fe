import { augment } from "../state";
import type { ModelName } from "../wasm/quantpad.js";
import { Details } from "./details";

/**
 * Right answers in per cent, fp32, of the test images and of 3,248 drawings by 13 people (in four writings), all else by default:
 * means of 5 trainings, each on a split of its own (seeds 0 to 4). From `cargo run --release --example drawings -- 5 effect`.
 */
const EFFECT: Record<ModelName, { without: [test: number, drawings: number]; with: [number, number] }> = {
  softmax: { without: [96.6, 92.1], with: [96.4, 91.6] },
  mlp: { without: [97.5, 92.6], with: [99.3, 96.0] },
  cnn: { without: [98.8, 94.7], with: [99.8, 97.0] },
};

/** What augmentation does to that model. */
export function Effect({ model }: { model: ModelName }) {
  const effect = EFFECT[model];
  const figure = (share: number) => `${share.toFixed(1)}\u00a0%`;
  return (
    <p
      class="note"
      data-testid="augmentation-effect"
      data-with={JSON.stringify(effect.with)}
      data-without={JSON.stringify(effect.without)}
    >
      Measured on the 8×8 digits: read rightly are {figure(effect.with[0])} of the test images and{" "}
      {figure(effect.with[1])} of 3,248 drawings by 13 people with{" "}
      {model === "softmax" ? "it" : "these strengths’ defaults"}, {figure(effect.without[0])} and{" "}
      {figure(effect.without[1])} without (means of 5 splits).
      {model === "softmax" && " It gains nothing here, so it is off by default."}
    </p>
  );
}

/** Softmax regression is fitted on all images at once: a switch, and no strengths. */
export function AugmentSwitch() {
  return (
    <Details name="augmentation" summary={`Augmentation ${augment.value ? "(on)" : "(off)"}`}>
      <label class="check">
        <input
          type="checkbox"
          data-testid="augment"
          checked={augment.value}
          onChange={(event) => {
            augment.value = event.currentTarget.checked;
          }}
        />
        Learn from up to four variations of each image too: turned, slanted, scaled, shifted, bent, with noise
      </label>
      <Effect model="softmax" />
    </Details>
  );
}

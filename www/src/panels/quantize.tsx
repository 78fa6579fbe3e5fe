import * as engine from "../engine";
import { type Activations, activations, type Granularity, granularity } from "../state";

export function Quantize() {
  return (
    <article class="card panel">
      <h2>Quantize</h2>
      <div class="fields">
        <label>
          Scales
          <select
            data-testid="granularity-select"
            value={granularity.value}
            onChange={(event) => engine.setScheme({ granularity: event.currentTarget.value as Granularity })}
          >
            <option value="per-tensor">per tensor: one for all weights</option>
            <option value="per-channel">per channel: one for each digit</option>
          </select>
        </label>
        <label>
          Range of the image
          <select
            data-testid="activation-select"
            value={activations.value}
            onChange={(event) => engine.setScheme({ activations: event.currentTarget.value as Activations })}
          >
            <option value="dynamic">dynamic: its own, found each time</option>
            <option value="static-minmax">static: fixed, from 256 training images</option>
          </select>
        </label>
      </div>
      <p class="note">
        Each weight becomes one of −127…127, scale = largest weight ÷ 127. Each pixel of the scaled image is
        rounded to 0…255. The products are exact 32-bit integer sums; one multiplication by both scales turns
        a sum back into a score.{" "}
        {activations.value === "dynamic"
          ? "With dynamic ranges the smallest and largest pixel of each image are found first: nothing can be cut off, at the price of one more pass."
          : "With static ranges that pass is saved; a pixel beyond what the 256 images showed is cut off."}
      </p>
    </article>
  );
}

import * as engine from "../engine";
import { type Granularity, granularity } from "../state";

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
            onChange={(event) => engine.setGranularity(event.currentTarget.value as Granularity)}
          >
            <option value="per-tensor">per tensor: one for all weights</option>
            <option value="per-channel">per channel: one for each digit</option>
          </select>
        </label>
      </div>
      <p class="note">
        Dynamic int8: each weight becomes one of −127…127, scale = largest weight ÷ 127. Each image is rounded
        to 0…255 with a range of its own. The products are exact 32-bit integer sums; one multiplication by
        both scales turns a sum back into a score.
      </p>
    </article>
  );
}

import { LineChart } from "../charts/line";
import * as engine from "../engine";
import { percent } from "../format";
import { backend, failure, regularization, run, seed, slowMotion } from "../state";

const STRENGTHS: [string, string][] = [
  ["0.001", "very strong (C = 0.001)"],
  ["0.01", "strong (C = 0.01)"],
  ["0.1", "medium (C = 0.1)"],
  ["1", "as in the lab (C = 1)"],
  ["10", "weak (C = 10)"],
  ["100", "very weak (C = 100)"],
];

export function Train() {
  const { running, share, computeMs, history } = run.value;
  const last = history.at(-1);
  const badSeed = failure.value?.code === "bad-seed";
  return (
    <article class="card panel">
      <h2>Train</h2>
      <form
        class="fields"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          void engine.train();
        }}
      >
        <label>
          Seed of the split
          <input
            data-testid="seed"
            inputMode="numeric"
            autocomplete="off"
            value={seed.value}
            aria-invalid={badSeed}
            onInput={(event) => {
              seed.value = event.currentTarget.value;
            }}
          />
        </label>
        <label>
          Regularisation
          <select
            data-testid="regularization"
            value={regularization.value}
            onChange={(event) => {
              regularization.value = event.currentTarget.value;
            }}
          >
            {STRENGTHS.map(([value, name]) => (
              <option key={value} value={value}>
                {name}
              </option>
            ))}
          </select>
        </label>
        <label class="check">
          <input
            type="checkbox"
            data-testid="slow-motion"
            checked={slowMotion.value}
            onChange={(event) => {
              slowMotion.value = event.currentTarget.checked;
            }}
          />
          Slow motion: one step a frame
        </label>
        <div class="buttons">
          <button type="submit" class="primary" data-testid="train" disabled={running || !backend.value}>
            Train
          </button>
          <button type="button" data-testid="cancel" onClick={engine.cancel} disabled={!running}>
            Cancel
          </button>
          <button
            type="button"
            data-testid="reset"
            onClick={engine.reset}
            disabled={running || !backend.value}
          >
            Reset
          </button>
        </div>
      </form>
      <progress
        data-testid="progress"
        data-job={running ? "train" : ""}
        data-loss={last?.loss ?? ""}
        data-epoch={last?.iteration ?? ""}
        aria-label="Progress of the training"
        max={1}
        value={share}
      />
      {last && (
        <>
          <div class="charts">
            <LineChart
              title="Loss (log scale)"
              log
              values={history.map((step) => step.loss)}
              format={(loss) => loss.toPrecision(3)}
            />
            <LineChart
              title="Training accuracy"
              values={history.map((step) => step.trainCorrect / step.trainTotal)}
              format={(share) => percent(share, 1)}
            />
          </div>
          <p class="note">
            Step {last.iteration} of L-BFGS: loss {last.loss.toPrecision(4)}, {last.trainCorrect} of{" "}
            {last.trainTotal} training images right. Computing took {computeMs.toFixed(0)} ms
            {running ? " so far" : ""}
            {last.gradientNorm < 1e-6
              ? "; the gradient is 0 to six places: no other softmax model fits these images better under this penalty."
              : "."}
          </p>
        </>
      )}
    </article>
  );
}

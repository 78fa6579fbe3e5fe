import { LineChart } from "../charts/line";
import * as engine from "../engine";
import { count, modelName, percent, seconds } from "../format";
import { STRENGTHS } from "../record";
import type { FIELDS } from "../settings";
import {
  backend,
  busy,
  type Fields,
  failure,
  fields,
  model,
  type Run,
  reading,
  regularization,
  run,
  seed,
  slowMotion,
  trained,
} from "../state";
import type { ModelName } from "../wasm/quantpad.js";
import { AugmentSwitch, Effect } from "./augmentation";
import { Details } from "./details";
import { options, Select } from "./select";

const MODELS: [ModelName, string][] = [
  ["softmax", "Softmax regression: no hidden layer"],
  ["mlp", "MLP: fully connected layers"],
  ["cnn", "CNN: 3×3 convolutions, pooling"],
];

const OPTIMIZERS: [string, string][] = [
  ["adam", "Adam"],
  ["sgd", "SGD with momentum"],
];

export function Train() {
  const { running, paused, share, history } = run.value;
  const last = history.at(-1);
  return (
    <article id="train" class="card panel">
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
          Model
          <Select
            id="model-select"
            value={model.value}
            options={options(MODELS)}
            onChoose={(value) => {
              model.value = value as ModelName;
            }}
          />
        </label>
        <label>
          Seed
          <input
            data-testid="seed"
            inputMode="numeric"
            autocomplete="off"
            value={seed.value}
            aria-invalid={failure.value?.code === "bad-seed"}
            onInput={(event) => {
              seed.value = event.currentTarget.value;
            }}
          />
        </label>
        {model.value === "softmax" ? <Regularization /> : <NetworkFields kind={model.value} />}
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
          <button type="submit" class="primary" data-testid="train" disabled={busy.value || !backend.value}>
            Train
          </button>
          <button
            type="button"
            data-testid="pause"
            onClick={() => engine.command(paused ? "run" : "pause")}
            disabled={!running}
          >
            {paused ? "Resume" : "Pause"}
          </button>
          <button type="button" data-testid="step" onClick={() => engine.command("step")} disabled={!running}>
            Step
          </button>
          <button
            type="button"
            data-testid="finish"
            onClick={() => engine.command("finish")}
            disabled={!running || !last}
          >
            Finish now
          </button>
          <button type="button" data-testid="cancel" onClick={engine.cancel} disabled={!busy.value}>
            Cancel
          </button>
          <button
            type="button"
            data-testid="reset"
            onClick={engine.reset}
            disabled={busy.value || !backend.value}
          >
            Reset
          </button>
        </div>
      </form>
      <progress
        data-testid="progress"
        data-job={running ? "train" : reading.value ? "read" : ""}
        data-loss={last?.loss ?? ""}
        data-epoch={last?.number ?? ""}
        data-paused={paused}
        aria-label="Progress of the training"
        max={1}
        value={share}
      />
      <Curves run={run.value} />
    </article>
  );
}

function Regularization() {
  if (trained.value.data.many) {
    return <p class="note">So many images are learned by mini-batches, without a penalty.</p>;
  }
  return (
    <>
      <label>
        Regularisation
        <Select
          id="regularization"
          value={regularization.value}
          options={options(STRENGTHS)}
          onChoose={(value) => {
            regularization.value = value;
          }}
        />
      </label>
      <AugmentSwitch />
    </>
  );
}

type Key = keyof typeof FIELDS;

/** What the augmentation's strengths are of. */
const VARIATIONS: [Key, string][] = [
  ["rotation", "Rotation (± degrees)"],
  ["shear", "Shear (±)"],
  ["scale", "Scale (±)"],
  ["shift", "Shift (± of the width)"],
  ["thickness", "Thickness (± of the width)"],
  ["elastic", "Elastic (± of the width)"],
  ["noise", "Noise (of full ink)"],
];

function NetworkFields({ kind }: { kind: "mlp" | "cnn" }) {
  const values = fields.value?.[kind];
  if (!values) return null;
  const set = (change: Partial<Fields>) => {
    if (fields.value) fields.value = { ...fields.value, [kind]: { ...values, ...change } };
  };
  const field = (key: Key, name: string) => (
    <label key={key}>
      {name}
      <input
        data-testid={`field-${key}`}
        inputMode={key === "layers" ? "text" : "decimal"}
        autocomplete="off"
        value={values[key]}
        onInput={(event) => set({ [key]: event.currentTarget.value })}
      />
    </label>
  );
  const varied = VARIATIONS.some(([key]) => Number(values[key]) !== 0);
  return (
    <>
      {field("layers", kind === "mlp" ? "Hidden sizes" : "Channels")}
      {field("epochs", "Epochs")}
      {field("rate", "Learning rate")}
      <Details name="settings" summary="More settings">
        <div class="fields">
          <label>
            Optimizer
            <Select
              id="field-optimizer"
              value={values.optimizer}
              options={options(OPTIMIZERS)}
              onChoose={(value) => set({ optimizer: value })}
            />
          </label>
          {values.optimizer === "sgd" && field("momentum", "Momentum")}
          {field("batch", "Batch size")}
          {field("weightDecay", "Weight decay")}
          {field("validation", "Validation share")}
          {field("patience", "Stop after so many epochs without gain (0: never)")}
        </div>
        <fieldset>
          <legend>
            Augmentation: how much each image is varied whenever it is learned from {varied ? "" : "(off)"}
          </legend>
          <Effect model={kind} />
          <div class="fields">{VARIATIONS.map(([key, name]) => field(key, name))}</div>
        </fieldset>
      </Details>
    </>
  );
}

function Curves({ run }: { run: Run }) {
  const { running, paused, share, computeMs, history } = run;
  const last = history.at(-1);
  if (!last) return null;
  const unit = last.gradientNorm === null ? "epoch" : "step";
  const validated = history.filter((step) => step.validationLoss !== null);
  const left = share > 0 ? (computeMs * (1 - share)) / share : 0;
  return (
    <>
      <div class="charts">
        <LineChart
          title="Loss (log scale)"
          log
          unit={unit}
          series={[
            { name: "train", values: history.map((step) => step.loss) },
            { name: "validation", values: validated.map((step) => step.validationLoss ?? 0) },
          ]}
          format={(loss) => loss.toPrecision(3)}
        />
        <LineChart
          title="Accuracy"
          unit={unit}
          series={[
            { name: "train", values: history.map((step) => step.correct / step.total) },
            {
              name: "validation",
              values: validated.map((step) => step.validationCorrect / step.validationTotal),
            },
          ]}
          format={(share) => percent(share, 1)}
        />
      </div>
      <p class="note">
        After {unit} {last.number} of {modelName(run)}: loss {last.loss.toPrecision(4)}, {count(last.correct)}{" "}
        of {count(last.total)} training images right
        {last.validationLoss === null
          ? ". "
          : ` when they were learned from, ${count(last.validationCorrect)} of ${count(last.validationTotal)} of the validation slice now. `}
        Computing took {seconds(computeMs)}
        {running ? ` so far; ${paused ? "paused" : `about ${seconds(left)} left`}` : ""}
        {last.gradientNorm !== null && last.gradientNorm < 1e-6
          ? "; the gradient is 0 to six places: no other softmax model fits these images better under this penalty."
          : "."}
        {!running && last.validationLoss !== null ? " The test images had no say in it." : ""}
      </p>
    </>
  );
}

import * as engine from "../engine";
import { layerTitles } from "../layers";
import { CORRECTIONS, type Correction } from "../record";
import { errorOf, FORMATS, layerName, nearest, ofName, PRESETS, type Scheme, withLayer } from "../scheme";
import {
  aware,
  axes,
  backend,
  busy,
  calibration,
  control,
  correction,
  evaluation,
  scheme,
  trained,
  usedAxes,
} from "../state";
import type { Side } from "../wasm/quantpad.js";
import { options as asOptions, Select } from "./select";

type Option = [value: string, name: string];

const GRANULARITIES: Option[] = [
  ["per-tensor", "per tensor: one for all weights"],
  ["per-channel", "per channel: one for each output"],
];
const ACTIVATIONS: Option[] = [
  ["dynamic", "int8, dynamic: range of each image"],
  ["static-minmax", "int8, static: smallest to largest"],
  ["static-moving-average", "int8, static: moving average"],
  ["static-percentile", "int8, static: percentile 99.99"],
  ["static-entropy", "int8, static: entropy (KL)"],
  ["static-mse", "int8, static: least squared error"],
  ["xnor", "binary: one of two values (XNOR-Net)"],
  ["float", "float: only the weights are quantized"],
];
const SYMMETRIES: Option[] = [
  ["symmetric", "symmetric: zero point 0"],
  ["affine", "affine: with a zero point"],
];
const RULES: Option[] = [
  ["max", "from the largest weight"],
  ["mse", "least squared error"],
];
const METHODS: Option[] = [
  ["ptq", "after training (PTQ)"],
  ["qat", "while training on (QAT)"],
];
const KS = [2, 4, 8, 16, 32, 64, 128, 256].map((k): Option => [String(k), `${k} values`]);
/** Formats of a single layer. */
const LAYER: Option[] = [
  ["", "like the others"],
  ...["f32", "f16", "bf16", "int16", "int8", "int4", "ternary", "binary"].map(
    (format): Option => [format, (FORMATS[format] ?? [format]).join(": ")],
  ),
  ...[64, 16, 8, 4].map((k): Option => [`codebook${k}`, `codebook, ${k} values`]),
];

export function Quantize() {
  const now = axes.value;
  // Before the core is there nothing can be asked of it.
  const ready = backend.value !== "";
  const titles = layerTitles(trained.value);
  const set = (change: Partial<Scheme>) => engine.setScheme(nearest({ ...now, ...change }));

  /** A control of one axis. Options that do not go with the others cannot be chosen, and say why. */
  const axis = (
    key: Exclude<keyof Scheme, "layers">,
    id: string,
    label: string,
    options: Option[],
    free = false,
  ) => (
    <label>
      {label}
      <Select
        id={id}
        value={String(now[key])}
        options={options.map(([value, name]) => ({
          value,
          name,
          wrong: ready && !free ? errorOf({ ...now, [key]: value }) : undefined,
        }))}
        onChoose={(value) => set({ [key]: key === "k" ? Number(value) : value })}
      />
    </label>
  );

  const preset = PRESETS.find(([name]) => name === scheme.value)?.[0] ?? "";
  return (
    <article id="quantize" class="card panel wide">
      <h2>Quantize</h2>
      <label class="field">
        Preset
        <Select
          id="preset-select"
          value={preset}
          options={asOptions(preset === "" ? [["", `own choice: ${scheme.value}`], ...PRESETS] : PRESETS)}
          onChoose={(value) => engine.setScheme(ofName(value))}
        />
      </label>
      <details class="more" open>
        <summary>Every axis</summary>
        <div class="fields">
          {axis(
            "format",
            "format-select",
            "Weights",
            Object.entries(FORMATS).map(([value, [name, what]]): Option => [value, `${name}: ${what}`]),
            true,
          )}
          {now.format === "codebook" && axis("k", "codebook-select", "Codebook", KS)}
          {axis("activations", "activation-select", "Activations", ACTIVATIONS)}
          {axis("granularity", "granularity-select", "Scales", GRANULARITIES)}
          {axis("rule", "rule-select", "Scale", RULES)}
          {axis("symmetry", "symmetry-select", "Integers", SYMMETRIES)}
          {axis("method", "method-select", "Method", METHODS)}
          {titles.map((title, number) => {
            const name = layerName(number, titles.length);
            const format = now.layers[name] ?? "";
            const options = LAYER.some(([value]) => value === format)
              ? LAYER
              : [...LAYER, [format, format] as Option];
            return (
              <label key={name}>
                {title}
                <Select
                  id={`${name}-select`}
                  value={format}
                  options={options.map(([value, text]) => ({
                    value,
                    name: text,
                    wrong: ready ? errorOf(withLayer(now, name, value)) : undefined,
                  }))}
                  onChoose={(value) => engine.setScheme(nearest(withLayer(now, name, value)))}
                />
              </label>
            );
          })}
        </div>
        {now.method === "ptq" && (
          <div class="fields">
            <label>
              Fitted after rounding
              <Select
                id="correction-select"
                value={correction.value}
                options={asOptions(Object.entries(CORRECTIONS))}
                onChoose={(value) => engine.setCorrection(value as Correction)}
              />
            </label>
          </div>
        )}
        {(/^(static|xnor)/.test(now.activations) || correction.value !== "none") && <Calibration />}
        <Reasons scheme={now} ready={ready} />
      </details>
      {aware.value !== null && (
        <div class="aware">
          <progress
            data-testid="aware-progress"
            aria-label="Progress of the quantization-aware training"
            max={1}
            value={aware.value}
          />
          <button type="button" data-testid="aware-cancel" onClick={engine.cancel}>
            Cancel
          </button>
        </div>
      )}
      {usedAxes.value?.method === "qat" && <Control />}
      {/^(int4|ternary|binary)$/.test(now.format) && now.method === "ptq" && correction.value === "none" && (
        <p class="note">
          So few bits need not lose so much:{" "}
          <button
            type="button"
            class="quiet"
            data-testid="reconstruct"
            onClick={() => engine.setCorrection("reconstruction")}
          >
            Fit them to the layers’ outputs
          </button>
        </p>
      )}
      <p class="note" data-testid="arithmetic">
        {evaluation.value ? `How it runs: ${evaluation.value.arithmetic}. ` : ""}
        {explain(now)}
      </p>
    </article>
  );
}

/** Whether the quantized model in use came by a scaling of the pixels of its own (train/qat.rs). */
const trainsScaling = () =>
  trained.value.model === "softmax" &&
  /^(ternary|binary)$/.test(usedAxes.value?.format ?? "") &&
  usedAxes.value?.activations !== "xnor";

/** What the training alone brings: else it would be taken for a gain of quantization. */
function Control() {
  const sides = evaluation.value;
  const alone = control.value;
  if (!sides) return null;
  const right = ({ correct, total }: Side) => `${correct} of ${total}`;
  return (
    <p class="note" data-testid="control" data-correct={alone?.correct ?? ""}>
      Quantization-aware training goes on where the fp32 model ended.{" "}
      {trainsScaling() &&
        "With so few bits the scaling of the pixels is trained along, and what is learned is what the fp32 model answers. "}
      {alone ? (
        <>
          The fp32 model has {right(sides.fp32)} right; trained on for as long without rounding,{" "}
          {right(alone)}; trained on with rounding and quantized, {right(sides.quantized)}.
        </>
      ) : (
        <button
          type="button"
          class="quiet"
          data-testid="train-control"
          disabled={busy.value}
          onClick={engine.trainControl}
        >
          Train fp32 on for as long, to compare
        </button>
      )}
    </p>
  );
}

function Calibration() {
  const { samples, seed } = calibration.value;
  return (
    <div class="fields">
      <label>
        Calibration images: {samples}
        <input
          type="range"
          data-testid="calibration-samples"
          min="1"
          max="1024"
          value={samples}
          onInput={(event) => engine.setCalibration({ samples: Number(event.currentTarget.value) })}
        />
      </label>
      <label>
        Picked by seed
        <input
          data-testid="calibration-seed"
          inputMode="numeric"
          value={seed}
          onChange={(event) => engine.setCalibration({ seed: Number(event.currentTarget.value) >>> 0 })}
        />
      </label>
    </div>
  );
}

/** Why options are greyed out: each reason once. */
function Reasons({ scheme, ready }: { scheme: Scheme; ready: boolean }) {
  if (!ready) return null;
  const others: Partial<Scheme>[] = [
    { granularity: "per-channel" },
    { granularity: "per-tensor" },
    { symmetry: "affine" },
    { rule: "mse" },
    { activations: "dynamic" },
    { activations: "xnor" },
    { method: "qat" },
  ];
  const reasons = [...new Set(others.flatMap((other) => errorOf({ ...scheme, ...other }) ?? []))];
  if (reasons.length === 0) return null;
  return (
    <ul class="reasons" data-testid="scheme-reasons" aria-label="Why some options cannot be chosen">
      {reasons.map((reason) => (
        <li key={reason}>{reason.replace("This quantization scheme makes no sense: ", "Greyed out: ")}</li>
      ))}
    </ul>
  );
}

function explain({ format, activations }: Scheme): string {
  const weights: Record<string, string> = {
    int16: "Each weight becomes one of −32767…32767.",
    int8: "Each weight becomes one of −127…127, scale = largest weight ÷ 127.",
    int4: "Each weight becomes one of −7…7, two to a byte.",
    ternary: "Each weight becomes −α, 0 or +α (threshold 0.7 · mean |w|), four to a byte.",
    binary: "Each weight becomes −α or +α, α = mean |w|, eight to a byte.",
    codebook: "Each weight is the number of one of a few shared values, found by k-means.",
  };
  const inputs = activations.startsWith("static")
    ? " Activations are rounded to 0…255 with ranges fixed from training images; what lies beyond is cut off."
    : activations === "dynamic"
      ? " Activations are rounded to 0…255 with the range of each image, found as it comes; the products are exact integer sums."
      : activations === "xnor"
        ? " Activations become one of two values, fixed from training images so that the squared error is least. With both of one bit, products are XNOR and sums count bits."
        : "";
  return (weights[format] ?? "Each weight is rounded to a shorter float.") + inputs;
}

/** The controls of training and quantization: what they say, and putting them to what a record says. */

import { DEFAULT_RECORD, MAX_SEED, type QuantizeRecord, type RunRecord, type TrainRecord } from "./record";
import { ofName } from "./scheme";
import { fromFields, toFields } from "./settings";
import * as state from "./state";
import { Failure } from "./wasm";
import { type NetworkSettings, networkDefaults } from "./wasm/page.js";
import type { TrainRequest } from "./wasm/quantpad.js";

/** What the controls say. */
export function request(): TrainRequest {
  const model = state.model.value;
  const seed = Number(state.seed.value);
  if (!/^\d+$/.test(state.seed.value.trim()) || seed > MAX_SEED) {
    throw new Failure(
      "bad-seed",
      `The seed must be a whole number from 0 to ${MAX_SEED}; “${state.seed.value}” is not. Nothing was changed.`,
    );
  }
  const fields = state.fields.value;
  if (!fields) throw new Failure("not-ready", "The page is still loading; try again in a moment.");
  // Softmax regression reads none of them, so what is typed there cannot be wrong for it.
  const network =
    model === "softmax" ? networkDefaults("mlp", state.trained.value.data.train) : fromFields(fields[model]);
  return { model, seed, c: Number(state.regularization.value), augment: state.augment.value, network };
}

/** How the controls say to train on that data; what the model does not read is as usual. */
export function trainRecord(data: state.Data): TrainRecord {
  const model = state.model.value;
  const { regularization, augment } = DEFAULT_RECORD;
  const fields: TrainRecord["fields"] = {};
  if (model !== "softmax" && state.fields.value) {
    const usual = usualFields(model, data.train);
    for (const [name, text] of Object.entries(state.fields.value[model])) {
      const key = name as keyof state.Fields;
      if (text.trim() !== usual[key]) fields[key] = text.trim();
    }
  }
  return {
    ...state.named(data),
    model,
    seed: Number(state.seed.value),
    regularization: model === "softmax" ? state.regularization.value : regularization,
    augment: model === "softmax" ? state.augment.value : augment,
    fields,
  };
}

/** How the controls say to quantize. */
export function quantizeRecord(): QuantizeRecord {
  const { samples, seed: calibrationSeed } = state.calibration.value;
  return { scheme: state.scheme.value, samples, calibrationSeed, correction: state.correction.value };
}

/** Puts the controls to what a record says, for so many training images. */
export function setControls(record: RunRecord, images = state.trained.value.data.train): void {
  const { model, fields } = record;
  state.model.value = model;
  state.seed.value = String(record.seed);
  state.regularization.value = record.regularization;
  state.augment.value = record.augment;
  state.axes.value = ofName(record.scheme);
  state.calibration.value = { samples: record.samples, seed: record.calibrationSeed };
  state.correction.value = record.correction;
  setDefaults(images);
  const usual = state.fields.value;
  if (usual && model !== "softmax")
    state.fields.value = { ...usual, [model]: { ...usual[model], ...fields } };
}

export const usualFields = (model: "mlp" | "cnn", images: number): state.Fields =>
  toFields(networkDefaults(model, images) as NetworkSettings);

/** Puts the fields to what suits so many training images. */
export function setDefaults(images: number): void {
  state.fields.value = { mlp: usualFields("mlp", images), cnn: usualFields("cnn", images) };
}

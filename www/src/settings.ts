/** A network's settings as typed into fields, and back. */

import type { Fields } from "./state";
import { Failure } from "./wasm";
import type { NetworkSettings } from "./wasm/quantpad.js";

/** Each field with its name in a sentence. */
export const FIELDS = {
  layers: "layer sizes",
  epochs: "number of epochs",
  batch: "batch size",
  optimizer: "optimizer",
  rate: "learning rate",
  momentum: "momentum",
  weightDecay: "weight decay",
  validation: "validation share",
  patience: "patience",
  rotation: "rotation",
  shear: "shear",
  scale: "scale",
  shift: "shift",
  thickness: "thickness",
  elastic: "elastic displacement",
  noise: "noise",
} as const;

const OPTIMIZERS: NetworkSettings["optimizer"][] = ["adam", "sgd"];

/** Numbers of the core are single precision: six digits are all they mean. */
const text = (value: number) => String(Number(value.toPrecision(6)));

export function toFields(settings: NetworkSettings): Fields {
  const { layers, optimizer, augmentation, ...numbers } = settings;
  const texts = Object.entries({ ...numbers, ...augmentation }).map(([key, value]) => [key, text(value)]);
  return { ...Object.fromEntries(texts), layers: layers.join(", "), optimizer } as Fields;
}

/** @throws {Failure} naming the field that holds no number; whether the number makes sense is for the core to say */
export function fromFields(fields: Fields): NetworkSettings {
  const number = (key: keyof Fields) => {
    const value = Number(fields[key]);
    if (fields[key].trim() === "" || !Number.isFinite(value)) {
      throw new Failure("bad-setting", `The ${FIELDS[key]} must be a number; “${fields[key]}” is not.`);
    }
    return value;
  };
  const whole = (key: keyof Fields) => {
    const value = number(key);
    if (!Number.isInteger(value) || value < 0) {
      throw new Failure("bad-setting", `The ${FIELDS[key]} must be a whole number; “${fields[key]}” is not.`);
    }
    return value;
  };
  if (!OPTIMIZERS.some((name) => name === fields.optimizer)) {
    throw new Failure(
      "bad-setting",
      `The ${FIELDS.optimizer} must be ${OPTIMIZERS.join(" or ")}; “${fields.optimizer}” is not.`,
    );
  }
  const layers = fields.layers.split(/[\s,;]+/).filter(Boolean);
  if (!layers.every((size) => /^\d{1,6}$/.test(size))) {
    throw new Failure(
      "bad-setting",
      `The ${FIELDS.layers} must be whole numbers with commas between them, such as 64, 32; “${fields.layers}” is not.`,
    );
  }
  return {
    layers: layers.map(Number),
    epochs: whole("epochs"),
    batch: whole("batch"),
    optimizer: fields.optimizer as NetworkSettings["optimizer"],
    rate: number("rate"),
    momentum: number("momentum"),
    weightDecay: number("weightDecay"),
    validation: number("validation"),
    patience: whole("patience"),
    augmentation: {
      rotation: number("rotation"),
      shear: number("shear"),
      scale: number("scale"),
      shift: number("shift"),
      thickness: number("thickness"),
      elastic: number("elastic"),
      noise: number("noise"),
    },
  };
}

/** Fields that can all be read. */
const READABLE = Object.fromEntries(
  Object.keys(FIELDS).map((key) => [key, key === "optimizer" ? "adam" : "1"]),
) as Fields;

/** Whether a field may hold this text. */
export function isReadable(key: keyof Fields, text: string): boolean {
  try {
    fromFields({ ...READABLE, [key]: text });
    return true;
  } catch {
    return false;
  }
}

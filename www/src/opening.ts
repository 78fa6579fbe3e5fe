/** Opens model files: an fp32 model comes to use, a quantized one stands beside it or beside the one in use. */

import { usualFields } from "./controls";
import * as engine from "./engine";
import { fail } from "./fail";
import { modelName } from "./format";
import { ask } from "./jobs";
import { type ModelFile, readModelFile } from "./model-file";
import { fromQuery, isScheme } from "./record";
import * as state from "./state";
import { Failure } from "./wasm";

const FLATTERED = ": the test images may be among it, and the accuracy here then flatters it";

export { withNotes } from "./model-file";

/** Whatever goes wrong, the models in use stay. */
export async function openModels(chosen: File[]): Promise<void> {
  const { models, trained, failure } = state;
  failure.value = null;
  try {
    if (state.busy.value || !models.value) {
      throw new Failure(
        "busy",
        "Models are being made: cancel that or let it end, then open the file again.",
      );
    }
    const files = await Promise.all(chosen.map(readModelFile));
    const [original, ...originals] = files.filter(({ scheme }) => scheme === "fp32");
    const [quantized, ...more] = files.filter(({ scheme }) => scheme !== "fp32");
    if (originals.length + more.length > 0) {
      throw new Failure(
        "bad-model",
        "These are several models of a kind: give one fp32 model, one quantized one, or one of each. Nothing was changed.",
      );
    }
    const { seed, data } = trained.value;
    for (const file of files) checkImages(file, data);
    const subject = original
      ? { fp32: original.bytes, trained: trainedAs(original, trained.value) }
      : { fp32: models.value.fp32, trained: trained.value };
    if (quantized) checkTwin(quantized, subject.trained);
    if (original) {
      // Read by the core before anything changes.
      const plain = { scheme: "f32", seed, samples: 1, calibrationSeed: 0, correction: "none" } as const;
      await ask((jobs) => jobs.quantize(original.bytes, plain)).catch(refusedOf(original));
    }
    if (!quantized) return await engine.useOpened(subject);
    const { samples, calibrationSeed, correction } = fromQuery(quantized.notes.settings ?? "").record;
    const split = subject.trained.seed;
    const request = { scheme: quantized.scheme, seed: split, samples, calibrationSeed, correction };
    const requantized = await ask((jobs) => jobs.compare(subject.fp32, quantized.bytes, request)).catch(
      refusedOf(quantized),
    );
    await engine.useOpened(subject, { requantized, opened: openedAs(quantized, data, split) });
  } catch (error) {
    fail(error);
  }
}

/** What the core says of a file, with the file’s name. */
const refusedOf =
  ({ file }: ModelFile) =>
  (error: unknown): never => {
    if (error instanceof Failure) throw error;
    throw new Failure("bad-model", `${file}: ${(error as Error).message} Nothing was changed.`);
  };

/** @throws {Failure} when the model is of images that the data set in use does not have */
function checkImages({ file, width, height, notes, ink }: ModelFile, data: state.Data): void {
  const inUse = `${data.name}, in use, has ${data.width}×${data.height} of 0…${data.maxPixel}`;
  const most = Number(notes.max_pixel);
  const refuse = (wants: string) =>
    new Failure(
      "other-images",
      `${file} is a model of images of ${wants}; ${inUse}. Put a data set of such images to use first.`,
    );
  const size = `${width}×${height} pixels`;
  if (width !== data.width || height !== data.height) throw refuse(size);
  if (most > 0 && most !== data.maxPixel) throw refuse(`${size} of 0…${most}`);
  if (ink > data.maxPixel) throw refuse(`${size} that go beyond ${data.maxPixel}`);
}

/** @throws {Failure} when the quantized model is not of the fp32 model’s layers */
function checkTwin(twin: ModelFile, trained: state.Trained): void {
  const [wants, has] = [modelName(twin), modelName(trained)];
  if (wants !== has) {
    throw new Failure(
      "other-layers",
      `${twin.file} is a quantized ${wants}, and the fp32 model beside it a ${has}: give its fp32 model with it, or train one. Nothing was changed.`,
    );
  }
  if (!isScheme(twin.scheme)) {
    throw new Failure(
      "bad-model",
      `${twin.file} is of a scheme that this page does not know, “${twin.scheme}”.`,
    );
  }
}

/** Whether the notes tell of the data set in use. */
const isOfData = ({ notes }: ModelFile, data: state.Data) =>
  notes.data === data.name &&
  notes.train_images === String(data.train) &&
  notes.test_images === String(data.test);

/** What is known of a model that is judged by the test images of that split. */
function openedAs(file: ModelFile, data: state.Data, seed: number): state.Opened {
  const { notes } = file;
  const opened = { file: file.file, notes, doubt: "", flattered: false };
  if (!notes.data)
    return { ...opened, doubt: `does not say what it was trained on${FLATTERED}`, flattered: true };
  if (!isOfData(file, data)) return { ...opened, doubt: `was trained on other images (${notes.data})` };
  if (data.ownTestPart || notes.split_seed === String(seed)) return opened;
  const doubt = `was trained on another part of these images (seed ${notes.split_seed})${FLATTERED}`;
  return { ...opened, doubt, flattered: true };
}

/** How the notes say that an fp32 model was trained; its test images are those that it has not seen, as far as can be. */
function trainedAs(file: ModelFile, { data, seed: inUse }: state.Trained): state.Trained {
  const { model, layers, notes } = file;
  const { record } = fromQuery(notes.settings ?? "");
  const seed = isOfData(file, data) ? record.seed : inUse;
  const { regularization, augment } = record;
  const fields = { ...record.fields };
  if (model !== "softmax" && layers.join() !== usualFields(model, data.train).layers.replaceAll(" ", "")) {
    fields.layers = layers.join(", ");
  }
  return {
    model,
    layers,
    seed,
    data,
    tuned: Number(notes.own_drawings) || 0,
    early: notes.ended_early === "true",
    made: { model, seed, regularization, augment, fields },
    opened: openedAs(file, data, seed),
  };
}

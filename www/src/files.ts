/** Files that a visitor gives: models are opened, everything else is a data set. */

import * as engine from "./engine";
import { fail } from "./fail";
import { failure } from "./state";

/** Chosen where models are asked for: whatever it is, it is meant as one. */
export async function openModels(files: File[]): Promise<void> {
  await import("./opening").then((opening) => opening.openModels(files)).catch(fail);
}

/** Each as what its name or content says. */
export async function bring(files: File[]): Promise<void> {
  const kinds = await Promise.all(files.map(isModel));
  const [models, data] = [true, false].map((kind) => files.filter((_, i) => kinds[i] === kind));
  if (data?.length) {
    await engine.useData(data);
    if (failure.value) return;
  }
  if (models?.length) await openModels(models);
}

/** Whether it is called safetensors, or begins with the length of a JSON object and that object. */
async function isModel(file: File): Promise<boolean> {
  if (file.name.toLowerCase().endsWith(".safetensors")) return true;
  try {
    const start = new DataView(await file.slice(0, 9).arrayBuffer());
    return start.getBigUint64(0, true) < BigInt(file.size) && start.getUint8(8) === "{".charCodeAt(0);
  } catch {
    return false;
  }
}

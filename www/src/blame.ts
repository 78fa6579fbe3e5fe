/** Which layer is to blame: asked of the job worker for the models in use, when somebody looks. */

import { signal } from "@preact/signals";
import { fail } from "./fail";
import { ask } from "./jobs";
import { layerTitles } from "./layers";
import type { Scheme } from "./scheme";
import * as state from "./state";
import type { Blame } from "./wasm/quantpad.js";

/** What was found, and of which models. */
export interface Blamed extends Blame {
  titles: string[];
  scheme: string;
  axes: Scheme;
}

export const blamed = signal<Blamed | null>(null);

/** The models that were asked about last. */
let asked: typeof state.models.value = null;

/** Asks about the models in use, unless that has been done or the worker is busy. */
export async function refresh(): Promise<void> {
  const { models, trained, usedScheme, usedAxes, busy } = state;
  const [inUse, axes] = [models.value, usedAxes.value];
  if (!inUse || !axes || busy.value || asked === inUse) return;
  asked = inUse;
  const known = { titles: layerTitles(trained.value), scheme: usedScheme.value, axes };
  const { seed } = trained.value;
  try {
    const found = await ask((jobs) => jobs.blame(inUse.fp32, inUse.quantized, seed));
    if (models.value === inUse) blamed.value = { ...found, ...known };
  } catch (error) {
    if (asked === inUse) asked = null;
    fail(error);
  }
}

/** Where the models in use differ on the test images: found when somebody looks. */

import { computed, signal } from "@preact/signals";
import { ask } from "./jobs";
import type { Scheme } from "./scheme";
import * as state from "./state";
import type { Flips } from "./wasm/quantpad.js";

type Models = NonNullable<typeof state.models.value>;

/** The last ones found, and of which models on which data, quantized how. */
export const flips = signal<{ found: Flips; models: Models; data: state.Data; scheme: Scheme } | null>(null);
/** Whether they are those of the models in use. */
export const current = computed(() => flips.value !== null && flips.value.models === state.models.value);

/** The models that are being asked. */
let asked: Models | null = null;

export async function findFlips(): Promise<void> {
  const models = state.models.value;
  if (!models || current.value || asked === models) return;
  asked = models;
  const { seed, data } = state.trained.value;
  const scheme = state.shownAxes.value;
  try {
    const found = await ask((jobs) => jobs.flips(models.fp32, models.quantized, seed));
    if (models === state.models.value) flips.value = { found, models, data, scheme };
  } finally {
    if (asked === models) asked = null;
  }
}

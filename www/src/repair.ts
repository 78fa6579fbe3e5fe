/** The lab's mistake and its repair, on the lab's fit and on the model in use: computed when somebody looks. */

import { computed, signal } from "@preact/signals";
import { ask } from "./jobs";
import * as state from "./state";
import type { CastStep, Repair } from "./wasm/quantpad.js";

/** Softmax regression in fp32 and after each step; the steps by their names. */
export interface Repaired {
  weights: number[];
  confusion: number[];
  wrap: CastStep;
  saturate: CastStep;
  scale: CastStep;
}

const named = ({ weights, confusion, casts: [wrap, saturate, scale] }: Repair): Repaired => ({
  weights,
  confusion,
  wrap,
  saturate,
  scale,
});

export const labRepair = signal<Repaired | null>(null);
/** Of softmax regression trained here, and which one. */
const ownRepair = signal<{ repair: Repaired; fp32: Uint8Array } | null>(null);

/** Whether the model in use is one on which the lab's mistake can be repeated. */
export const repairable = computed(() => {
  const { model, data } = state.trained.value;
  return model === "softmax" && data.name === state.DIGITS.name;
});

/** Of the model in use, where there is one. */
export const repairOfModel = computed(() => {
  const own = ownRepair.value;
  return repairable.value && own && own.fp32 === state.models.value?.fp32 ? own.repair : null;
});

/** The model that is being asked. */
let asked: Uint8Array | null = null;

export async function findRepairs(): Promise<void> {
  const fp32 = state.models.value?.fp32;
  if (!fp32 || asked === fp32) return;
  asked = fp32;
  const { seed } = state.trained.value;
  const wanted = repairable.value && !repairOfModel.value;
  try {
    // Asked at once: the worker may be given other data in between.
    const [lab, own] = await Promise.all([
      labRepair.value ?? ask((jobs) => jobs.repairLab()).then(named),
      wanted ? ask((jobs) => jobs.repairModel(fp32, seed)).then(named) : null,
    ]);
    labRepair.value = lab;
    if (own) ownRepair.value = { repair: own, fp32 };
  } finally {
    if (asked === fp32) asked = null;
  }
}

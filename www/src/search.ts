/** The search for the smallest model, in the job worker. */

import { signal } from "@preact/signals";
import * as Comlink from "comlink";
import { setScheme } from "./engine";
import { fail } from "./fail";
import { ask } from "./jobs";
import { layerTitles } from "./layers";
import { nameOf, ofName } from "./scheme";
import * as state from "./state";
import type { SearchResult } from "./wasm/quantpad.js";

/** What was found, for which model and loss. */
export interface Searched extends SearchResult {
  fp32File: Uint8Array;
  model: state.Trained;
  titles: string[];
  points: number;
}

export const searched = signal<Searched | null>(null);
/** Share that is done, 0 to 1; null when nothing is searched. */
export const searching = signal<number | null>(null);

export async function search(points: number): Promise<void> {
  const { models, trained, calibration, axes, busy } = state;
  if (!models.value || busy.value || searching.value !== null) return;
  const { fp32 } = models.value;
  const model = trained.value;
  const request = {
    scheme: nameOf({ ...axes.value, method: "ptq", layers: {} }),
    seed: model.seed,
    samples: calibration.value.samples,
    calibrationSeed: calibration.value.seed,
    correction: "none" as const,
  };
  state.failure.value = null;
  searching.value = 0;
  state.task.value = "the search for the smallest model is under way";
  const report = Comlink.proxy((share: number) => {
    if (searching.value !== null) searching.value = share;
  });
  try {
    const found = await ask((jobs) => jobs.search(fp32, request, points, report));
    if (found) searched.value = { ...found, fp32File: fp32, model, titles: layerTitles(model), points };
  } catch (error) {
    fail(error);
  } finally {
    searching.value = null;
    state.task.value = "";
  }
}

export const stop = () => ask((jobs) => jobs.stopSearch()).catch(fail);

/** Quantizes by that scheme, as it was measured: without correction. */
export async function use(scheme: string): Promise<void> {
  state.correction.value = "none";
  await setScheme(ofName(scheme));
}

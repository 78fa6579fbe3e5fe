/** Quantizes in the job worker by what the controls say. */

import * as Comlink from "comlink";
import { quantizeRecord } from "./controls";
import { ask } from "./jobs";
import { ofName } from "./scheme";
import * as state from "./state";
import { Failure } from "./wasm";
import type { QuantizeRequest, Report, Requantized } from "./worker";

/** Quantizes by what the controls say, even when that changes meanwhile; trains for it where the method says so. */
export async function quantizeAsWanted(fp32: Uint8Array, seed: number): Promise<Requantized> {
  for (;;) {
    const record = quantizeRecord();
    const wanted = { ...record, seed };
    const requantized =
      ofName(record.scheme).method === "qat"
        ? await trainAware(fp32, wanted)
        : await ask((jobs) => jobs.quantize(fp32, wanted));
    if (JSON.stringify(quantizeRecord()) === JSON.stringify(record)) return requantized;
  }
}

async function trainAware(fp32: Uint8Array, wanted: QuantizeRequest): Promise<Requantized> {
  const { requantized, diverged } = await awareOf((report) =>
    ask((jobs) => jobs.trainAware(fp32, wanted, report)),
  );
  if (requantized) return requantized;
  throw new Failure(
    "diverged",
    `Quantization-aware training ran away in epoch ${diverged}. The models in use are untouched.`,
  );
}

/** A training whose progress is shown among the controls of quantization. */
export async function awareOf<T>(train: (report: (report: Report) => void) => Promise<T>): Promise<T> {
  const report = Comlink.proxy(({ share }: Report) => {
    // A last report may come after the worker has been ended.
    if (state.aware.value !== null) state.aware.value = share;
  });
  state.aware.value = 0;
  try {
    return await train(report);
  } finally {
    state.aware.value = null;
  }
}

/** Times what is in use: the models, on every build of the core, and layers of growing size. */

import * as Comlink from "comlink";
import { fail } from "./fail";
import { alone, ask, CoreWorker, cancellation, labCore, measurerDied } from "./jobs";
import * as state from "./state";
import { type Backend, Failure, load, loadable } from "./wasm";
import type { Ceiling, Pair } from "./wasm/quantpad.js";

/** Alternating pairs of samples: a first look at once, then the figures that stay. */
export const QUICK_PAIRS = 2;
export const FULL_PAIRS = 15;

/** The worker that measures, so that nobody waits for it. */
let measurer: CoreWorker | null = null;

/** Times the models in use; asked again meanwhile, it goes on until those in use then have been timed as often. */
export async function measure(pairs: number): Promise<void> {
  wantedPairs = Math.max(wantedPairs, pairs);
  measuring ??= measureAll().finally(() => {
    measuring = null;
  });
  await measuring;
}

let wantedPairs = 0;
let measuring: Promise<void> | null = null;

async function measureAll(): Promise<void> {
  state.measuring.value = true;
  try {
    while (state.models.value && wantedPairs > 0) {
      const { fp32, quantized } = state.models.value;
      const pairs = wantedPairs;
      wantedPairs = 0;
      const images = await timedImages();
      measurer ??= new CoreWorker(labCore(), [], measurerDied);
      const measured = await measurer.ask((jobs) => jobs.measure(fp32, quantized, images, pairs));
      // Figures of models that are no longer in use are not shown.
      if (state.models.value?.quantized !== quantized) continue;
      state.timing.value = { ...measured.timing, quantized, axes: state.shownAxes.value };
      state.labReport.value = measured.lab;
    }
  } catch (error) {
    // Whatever went wrong there, the next measurement begins with a new one.
    measurer?.end(cancellation());
    measurer = null;
    throw error;
  } finally {
    state.measuring.value = false;
  }
}

/** The images that are timed, as long as they are of the models in use. */
let timed: { images: Float32Array; trained: state.Trained } | null = null;

async function timedImages(): Promise<Float32Array> {
  const trained = state.trained.value;
  if (timed?.trained.seed !== trained.seed || timed.trained.data !== trained.data) {
    timed = { images: await ask((jobs) => jobs.timedImages(trained.seed)), trained };
  }
  return timed.images;
}

export async function timeAgain(): Promise<void> {
  try {
    await measure(FULL_PAIRS);
  } catch (error) {
    fail(error);
  }
}

/** Times the models on every build of the core that this browser can run, one after the other. */
export async function compareBackends(): Promise<void> {
  if (!state.models.value || state.comparing.value) return;
  const { fp32, quantized } = state.models.value;
  state.backends.value = [];
  const missing: Backend[] = [];
  try {
    const images = await timedImages();
    for (const name of await loadable()) {
      state.comparing.value = name;
      const core = await (name === state.backend.value ? labCore() : load("lab", name)).catch((error) => {
        if (!(error instanceof Failure && error.code === "unreachable")) throw error;
        missing.push(name);
      });
      if (!core) continue;
      const timing = await alone(Promise.resolve(core), (jobs) =>
        jobs.time(fp32, quantized, images, FULL_PAIRS),
      );
      if (state.models.value?.quantized !== quantized) return;
      state.backends.value = [...state.backends.value, { backend: name, timing }];
    }
    if (missing.length > 0) throw unmeasured(missing);
  } catch (error) {
    fail(error);
  } finally {
    state.comparing.value = null;
  }
}

const unmeasured = (builds: Backend[]) =>
  new Failure(
    "offline",
    `Not measured: ${builds.join(" and ")}. Only the build that this browser uses is kept on this device; the others need the network, which cannot be reached.`,
  );

let stopPayoff: (() => void) | null = null;

/** Times layers from 64 to 4096 inputs and outputs. What has been measured stays, however it ends. */
export async function measurePayoff(): Promise<void> {
  if (state.measuringPayoff.value) return;
  state.measuringPayoff.value = true;
  state.payoff.value = null;
  const stopped = new Promise<void>((stop) => {
    stopPayoff = stop;
  });
  const begin = Comlink.proxy((path: string, ceilings: Ceiling[]) => {
    state.payoff.value = { path, ceilings, layers: [] };
  });
  const report = Comlink.proxy((rows: number, size: number, time: Pair) => {
    const payoff = state.payoff.value;
    if (payoff) state.payoff.value = { ...payoff, layers: [...payoff.layers, { rows, size, time }] };
  });
  try {
    // A worker of its own: the memory of the largest layers goes with it.
    await alone(labCore(), (jobs) => jobs.payoff(begin, report), stopped);
  } catch (error) {
    fail(error);
  } finally {
    state.measuringPayoff.value = false;
  }
}

export const cancelPayoff = () => stopPayoff?.();

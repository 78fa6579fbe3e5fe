/**
 * Compares every scheme, of one model or of all three: a pool of workers quantizes and judges them, then one worker alone
 * times them, for on a busy machine times mean little.
 */

import { effect } from "@preact/signals";
import * as Comlink from "comlink";
import type { Subject } from "./engine";
import { fail } from "./fail";
import { type CoreWorker, cancellation, labCore } from "./jobs";
import { Pool, type Task } from "./pool";
import { DEFAULT_RECORD } from "./record";
import { ofName } from "./scheme";
import * as state from "./state";
import {
  allModels,
  conditions,
  type Entry,
  end,
  entries,
  type Progress,
  progress,
  SAMPLE_MS,
  SAMPLES,
  withAware,
} from "./sweep";
import { Failure } from "./wasm";
import { networkDefaults, sweepSchemes } from "./wasm/page.js";
import type { ModelName, Timing } from "./wasm/quantpad.js";
import type { Report, SweepRequest } from "./worker";

/** A time whose samples spread more is taken once again. */
const STEADY = 0.1;
/** Between two looks at what has come in, in ms. */
const PUBLISH = 50;

const MODELS: ModelName[] = ["softmax", "mlp", "cnn"];

/** The last model of each kind that the page has used, or trained here. */
const known = new Map<ModelName, Subject>();
effect(() => {
  const used = state.models.value;
  const trained = state.trained.peek();
  if (used) known.set(trained.model, { fp32: used.fp32, trained });
});

let stop: (reason: Failure) => void = () => {};

export const cancel = () => stop(cancellation());

/** Begins anew with what the controls say. What has come in stays, however it ends. */
export async function run(): Promise<void> {
  if (!state.models.value || progress.value) return;
  const { trained } = state;
  const { samples, seed: calibrationSeed } = state.calibration.value;
  const request = {
    seed: trained.value.seed,
    samples,
    calibrationSeed,
    correction: state.correction.value,
  };
  const schemes = [...sweepSchemes(false), ...(withAware.value ? sweepSchemes(true) : [])];
  const models = allModels.value ? MODELS : [trained.value.model];
  const total = models.length * schemes.length;
  const pool = new Pool(labCore(), total, trained.value.data.many);
  const sweep = new Sweep(models, schemes, request);
  state.failure.value = null;
  state.task.value = "the comparison of every scheme is under way";
  end.value = null;
  progress.value = { judged: 0, timed: 0, total, training: sweep.trainings, timing: false };
  conditions.value = {
    request,
    data: trained.value.data,
    backend: state.backend.value,
    workers: pool.size,
    schemes: schemes.length,
    trained: sweep.missing,
  };
  sweep.publish();
  const publisher = setInterval(() => sweep.publish(), PUBLISH);
  const begin = performance.now();
  let judgingMs = 0;
  const everything = async () => {
    await untilNothingElseIsMeasured();
    await pool.run(sweep.tasks);
    judgingMs = performance.now() - begin;
    await untilNothingElseIsMeasured();
    const timer = pool.last();
    if (timer) await sweep.time(timer);
  };
  let cancelled = false;
  try {
    const stopped = new Promise<never>((_, reject) => {
      stop = reject;
    });
    await Promise.race([everything(), stopped]);
  } catch (error) {
    cancelled = true;
    fail(error);
  } finally {
    pool.end();
    clearInterval(publisher);
    sweep.publish();
    const ms = performance.now() - begin;
    judgingMs ||= ms;
    end.value = { cancelled, judgingMs, timingMs: ms - judgingMs, diverged: sweep.diverged };
    progress.value = null;
    state.task.value = "";
  }
}

/** What is to be done, and what has been found. */
class Sweep {
  /** For the pool: trainings first, then the schemes of the models that are there; the others follow. */
  readonly tasks: Task[] = [];
  /** Models to be trained. */
  readonly missing: ModelName[] = [];
  /** Schemes whose training ran away. */
  readonly diverged: string[] = [];
  readonly #trained = state.trained.value;
  readonly #models: ModelName[];
  readonly #schemes: string[];
  readonly #request: SweepRequest;
  /** By number. */
  readonly #found = new Map<number, Entry>();
  /** What each worker compares with. */
  readonly #subjects = new Map<CoreWorker, Subject>();
  #judged = 0;
  #timed = 0;
  #changed = true;

  constructor(models: ModelName[], schemes: string[], request: SweepRequest) {
    this.#models = models;
    this.#schemes = schemes;
    this.#request = request;
    const { data, seed } = this.#trained;
    for (const model of models) {
      const subject = known.get(model);
      if (subject?.trained.data === data && subject.trained.seed === seed) {
        this.#judgeAll(subject);
      } else {
        this.missing.push(model);
        // The longest training is last in the list, and shall begin first.
        this.tasks.unshift((worker) => this.#train(worker, model));
      }
    }
  }

  get trainings(): Progress["training"] {
    return Object.fromEntries(this.missing.map((model) => [model, 0]));
  }

  /** Shows what has come in. */
  publish(): void {
    if (!this.#changed) return;
    this.#changed = false;
    entries.value = [...this.#found.values()].sort((a, b) => a.number - b.number);
    note(() => ({ judged: this.#judged, timed: this.#timed }));
  }

  #judgeAll(subject: Subject): void {
    const first = this.#models.indexOf(subject.trained.model) * this.#schemes.length;
    this.#schemes.forEach((scheme, i) => {
      this.tasks.push((worker) => this.#judge(worker, subject, scheme, first + i));
    });
  }

  async #judge(worker: CoreWorker, subject: Subject, scheme: string, number: number): Promise<void> {
    const { fp32 } = subject;
    if (this.#subjects.get(worker) !== subject) {
      await worker.ask((jobs) => jobs.sweepOn(fp32, this.#request));
      this.#subjects.set(worker, subject);
    }
    const { seed } = this.#request;
    const swept = await worker.ask((jobs) =>
      ofName(scheme).method === "qat" ? jobs.sweepAware(fp32, scheme, seed) : jobs.sweepScheme(scheme),
    );
    if (swept) this.#found.set(number, { number, subject, scheme, ...swept, time: null });
    else this.diverged.push(scheme);
    this.#judged++;
    this.#changed = true;
  }

  /** Trains a model with the defaults, and has its schemes judged. */
  async #train(worker: CoreWorker, model: ModelName): Promise<void> {
    const { data, seed } = this.#trained;
    const network = networkDefaults(model === "softmax" ? "mlp" : model, data.train);
    const report = ({ share }: Pick<Report, "share">) =>
      note(({ training }) => ({ training: { ...training, [model]: Math.max(training[model] ?? 0, share) } }));
    const listener = Comlink.proxy(report);
    const request = { model, seed, c: 1, augment: false, network };
    const { fp32, diverged } = await worker.ask((jobs) => jobs.train(request, false, listener));
    if (diverged !== null) {
      throw new Failure("diverged", `The training of the model ${model} ran away in step ${diverged}.`);
    }
    report({ share: 1 });
    const layers = model === "softmax" ? [] : network.layers;
    const made = { ...DEFAULT_RECORD, ...state.named(data), model, seed };
    const subject = { fp32, trained: { model, layers, seed, data, tuned: 0, early: false, made } };
    known.set(model, subject);
    this.#judgeAll(subject);
  }

  /** Times everything that has been judged, one after the other. */
  async time(worker: CoreWorker): Promise<void> {
    this.publish();
    note(() => ({ timing: true }));
    const { data, seed } = this.#trained;
    const images = await worker.ask((jobs) => jobs.timedImages(seed));
    const image = images.slice(0, data.width * data.height);
    const time = async ({ quantized }: Entry): Promise<Timing> =>
      await worker.ask((jobs) => jobs.timeOne(quantized, image, SAMPLES, SAMPLE_MS));
    for (const entry of entries.value) {
      const first = await time(entry);
      // Something else came between the samples.
      const again = spread(first) > STEADY ? await time(entry) : first;
      this.#found.set(entry.number, { ...entry, time: spread(again) < spread(first) ? again : first });
      this.#timed++;
      this.#changed = true;
    }
  }
}

function note(change: (now: Progress) => Partial<Progress>): void {
  const now = progress.value;
  if (now) progress.value = { ...now, ...change(now) };
}

/** The middle half of the samples, as a share of the median. */
const spread = ({ q1Ns, medianNs, q3Ns }: Timing) => (q3Ns - q1Ns) / medianNs;

/** Whoever measures would disturb, and be disturbed. */
function untilNothingElseIsMeasured(): Promise<void> {
  const { measuring, measuringPayoff, comparing } = state;
  return new Promise((resolve) => {
    const dispose = effect(() => {
      if (measuring.value || measuringPayoff.value || comparing.value !== null) return;
      resolve();
      queueMicrotask(() => dispose());
    });
  });
}

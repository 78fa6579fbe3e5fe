/** Workers with the core in them: the one that does the page's jobs, and others for a task of their own. */

import * as Comlink from "comlink";
import { fail } from "./fail";
import * as state from "./state";
import { type Backend, type Core, Failure, load } from "./wasm";
import type { Jobs } from "./worker";

type Job<T> = (jobs: Comlink.Remote<Jobs>) => Promise<T>;

/** A worker; when it dies or is ended, its jobs are rejected, for they would never answer. */
export class CoreWorker {
  readonly #thread: Worker;
  readonly #jobs: Promise<Comlink.Remote<Jobs>>;
  readonly #pending = new Set<(reason: Failure) => void>();
  readonly #died: (reason: string) => Failure;

  /** `files`: of the data set to work on; none are the digits. `died` says in words what its death means. */
  constructor(core: Promise<Core>, files: File[], died: (reason: string) => Failure) {
    this.#died = died;
    this.#thread = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
    this.#thread.addEventListener("error", (event) => {
      event.preventDefault();
      this.#die(event.message);
    });
    const remote = Comlink.wrap<Jobs>(this.#thread);
    this.#jobs = core.then(({ module, digits }) => remote.start(module, digits, files)).then(() => remote);
    // Whoever asks for a job hears of a failed start; nobody may have asked yet.
    this.#jobs.catch(() => {});
  }

  /** Runs a job; rejects when it fails, or the worker dies or is ended. */
  async ask<T>(job: Job<T>): Promise<T> {
    let reject!: (reason: Failure) => void;
    const ended = new Promise<never>((_, rejectEnded) => {
      reject = rejectEnded;
    });
    this.#pending.add(reject);
    try {
      return await Promise.race([this.#jobs.then(job), ended]);
    } catch (error) {
      // A trap leaves the worker's instance unusable. (Comlink hands errors over by name.)
      if (error instanceof Error && error.name === "RuntimeError") this.#die(error.message);
      throw error;
    } finally {
      this.#pending.delete(reject);
    }
  }

  end(reason: Failure): void {
    this.#thread.terminate();
    for (const reject of [...this.#pending]) reject(reason);
  }

  #die(reason: string): void {
    this.end(this.#died(reason || "no reason given"));
  }
}

/**
 * A job that is no longer wanted. Made when it is needed: an error made while the page's code is run for the first time has
 * the engine read all of it once more, for the places on its stack.
 */
export const cancellation = () => new Failure("cancelled", "");

/** What the death of a worker that only measures means. */
export const measurerDied = (reason: string) =>
  new Failure("worker-crashed", `The worker that measures has stopped (${reason}).`);

/** The build of the core that this browser runs, once known. */
let backend: Backend | null = null;
/** The workers' part of the core, once asked for. */
let lab: Promise<Core> | null = null;
/** The job worker, if one is up; the next job starts one otherwise. */
let worker: CoreWorker | null = null;
/** Files of the data set in use (the models' own); none are the digits. A new worker reads them again. */
let dataFiles: File[] = [];

/** From now on there can be workers, on that build of the core. */
export function begin(chosen: Backend): void {
  backend = chosen;
}

/** The workers' part of the core. What could not be loaded is asked for again the next time. */
export async function labCore(): Promise<Core> {
  if (!backend) throw new Failure("not-ready", "The page is still loading; try again in a moment.");
  lab ??= load("lab", backend).catch((error) => {
    lab = null;
    throw error;
  });
  return lab;
}

export const hasOwnData = () => dataFiles.length > 0;

/** A further worker on the data set in use; `died` says in words what its death means. */
export const another = (core: Promise<Core>, died: (reason: string) => Failure) =>
  new CoreWorker(core, dataFiles, died);

/** From now on new workers work on the data set of these files. */
export function keepData(files: File[]): void {
  dataFiles = files;
}

/** Runs a job in the job worker. */
export async function ask<T>(job: Job<T>): Promise<T> {
  worker ??= spawn();
  return worker.ask(job);
}

/** Ends every job with its worker. */
export function endJobs(reason: Failure): void {
  const ended = worker;
  worker = null;
  ended?.end(reason);
}

function spawn(): CoreWorker {
  return new CoreWorker(labCore(), dataFiles, (reason) => {
    const kept = state.models.value
      ? " The models in use are untouched: drawing goes on, and Train starts a new worker."
      : " Press Train to try again.";
    const failure = new Failure(
      "worker-crashed",
      `The worker that trains and measures has stopped (${reason}).${kept}`,
    );
    worker = null;
    fail(failure);
    return failure;
  });
}

/** Runs a job in a worker of its own, on that build of the core; ends the worker when it is done, or `stopped`. */
export async function alone<T>(core: Promise<Core>, job: Job<T>, stopped?: Promise<T>): Promise<T> {
  const worker = new CoreWorker(core, [], measurerDied);
  try {
    const done = worker.ask(job);
    return await Promise.race(stopped ? [done, stopped] : [done]);
  } finally {
    worker.end(cancellation());
  }
}

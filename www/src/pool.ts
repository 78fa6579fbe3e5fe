/** Several workers, each with a core and the data set in use, that share a list of tasks. */

import { another, type CoreWorker, cancellation, measurerDied } from "./jobs";
import type { Core } from "./wasm";

/** Most workers, and most where each has a large data set of its own in memory. */
const MOST = 8;
const MOST_LARGE = 4;

export type Task = (worker: CoreWorker) => Promise<void>;

export class Pool {
  readonly #workers: CoreWorker[];

  /** One for each core of the machine, but no more than there are `tasks`. */
  constructor(core: Promise<Core>, tasks: number, large: boolean) {
    const most = Math.min(navigator.hardwareConcurrency, large ? MOST_LARGE : MOST, tasks);
    this.#workers = Array.from({ length: Math.max(1, most) }, () => another(core, measurerDied));
  }

  get size(): number {
    return this.#workers.length;
  }

  /** Does all tasks, each in the next worker that is free; a task may add others to the list. Rejects when one fails. */
  async run(tasks: Task[]): Promise<void> {
    let running = 0;
    const idle: (() => void)[] = [];
    const work = async (worker: CoreWorker) => {
      for (;;) {
        const task = tasks.shift();
        if (task) {
          running++;
          await task(worker);
          running--;
          for (const wake of idle.splice(0)) wake();
        } else if (running > 0) {
          await new Promise<void>((wake) => idle.push(wake));
        } else {
          return;
        }
      }
    };
    await Promise.all(this.#workers.map(work));
  }

  /** Ends all workers but one, and hands that one out. */
  last(): CoreWorker | undefined {
    for (const worker of this.#workers.splice(1)) worker.end(cancellation());
    return this.#workers[0];
  }

  /** Ends every worker, whatever it does. */
  end(): void {
    for (const worker of this.#workers) worker.end(cancellation());
  }
}

/**
 * The page's own part of the core, and the first fit: on this thread, which is quicker than a worker starts. Where a visit
 * begins anew, both begin before the page's own code (`main.tsx`) is there.
 */

import { beginsAnew, SEED } from "./anew";
import { breathe } from "./breathe";
import { type Core, loadPage } from "./wasm";
import init, { First, type Step } from "./wasm/page.js";

/** The longest that a fit keeps the page from anything else, in ms: most machines need no more for all of it. */
const SLICE = 100;

/** A fit that is over. */
export interface Fit {
  first: First;
  seed: number;
  history: Step[];
  computeMs: number;
}

/** Fits softmax regression, as usual but for the seed. Whoever gets it frees it. */
export async function fit({ digits }: Core, seed: number): Promise<Fit> {
  const history: Step[] = [];
  const first = new First(digits, seed);
  try {
    let computeMs = 0;
    for (let done = false; !done; ) {
      const begin = performance.now();
      while (!done && performance.now() - begin < SLICE) {
        const progress = first.step();
        history.push(...progress.steps);
        done = progress.done;
      }
      computeMs += performance.now() - begin;
      if (!done) await breathe();
    }
    return { first, seed, history, computeMs };
  } catch (error) {
    first.free();
    throw error;
  }
}

/** The page's own part, instantiated. */
export const core: Promise<Core> = loadPage().then(async (core) => {
  await init({ module_or_path: core.module });
  return core;
});

/** The usual fit, where it can be told so early that it is wanted. */
export const early: Promise<Fit> | null = beginsAnew() ? core.then((core) => fit(core, SEED)) : null;

// Whoever waits for them hears of a failure.
for (const waited of [core, early]) waited?.catch(() => {});

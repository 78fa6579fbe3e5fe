/**
 * Keeps the page's address in step with what is in use, so that copying it copies the run, and the browser's back and
 * forward lead through the runs and the steps of the tour.
 */

import { effect } from "@preact/signals";
import * as engine from "./engine";
import { fromQuery, toQuery } from "./record";
import * as runs from "./runs";
import * as state from "./state";
import { setView, stop, view } from "./view";

/** What an entry of the browser's history knows besides its address. */
interface Entry {
  /** Number of the run that was in use. */
  run: number | null;
}

/** Browsers allow some ten changes of the address a second, and what is followed input by input changes more often. In ms. */
const REST = 300;

/** What the last address was written for. */
let last: { models: typeof state.models.value; run: number | null; stop: number | null } | null = null;
/** Whether the next models belong to the entry of the history that the visitor has just come to. */
let entered = false;
/** Whether the browser's buttons change what is shown, so that there is no new entry. */
let travelling = false;

export function keepAddress(): void {
  effect(() => {
    const [models, run, at] = [state.models.value, runs.used.value, stop.value];
    const search = searchOf();
    if (!models) return;
    const changed = models !== last?.models;
    const step = at !== null && at !== last?.stop;
    // What was passed through before it was a run is not come back to.
    const leaves = last && !travelling && (changed ? last.run !== null && !entered : step);
    entered = changed ? false : entered || (step && !travelling);
    last = { models, run, stop: at };
    history[leaves ? "pushState" : "replaceState"]({ run } satisfies Entry, "", addressOf(search));
  });
  let timer: ReturnType<typeof setTimeout>;
  effect(() => {
    if (view.value && !last) return;
    clearTimeout(timer);
    timer = setTimeout(rewrite, REST);
  });
  addEventListener("popstate", ({ state }) => void travel(state as Entry | null));
}

/** What the address says after its path, of the run in use; the view is read, but not waited for. */
const searchOf = () => toQuery(state.record.value, view.peek());

const addressOf = (search: string) => `${location.pathname}${search && `?${search}`}${location.hash}`;

function rewrite(): void {
  if (state.models.value) history.replaceState(history.state, "", addressOf(searchOf()));
}

/** Shows what an entry of the history showed. */
async function travel(entry: Entry | null): Promise<void> {
  if (!state.models.value) return;
  const asked = fromQuery(location.search);
  travelling = true;
  setView(asked.view);
  travelling = false;
  const run = entry?.run ?? null;
  const same = toQuery(asked.record) === toQuery(state.record.value);
  if (same && (run === null || run === runs.used.value)) return;
  entered = true;
  await engine.comeTo(run, toQuery(asked.record));
  entered = false;
  rewrite();
}

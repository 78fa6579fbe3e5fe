/** What this tab comes back to after a reload or a crash: the drawing and the run in use. Each tab has its own. */

import { effect } from "@preact/signals";
import { isKnown, TAB_KEY } from "./anew";
import { fromQuery, toQuery } from "./record";
import * as runs from "./runs";
import * as state from "./state";
import * as storage from "./storage";

/** A drawing is written down once it has rested for so long, in ms; an empty pad at once. */
const REST = 300;

/** How long the beginning waits for what the tab showed before, in ms. */
const PATIENCE = 3000;

export interface Recalled {
  strokes: number[][];
  run: runs.Run | undefined;
  /** Of the run's data set; none are the digits. */
  files: File[];
}

/**
 * What this tab showed before, if it showed the run that the address says. A new tab recalls nothing, and waits for nothing;
 * where the database does not answer, the page begins without it.
 */
export function recall(): Promise<Recalled | null> {
  const id = isKnown() ? sessionStorage.getItem(TAB_KEY) : null;
  if (!id) return Promise.resolve(null);
  return Promise.race([read(id), new Promise<null>((late) => setTimeout(late, PATIENCE, null))]);
}

async function read(id: string): Promise<Recalled | null> {
  try {
    const tab = await storage.readTab(id);
    if (!tab) return null;
    const run = tab.run === null ? undefined : await storage.readRun(tab.run);
    const same = run && toQuery(run.record) === toQuery(fromQuery(location.search).record);
    const own = same && run.trained.data.name !== state.DIGITS.name;
    const data = own ? await storage.readData(tab.id) : undefined;
    const there = same && (!own || data?.name === run.trained.data.name);
    return { strokes: tab.strokes, run: there ? run : undefined, files: (there && data?.files) || [] };
  } catch {
    return null;
  }
}

/** The tab is as a new one from the next load on. */
export function forget(): void {
  sessionStorage.removeItem(TAB_KEY);
}

/** What this tab goes by in the database; null where the browser keeps nothing. */
let named: Promise<string | null> = Promise.resolve(null);

/** Begins to write down what there is to come back to. A browser that keeps nothing has nothing to come back to. */
export async function keep(strokes: () => number[][]): Promise<void> {
  named = takeName().catch(() => null);
  const id = await named;
  if (!id) return;
  let timer: ReturnType<typeof setTimeout>;
  storage.onChange((change) => {
    // Another tab has deleted everything: nothing is written until there is something new.
    if ("everything" in change) clearTimeout(timer);
  });
  effect(() => {
    const run = runs.used.value;
    // It follows every move of the pen.
    const empty = state.image.value === null;
    clearTimeout(timer);
    timer = setTimeout(
      () => {
        const tab = { id, when: Date.now(), strokes: strokes(), run: run !== null && run > 0 ? run : null };
        void storage.keepTab(tab).catch(() => {});
      },
      empty ? 0 : REST,
    );
  });
}

/** Keeps the files of the data set in use for this tab; none are the digits. */
export async function keepData(data: storage.KeptData): Promise<void> {
  const id = await named;
  if (!id) throw new Error("this tab keeps nothing");
  await storage.keepData(id, data);
}

/** The name that this tab had; a tab duplicated from another, which has that name too, takes a new one. */
async function takeName(): Promise<string> {
  const known = sessionStorage.getItem(TAB_KEY);
  if (known && (await claim(known))) return known;
  const id = crypto.randomUUID();
  sessionStorage.setItem(TAB_KEY, id);
  await claim(id);
  const data = known ? await storage.readData(known) : undefined;
  if (data) await storage.keepData(id, data);
  return id;
}

/** Whether no other open tab goes by this name; from now on this one does, until it is closed or reloaded. */
function claim(id: string): Promise<boolean> {
  return new Promise((answer) => {
    const held = navigator.locks.request(`quantpad-tab-${id}`, { ifAvailable: true }, (lock) => {
      answer(lock !== null);
      return lock ? new Promise<never>(() => {}) : undefined;
    });
    held.catch(() => answer(true));
  });
}

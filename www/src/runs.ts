/** Past runs: each pair of models that was in use for a while, kept in this browser with its settings and figures. */

import { computed, effect, signal } from "@preact/signals";
import { fail } from "./fail";
import { modelName } from "./format";
import { type RunRecord, toQuery } from "./record";
import * as state from "./state";
import * as storage from "./storage";
import { Failure } from "./wasm";
import type { Evaluation } from "./wasm/quantpad.js";

export interface Run {
  /** Given by the database; negative where nothing can be kept. */
  id: number;
  name: string;
  /** Milliseconds since 1970. */
  when: number;
  record: RunRecord;
  trained: state.Trained;
  /** The fp32 model before it learned from own drawings. */
  base: Uint8Array;
  fp32: Uint8Array;
  quantized: Uint8Array;
  /** Where the quantized model came from, if it was not made here. */
  twin?: state.Opened | null;
  evaluation: Evaluation;
  /** Medians of one image, once measured. */
  ns: { fp32: number; quantized: number } | null;
}

/** Oldest first. */
export const runs = signal<Run[]>([]);

/** The number of the run whose models are in use, once they have become one. */
export const used = signal<number | null>(null);

/** The numbers of the runs in the order of their use in this tab, and where the last of them stands: undo and redo walk there. */
const walk = signal<{ path: number[]; at: number }>({ path: [], at: -1 });

/** The runs that undo and redo lead to, and where they stand. What is in use but not yet noted comes after the last. */
export const previous = computed(() => stop(used.value === null ? walk.value.at : walk.value.at - 1));
export const next = computed(() => (used.value === null ? undefined : stop(walk.value.at + 1)));

function stop(at: number): { run: Run; at: number } | undefined {
  const run = runs.value.find(({ id }) => id === walk.value.path[at]);
  return run && { run, at };
}

/** Where undo or redo would come to that run, if the next of them would. */
export const placeOf = (id: number): number | undefined =>
  [previous.value, next.value].find((stop) => stop?.run.id === id)?.at;

/** What is in use for so long is a run; what a slider passes through is not. In ms. */
const REST = 1000;
/** The most runs that are kept; older ones make room. */
const MOST = 200;

const unkept = (reason: unknown) =>
  new Failure(
    "not-kept",
    `This browser keeps nothing for the page (${storage.whyNot(reason)}): the runs will be gone on reload.`,
  );

/** Begins to note what is used; `base` tells the fp32 model before it learned from own drawings. */
export async function begin(base: () => Uint8Array | null): Promise<void> {
  storage.onChange((change) => void hear(change).catch(() => {}));
  runs.value = await storage.readRuns().catch(() => []);
  let timer: ReturnType<typeof setTimeout>;
  effect(() => {
    if (!state.models.value) return;
    clearTimeout(timer);
    timer = setTimeout(() => void note(base()), REST);
  });
  // The last measurement is the best one.
  effect(() => {
    const ns = times(state.models.value?.quantized);
    if (used.value !== null && ns) void change(used.value, { ns }).catch(() => {});
  });
}

/** Another tab has noted a run, or changed or deleted it. */
async function hear(change: storage.Change): Promise<void> {
  if ("own" in change) return;
  const number = "run" in change ? change.run : null;
  if (number === null) return drop(() => true);
  const run = await storage.readRun(number);
  if (!run) return drop((id) => id === number);
  const known = runs.value.some(({ id }) => id === number);
  runs.value = !known ? [...runs.value, run] : runs.value.map((one) => (one.id === number ? run : one));
}

async function note(base: Uint8Array | null): Promise<void> {
  const models = state.models.value;
  const evaluation = state.evaluation.value;
  if (!models || !evaluation || !base || used.value !== null) return;
  const [trained, record] = [state.trained.value, state.record.value];
  const again = runs.value.find((run) => isOf(run, models, trained, record));
  if (again) return visit(again);
  const run = {
    name: `${modelName(trained)}, ${record.scheme}`,
    when: Date.now(),
    record,
    trained,
    base,
    ...models,
    twin: state.twin.value,
    evaluation,
    ns: times(models.quantized),
  };
  const id = await storage.addRun(run).catch((reason) => {
    // Said once: the next would not be kept either.
    if (runs.value.every(({ id }) => id > 0)) fail(unkept(reason));
    return -Date.now();
  });
  const noted = { ...run, id };
  runs.value = [...runs.value, noted];
  if (state.models.value === models) visit(noted);
  for (const { id } of runs.value.slice(0, -MOST)) await remove(id);
}

/** Whether the models are those of the run, made in the same way. */
function isOf(
  run: Run,
  models: Record<"fp32" | "quantized", Uint8Array>,
  trained: state.Trained,
  record: RunRecord,
) {
  const same = (a: Uint8Array, b: Uint8Array) => a.length === b.length && a.every((byte, i) => byte === b[i]);
  return (
    toQuery(run.record) === toQuery(record) &&
    run.trained.data.name === trained.data.name &&
    run.trained.tuned === trained.tuned &&
    same(run.quantized, models.quantized) &&
    same(run.fp32, models.fp32)
  );
}

/** Says that the models of this run are in use; `place` is where undo or redo found it. */
export function visit({ id }: Run, place?: number): void {
  used.value = id;
  const { path, at } = walk.value;
  if (place !== undefined) walk.value = { path, at: place };
  else if (path[at] !== id) walk.value = { path: [...path.slice(0, at + 1), id], at: at + 1 };
}

/** Medians of one image, if they are of this model. */
function times(quantized: Uint8Array | undefined): Run["ns"] {
  const one = state.timing.value?.quantized === quantized ? state.timing.value?.one : undefined;
  return one ? { fp32: one.a.medianNs, quantized: one.b.medianNs } : null;
}

/** An empty name changes nothing. */
export async function rename(id: number, name: string): Promise<void> {
  if (name.trim() !== "") await kept(change(id, { name: name.trim() }));
}

async function change(id: number, part: Partial<Run>): Promise<void> {
  runs.value = runs.peek().map((one) => (one.id === id ? { ...one, ...part } : one));
  if (id > 0) await storage.changeRun(id, part);
}

export async function remove(id: number): Promise<void> {
  // What the page says is gone is gone.
  if (id > 0) await kept(storage.removeRun(id));
  drop((one) => one === id);
}

export async function clear(): Promise<void> {
  if (runs.value.some(({ id }) => id > 0)) await kept(storage.clear("runs"));
  drop(() => true);
}

/** Takes runs out of the list, and of what undo and redo lead to. */
function drop(dropped: (id: number) => boolean): void {
  runs.value = runs.value.filter(({ id }) => !dropped(id));
  const { path, at } = walk.value;
  const kept = path.filter((id) => !dropped(id));
  const before = path.slice(0, at + 1).filter((id) => !dropped(id));
  walk.value = { path: kept, at: before.length - 1 };
  if (used.value !== null && dropped(used.value)) used.value = null;
}

/** @throws {Failure} when the browser does not keep it */
async function kept(work: Promise<void>): Promise<void> {
  await work.catch((reason) => {
    throw unkept(reason);
  });
}

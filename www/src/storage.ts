/** What stays in this browser: IndexedDB, one database with a version. */

import { type DBSchema, type IDBPDatabase, type IDBPTransaction, openDB } from "idb";
import type { Run } from "./runs";

/** A drawing of the visitor's own: strokes as lists of x, y, x, y in shares of the pad, and the digit meant. */
export interface Own {
  label: number;
  strokes: number[][];
}

/** A data set of the visitor's own: its files, and what they are called. */
export interface KeptData {
  name: string;
  files: File[];
}

/** What a tab comes back to. */
export interface Tab {
  id: string;
  /** Milliseconds since 1970. */
  when: number;
  /** The drawing, as in {@link Own}. */
  strokes: number[][];
  /** Number of the run in use. */
  run: number | null;
}

interface Schema extends DBSchema {
  own: { key: number; value: Own };
  runs: { key: number; value: Run };
  /** The own data set that a tab uses, under the tab's id. */
  data: { key: string; value: { name: string; files: { name: string; bytes: ArrayBuffer }[] } };
  tabs: { key: string; value: Tab };
}

/** What another tab has changed: own drawings, one run or (null) all of them, or everything was deleted. */
export type Change = { own: true } | { run: number | null } | { everything: true };

const channel = new BroadcastChannel("quantpad");
const tell = (change: Change) => channel.postMessage(change);

export function onChange(hear: (change: Change) => void): void {
  channel.addEventListener("message", ({ data }) => hear(data as Change));
}

/** Why nothing is kept, in words: the end of a sentence after a colon. */
export function whyNot(error: unknown): string {
  const name = error instanceof DOMException ? error.name : "";
  if (name === "VersionError")
    return "what it holds was written by a newer version of this page; reload to get that one";
  if (name === "QuotaExceededError") return "there is no room left";
  return "private window, or no room left";
}

const NAME = "quantpad";

let database: Promise<IDBPDatabase<Schema>> | null = null;

function open(): Promise<IDBPDatabase<Schema>> {
  if (database) return database;
  const opened = openDB<Schema>(NAME, 2, {
    upgrade(db, before) {
      if (before < 1) db.createObjectStore("own", { autoIncrement: true });
      if (before < 2) {
        db.createObjectStore("runs", { keyPath: "id", autoIncrement: true });
        db.createObjectStore("data");
        db.createObjectStore("tabs", { keyPath: "id" });
      }
    },
    // Another tab wants a newer version, or the browser closed it: open again when needed.
    blocking: (_current, _blocked, event) => {
      (event.target as IDBDatabase).close();
      database = null;
    },
    terminated: () => {
      database = null;
    },
  });
  database = opened;
  // What was refused once may be granted the next time.
  opened.catch(() => {
    if (database === opened) database = null;
  });
  return opened;
}

export const readOwn = async (): Promise<Own[]> => (await open()).getAll("own");

type Stores = ("own" | "runs" | "data" | "tabs")[];

/** Reads and writes in one go: all of it is kept, or nothing. */
async function write<S extends Stores>(
  stores: S,
  work: (transaction: IDBPTransaction<Schema, S, "readwrite">) => Promise<unknown>,
): Promise<void> {
  const transaction = (await open()).transaction(stores, "readwrite");
  // Both may fail for one reason, and each wants to be heard.
  await Promise.all([work(transaction), transaction.done]);
}

export async function addOwn(drawings: Own[]): Promise<void> {
  await write(["own"], (transaction) => {
    const own = transaction.objectStore("own");
    return Promise.all(drawings.map((drawing) => own.add(drawing)));
  });
  tell({ own: true });
}

/** Takes the last one back. */
export async function removeLastOwn(): Promise<void> {
  await write(["own"], async (transaction) => {
    const cursor = await transaction.objectStore("own").openCursor(null, "prev");
    await cursor?.delete();
  });
  tell({ own: true });
}

export const readRun = async (id: number): Promise<Run | undefined> => (await open()).get("runs", id);

/** Oldest first. */
export const readRuns = async (): Promise<Run[]> => (await open()).getAll("runs");

/** Keeps a run; answers its number. */
export async function addRun(run: Omit<Run, "id">): Promise<number> {
  const id = await (await open()).add("runs", run as Run);
  tell({ run: id });
  return id;
}

/** Changes a part of a run, whatever another tab has changed of it; not, if one has deleted it. */
export async function changeRun(id: number, change: Partial<Run>): Promise<void> {
  await write(["runs"], async (transaction) => {
    const runs = transaction.objectStore("runs");
    const run = await runs.get(id);
    if (run) await runs.put({ ...run, ...change });
  });
  tell({ run: id });
}

export async function removeRun(id: number): Promise<void> {
  await (await open()).delete("runs", id);
  tell({ run: id });
}

export async function readData(tab: string): Promise<KeptData | undefined> {
  const data = await (await open()).get("data", tab);
  return data && { name: data.name, files: data.files.map(({ name, bytes }) => new File([bytes], name)) };
}

/** Keeps the files of the data set that a tab uses; none are the digits. */
export async function keepData(tab: string, { name, files }: KeptData): Promise<void> {
  const db = await open();
  if (files.length === 0) return db.delete("data", tab);
  // As bytes: WebKit keeps no files in a private window.
  const kept = files.map(async (file) => ({ name: file.name, bytes: await file.arrayBuffer() }));
  await db.put("data", { name, files: await Promise.all(kept) }, tab);
}

export const readTab = async (id: string): Promise<Tab | undefined> => (await open()).get("tabs", id);

/** Longer than this nobody comes back to a tab, in ms. */
const TAB_LIFE = 30 * 24 * 3600 * 1000;

/** Keeps what this tab comes back to, and forgets old ones. */
export async function keepTab(tab: Tab): Promise<void> {
  await write(["tabs", "data"], async (transaction) => {
    const [tabs, data] = [transaction.objectStore("tabs"), transaction.objectStore("data")];
    await tabs.put(tab);
    for (const { id, when } of await tabs.getAll()) {
      if (when < tab.when - TAB_LIFE) await Promise.all([tabs.delete(id), data.delete(id)]);
    }
  });
}

/** Empties one store. */
export async function clear(store: "own" | "runs"): Promise<void> {
  await (await open()).clear(store);
  tell(store === "own" ? { own: true } : { run: null });
}

/** Empties every store. The page is to be loaded anew: until then, whatever else wants the database waits in vain. */
export async function clearAll(): Promise<void> {
  // Also one of a newer version of the page.
  const db = await open().catch(() => openDB<Schema>(NAME));
  const transaction = db.transaction(db.objectStoreNames, "readwrite");
  await Promise.all([...db.objectStoreNames].map((name) => transaction.objectStore(name).clear()));
  await transaction.done;
  db.close();
  database = new Promise(() => {});
  tell({ everything: true });
}

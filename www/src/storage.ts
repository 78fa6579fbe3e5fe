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
    upgrade(db, before, _, transaction) {
      follow(transaction);
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

type Mode = "readonly" | "readwrite" | "versionchange";
type Stores = ("own" | "runs" | "data" | "tabs")[];
type Transaction = Pick<IDBPTransaction<Schema, Stores, Mode>, "abort" | "done">;

/** Transactions under way. */
const underWay = new Set<Transaction>();

function follow(transaction: Transaction): void {
  underWay.add(transaction);
  const over = () => underWay.delete(transaction);
  transaction.done.then(over, over);
}

/** How often the page was left and kept by the browser, to be come back to. */
let left = 0;

// WebKit keeps such a page as it is, in the midst of its transactions, and the next page waits for their end in vain: they
// are given up.
addEventListener("pagehide", ({ persisted }) => {
  if (!persisted) return;
  left++;
  for (const transaction of underWay) {
    try {
      transaction.abort();
    } catch {
      // It is over already.
    }
  }
});

/** Reads and writes in one go: all of it is kept, or nothing. What was given up is done when the page is come back to. */
async function transact<M extends "readonly" | "readwrite", S extends Stores, T>(
  mode: M,
  stores: S,
  work: (transaction: IDBPTransaction<Schema, S, M>) => Promise<T>,
): Promise<T> {
  for (;;) {
    const before = left;
    try {
      const transaction = (await open()).transaction(stores, mode);
      follow(transaction);
      // Both may fail for one reason, and each wants to be heard.
      const [answer] = await Promise.all([work(transaction), transaction.done]);
      return answer;
    } catch (error) {
      if (left === before) throw error;
    }
  }
}

export const readOwn = (): Promise<Own[]> =>
  transact("readonly", ["own"], (transaction) => transaction.objectStore("own").getAll());

export async function addOwn(drawings: Own[]): Promise<void> {
  await transact("readwrite", ["own"], (transaction) => {
    const own = transaction.objectStore("own");
    return Promise.all(drawings.map((drawing) => own.add(drawing)));
  });
  tell({ own: true });
}

/** Takes the last one back. */
export async function removeLastOwn(): Promise<void> {
  await transact("readwrite", ["own"], async (transaction) => {
    const cursor = await transaction.objectStore("own").openCursor(null, "prev");
    await cursor?.delete();
  });
  tell({ own: true });
}

export const readRun = (id: number): Promise<Run | undefined> =>
  transact("readonly", ["runs"], (transaction) => transaction.objectStore("runs").get(id));

/** Oldest first. */
export const readRuns = (): Promise<Run[]> =>
  transact("readonly", ["runs"], (transaction) => transaction.objectStore("runs").getAll());

/** Keeps a run; answers its number. */
export async function addRun(run: Omit<Run, "id">): Promise<number> {
  const id = await transact("readwrite", ["runs"], (transaction) =>
    transaction.objectStore("runs").add(run as Run),
  );
  tell({ run: id });
  return id;
}

/** Changes a part of a run, whatever another tab has changed of it; not, if one has deleted it. */
export async function changeRun(id: number, change: Partial<Run>): Promise<void> {
  await transact("readwrite", ["runs"], async (transaction) => {
    const runs = transaction.objectStore("runs");
    const run = await runs.get(id);
    if (run) await runs.put({ ...run, ...change });
  });
  tell({ run: id });
}

export async function removeRun(id: number): Promise<void> {
  await transact("readwrite", ["runs"], (transaction) => transaction.objectStore("runs").delete(id));
  tell({ run: id });
}

export async function readData(tab: string): Promise<KeptData | undefined> {
  const data = await transact("readonly", ["data"], (transaction) =>
    transaction.objectStore("data").get(tab),
  );
  return data && { name: data.name, files: data.files.map(({ name, bytes }) => new File([bytes], name)) };
}

/** Keeps the files of the data set that a tab uses; none are the digits. */
export async function keepData(tab: string, { name, files }: KeptData): Promise<void> {
  // As bytes: WebKit keeps no files in a private window.
  const bytes = files.map(async (file) => ({ name: file.name, bytes: await file.arrayBuffer() }));
  const kept = { name, files: await Promise.all(bytes) };
  await transact("readwrite", ["data"], async (transaction) => {
    const data = transaction.objectStore("data");
    if (files.length === 0) await data.delete(tab);
    else await data.put(kept, tab);
  });
}

export const readTab = (id: string): Promise<Tab | undefined> =>
  transact("readonly", ["tabs"], (transaction) => transaction.objectStore("tabs").get(id));

/** Longer than this nobody comes back to a tab, in ms. */
const TAB_LIFE = 30 * 24 * 3600 * 1000;

/** Keeps what this tab comes back to, and forgets old ones. */
export async function keepTab(tab: Tab): Promise<void> {
  await transact("readwrite", ["tabs", "data"], async (transaction) => {
    const [tabs, data] = [transaction.objectStore("tabs"), transaction.objectStore("data")];
    await tabs.put(tab);
    for (const { id, when } of await tabs.getAll()) {
      if (when < tab.when - TAB_LIFE) await Promise.all([tabs.delete(id), data.delete(id)]);
    }
  });
}

/** Empties one store. */
export async function clear(store: "own" | "runs"): Promise<void> {
  await transact("readwrite", [store], (transaction) => transaction.objectStore(store).clear());
  tell(store === "own" ? { own: true } : { run: null });
}

/** Empties every store. The page is to be loaded anew: whatever else wants the database from now on waits in vain. */
export async function clearAll(): Promise<void> {
  const opened = open();
  let goOn: (again: Promise<IDBPDatabase<Schema>>) => void = () => {};
  // What is written down while the stores are being emptied would stay.
  database = new Promise((resolve) => {
    goOn = resolve;
  });
  try {
    // Also one of a newer version of the page.
    const db = await opened.catch(() => openDB<Schema>(NAME));
    const transaction = db.transaction(db.objectStoreNames, "readwrite");
    await Promise.all([...db.objectStoreNames].map((name) => transaction.objectStore(name).clear()));
    await transaction.done;
    db.close();
  } catch (error) {
    database = null;
    goOn(open());
    throw error;
  }
  tell({ everything: true });
}

/** What stays in this browser: IndexedDB, one database with a version. */

import { type DBSchema, type IDBPDatabase, openDB } from "idb";

/** A drawing of the visitor's own: strokes as lists of x, y, x, y in shares of the pad, and the digit meant. */
export interface Own {
  label: number;
  strokes: number[][];
}

interface Schema extends DBSchema {
  own: { key: number; value: Own };
}

let database: Promise<IDBPDatabase<Schema>> | null = null;

function open(): Promise<IDBPDatabase<Schema>> {
  database ??= openDB<Schema>("quantpad", 1, {
    upgrade(db) {
      db.createObjectStore("own", { autoIncrement: true });
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
  return database;
}

export const readOwn = async (): Promise<Own[]> => (await open()).getAll("own");

export async function addOwn(drawings: Own[]): Promise<void> {
  const transaction = (await open()).transaction("own", "readwrite");
  await Promise.all([...drawings.map((own) => transaction.store.add(own)), transaction.done]);
}

/** Takes the last one back. */
export async function removeLastOwn(): Promise<void> {
  const transaction = (await open()).transaction("own", "readwrite");
  const cursor = await transaction.store.openCursor(null, "prev");
  await cursor?.delete();
  await transaction.done;
}

export const clearOwn = async (): Promise<void> => (await open()).clear("own");

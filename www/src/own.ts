/** The visitor's own drawings: kept in this browser, handed out as a file, taken back from one. */

import { signal } from "@preact/signals";
import { download } from "./download";
import { fail } from "./fail";
import * as state from "./state";
import type { Own } from "./storage";
import * as storage from "./storage";
import { Failure } from "./wasm";

export const own = signal<Own[]>([]);

/** What is kept, now and when another tab changes it; nothing where the browser does not let the page read. */
export async function load(): Promise<void> {
  storage.onChange((change) => {
    if ("own" in change || "everything" in change) void read().catch(() => {});
  });
  await read().catch(() => {});
}

async function read(): Promise<void> {
  own.value = await storage.readOwn();
}

/** @throws {Failure} when the browser does not keep it; it is there until the page is closed all the same */
export async function add(drawings: Own[]): Promise<void> {
  // What the page counts as kept is kept.
  try {
    await storage.addOwn(drawings);
  } catch (reason) {
    // It still serves until the page is closed.
    throw new Failure(
      "not-kept",
      `This browser keeps nothing for the page (${storage.whyNot(reason)}), so the drawing will be gone on reload.`,
    );
  } finally {
    own.value = [...own.value, ...drawings];
  }
}

export async function removeLast(): Promise<void> {
  await storage.removeLastOwn().catch(() => {});
  own.value = own.value.slice(0, -1);
}

export async function clear(): Promise<void> {
  // What the page says is gone is gone.
  await storage.clear("own").catch(() => {});
  own.value = [];
}

/** The most drawings in a file, and points in a drawing: enough for years of teaching. */
const MOST = 10_000;

/** As a file: one JSON object. */
const write = (): Blob =>
  new Blob([JSON.stringify({ quantpad: "own-drawings", version: 1, drawings: own.value })], {
    type: "application/json",
  });

/** @throws {Failure} when the text is no such file */
function parse(text: string): Own[] {
  const refuse = (reason: string) =>
    new Failure("bad-file", `This is no file of own drawings: ${reason}. Nothing was changed.`);
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    throw refuse("it is not JSON");
  }
  const { quantpad, version, drawings } = (content ?? {}) as Record<string, unknown>;
  if (quantpad !== "own-drawings") throw refuse("it does not say “own-drawings”");
  if (version !== 1) throw refuse(`its version is ${String(version)}, and this page knows version 1`);
  if (!Array.isArray(drawings) || drawings.length > MOST)
    throw refuse("its list of drawings is missing or too long");
  return drawings.map((drawing: unknown, i) => {
    const { label, strokes } = (drawing ?? {}) as Record<string, unknown>;
    const points = Array.isArray(strokes) ? strokes.flat() : [];
    const sensible =
      Number.isInteger(label) &&
      (label as number) >= 0 &&
      (label as number) <= 9 &&
      Array.isArray(strokes) &&
      strokes.every((stroke) => Array.isArray(stroke) && stroke.length >= 2 && stroke.length % 2 === 0) &&
      points.length <= MOST &&
      points.every((value) => typeof value === "number" && Math.abs(value) < 100);
    if (!sensible || points.length === 0) throw refuse(`drawing ${i + 1} is damaged`);
    return { label: label as number, strokes: strokes as number[][] };
  });
}

export function exportFile(): void {
  download(write(), "own-drawings.json");
}

export async function importFile(file: File): Promise<void> {
  state.failure.value = null;
  try {
    await add(parse(await file.text()));
  } catch (error) {
    fail(error);
  }
}

/**
 * Undo and redo over the drawing and the settings. Each has buttons of its own; the keys take back whichever was changed
 * last, in the order in which it was.
 */

import { effect } from "@preact/signals";
import * as engine from "./engine";
import * as pad from "./pad";
import * as runs from "./runs";
import * as state from "./state";

export const UNDO_KEYS = "Ctrl+Z takes back what was changed last, of drawing and settings";
export const REDO_KEYS = "Ctrl+Shift+Z or Ctrl+Y does it again";

type Kind = "drawing" | "settings";

/** What was changed, and what was taken back, the last at the end. */
const past: Kind[] = [];
let future: Kind[] = [];
/** What is just being undone or redone is no change of its own. */
let walking: Kind | null = null;

function changed(kind: Kind): void {
  if (walking === kind) return;
  past.push(kind);
  future = [];
}

/** Begins to follow what is changed, and the keys. */
export function begin(): void {
  let strokes = state.drawing.peek().strokes;
  effect(() => {
    const now = state.drawing.value.strokes;
    if (now !== strokes) changed("drawing");
    strokes = now;
  });
  let last: { models: typeof state.models.value; used: number | null } = { models: null, used: null };
  effect(() => {
    const now = { models: state.models.value, used: runs.used.value };
    if (now.models !== last.models) {
      // What was passed through before it was a run is not come back to.
      if (last.used !== null) changed("settings");
      if (walking === "settings") walking = null;
    }
    last = now;
  });
  addEventListener("keydown", (event) => {
    const direction = directionOf(event);
    if (!direction || isTyping(event.target)) return;
    event.preventDefault();
    if (direction === "undo") void undo();
    else void redo();
  });
}

function directionOf({ key, ctrlKey, metaKey, altKey, shiftKey }: KeyboardEvent): "undo" | "redo" | null {
  if (altKey || ctrlKey === metaKey) return null;
  if (key.toLowerCase() === "z") return shiftKey ? "redo" : "undo";
  return key === "y" && ctrlKey ? "redo" : null;
}

/** Whether the browser has something to undo there itself. */
const isTyping = (target: EventTarget | null) =>
  target instanceof Element &&
  target.matches("textarea, input:not([type=checkbox], [type=radio], [type=range], [type=file])");

const CAN: Record<"undo" | "redo", Record<Kind, () => boolean>> = {
  undo: {
    drawing: () => state.drawing.value.canUndo,
    settings: () => !state.busy.value && runs.previous.value !== undefined,
  },
  redo: {
    drawing: () => state.drawing.value.canRedo,
    settings: () => !state.busy.value && runs.next.value !== undefined,
  },
};

/** The kind that was changed last and can be walked. Runs may have been deleted, and a drawing come back with the page. */
const lastOf = (kinds: Kind[], can: Record<Kind, () => boolean>): Kind | undefined =>
  [...[...kinds].reverse(), "drawing" as const, "settings" as const].find((kind) => can[kind]());

async function undo(): Promise<void> {
  const kind = lastOf(past, CAN.undo);
  if (kind) await (kind === "drawing" ? undoDrawing() : undoSettings());
}

async function redo(): Promise<void> {
  const kind = lastOf(future, CAN.redo);
  if (kind) await (kind === "drawing" ? redoDrawing() : redoSettings());
}

export const undoDrawing = () => walk("drawing", past, future, pad.undo);
export const redoDrawing = () => walk("drawing", future, past, pad.redo);
export const undoSettings = () => walk("settings", past, future, engine.undoSettings);
export const redoSettings = () => walk("settings", future, past, engine.redoSettings);

async function walk(kind: Kind, from: Kind[], to: Kind[], work: () => Promise<void> | void): Promise<void> {
  const at = from.lastIndexOf(kind);
  if (at >= 0) from.splice(at, 1);
  to.push(kind);
  walking = kind;
  try {
    await work();
  } finally {
    walking = null;
  }
}

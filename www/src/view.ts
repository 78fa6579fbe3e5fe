/** What of the page is open, beside the run: a part of what its address says, so that a link opens with it. */

import { computed, signal } from "@preact/signals";

/** What "One number, explained" follows, all counted from 0; null: what suggests itself. */
export interface Chosen {
  layer: number | null;
  output: number | null;
  step: number | null;
}

export interface View {
  /** Names of the details that are open. */
  open: string[];
  explain: Chosen;
  /** Step of the guided tour, from 0; null: it is off. */
  tour: number | null;
}

export const CLOSED: View = {
  open: [],
  explain: { layer: null, output: null, step: null },
  tour: null,
};

export const open = signal(CLOSED.open);
export const chosen = signal(CLOSED.explain);
export const stop = signal(CLOSED.tour);

export const view = computed((): View => ({ open: open.value, explain: chosen.value, tour: stop.value }));

export function setView({ open: names, explain, tour }: View): void {
  open.value = names;
  chosen.value = explain;
  stop.value = tour;
}

/** Opens or closes details. */
export function toggle(name: string, isOpen: boolean): void {
  const others = open.peek().filter((one) => one !== name);
  if (open.peek().includes(name) !== isOpen) open.value = isOpen ? [...others, name] : others;
}

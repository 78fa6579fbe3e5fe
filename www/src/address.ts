/** Keeps the page's address in step with the models in use, so that copying it copies the run. */

import { effect } from "@preact/signals";
import { toQuery } from "./record";
import * as state from "./state";

export function keepAddress(): void {
  effect(() => {
    if (!state.models.value) return;
    const query = toQuery(state.record.value);
    history.replaceState(null, "", `${location.pathname}${query && `?${query}`}${location.hash}`);
  });
}

/** What went wrong, in the page's alert. A cancelled job is no failure. */

import * as state from "./state";
import { Failure } from "./wasm";

export function fail(error: unknown): void {
  // Something beside a training may fail while it goes on.
  if (!state.run.value.running) state.phase.value = state.models.value ? "ready" : "error";
  if (error instanceof Failure && error.code === "cancelled") {
    if (!state.models.value) {
      state.failure.value = { code: "no-models", message: "There is no model yet: press Train." };
    }
    return;
  }
  const message = error instanceof Error ? error.message : String(error);
  state.failure.value = { code: error instanceof Failure ? error.code : "job-failed", message };
}

import { fail } from "./fail";
import * as storage from "./storage";
import * as tab from "./tab";
import { forgetTheme } from "./theme";
import { Failure } from "./wasm";

/** Deletes all that this browser keeps for the page, and begins anew. */
export async function forgetEverything(): Promise<void> {
  try {
    forgetTheme();
    tab.forget();
    await storage.clearAll();
  } catch {
    fail(
      new Failure("not-deleted", "This browser does not let the page at what it keeps: nothing was deleted."),
    );
    return;
  }
  location.assign(location.pathname);
}

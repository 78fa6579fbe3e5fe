/** Whether a visit begins anew: what must be known before the page's own code is there. */

/** What this tab goes by is kept under this name, once it has something to come back to. */
export const TAB_KEY = "quantpad-tab";

/** The seed of the split, unless told otherwise. */
export const SEED = 42;

/** Whether this tab may have something to come back to. */
export function isKnown(): boolean {
  try {
    return sessionStorage.getItem(TAB_KEY) !== null;
  } catch {
    return false;
  }
}

/**
 * Whether the page begins with its first screen alone, which is all that a first drawing needs: nothing is to come back, and
 * the address leads nowhere else.
 */
export const beginsAnew = () => !isKnown() && location.hash === "" && location.search === "";

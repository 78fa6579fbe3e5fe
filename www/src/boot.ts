/** What the page asks for first: the core, which loads and compiles while the page's own code does. */

import { loadPage } from "./wasm";

// Whoever waits for it hears of a failure.
loadPage().catch(() => {});
import("./main").catch(() => {
  document.body.textContent = "The page’s code could not be loaded. Check the connection and reload.";
});

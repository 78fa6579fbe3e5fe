/** What the page asks for first: the core, which loads and compiles while the page's own code does. */

import { beginFirst } from "./first";
import { loadPage } from "./wasm";

// Whoever waits for it hears of a failure.
loadPage().catch(() => {});
if (!location.search) beginFirst({ seed: 42, scheme: "int8-dynamic-per-tensor" });
import("./main").catch(() => {
  document.body.textContent = "The page’s code could not be loaded. Check the connection and reload.";
});

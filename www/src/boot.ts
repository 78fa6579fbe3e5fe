/**
 * What the page asks for first: the core, and a worker that makes the first models of it. Both load and begin while the
 * page's own code (`main.tsx`) still comes; the build puts that into the page beside this (vite.config.ts).
 */

import { beginFirst } from "./first";
import { loadPage } from "./wasm";

// Whoever waits for it hears of a failure.
loadPage().catch(() => {});
if (!location.search) beginFirst({ seed: 42, scheme: "int8-dynamic-per-tensor" });

addEventListener(
  "error",
  ({ target }) => {
    if (target instanceof HTMLScriptElement) {
      document.body.textContent = "The page’s code could not be loaded. Check the connection and reload.";
    }
  },
  true,
);
if (import.meta.env.DEV) void import("./main");

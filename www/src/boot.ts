/**
 * What the page asks for first: the core, which loads and compiles while the page's own code (`main.tsx`) still comes. The
 * build puts that into the page beside this (vite.config.ts).
 */

import { loadPage } from "./wasm";

// Whoever waits for it hears of a failure.
loadPage().catch(() => {});

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

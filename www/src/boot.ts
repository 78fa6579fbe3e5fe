/**
 * What runs first: the core and, where a visit begins anew, the first fit, while the page's own code (`main.tsx`) still
 * comes. The build puts that into the page beside this (vite.config.ts).
 */

import "./first";

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

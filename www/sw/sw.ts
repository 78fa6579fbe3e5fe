/**
 * The service worker: keeps the page on this device, whole, and answers from what it keeps.
 *
 * A version is kept all or nothing: everything is there before it is installed, and the page that asks is answered by one
 * version until the visitor takes the next (`src/updates.ts`). Of the core's builds only the one that this browser runs is
 * kept: the page names it in the address of this script, `sw.js?backend=relaxed`.
 */

import { addPlugins, type PrecacheEntry, precacheAndRoute } from "workbox-precaching";

declare const self: ServiceWorkerGlobalScope;

const backend = new URL(self.location.href).searchParams.get("backend");

const files = (self.__WB_MANIFEST as PrecacheEntry[]).filter(
  ({ url }) => !url.endsWith(".wasm") || url.includes(`_${backend}-`),
);
const names = new Set(files.map(({ url }) => url));

addPlugins([
  {
    // Names under assets/ tell the content, that of the page does not: a host that is being updated, or a cache on the way,
    // may send it from another version, and it would ask for files that are not kept.
    async fetchDidSucceed({ event, response }) {
      const page = response.headers.get("content-type")?.startsWith("text/html");
      if (page && event.type === "install") {
        const asked = (await response.clone().text()).match(/assets\/[\w.-]+/g) ?? [];
        if (!asked.every((name) => names.has(name))) throw new Error("The page is of another version.");
      }
      return response;
    },
  },
]);

// What stands after the ? is for the page: its settings.
precacheAndRoute(files, { ignoreURLParametersMatching: [/./] });

self.addEventListener("message", ({ data }) => {
  if (data === "take over") void self.skipWaiting();
});

/**
 * The service worker: keeps the page on this device, whole, and answers from what it keeps.
 *
 * A version is kept all or nothing: everything is there before it is installed, and the page that asks is answered by one
 * version until the visitor takes the next (`src/updates.ts`). Of the core's builds only those that this browser runs are
 * kept: the page names the workers' in the address of this script, `sw.js?backend=relaxed`.
 */

import { addPlugins, type PrecacheEntry, precacheAndRoute } from "workbox-precaching";

declare const self: ServiceWorkerGlobalScope;

const backend = new URL(self.location.href).searchParams.get("backend");

const all = self.__WB_MANIFEST as PrecacheEntry[];
/** What this browser runs, as in `src/wasm.ts`. */
const builds = [`quantpad_${backend}-`, `page_${backend === "scalar" ? "scalar" : "simd128"}-`];
const files = all.filter(({ url }) => !url.endsWith(".wasm") || builds.some((build) => url.includes(build)));
const names = new Set(files.map(({ url }) => url));

addPlugins([
  {
    // Names under assets/ tell the content, that of the page does not: a host that is being updated, or a cache on the way,
    // may send it from another version, and it would ask for files that are not kept.
    async fetchDidSucceed({ event, response }) {
      const page = response.headers.get("content-type")?.startsWith("text/html");
      if (page && event.type === "install") {
        const asked = (await response.clone().text()).match(/assets\/[\w.-]+/g) ?? [];
        if (!asked.every((name) => all.some(({ url }) => url === name)))
          throw new Error("The page is of another version.");
      }
      return response;
    },
  },
]);

// What stands after the ? is for the page: its settings.
precacheAndRoute(files, { ignoreURLParametersMatching: [/./] });

/** Files of the version before, for tabs that still show it. */
const BEFORE = `quantpad-before-${self.registration.scope}`;

self.addEventListener("install", (event) => event.waitUntil(keepBefore()));

async function keepBefore(): Promise<void> {
  const ours = (key: string) => key.includes("precache") && key.endsWith(self.registration.scope);
  const before = await caches.open(BEFORE);
  for (const key of (await caches.keys()).filter(ours)) {
    const cache = await caches.open(key);
    for (const request of await cache.keys()) {
      const file = isForeign(request.url) && (await cache.match(request));
      if (file) await before.put(request, file);
    }
  }
}

/** Forgets the version before, once the page that asks is the only one that is open. */
async function tidy(): Promise<void> {
  if (self.registration.installing || self.registration.waiting) return;
  const open = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  if (open.length > 1) return;
  // File by file: once a cache was deleted, WebKit loses what is put into the next one of its name.
  const before = await caches.open(BEFORE);
  await Promise.all((await before.keys()).map((request) => before.delete(request)));
}

/** Whether a file under assets/ is not of this version. */
function isForeign(url: string): boolean {
  const [name] = /assets\/[\w.-]+$/.exec(url) ?? [];
  return name !== undefined && !names.has(name);
}

// The first version takes charge of the page that has brought it, which then needs no network either.
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("fetch", (event) => {
  if (isForeign(event.request.url)) event.respondWith(other(event.request));
});

/** A file that is not of this version: of the one before, or another build of the core. */
async function other(request: Request): Promise<Response> {
  const kept = await caches.match(request);
  return kept ?? fetch(request).catch(() => new Response(null, { status: 204 }));
}

self.addEventListener("message", (event) => {
  if (event.data === "take over") void self.skipWaiting();
  if (event.data === "tidy") event.waitUntil(tidy());
});

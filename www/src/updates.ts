/** Keeps the page on this device, so that it works without a network, and finds new versions. `sw/sw.ts` does the keeping. */

import { signal } from "@preact/signals";

/** Whether the page is kept, so that the next visit needs no network. */
export const kept = signal(false);
/** Whether there is a version newer than the page on the screen. */
export const newer = signal(false);

/** How often a page that stays open asks for a new version, in ms. */
const ASK_AGAIN = 3600 * 1000;

let registration: ServiceWorkerRegistration | null = null;

/** `backend`: the build of the core to keep. A browser that keeps nothing asks the network, as it did for this visit. */
export async function keep(backend: string): Promise<void> {
  if (!import.meta.env.PROD || !navigator.serviceWorker) return;
  const { serviceWorker } = navigator;
  // Another tab has taken a new version, unless this is the first one taking charge.
  let controlled = serviceWorker.controller !== null;
  serviceWorker.addEventListener("controllerchange", () => {
    newer.value = controlled;
    controlled = true;
  });
  try {
    const found = await serviceWorker.register(`./sw.js?backend=${backend}`);
    registration = found;
    follow(found);
    found.addEventListener("updatefound", () => follow(found));
    const { active } = await serviceWorker.ready;
    active?.postMessage("tidy");
    kept.value = true;
  } catch {
    return;
  }
  let asked = Date.now();
  document.addEventListener("visibilitychange", () => {
    if (document.hidden || Date.now() - asked < ASK_AGAIN) return;
    asked = Date.now();
    registration?.update().catch(() => {});
  });
}

function follow(found: ServiceWorkerRegistration): void {
  const look = () => {
    // The first version waits for nobody.
    if (found.waiting && found.active) newer.value = true;
  };
  look();
  found.installing?.addEventListener("statechange", look);
}

/** Says no more of it; the next visit does. */
export function later(): void {
  newer.value = false;
}

/** Takes the new version: every tab is answered by it from now on, and this one loads it. */
export function update(): void {
  const waiting = registration?.waiting;
  if (!waiting) {
    location.reload();
    return;
  }
  waiting.addEventListener("statechange", () => {
    if (waiting.state === "activated") location.reload();
  });
  waiting.postMessage("take over");
}

/** The first pair of models, from a worker that starts with the page and makes them beside it. */

import type { FirstModels, FirstRequest, FirstTask } from "./make-first";
import { loadPage } from "./wasm";

let made: Promise<FirstModels | null> | null = null;
let asked: FirstRequest | null = null;

/** Begins with those that most visits want, before the page's own code has looked. */
export function beginFirst({ seed, scheme }: FirstRequest): void {
  asked = { seed, scheme };
  made = ask(asked);
}

/** The models; null where no worker could make them. */
export function first({ seed, scheme }: FirstRequest): Promise<FirstModels | null> {
  if (asked?.seed !== seed || asked.scheme !== scheme || !made) return ask({ seed, scheme });
  return made;
}

async function ask(request: FirstRequest): Promise<FirstModels | null> {
  const worker = new Worker(new URL("./first-worker.ts", import.meta.url), { type: "module" });
  try {
    const answer = new Promise<FirstModels | null>((answer) => {
      worker.addEventListener("message", ({ data }) => answer(data));
      worker.addEventListener("error", (event) => {
        event.preventDefault();
        answer(null);
      });
    });
    const { module, digits } = await loadPage();
    worker.postMessage({ ...request, module, digits } satisfies FirstTask);
    return await answer;
  } catch {
    return null;
  } finally {
    worker.terminate();
  }
}

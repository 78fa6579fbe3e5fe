/** The worker that makes the first pair of models. */

import { type FirstTask, makeFirst } from "./make-first";

addEventListener("message", async ({ data }: MessageEvent<FirstTask>) => {
  try {
    postMessage(await makeFirst(data));
  } catch (error) {
    // The page makes them itself.
    postMessage(null);
    throw error;
  }
});

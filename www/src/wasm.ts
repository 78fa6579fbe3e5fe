/**
 * Finds the build of the core that this browser can run, and loads its two parts, the page's own and the workers', and the
 * digits.
 */

import { relaxedSimd, simd } from "wasm-feature-detect";
import packedDigits from "./wasm/digits.bin?url";
import pageScalar from "./wasm/page_scalar.wasm?url";
import pageSimd from "./wasm/page_simd128.wasm?url";
import labRelaxed from "./wasm/quantpad_relaxed.wasm?url";
import labScalar from "./wasm/quantpad_scalar.wasm?url";
import labSimd from "./wasm/quantpad_simd128.wasm?url";

/** What keeps the page from working, in words for the visitor. */
export class Failure extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

/** The sets of instructions that there is a build for. */
export type Backend = "scalar" | "simd128" | "relaxed";

/** `page` is small, for the first drawing waits for it; `lab` is what workers need. */
export type Part = "page" | "lab";

/** A part, ready to be instantiated, and the file of the digits, which it trains on. */
export interface Core {
  module: WebAssembly.Module;
  /** The build that was asked for. */
  backend: Backend;
  digits: Uint8Array;
}

const URLS: Record<Part, Record<Backend, string>> = {
  // For one image at a time the relaxed instructions would win nothing: one build for nearly all browsers can be asked for
  // before any script runs (vite.config.ts).
  page: { scalar: pageScalar, simd128: pageSimd, relaxed: pageSimd },
  lab: { scalar: labScalar, simd128: labSimd, relaxed: labRelaxed },
};

/** The builds that this browser can run, fastest first. */
export async function loadable(): Promise<Backend[]> {
  const backends: Backend[] = ["scalar"];
  if (await simd()) backends.unshift("simd128");
  if (await relaxedSimd()) backends.unshift("relaxed");
  return backends;
}

/**
 * The page's own part, in the fastest build that this browser can run.
 * @throws {Failure} when there is no WebAssembly or a file cannot be had
 */
export const loadPage = async (): Promise<Core> => load("page", await choose());

async function choose(): Promise<Backend> {
  if (typeof WebAssembly !== "object") {
    leavePreloaded();
    throw new Failure(
      "no-wasm",
      "This browser has no WebAssembly (or it is switched off), and the models run in it. Any current Chrome, Edge, Firefox or Safari will do.",
    );
  }
  const [fastest = "scalar"] = await loadable();
  if (fastest === "scalar") leavePreloaded();
  return fastest;
}

/** Takes what the page asked for before any script ran, for nothing: Chromium complains of what nobody takes. */
function leavePreloaded(): void {
  fetch(pageSimd).catch(() => {});
}

/** @throws {Failure} when a file cannot be had */
export async function load(part: Part, backend: Backend): Promise<Core> {
  const [module, packed] = await Promise.all([compile(URLS[part][backend]), unpackable()]);
  return { module, backend, digits: packed };
}

let digits: Promise<Uint8Array> | null = null;

/** The file of the digits. What could not be loaded is asked for again the next time. */
function unpackable(): Promise<Uint8Array> {
  digits ??= get(packedDigits, "The data set of the digits")
    .then((response) => response.arrayBuffer())
    .then((buffer) => new Uint8Array(buffer))
    .catch((error) => {
      digits = null;
      throw error;
    });
  return digits;
}

const CODE = "The models’ code";

async function compile(url: string): Promise<WebAssembly.Module> {
  const response = await get(url, CODE);
  try {
    // A host that does not know the type of .wasm files cannot be streamed from.
    const streams = response.headers.get("content-type")?.startsWith("application/wasm");
    return streams
      ? await WebAssembly.compileStreaming(response)
      : await WebAssembly.compile(await response.arrayBuffer());
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Failure(
      "wasm-load",
      `${CODE}, ${path(url)}, came back damaged or is not for this browser: ${reason}`,
    );
  }
}

const path = (url: string) => new URL(url, location.href).pathname;

/** @throws {Failure} when the file, called `what`, cannot be had */
async function get(url: string, what: string): Promise<Response> {
  // The service worker answers with no content where it would have to ask the network in vain.
  const response = await fetch(url).catch(() => null);
  if (!response || response.status === 204) {
    throw new Failure(
      "unreachable",
      `${what}, ${path(url)}, could not be reached. Check the connection and reload.`,
    );
  }
  if (response.ok) return response;
  const status = `${response.status} ${response.statusText}`.trim();
  throw new Failure(
    "wasm-load",
    `${what}, ${path(url)}, could not be loaded: the server answered ${status}.`,
  );
}

/** The beginning: the core, the pad, and the first models, by what the address says or this tab showed before. */

import { breathe } from "./breathe";
import { request, setControls, trainRecord } from "./controls";
import * as engine from "./engine";
import { fail } from "./fail";
import { core, early, fit } from "./first";
import { begin, keepData } from "./jobs";
import * as own from "./own";
import * as pad from "./pad";
import { DEFAULT_RECORD, fromQuery, type RunRecord } from "./record";
import * as runs from "./runs";
import { ofName } from "./scheme";
import * as state from "./state";
import * as tab from "./tab";
import * as updates from "./updates";
import { setView } from "./view";
import { Failure } from "./wasm";
import type { First } from "./wasm/page.js";

/** Gives `canvas` its pad, trains and quantizes the first model. */
export async function start(canvas: HTMLCanvasElement): Promise<void> {
  try {
    const { backend } = await core;
    begin(backend);
    state.backend.value = backend;
    if (backend === "scalar") {
      state.failure.value = {
        code: "no-simd",
        message:
          "This browser has no WebAssembly SIMD, so the models run on plain (scalar) instructions: same answers, less speed.",
      };
    }
    pad.open(canvas);
    state.phase.value = "training";
    const recalled = await tab.recall();
    if (recalled) pad.draw(recalled.strokes);
    const { record, view, refused } = fromQuery(location.search);
    setView(view);
    if (refused.length > 0) {
      state.failure.value = {
        code: "bad-link",
        message: `This link asks for ${quoted(refused)}, which makes no sense here; the usual setting stands in.`,
      };
    }
    setControls(record);
    if (record.data && !recalled?.run) {
      const name = quoted([record.data]);
      state.failure.value = {
        code: "other-data",
        message: `This link is of a run on ${name}, which a link does not carry: the digits stand in. To make that run, give the page those files.`,
      };
    }
    if (recalled?.run) {
      keepData(recalled.files);
      state.trained.value = recalled.run.trained;
      await engine.reuse(recalled.run);
      engine.isReady();
    } else if (isFirst(record)) {
      await trainFirst();
    } else {
      await engine.runTraining(request(), false).catch(standIn);
    }
  } catch (error) {
    fail(error);
  }
  // Drawings are answered from here on; the rest of the page comes next.
  await breathe();
  state.whole.value = true;
  void own.load();
  void runs.begin(engine.untuned);
  void tab.keep(pad.strokes);
  try {
    await engine.measureSoon();
    if (state.models.value) void updates.keep(state.backend.value);
  } catch (error) {
    fail(error);
  }
}

/** What a link says is shown so far and no further, each and all. */
const QUOTED = { parts: 4, characters: 40 };

function quoted(parts: string[]): string {
  const { parts: most, characters } = QUOTED;
  const short = parts.slice(0, most).map((part) => {
    const letters = [...part];
    return letters.length > characters ? `${letters.slice(0, characters).join("")}…` : part;
  });
  return [...short, ...(parts.length > most ? [`${parts.length - most} more`] : [])].join(", ");
}

/** The usual models, where the core refuses what the link asks for. */
async function standIn(error: unknown): Promise<void> {
  if (error instanceof Failure && /^(cancelled|worker-crashed)$/.test(error.code)) throw error;
  setControls(DEFAULT_RECORD);
  await trainFirst();
  const reason = error instanceof Error ? error.message : String(error);
  fail(
    new Failure("bad-link", `What this link asks for cannot be made: ${reason} The usual settings stand in.`),
  );
}

/** Whether the page's own part of the core can make this run: softmax regression as usual, nothing calibrated. */
const isFirst = ({ model, regularization, augment, scheme, correction }: RunRecord) =>
  model === DEFAULT_RECORD.model &&
  regularization === DEFAULT_RECORD.regularization &&
  !augment &&
  ofName(scheme).method === "ptq" &&
  !ofName(scheme).activations.startsWith("static") &&
  correction === "none";

/** Makes the first pair of models. */
async function trainFirst(): Promise<void> {
  const made = trainRecord(state.DIGITS);
  const { model, seed } = made;
  const begun = await early;
  const { first, history, computeMs } = begun?.seed === seed ? begun : await fit(await core, seed);
  try {
    const layers: number[] = [];
    const fp32 = first.model();
    const quantized = first.quantize(fp32, state.scheme.value);
    state.run.value = { running: false, paused: false, model, layers, computeMs, share: 1, history };
    const trained = { model, layers, seed, data: state.DIGITS, tuned: 0, early: false, made };
    engine.useTrained(trained, fp32, quantized, first.evaluate(fp32, quantized));
    engine.isReady();
    void learnDigits(first, seed).catch(fail);
  } catch (error) {
    first.free();
    throw error;
  }
}

/** Lets answers be doubted. Until then, for some frames, none is. */
async function learnDigits(first: First, seed: number): Promise<void> {
  try {
    // The rest of the page comes before it.
    await breathe();
    await breathe();
    pad.setFamiliarity(first.familiarity(), seed, state.DIGITS);
  } finally {
    first.free();
  }
}

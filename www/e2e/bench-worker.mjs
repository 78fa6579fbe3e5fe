// Measures one build of the module in a worker of the browser; bench.mjs serves it beside the raw glue and asks by a
// message `{ backend, products, models }`. Answers with one message: the figures and `done`, `{ refused, done }` when
// this engine cannot load the build, or `{ error }`.
import init, { Bench, benchmarkModel, Classifier } from "./quantpad.js";

/** Kernels: pairs of samples. Models: rounds of one sample of each format. */
const SAMPLES = 15;
const ROUNDS = 15;
/** Shortest sample, in milliseconds and in steps of the clock. */
const SHORTEST_MS = 5;
const SHORTEST_STEPS = 100;
/** Samples of a model before any counts: the engine is compiling the code better meanwhile. */
const WARM_UP = 20;

const SCORES = 10;

addEventListener("message", async ({ data: { backend, products, models } }) => {
  try {
    const module = await compile(backend);
    if (module.refused) postMessage({ ...module, done: true });
    else {
      const { memory } = await init({ module_or_path: module });
      postMessage({
        done: true,
        isolated: crossOriginIsolated,
        ...measureKernels(products),
        models: measureModels(models, memory),
      });
    }
  } catch (error) {
    postMessage({ error: `${error}\n${error.stack}` });
  }
});

/** Compiling is the test of what the engine supports: it refuses an instruction that it does not know. */
async function compile(backend) {
  try {
    return await WebAssembly.compileStreaming(fetch(`quantpad_${backend}.wasm`));
  } catch (error) {
    if (error instanceof WebAssembly.CompileError) return { refused: error.message };
    throw error;
  }
}

/**
 * Each product between two measurements of the ceilings, for the clock of a processor drifts by more than the few
 * per cent that matter here.
 */
function measureKernels(products) {
  const bench = new Bench(SAMPLES, SHORTEST_MS);
  // As the page does at its start; it holds for the models too.
  bench.chooseRounding();
  // The engine's compilers, and a processor that slept.
  bench.product(64, 256, 256);
  bench.bitProduct(64, 256, 256);
  bench.ceilings();

  let before = bench.ceilings();
  const kernels = products.map((shape) => {
    const { a, b } = bench.product(...shape);
    const xnor = bench.bitProduct(...shape);
    const after = bench.ceilings();
    const ceilings = [before, after];
    before = after;
    return { shape, fp32: a, int8: b, xnor, ceilings };
  });
  return { path: bench.path(), kernels };
}

function measureModels({ names, batches, schemes }, memory) {
  const shortest = Math.max(SHORTEST_MS, SHORTEST_STEPS * clockStep());
  return names.flatMap((name) =>
    batches.map((batch) => {
      const calls = schemes.map((scheme) => classifying(benchmarkModel(name, scheme), batch, memory));
      const times = measureInTurn(
        calls.flatMap(({ call, around }) => [call, around]),
        shortest,
      );
      for (const { free } of calls) free();
      return {
        name,
        batch,
        times: calls.map((_, i) => times[2 * i]),
        layers: calls.map((_, i) => times[2 * i].map((whole, round) => whole - times[2 * i + 1][round])),
      };
    }),
  );
}

/**
 * A model as a program would use it: `call` takes float pixels from JavaScript and brings float scores back to it.
 * `around` does all of that but the layers: copies, scaling, and rounding of the pixels.
 */
function classifying(file, batch, memory) {
  const classifier = new Classifier(file, batch);
  const image = Float32Array.from({ length: batch * classifier.imageSize }, (_, i) => (i * 7) % 17);
  const answer = new Float32Array(batch * SCORES);
  let pixels;
  let scores;
  const view = () => {
    pixels = new Float32Array(memory.buffer, classifier.pixels(), image.length);
    scores = new Float32Array(memory.buffer, classifier.scores(), answer.length);
  };
  view();

  const between = (work) => () => {
    // When the module's memory grows, which it may in a call too, the views of it become empty.
    if (pixels.byteLength === 0) view();
    pixels.set(image);
    work();
    if (scores.byteLength === 0) view();
    answer.set(scores);
  };
  const call = between(() => classifier.run(batch));
  const around = between(() => classifier.prepare(batch));
  call();
  if (!answer.some(Boolean) || !answer.every(Number.isFinite)) throw new Error("a model gave no scores");
  return { call, around, free: () => classifier.free() };
}

/** Nanoseconds a call: for each of the calls a list of one figure a round. */
function measureInTurn(calls, shortest) {
  const sample = (call, repetitions) => {
    const start = performance.now();
    for (let i = 0; i < repetitions; i++) call();
    return performance.now() - start;
  };
  const enough = (call, repetitions) => {
    let number = repetitions;
    // A fifth more, so that a round which happens to be quicker is still long enough.
    while (sample(call, number) < 1.2 * shortest) number *= 2;
    return number;
  };
  const sides = calls.map((call) => {
    const cold = enough(call, 1);
    for (let i = 0; i < WARM_UP; i++) sample(call, cold);
    return { call, repetitions: enough(call, cold), times: [] };
  });
  for (let round = 0; round < ROUNDS; round++) {
    for (const { call, repetitions, times } of sides)
      times.push((sample(call, repetitions) / repetitions) * 1e6);
  }
  return sides.map(({ times }) => times);
}

/** The smallest advance of the clock, in milliseconds. */
function clockStep() {
  const steps = Array.from({ length: 10 }, () => {
    const start = performance.now();
    let now = start;
    while (now <= start) now = performance.now();
    return now - start;
  });
  return Math.min(...steps);
}

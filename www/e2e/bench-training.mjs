// Trains in a worker of the browser; bench.mjs serves it beside the raw glue and asks by a message
// `{ backend, mnist }` (`mnist`: addresses of the four files, or none). Answers with messages: each a list of records
// `{ name, samples?, ... }`, then `{ done }`, or `{ error }`.
import init, { Bench, Lab, networkDefaults } from "./quantpad.js";

const FITS = 9;
const EPOCHS = 12;

/** Multiplications of one image there and back: all products forward, all for the weights' gradient, and all but the
 * first layer's for the gradient of its input. */
const PRODUCTS = {
  mlp: 3 * (64 * 32 + 32 * 10) - 64 * 32,
  cnn: 3 * (64 * 9 * 8 + 64 * 72 * 16 + 256 * 10) - 64 * 9 * 8,
};

const STILL = { rotation: 0, shear: 0, scale: 0, shift: 0, thickness: 0, elastic: 0, noise: 0 };

addEventListener("message", async ({ data: { backend, mnist } }) => {
  try {
    const module = await WebAssembly.compileStreaming(fetch(`quantpad_${backend}.wasm`));
    const { memory } = await init({ module_or_path: module });
    const bench = new Bench(5, 5);
    const ceiling = () =>
      bench.ceilings().find(({ name }) => name === "f32 multiply and add")?.productsPerNs ?? 0;
    const packed = new Uint8Array(await (await fetch("digits.bin")).arrayBuffer());
    const lab = new Lab(packed);
    postMessage(fits(lab));
    for (const model of ["mlp", "cnn"]) postMessage(epochs(lab, model, ceiling));
    postMessage(growth(lab));
    if (mnist) for (const model of ["mlp", "cnn"]) postMessage(await official(model, mnist, memory, packed));
    postMessage({ done: true });
  } catch (error) {
    postMessage({ error: `${error}\n${error.stack}` });
  }
});

const request = (model, images, changes = {}) => ({
  model,
  seed: 42,
  c: 1,
  augment: false,
  network: { ...networkDefaults(model === "cnn" ? "cnn" : "mlp", images), ...changes },
});

/**
 * Softmax regression on the 1,437 training digits, over and over: the first fit runs while the engine still compiles
 * the code better, as a visitor has it. scikit-learn's default is the largest part of the mean loss's gradient at 1e-4;
 * its length, which is at least that, is what is told here.
 */
function fits(lab) {
  const SKLEARN = 1e-4 * 1437;
  const strict = [];
  const loose = [];
  for (let fit = 0; fit < FITS; fit++) {
    const start = performance.now();
    let looseAt = null;
    lab.start(request("softmax", 1437));
    for (;;) {
      const { steps, done } = lab.step(0, true);
      const norm = steps.at(-1).gradientNorm;
      if (looseAt === null && norm <= SKLEARN) looseAt = performance.now() - start;
      if (done) break;
    }
    strict.push((performance.now() - start) * 1e6);
    loose.push(looseAt * 1e6);
  }
  return [
    { name: "fit-softmax", samples: strict.slice(1) },
    { name: "fit-softmax-first", samples: strict.slice(0, 1) },
    { name: "fit-softmax-default", samples: loose.slice(1) },
    { name: "fit-softmax-default-first", samples: loose.slice(0, 1) },
  ];
}

/** Nanoseconds of each epoch. */
function train(lab, wanted) {
  const times = [];
  lab.start(wanted);
  for (;;) {
    const start = performance.now();
    const { steps, done, diverged } = lab.step(1e9, true);
    if (diverged !== null) throw new Error("a training ran away");
    if (steps.length > 0) times.push((performance.now() - start) * 1e6);
    if (done) return times;
  }
}

function epochs(lab, model, ceiling) {
  const bare = { batch: 32, validation: 0, augmentation: STILL, epochs: EPOCHS };
  // The engine's compilers first.
  train(lab, request(model, 1437, bare));
  const before = ceiling();
  const samples = train(lab, request(model, 1437, bare));
  const limit = (before + ceiling()) / 2;
  const median = samples.toSorted((a, b) => a - b)[samples.length >> 1];
  const varied = train(lab, request(model, 1437, { batch: 32, validation: 0, epochs: EPOCHS }));
  return [
    {
      name: `epoch-${model}`,
      samples,
      batch: 32,
      rows_per_s: (1437 / median) * 1e9,
      ...(limit > 0 && { ceiling_share: (1437 * PRODUCTS[model]) / median / limit }),
    },
    { name: `epoch-${model}-augmented`, samples: varied, batch: 32 },
  ];
}

const bigEndian = (value) => [24, 16, 8, 0].map((shift) => (value >> shift) & 255);

/** One epoch of each network on 28x28 images of growing number, and more epochs on the smallest. */
function growth(lab) {
  const records = [];
  for (const images of [1_000, 10_000, 60_000]) {
    const pixels = new Uint8Array(16 + images * 784);
    pixels.set([0, 0, 8, 3, ...bigEndian(images), ...bigEndian(28), ...bigEndian(28)]);
    for (let i = 16; i < pixels.length; i++) pixels[i] = ((i * 2654435761) >>> 24) & ((i >> 3) % 3 ? 255 : 0);
    const labels = Uint8Array.from({ length: 8 + images }, (_, i) => (i * 7) % 10);
    labels.set([0, 0, 8, 1, ...bigEndian(images)]);
    lab.addFile("images", pixels);
    lab.addFile("labels", labels);
    lab.readFiles();
    for (const model of ["mlp", "cnn"]) {
      for (const count of images === 1_000 ? [1, 2, 4] : [1]) {
        // Of so many images a fifth is the test part.
        const times = train(lab, request(model, 60_000, { epochs: count, validation: 0 }));
        const sum = times.reduce((a, b) => a + b);
        records.push({ name: `growth-${model}`, images: 0.8 * images, epochs: count, samples: [sum] });
      }
    }
  }
  return records;
}

/** Three epochs on the real MNIST, and what the model kept is worth on its 10,000 test images. */
async function official(model, files, memory, packed) {
  const lab = new Lab(packed);
  const start = performance.now();
  for (const url of files) {
    lab.addFile(url, new Uint8Array(await (await fetch(url)).arrayBuffer()));
  }
  lab.readFiles();
  const read = performance.now() - start;
  train(lab, request(model, 60_000));
  const time = performance.now() - start;
  const fp32 = lab.model();
  const quantized = lab.quantize(fp32, "int8-static-minmax-per-channel", 42, 256, 0, "none");
  const evaluation = lab.evaluate(fp32, quantized, 42);
  lab.free();
  return [
    {
      name: `mnist-${model}`,
      samples: [time * 1e6],
      read_ms: read,
      correct: evaluation.fp32.correct,
      int8_correct: evaluation.quantized.correct,
      total: evaluation.fp32.total,
      memory_bytes: memory.buffer.byteLength,
    },
  ];
}

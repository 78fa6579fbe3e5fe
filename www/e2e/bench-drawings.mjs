// Reads real people's drawings in a worker of the browser, by the default models and as the page does; bench.mjs serves it
// beside the raw glue and asks by a message `{ backend, drawings }` (address of a JSON list of `{ label, strokes }`).
// Answers with messages: a list of records, one for each format of a model, then `{ done }`, or `{ error }`.
import init, { Lab, networkDefaults, Predictor, renderings } from "./quantpad.js";

const SEED = 42;
/** As many calibration images as the page takes. */
const SAMPLES = 256;
const SCHEMES = {
  "int8-dynamic": "int8-dynamic-per-tensor",
  "int8-static": "int8-static-minmax-per-channel",
};
/** The worst confusions that are told. */
const WORST = 4;

addEventListener("message", async ({ data: { backend, drawings } }) => {
  try {
    const module = await WebAssembly.compileStreaming(fetch(`quantpad_${backend}.wasm`));
    await init({ module_or_path: module });
    const digits = await (await fetch(drawings)).json();
    const lab = new Lab(new Uint8Array(await (await fetch("digits.bin")).arrayBuffer()));
    const { width, height, maxPixel } = lab.data();
    const labels = digits.map(({ label }) => label);
    const images = digits.map(({ strokes }) =>
      renderings(
        strokes.map((points) => Float32Array.from(points.flat())),
        width,
        height,
        maxPixel,
      ),
    );
    for (const model of ["softmax", "mlp", "cnn"]) postMessage(read(lab, model, images, labels));
    postMessage({ done: true });
  } catch (error) {
    postMessage({ error: `${error}\n${error.stack}` });
  }
});

/** Trains the model by default, and lets it and its int8 versions answer. */
function read(lab, model, images, labels) {
  const network = networkDefaults(model === "cnn" ? "cnn" : "mlp", lab.data().train);
  lab.start({ model, seed: SEED, c: 1, augment: false, network });
  while (!lab.step(1e9, false).done);
  const fp32 = lab.model();
  const records = [];
  let reference;
  for (const [format, scheme] of Object.entries(SCHEMES)) {
    const quantized = lab.quantize(fp32, scheme, SEED, SAMPLES, 0, "none");
    const predictor = new Predictor(fp32, quantized);
    const answers = images.map((image) => predictor.predict(image));
    predictor.free();
    const digits = (side) => answers.map((answer) => answer[side].digit);
    if (!reference) {
      reference = digits("fp32");
      records.push(record(model, "fp32", reference, labels));
    }
    const int8 = digits("quantized");
    const same = int8.filter((digit, i) => digit === reference[i]).length;
    records.push({ ...record(model, format, int8, labels), same });
  }
  return records;
}

function record(name, format, digits, labels) {
  const pairs = new Map();
  labels.forEach((label, i) => {
    const pair = `${label} as ${digits[i]}`;
    if (label !== digits[i]) pairs.set(pair, (pairs.get(pair) ?? 0) + 1);
  });
  const worst = [...pairs].sort(([, a], [, b]) => b - a).slice(0, WORST);
  const correct = labels.filter((label, i) => label === digits[i]).length;
  return { name, format, correct, total: labels.length, confusions: worst };
}

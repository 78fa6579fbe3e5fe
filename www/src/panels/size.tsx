import { layers } from "../explain";
import { bytes, count, times } from "../format";
import { compressed, evaluation, shownAxes, weights } from "../state";
import type { LayerFacts, Side } from "../wasm/quantpad.js";
import { Awaited, Explained, type Formula } from "./explained";
import { Figures, type Row } from "./figures";

/** An item of the file: its formula in words, and what each layer puts into it. */
interface Item {
  name: string;
  key: keyof Side;
  words: string;
  layer?: (layer: LayerFacts, fp32: boolean) => string | null;
}

const times4 = (values: number) => (values > 0 ? `${count(values)}\u00a0×\u00a04` : null);

const ITEMS: Item[] = [
  {
    name: "Weights",
    key: "weightBytes",
    words: "Layer by layer: inputs × outputs × bits of a weight ÷ 8",
    layer: ({ inputs, outputs, bits }, fp32) =>
      `${count(inputs)}\u00a0×\u00a0${count(outputs)}\u00a0×\u00a0${fp32 ? 32 : bits}\u00a0÷\u00a08`,
  },
  {
    name: "Biases (fp32)",
    key: "biasBytes",
    words: "Layer by layer: outputs × 4 bytes of an fp32 number",
    layer: ({ outputs }) => times4(outputs),
  },
  {
    name: "Scales",
    key: "scaleBytes",
    words: "Layer by layer: scales (one, or one for each output) × 4 bytes of an fp32 number",
    layer: ({ scales }, fp32) => times4(fp32 ? 0 : scales),
  },
  {
    name: "Zero points",
    key: "zeroPointBytes",
    words: "Layer by layer: zero points × bytes of one",
    layer: ({ zeroPoints, zeroPointBytes }, fp32) =>
      fp32 || zeroPoints === 0 ? null : `${count(zeroPoints)}\u00a0×\u00a0${zeroPointBytes}`,
  },
  {
    name: "Codebooks",
    key: "codebookBytes",
    words: "Layer by layer: shared values × 4 bytes of an fp32 number",
    layer: ({ codebook }, fp32) => times4(fp32 ? 0 : codebook),
  },
  {
    name: "Activation ranges",
    key: "rangeBytes",
    words: "Layer by layer: a scale of 4 bytes and a zero point of one, or two values of 4 bytes",
    layer: ({ rangeBytes }, fp32) =>
      fp32 || rangeBytes === 0 ? null : rangeBytes === 5 ? "(4\u00a0+\u00a01)" : "2\u00a0×\u00a04",
  },
  {
    name: "Input scaling",
    key: "inputScalingBytes",
    words: "Pixels × (mean and factor) × 4 bytes of an fp32 number",
  },
  {
    name: "File header",
    key: "containerBytes",
    words: "The file less everything above: names, types and shapes of the tensors (safetensors)",
  },
];

/** What the large figure counts. */
const PARAMETERS: (keyof Side)[] = [
  "weightBytes",
  "biasBytes",
  "scaleBytes",
  "zeroPointBytes",
  "codebookBytes",
];

const sum = (side: Side, keys: (keyof Side)[]) =>
  keys.flatMap((key) => (side[key] > 0 ? count(side[key]) : [])).join(" + ");

function itemFormula({ key, words, layer }: Item, side: Side, fp32: boolean): Formula {
  const others = ITEMS.map((item) => item.key).filter((other) => other !== key);
  const values = layer
    ? layers.value.flatMap((facts) => layer(facts, fp32) ?? []).join(" + ") || "0"
    : key === "containerBytes"
      ? `${count(side.fileBytes)} − (${sum(side, others)})`
      : `${count(side.inputScalingBytes / 8)} × 2 × 4`;
  return { words, values, result: bytes(side[key]) };
}

const parametersFormula = (side: Side): Formula => ({
  words: "Weights + biases + what gives the weights their meaning (scales, zero points, codebooks)",
  values: sum(side, PARAMETERS),
  result: bytes(side.parameterBytes),
  notes: `${count(weights.value)} weights. The pixels’ scaling, ranges of activations and the file’s header are not in it; the rows below have them.`,
});

const fileFormula = (side: Side): Formula => ({
  words: "All rows above",
  values: sum(
    side,
    ITEMS.map(({ key }) => key),
  ),
  result: bytes(side.fileBytes),
});

const packedFormula = (side: Side, packed: number): Formula => ({
  words: "The file, packed by this browser’s gzip; measured",
  values: `gzip(${bytes(side.fileBytes)})`,
  result: bytes(packed),
  notes: `${((100 * packed) / side.fileBytes).toFixed(0)}\u00a0% of the file.`,
});

const PACKED = "File, gzip";

export function Size() {
  const sides = evaluation.value;
  const packed = compressed.value;
  const figure = (id: string, side: Side | undefined) => ({
    id,
    value: side ? bytes(side.parameterBytes) : null,
    of: side ? () => parametersFormula(side) : null,
    data: {
      "data-bytes": side?.fileBytes ?? "",
      "data-parameter-bytes": side?.parameterBytes ?? "",
    },
  });
  return (
    <Figures
      title="Size"
      headline={sides && `${times(sides.fp32.parameterBytes / sides.quantized.parameterBytes)} smaller`}
      scheme={shownAxes.value}
      fp32={figure("fp32-size", sides?.fp32)}
      quantized={figure("quantized-size", sides?.quantized)}
      rows={
        sides
          ? [
              // What neither has is left out.
              ...ITEMS.filter(({ key }) => sides.fp32[key] + sides.quantized[key] > 0).map((item) =>
                row(item.name, item.key, (which) => itemFormula(item, sides[which], which === "fp32")),
              ),
              row("Model file", "file", (which) => fileFormula(sides[which])),
              // Its line is there before its figures, so that nothing moves when they come.
              packed
                ? row(PACKED, "gzip", (which) =>
                    packedFormula(sides[which], packed[which === "fp32" ? 0 : 1]),
                  )
                : ([PACKED, <Awaited key="fp32" />, <Awaited key="quantized" />] satisfies Row),
            ]
          : []
      }
    >
      {sides && (
        <>
          The large figures: weights, biases, and what gives the weights their meaning. The rows add up to the
          file, byte for byte. Press a figure for its formula.
        </>
      )}
    </Figures>
  );
}

/** Both figures of a row, each the result of its formula. */
function row(name: string, id: string, of: (which: "fp32" | "quantized") => Formula): Row {
  const cell = (which: "fp32" | "quantized") => (
    <Explained key={which} id={`${which}-${id}`} of={() => of(which)}>
      {of(which).result}
    </Explained>
  );
  return [name, cell("fp32"), cell("quantized")];
}

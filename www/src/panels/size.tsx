import { bytes, times } from "../format";
import { compressed, evaluation } from "../state";
import type { Side } from "../wasm/quantpad.js";
import { Figures, type Row } from "./figures";

const ROWS: [string, keyof Side][] = [
  ["Weights", "weightBytes"],
  ["Biases (fp32)", "biasBytes"],
  ["Scales", "scaleBytes"],
  ["Zero points", "zeroPointBytes"],
  ["Codebooks", "codebookBytes"],
  ["Activation ranges", "rangeBytes"],
  ["Input scaling", "inputScalingBytes"],
  ["File header", "containerBytes"],
];

export function Size() {
  const sides = evaluation.value;
  const packed = compressed.value;
  const data = (side: Side | undefined) => ({
    "data-bytes": side?.fileBytes ?? "",
    "data-parameter-bytes": side?.parameterBytes ?? "",
  });
  return (
    <Figures
      title="Size"
      headline={sides && `${times(sides.fp32.parameterBytes / sides.quantized.parameterBytes)} smaller`}
      fp32={{ id: "fp32-size", value: sides && bytes(sides.fp32.parameterBytes), data: data(sides?.fp32) }}
      quantized={{
        id: "quantized-size",
        value: sides && bytes(sides.quantized.parameterBytes),
        data: data(sides?.quantized),
      }}
      rows={
        sides
          ? [
              // What neither has is left out.
              ...ROWS.filter(([, key]) => sides.fp32[key] + sides.quantized[key] > 0).map(
                ([name, key]): Row => [name, bytes(sides.fp32[key]), bytes(sides.quantized[key])],
              ),
              ["Model file", bytes(sides.fp32.fileBytes), bytes(sides.quantized.fileBytes)],
              ...(packed ? [["File, gzip", bytes(packed[0]), bytes(packed[1])] as Row] : []),
            ]
          : []
      }
    >
      {sides && (
        <>
          The large figures: weights, biases, and what gives the weights their meaning. The rows add up to the
          file, byte for byte.
        </>
      )}
    </Figures>
  );
}

import { bytes, times } from "../format";
import { evaluation } from "../state";
import type { Side } from "../wasm/quantpad.js";
import { Figures, type Row } from "./figures";

const ROWS: [string, keyof Side][] = [
  ["Weights", "weightBytes"],
  ["Biases (fp32)", "biasBytes"],
  ["Scales", "scaleBytes"],
];

export function Size() {
  const sides = evaluation.value;
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
              ...ROWS.map(([name, key]): Row => [name, bytes(sides.fp32[key]), bytes(sides.quantized[key])]),
              ["Model file", bytes(sides.fp32.fileBytes), bytes(sides.quantized.fileBytes)],
            ]
          : []
      }
    >
      {sides && (
        <>
          The large figures: the parameters. The file adds {bytes(sides.fp32.inputScalingBytes)} of input
          scaling (mean and deviation of each pixel, the same for both) and a header with names and shapes.
        </>
      )}
    </Figures>
  );
}

import { percent } from "../format";
import { evaluation, trained } from "../state";
import type { Side } from "../wasm/quantpad.js";
import { Figures } from "./figures";

export function Accuracy() {
  const sides = evaluation.value;
  const lost = sides ? sides.fp32.correct - sides.quantized.correct : 0;
  const side = (id: string, result: Side | undefined) => ({
    id,
    value: result ? percent(result.correct, result.total) : null,
    data: { "data-correct": result?.correct ?? "", "data-total": result?.total ?? "" },
  });
  return (
    <Figures
      title="Accuracy"
      headline={sides && change(lost)}
      fp32={side("fp32-accuracy", sides?.fp32)}
      quantized={side("quantized-accuracy", sides?.quantized)}
      rows={
        sides
          ? [
              [
                "Right answers",
                `${sides.fp32.correct} of ${sides.fp32.total}`,
                `${sides.quantized.correct} of ${sides.quantized.total}`,
              ],
            ]
          : []
      }
    >
      {sides && (
        <>
          On the {sides.fp32.total} test images of the split with seed {trained.value.seed}, which training
          never saw. Both models agree on {sides.bothAgree} of them.
        </>
      )}
    </Figures>
  );
}

function change(lost: number): string {
  if (lost === 0) return "nothing lost";
  const images = Math.abs(lost) === 1 ? "1 image" : `${Math.abs(lost)} images`;
  return lost > 0 ? `${images} lost` : `${images} gained`;
}

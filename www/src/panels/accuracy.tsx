import { count, percent } from "../format";
import { wilson, Z95 } from "../interval";
import { evaluation, shownAxes, trained, twin } from "../state";
import type { Side } from "../wasm/quantpad.js";
import { Explained, type Formula } from "./explained";
import { Figures } from "./figures";

export function Accuracy() {
  const sides = evaluation.value;
  const lost = sides ? sides.fp32.correct - sides.quantized.correct : 0;
  const side = (id: string, result: Side | undefined) => ({
    id,
    value: result ? percent(result.correct, result.total) : null,
    of: result ? () => accuracyFormula(result.correct, result.total) : null,
    data: { "data-correct": result?.correct ?? "", "data-total": result?.total ?? "" },
  });
  return (
    <Figures
      title="Accuracy"
      headline={sides && change(lost)}
      scheme={shownAxes.value}
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
              [
                "95 % interval",
                <Interval key="a" id="fp32-interval" {...sides.fp32} />,
                <Interval key="b" id="quantized-interval" {...sides.quantized} />,
              ],
            ]
          : []
      }
    >
      {sides && (
        <>
          On the {sides.fp32.total} test images of the split with seed {trained.value.seed}, <Unseen /> Both
          models agree on{" "}
          <span data-testid="agreed" data-agreed={sides.bothAgree}>
            {sides.bothAgree}
          </span>{" "}
          of them:{" "}
          <Explained id="both-agree" of={() => agreementFormula(sides.bothAgree, sides.fp32.total)}>
            {percent(sides.bothAgree, sides.fp32.total)}
          </Explained>
          .
        </>
      )}
    </Figures>
  );
}

/** Whether the test images are new to the models. */
function Unseen() {
  const flattered = trained.value.opened?.flattered || twin.value?.flattered;
  return flattered ? (
    <strong>some of which a model that was opened may have learned from (see Export).</strong>
  ) : (
    <>which training never saw.</>
  );
}

const accuracyFormula = (correct: number, total: number): Formula => ({
  words: "Right answers ÷ test images",
  values: `${count(correct)} ÷ ${count(total)}`,
  result: percent(correct, total),
  notes: `With other test images of the same kind it would be another share: with 95 % confidence from ${interval(correct, total)} (Wilson’s interval).`,
});

const agreementFormula = (agreed: number, total: number): Formula => ({
  words: "Test images that both models answer alike, rightly or wrongly ÷ test images",
  values: `${count(agreed)} ÷ ${count(total)}`,
  result: percent(agreed, total),
});

function interval(correct: number, total: number): string {
  const [low, high] = wilson(correct, total).map((share) => (100 * share).toFixed(1));
  return `${low} to ${high}\u00a0%`;
}

/** How far the accuracy may be off by chance. */
function Interval({ id, correct, total }: { id: string; correct: number; total: number }) {
  const of = (): Formula => ({
    words: "Wilson’s interval: (p + z² ÷ 2n ± z √(p (1 − p) ÷ n + z² ÷ 4n²)) ÷ (1 + z² ÷ n)",
    values: `p = ${count(correct)} ÷ ${count(total)}, n = ${count(total)}, z = ${Z95.toFixed(2)}: interval`,
    result: interval(correct, total),
    notes: "The same images judge both models, so their difference is surer than these intervals say.",
  });
  return (
    <Explained id={id} of={of}>
      {interval(correct, total)}
    </Explained>
  );
}

function change(lost: number): string {
  if (lost === 0) return "nothing lost";
  const images = Math.abs(lost) === 1 ? "1 image" : `${Math.abs(lost)} images`;
  return lost > 0 ? `${images} lost` : `${images} gained`;
}

import { bytes, capital, duration, modelName, percent, times } from "../format";
import { scrollAndHold } from "../hold";
import { schemeTitle } from "../scheme";
import { evaluation, ownTiming, timing, trained, usedAxes } from "../state";

/** The figures that everything on the page is about, in sight wherever one is: fp32 → quantized. */
export function Summary() {
  const sides = evaluation.value;
  const one = timing.value?.one;
  // Until those in use have been timed, the last ones stay, as in the panel Time.
  const stale = !ownTiming.value;
  const [name] = usedAxes.value ? schemeTitle(usedAxes.value) : ["…"];
  return (
    <aside class="summary" data-testid="summary" aria-label="Summary: fp32 and quantized model">
      <p class="summary-models">
        <strong>{sides ? capital(modelName(trained.value)) : "…"}</strong>
        <span>
          <span class="side-fp32 chip">fp32</span> → <span class="side-quantized chip">{name}</span>
        </span>
      </p>
      <Change
        name="Accuracy"
        from={sides && percent(sides.fp32.correct, sides.fp32.total)}
        to={sides && percent(sides.quantized.correct, sides.quantized.total)}
        note={sides && points(sides.quantized.correct - sides.fp32.correct, sides.fp32.total)}
        why={sides && sides.quantized.correct < sides.fp32.correct ? "#blame" : null}
      />
      <Change
        name="Parameters"
        from={sides && bytes(sides.fp32.parameterBytes)}
        to={sides && bytes(sides.quantized.parameterBytes)}
        note={
          sides && compare(sides.fp32.parameterBytes / sides.quantized.parameterBytes, "smaller", "larger")
        }
      />
      <Change
        name="One image"
        from={one && duration(one.a.medianNs)}
        to={one && duration(one.b.medianNs)}
        note={one && (stale ? "measuring" : compare(one.ratio, "faster", "slower"))}
        why={one && !stale && isWorse(one.ratio) ? "#compare" : null}
      />
    </aside>
  );
}

type Maybe = string | null | undefined;

/** The unit is said once, where it is the same. */
function withoutUnit(from: Maybe, to: Maybe): Maybe {
  const unit = to?.split("\u00a0")[1];
  return unit ? from?.replace(`\u00a0${unit}`, "") : from;
}

interface Figure {
  name: string;
  from: Maybe;
  to: Maybe;
  note: Maybe;
  /** Where the page says why, of what quantization has made worse. */
  why?: Maybe;
}

function Change({ name, from, to, note, why }: Figure) {
  return (
    <p class="summary-change" data-figure={name}>
      <span class="summary-name">{name}</span>
      <span class="summary-values">
        <span class="side-fp32">{withoutUnit(from, to) ?? "…"}</span> <span aria-hidden="true">→</span>
        <span class="visually-hidden"> becomes </span> <strong class="side-quantized">{to ?? "…"}</strong>
      </span>
      <span class="summary-note">
        {why ? (
          <a href={why} onClick={() => scrollAndHold(document.getElementById(why.slice(1)))}>
            {note}
            <span class="summary-why">: why?</span>
          </a>
        ) : (
          note
        )}
      </span>
    </p>
  );
}

/** In percentage points. */
function points(right: number, total: number): string {
  const change = (100 * right) / total;
  return right === 0 ? "the same" : `${change > 0 ? "+" : "−"}${Math.abs(change).toFixed(2)} points`;
}

/** Within a hundredth it is the same. */
const SAME = 0.01;

const isWorse = (ratio: number) => ratio - 1 <= -SAME;

function compare(ratio: number, better: string, worse: string): string {
  if (Math.abs(ratio - 1) < SAME) return "the same";
  return ratio > 1 ? `${times(ratio)} ${better}` : `${times(1 / ratio)} ${worse}`;
}

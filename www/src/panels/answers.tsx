import { schemeTitle } from "../scheme";
import { agree, answers, shownAxes } from "../state";
import type { Answer } from "../wasm/quantpad.js";
import { Announcer } from "./announcer";
import { Unsure } from "./unsure";

export function Answers() {
  const both = answers.value;
  const same = agree.value;
  const [name, what] = schemeTitle(shownAxes.value);
  return (
    <div class="answers">
      <p class="agreement" data-testid="agreement" data-agree={same === null ? "" : String(same)}>
        {same === null
          ? "Both models answer while you draw."
          : same
            ? "✓ Both models give the same answer."
            : "≠ The models disagree."}
      </p>
      <AnswerCard id="fp32" title="fp32" subtitle="32-bit floats" answer={both?.fp32} />
      <AnswerCard id="quantized" title={name} subtitle={what} answer={both?.quantized} />
      <Unsure />
      <Said />
    </div>
  );
}

const DIGITS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];

function AnswerCard(props: {
  id: "fp32" | "quantized";
  title: string;
  subtitle: string;
  answer: Answer | undefined;
}) {
  const { id, answer } = props;
  return (
    <article class={`card answer side-${id}`} aria-label={`Answer of the ${props.title} model`}>
      <h2>
        {props.title} <small>{props.subtitle}</small>
      </h2>
      <output
        class={answer?.sure === false ? "digit unsure" : "digit"}
        data-testid={`${id}-digit`}
        data-digit={answer?.digit ?? ""}
        data-sure={answer?.sure ?? ""}
        aria-live="off"
      >
        {answer?.digit ?? "–"}
        {answer?.sure === false && <small>not sure</small>}
      </output>
      <ol
        class="bars"
        data-testid={`${id}-probabilities`}
        data-values={JSON.stringify(answer?.probabilities ?? [])}
        aria-label="Probability of each digit"
      >
        {DIGITS.map((digit) => {
          const p = answer?.probabilities[digit] ?? 0;
          return (
            <li key={digit} class={digit === answer?.digit ? "best" : ""}>
              <span class="bar-name">{digit}</span>
              <span class="bar" aria-hidden="true">
                <span class="bar-fill" style={{ transform: `scaleX(${p})` }} />
              </span>
              <span class="bar-value">
                <span>{answer ? `${(100 * p).toFixed(1)} %` : ""}</span>
              </span>
            </li>
          );
        })}
      </ol>
    </article>
  );
}

/** Tells screen readers the answers, once the drawing has rested. */
function Said() {
  const both = answers.value;
  const says = ({ digit, sure }: Answer) => `says ${digit}${sure ? "" : ", not sure"}`;
  const text = both
    ? `fp32 ${says(both.fp32)}; ${schemeTitle(shownAxes.value)[0]} ${says(both.quantized)}.`
    : "";
  return <Announcer text={text} />;
}

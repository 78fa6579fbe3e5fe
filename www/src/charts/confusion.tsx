/** Which digit is taken for which: a table with its errors shaded, or the difference of two such tables. */

import { Scroll } from "../panels/scroll";
import { SavePng } from "./save-png";

const CLASSES = 10;
const DIGITS = Array.from({ length: CLASSES }, (_, digit) => digit);

/** Shade of the largest error, in percent of the accent: the ink on it keeps its contrast. */
const DARKEST = 45;

/** Right answers: the sum of the diagonal. */
export const correctIn = (counts: number[]): number =>
  DIGITS.reduce((sum, digit) => sum + (counts[digit * CLASSES + digit] ?? 0), 0);

export const totalIn = (counts: number[]): number => counts.reduce((a, b) => a + b, 0);

/** `counts`: `[label, answer]`, row-major; of a `difference` each with its sign. `side`: whose accent it has. */
export function ConfusionTable(props: {
  id: string;
  label: string;
  counts: number[];
  side: "fp32" | "quantized";
  difference?: boolean;
}) {
  const { id, counts, side, difference = false } = props;
  const isRight = (i: number) => i % (CLASSES + 1) === 0;
  const shaded = counts.filter((_, i) => difference || !isRight(i)).map(Math.abs);
  const most = Math.max(1, ...shaded);
  const kind = (count: number, i: number) => {
    if (difference) return count > 0 ? "more" : count < 0 ? "fewer" : "zero";
    return isRight(i) ? "right" : count === 0 ? "zero" : "wrong";
  };
  return (
    <div class="chart">
      <Scroll label={props.label}>
        <table class={`confusion side-${side}`} data-testid={id} data-counts={JSON.stringify(counts)}>
          <caption>{props.label}</caption>
          <thead>
            <tr>
              <th scope="col">label</th>
              {DIGITS.map((digit) => (
                <th key={digit} scope="col">
                  <span class="visually-hidden">answered </span>
                  {digit}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {DIGITS.map((label) => (
              <tr key={label}>
                <th scope="row">{label}</th>
                {counts.slice(label * CLASSES, (label + 1) * CLASSES).map((count, answer) => {
                  const i = label * CLASSES + answer;
                  const shade = Math.sqrt(Math.abs(count) / most) * DARKEST;
                  return (
                    <td key={answer} class={kind(count, i)} style={{ "--shade": `${shade.toFixed(1)}%` }}>
                      {difference ? signed(count) : count}
                    </td>
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
      <SavePng title={`Confusion matrix of ${props.label}`} />
    </div>
  );
}

/** With its sign: +3, −3, 0. */
const signed = (value: number): string => (value > 0 ? `+${value}` : `${value}`.replace("-", "−"));

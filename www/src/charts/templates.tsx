/** The weights of each digit as a small image: orange speaks for the digit, blue against it; marked ones have a frame. */

import { SavePng } from "./save-png";

export interface Mark {
  /** Which of all weights. */
  index: number;
  /** What happened to it. */
  what: string;
}

/** `weights`: `[10, height, width]`, of full colour from 1 on; `crossed`: whether the marked ones are wrong now. */
export function Templates(props: { weights: number[]; width: number; marks: Mark[]; crossed: boolean }) {
  const { weights, width, marks, crossed } = props;
  const pixels = weights.length / 10;
  const height = pixels / width;
  return (
    <div class="chart">
      <ol class="templates" data-testid="templates" data-marked={marks.length}>
        {Array.from({ length: 10 }, (_, digit) => {
          const own = marks.filter(({ index }) => Math.floor(index / pixels) === digit);
          const told = own.map(({ what }) => what).join("; ");
          return (
            <li key={digit} data-digit={digit} data-marked={own.length}>
              <svg
                viewBox={`-0.1 -0.1 ${width + 0.2} ${height + 0.2}`}
                role="img"
                aria-label={`Weights of digit ${digit}; ${own.length === 0 ? "none" : own.length} marked${told && `: ${told}`}`}
              >
                {weights.slice(digit * pixels, (digit + 1) * pixels).map((weight, i) => (
                  <rect
                    key={i}
                    class={weight < 0 ? "against" : "for"}
                    x={i % width}
                    y={Math.floor(i / width)}
                    width="1"
                    height="1"
                    fill-opacity={Math.min(1, Math.abs(weight))}
                  />
                ))}
                {own.map(({ index, what }) => {
                  const [x, y] = [index % width, Math.floor((index % pixels) / width)];
                  return (
                    <g key={index} class="mark">
                      <title>{what}</title>
                      <rect x={x + 0.08} y={y + 0.08} width="0.84" height="0.84" />
                      {crossed && <path d={`M${x + 0.2} ${y + 0.2}l0.6 0.6m0 -0.6l-0.6 0.6`} />}
                    </g>
                  );
                })}
              </svg>
              {digit}
            </li>
          );
        })}
      </ol>
      <SavePng title="The weights of each digit" />
    </div>
  );
}

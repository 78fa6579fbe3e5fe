/** From the smallest to the largest weight of each output. The table below it is its text twin. */

import { count, real } from "../format";
import type { Channel } from "../wasm/quantpad.js";
import { SavePng } from "./save-png";

const WIDTH = 640;
const HEIGHT = 180;
const MARGIN = { left: 88, right: 12, top: 20, bottom: 56 };
/** More outputs than this nobody can tell apart. */
export const MOST = 128;

export function Ranges({ title, limit, channels }: { title: string; limit: number; channels: Channel[] }) {
  const shown = channels.slice(0, MOST);
  const middle = (HEIGHT - MARGIN.bottom + MARGIN.top) / 2;
  const y = (value: number) => middle - (value / (limit || 1)) * (middle - MARGIN.top);
  const width = (WIDTH - MARGIN.left - MARGIN.right) / Math.max(1, shown.length);
  return (
    <figure class="histogram ranges">
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        role="img"
        aria-label={`${title}; the table below holds the numbers`}
      >
        {[limit, 0, -limit].map((value) => (
          <g key={value} class={value === 0 ? "base" : "grid"}>
            <line x1={MARGIN.left} x2={WIDTH - MARGIN.right} y1={y(value)} y2={y(value)} />
            <text x={MARGIN.left - 6} y={y(value) + 5} text-anchor="end">
              {real(value)}
            </text>
          </g>
        ))}
        {shown.map(({ min, max }, i) => (
          <rect
            key={i}
            class="bin"
            x={MARGIN.left + (i + 0.15) * width}
            width={width * 0.7}
            y={y(max)}
            height={Math.max(1, y(min) - y(max))}
          >
            <title>{`output ${i + 1}: ${real(min)} to ${real(max)}`}</title>
          </rect>
        ))}
        <text x={MARGIN.left} y={HEIGHT - 30}>
          1
        </text>
        <text x={WIDTH - MARGIN.right} y={HEIGHT - 30} text-anchor="end">
          {count(shown.length)}
        </text>
        <text x={WIDTH / 2} y={HEIGHT - 4} text-anchor="middle">
          output
        </text>
      </svg>
      <figcaption>
        <SavePng title={title} />
      </figcaption>
    </figure>
  );
}

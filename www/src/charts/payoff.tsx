/** How many times faster int8 is, over the size of the layer (log scale). The table below it is its text twin. */

import { count, times } from "../format";
import { SavePng } from "./save-png";

interface Line {
  name: string;
  points: { size: number; ratio: number }[];
}

const WIDTH = 640;
const HEIGHT = 260;
const MARGIN = { left: 52, right: 40, top: 12, bottom: 58 };

export function PayoffChart({ lines }: { lines: Line[] }) {
  const all = lines.flatMap(({ points }) => points);
  const sizes = [...new Set(all.map(({ size }) => size))].sort((a, b) => a - b);
  const top = Math.max(2, Math.ceil(Math.max(...all.map(({ ratio }) => ratio))));
  const [low, high] = [Math.log2(sizes[0] ?? 1), Math.log2(sizes.at(-1) ?? 2)];
  const x = (size: number) =>
    MARGIN.left + ((Math.log2(size) - low) / (high - low || 1)) * (WIDTH - MARGIN.left - MARGIN.right);
  const y = (ratio: number) => HEIGHT - MARGIN.bottom - (ratio / top) * (HEIGHT - MARGIN.top - MARGIN.bottom);
  // About five lines across, 1 among them.
  const step = Math.ceil(top / 6);
  const ticks = [...new Set([1, ...Array.from({ length: top / step }, (_, i) => (i + 1) * step)])];
  return (
    <figure class="payoff-chart">
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        role="img"
        aria-label="int8 against fp32 over the size of the layer; the table below holds the numbers"
      >
        {ticks.map((tick) => (
          <g key={tick} class={tick === 1 ? "even" : "grid"}>
            <line x1={MARGIN.left} x2={WIDTH - MARGIN.right} y1={y(tick)} y2={y(tick)} />
            <text x={MARGIN.left - 6} y={y(tick) + 4} text-anchor="end">
              {tick}×
            </text>
          </g>
        ))}
        {sizes.map((size) => (
          <text key={size} x={x(size)} y={HEIGHT - MARGIN.bottom + 22} text-anchor="middle">
            {count(size)}
          </text>
        ))}
        <text x={(MARGIN.left + WIDTH - MARGIN.right) / 2} y={HEIGHT - 4} text-anchor="middle">
          inputs and outputs of the layer
        </text>
        {lines.map(({ name, points }, i) => (
          <g key={name} class={`line line-${i}`}>
            <polyline points={points.map(({ size, ratio }) => `${x(size)},${y(ratio)}`).join(" ")} />
            {points.map(({ size, ratio }) => (
              <Marker
                key={size}
                shape={i}
                x={x(size)}
                y={y(ratio)}
                title={`${count(size)}: ${times(ratio)}`}
              />
            ))}
          </g>
        ))}
      </svg>
      <figcaption>
        <SavePng title="Where does int8 pay?" />
        int8 is so many times faster than fp32; 1× is even.
        {lines.map(({ name }, i) => (
          <span key={name} class="key">
            <svg viewBox="-8 -8 16 16" width="16" height="16" aria-hidden="true" class={`line line-${i}`}>
              <Marker shape={i} x={0} y={0} title="" />
            </svg>
            {name}
          </span>
        ))}
      </figcaption>
    </figure>
  );
}

/** A disc for the first line, a square for the second: told apart without colour. */
function Marker({ shape, x, y, title }: { shape: number; x: number; y: number; title: string }) {
  return shape === 0 ? (
    <circle cx={x} cy={y} r="4.5">
      <title>{title}</title>
    </circle>
  ) : (
    <rect x={x - 4.5} y={y - 4.5} width="9" height="9">
      <title>{title}</title>
    </rect>
  );
}

/**
 * Weights on the grid of the integers: how many there are at each place, and where those that do not fit int8 come from
 * and land. The table of these weights is its text twin.
 */

import { count } from "../format";
import { SavePng } from "./save-png";

const WIDTH = 640;
const MARGIN = { left: 46, right: 12 };
/** Heights of the jumps and of the bars, and the room below for the axis. */
const JUMPS = 84;
const BARS = 150;
const AXIS = 26;

/** Integers of a bar: int8's ends lie between two bars. */
const BIN = 4;

const [LOWEST, HIGHEST] = [-128, 127];

export interface Jump {
  from: number;
  to: number;
}

/** `places`: of all weights, of which `jumps` came from elsewhere; `reach`: the farthest any weight lies from 0. */
export function GridChart(props: { places: number[]; jumps: Jump[]; reach: number; label: string }) {
  const { places, jumps } = props;
  const reach = Math.ceil(Math.max(140, props.reach + BIN) / BIN) * BIN;
  const x = (place: number) =>
    MARGIN.left + ((place + reach) / (2 * reach)) * (WIDTH - MARGIN.left - MARGIN.right);
  const floor = JUMPS + BARS;

  const bars = new Map<number, { all: number; moved: number }>();
  const bar = (place: number) => {
    const start = Math.floor(place / BIN) * BIN;
    const found = bars.get(start) ?? { all: 0, moved: 0 };
    bars.set(start, found);
    return found;
  };
  for (const place of places) bar(place).all++;
  for (const { to } of jumps) bar(to).moved++;
  const most = Math.max(1, ...[...bars.values()].map(({ all }) => all));
  // The square root shows single weights beside the many near 0.
  const height = (weights: number) => Math.sqrt(weights / most) * (BARS - 8);
  const ticks = [1, 10, 30, 100, 300].filter((tick) => tick < most);
  const width = x(BIN) - x(0) - 0.5;

  return (
    <figure class="grid-chart">
      <svg viewBox={`0 0 ${WIDTH} ${floor + AXIS}`} role="img" aria-label={props.label}>
        <defs>
          <pattern
            id="moved"
            width="4"
            height="4"
            patternUnits="userSpaceOnUse"
            patternTransform="rotate(45)"
          >
            <rect class="stripe-ground" width="4" height="4" />
            <rect class="stripe" width="2" height="4" />
          </pattern>
        </defs>
        <rect class="fits" x={x(LOWEST)} width={x(HIGHEST + 1) - x(LOWEST)} y="25" height={floor - 25} />
        <text x={(x(LOWEST) + x(HIGHEST + 1)) / 2} y="19" text-anchor="middle">
          int8 holds −128…127
        </text>
        {ticks.map((tick) => (
          <g key={tick} class="tick">
            <line
              x1={MARGIN.left}
              x2={WIDTH - MARGIN.right}
              y1={floor - height(tick)}
              y2={floor - height(tick)}
            />
            <text x={MARGIN.left - 5} y={floor - height(tick) + 4} text-anchor="end">
              {tick}
            </text>
          </g>
        ))}
        {[...bars].map(([start, { all, moved }]) => (
          <g key={start}>
            <rect class="weights" x={x(start)} width={width} y={floor - height(all)} height={height(all)} />
            {moved > 0 && (
              <rect
                class="moved"
                fill="url(#moved)"
                x={x(start)}
                width={width}
                y={floor - height(moved)}
                height={height(moved)}
              />
            )}
          </g>
        ))}
        {jumps.map(({ from, to }, i) => (
          <path key={i} class="jump" d={arc(x(from), x(to))} />
        ))}
        {jumps.map(({ from, to }, i) => (
          <g key={i}>
            <circle class="left" cx={x(from)} cy={JUMPS} r="3" />
            {from !== to && <path class="landed" d={`M${x(to) - 4} ${JUMPS - 5}h8l-4 7z`} />}
          </g>
        ))}
        <line class="axis-line" x1={MARGIN.left} x2={WIDTH - MARGIN.right} y1={floor} y2={floor} />
        {[-reach, LOWEST, -64, 0, 64, HIGHEST, reach].map((place) => (
          <text key={place} x={x(place)} y={floor + 20} text-anchor={place === reach ? "end" : "middle"}>
            {count(place).replace("-", "−")}
          </text>
        ))}
      </svg>
      <figcaption>
        <SavePng title="Weights as integers" />
        Integers from left to right, {BIN} to a bar; heights are the square root of the number of weights.
      </figcaption>
    </figure>
  );
}

/** A jump from one place to another, the higher the farther. */
function arc(from: number, to: number): string {
  const rise = Math.min(JUMPS - 32, Math.abs(to - from) / 4 + 4);
  return `M${from} ${JUMPS}C${from} ${JUMPS - rise * 1.3} ${to} ${JUMPS - rise * 1.3} ${to} ${JUMPS - 4}`;
}

/** Where weights lie, and the values that a format has for them. The sentence below says the same in words. */

import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";
import { count, real } from "../format";
import { SavePng } from "./save-png";

const WIDTH = 640;
const HEIGHT = 214;
const MARGIN = { left: 80, right: 12, top: 20, bottom: 58 };
const BOTTOM = HEIGHT - MARGIN.bottom;

export function Histogram(props: {
  title: string;
  /** The bins are equal and reach from −limit to limit. */
  limit: number;
  counts: number[];
  /** Those of them that are cut off. */
  clipped: number[];
  /** Values that the format has; none when there are too many to draw. */
  levels: number[];
  children: ComponentChildren;
}) {
  const { title, limit, counts, clipped, levels } = props;
  const hatch = useId();
  const most = Math.max(1, ...counts);
  const x = (value: number) =>
    MARGIN.left + ((value / (limit || 1) + 1) / 2) * (WIDTH - MARGIN.left - MARGIN.right);
  const height = (value: number) => (value / most) * (BOTTOM - MARGIN.top);
  const width = (x(limit) - x(-limit)) / Math.max(1, counts.length);
  return (
    <figure class="histogram" data-levels={levels.length}>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={`${title}; described below`}>
        <pattern id={hatch} width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
          <line x1="0" x2="0" y1="0" y2="5" class="hatch" />
        </pattern>
        {[most, Math.round(most / 2)].map((tick) => (
          <g key={tick} class="grid">
            <line
              x1={MARGIN.left}
              x2={WIDTH - MARGIN.right}
              y1={BOTTOM - height(tick)}
              y2={BOTTOM - height(tick)}
            />
            <text x={MARGIN.left - 6} y={BOTTOM - height(tick) + 5} text-anchor="end">
              {count(tick)}
            </text>
          </g>
        ))}
        {counts.map((value, i) => {
          const bar = { x: MARGIN.left + i * width, width: Math.max(1, width - 1) };
          const cut = clipped[i] ?? 0;
          return (
            <g key={i}>
              <rect class="bin" {...bar} y={BOTTOM - height(value)} height={height(value)} />
              {cut > 0 && (
                <>
                  <rect class="ground" {...bar} y={BOTTOM - height(cut)} height={height(cut)} />
                  <rect
                    class="cut"
                    fill={`url(#${hatch})`}
                    {...bar}
                    y={BOTTOM - height(cut)}
                    height={height(cut)}
                  />
                </>
              )}
            </g>
          );
        })}
        {levels
          .filter((level) => Math.abs(level) <= limit * 1.001)
          .map((level) => (
            <line key={level} class="level" x1={x(level)} x2={x(level)} y1={MARGIN.top} y2={BOTTOM + 8} />
          ))}
        <line class="base" x1={MARGIN.left} x2={WIDTH - MARGIN.right} y1={BOTTOM} y2={BOTTOM} />
        {[-limit, 0, limit].map((value) => (
          <text
            key={value}
            x={x(value)}
            y={BOTTOM + 24}
            text-anchor={value < 0 ? "start" : value > 0 ? "end" : "middle"}
          >
            {real(value)}
          </text>
        ))}
        <text x={x(0)} y={HEIGHT - 4} text-anchor="middle">
          weight
        </text>
      </svg>
      <figcaption>
        <SavePng title={title} />
        {props.children}
      </figcaption>
    </figure>
  );
}

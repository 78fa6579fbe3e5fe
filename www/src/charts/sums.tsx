/** The running sums of both models over the inputs: one line on the other, as long as rounding does little. */

import { real } from "../format";
import { SavePng } from "./save-png";

const WIDTH = 640;
const HEIGHT = 150;
const MARGIN = { left: 8, right: 8, top: 10, bottom: 10 };

/** `at`: the input that is looked at. The table of all inputs is the text twin. */
export function SumsChart({ quantized, fp32, at }: { quantized: number[]; fp32: number[]; at: number }) {
  const all = [0, ...quantized, ...fp32];
  const [low, high] = [Math.min(...all), Math.max(...all)];
  const x = (i: number) =>
    MARGIN.left + (i / Math.max(1, fp32.length - 1)) * (WIDTH - MARGIN.left - MARGIN.right);
  const y = (sum: number) =>
    MARGIN.top + ((high - sum) / (high - low || 1)) * (HEIGHT - MARGIN.top - MARGIN.bottom);
  const line = (sums: number[]) => sums.map((sum, i) => `${x(i)},${y(sum)}`).join(" ");
  return (
    <figure class="sums-chart">
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        role="img"
        aria-label="Running sums of both models, input by input; the table below holds the numbers"
      >
        <line class="zero" x1={MARGIN.left} x2={WIDTH - MARGIN.right} y1={y(0)} y2={y(0)} />
        <line class="at" x1={x(at)} x2={x(at)} y1={MARGIN.top} y2={HEIGHT - MARGIN.bottom} />
        <polyline class="fp32" points={line(fp32)} />
        <polyline class="quantized" points={line(quantized)} />
        <circle class="fp32" cx={x(at)} cy={y(fp32[at] ?? 0)} r="5" />
        <rect class="quantized" x={x(at) - 4} y={y(quantized[at] ?? 0) - 4} width="8" height="8" />
      </svg>
      <figcaption>
        <SavePng title="Running sums of both models" />
        Running sum, from {real(low)} to {real(high)} (line: 0):
        <span class="key-fp32">fp32 {real(fp32[at] ?? 0)}</span>
        <span class="key-quantized">quantized {real(quantized[at] ?? 0)}</span>
      </figcaption>
    </figure>
  );
}

import { useEffect, useState } from "preact/hooks";
import { SumsChart } from "../charts/sums";
import { choose, step } from "../explain";
import { integer, real } from "../format";
import { trained } from "../state";
import { open } from "../view";
import type { Explanation, LayerFacts } from "../wasm/quantpad.js";
import { Details } from "./details";
import { Scroll } from "./scroll";

/** ms of a whole play, and of a step at most. */
const PLAY = 8000;
const SLOWEST = 250;

/** The inputs as a picture, and what moves through them. */
export function Steps({ told, layer }: { told: Explanation; layer: LayerFacts }) {
  const at = step.value;
  const inputs = told.taps.length;
  const [playing, setPlaying] = useState(false);
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  useEffect(() => {
    if (!playing) return;
    const timer = setInterval(
      () => {
        const next = step.value + 1;
        if (next < inputs) choose({ step: next });
        if (next >= inputs - 1) setPlaying(false);
      },
      Math.min(SLOWEST, PLAY / inputs),
    );
    return () => clearInterval(timer);
  }, [playing, inputs]);
  const go = (to: number) => {
    setPlaying(false);
    choose({ step: Math.min(inputs - 1, Math.max(0, to)) });
  };
  const play = () => {
    if (calm) return go(inputs - 1);
    if (at === inputs - 1) choose({ step: 0 });
    setPlaying(!playing);
  };
  const sum = told.integers
    ? `i32 sum ${integer(told.integers.sums[at] ?? 0)}`
    : `sum ${real(told.quantized.sums[at] ?? 0)}`;
  return (
    <div
      class="steps"
      data-testid="explain-steps"
      data-step={at}
      data-steps={inputs}
      data-q={told.integers?.q[at] ?? ""}
      data-weight={told.integers?.weights[at] ?? ""}
      data-product={told.integers?.products[at] ?? ""}
      data-sum={told.integers?.sums[at] ?? told.quantized.sums[at]}
      data-fp32-sum={told.fp32.sums[at]}
    >
      <Grid told={told} layer={layer} at={at} onChoose={go} />
      <div class="walk">
        <label>
          Input {at + 1} of {inputs}
          <input
            type="range"
            data-testid="explain-step"
            min="1"
            max={inputs}
            value={at + 1}
            aria-valuetext={`input ${at + 1} of ${inputs}, ${sum}, fp32 ${real(told.fp32.sums[at] ?? 0)}`}
            onInput={(event) => go(Number(event.currentTarget.value) - 1)}
          />
        </label>
        <p class="buttons">
          <button type="button" data-testid="explain-back" onClick={() => go(at - 1)} disabled={at === 0}>
            Back
          </button>
          <button type="button" data-testid="explain-play" onClick={play}>
            {calm ? "To the end" : playing ? "Pause" : "Play"}
          </button>
          <button
            type="button"
            data-testid="explain-next"
            onClick={() => go(at + 1)}
            disabled={at === inputs - 1}
          >
            Next
          </button>
        </p>
        <SumsChart quantized={realSums(told)} fp32={told.fp32.sums} at={at} />
      </div>
    </div>
  );
}

/** What the quantized model's running sums stand for. */
function realSums({ integers, quantized }: Explanation): number[] {
  if (!integers) return quantized.sums;
  const step = integers.params.scale * integers.weightScale;
  return integers.sums.map((sum) => sum * step);
}

/** Between the 3×3 squares of two channels. */
const GAP = 0.5;

/** Where each input is in the picture: as in the image, a 3×3 square for each channel, or what comes near a square. */
function layout({ images, inputs }: LayerFacts, width: number) {
  const channels = images?.[2];
  if (channels) {
    const across = Math.ceil(Math.sqrt(channels));
    const at = (step: number, tap: number) => step * (3 + GAP) + tap;
    return Array.from({ length: inputs }, (_, i) => {
      const [tap, channel] = [Math.floor(i / channels), i % channels];
      return { x: at(channel % across, tap % 3), y: at(Math.floor(channel / across), Math.floor(tap / 3)) };
    });
  }
  return Array.from({ length: inputs }, (_, i) => ({ x: i % width, y: Math.floor(i / width) }));
}

/** What goes in, darker for larger numbers; what is not yet in the sum is faint. */
function Grid(props: {
  told: Explanation;
  layer: LayerFacts;
  at: number;
  onChoose: (input: number) => void;
}) {
  const { told, layer, at } = props;
  const isImage = told.pixels.length > 0;
  const values = isImage ? told.pixels : told.quantized.x;
  const places = layout(layer, isImage ? trained.value.data.width : Math.ceil(Math.sqrt(values.length)));
  const largest = values.reduce((a, b) => Math.max(a, Math.abs(b)), 0) || 1;
  const [width, height] = [Math.max(...places.map(({ x }) => x)), Math.max(...places.map(({ y }) => y))];
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the slider beside it does the same by keyboard.
    <svg
      viewBox={`-0.1 -0.1 ${width + 1.2} ${height + 1.2}`}
      role="img"
      aria-label={`The ${values.length} inputs; number ${at + 1} is marked`}
      onClick={(event) => {
        const cell = event.target instanceof Element ? event.target.getAttribute("data-input") : null;
        if (cell !== null) props.onChoose(Number(cell));
      }}
    >
      {values.map((value, i) => (
        <g key={`${places[i]?.x},${places[i]?.y}`} class={i <= at ? "" : "later"}>
          <rect class="cell" {...places[i]} width="1" height="1" data-input={i} />
          <rect class="ink" {...places[i]} width="1" height="1" fill-opacity={Math.abs(value) / largest} />
        </g>
      ))}
      <rect class="here" {...places[at]} width="1" height="1" />
    </svg>
  );
}

/** All inputs at once: what the steps show one by one. */
export function Table({ told }: { told: Explanation }) {
  const { integers, quantized, fp32 } = told;
  return (
    <Details name="explain-table" summary={`All ${told.taps.length} inputs as a table`}>
      {open.value.includes("explain-table") && (
        <Scroll label="All inputs of this output">
          <table data-testid="explain-table">
            <thead>
              <tr>
                <th scope="col">Input</th>
                <th scope="col">x</th>
                {integers && <th scope="col">q</th>}
                <th scope="col">Weight</th>
                <th scope="col">Product</th>
                <th scope="col">Sum</th>
                <th scope="col">fp32 x</th>
                <th scope="col">fp32 weight</th>
                <th scope="col">fp32 sum</th>
              </tr>
            </thead>
            <tbody>
              {told.taps.map((tap, i) => (
                <tr key={i} data-input={i}>
                  <th scope="row">{tap === -1 ? `${i + 1} (border)` : i + 1}</th>
                  <td>{real(quantized.x[i] ?? 0)}</td>
                  {integers && <td>{integers.q[i]}</td>}
                  <td>{integers ? integer(integers.weights[i] ?? 0) : real(quantized.w[i] ?? 0)}</td>
                  <td>
                    {integers
                      ? integer(integers.products[i] ?? 0)
                      : real((quantized.x[i] ?? 0) * (quantized.w[i] ?? 0))}
                  </td>
                  <td>{integers ? integer(integers.sums[i] ?? 0) : real(quantized.sums[i] ?? 0)}</td>
                  <td>{real(fp32.x[i] ?? 0)}</td>
                  <td>{real(fp32.w[i] ?? 0)}</td>
                  <td>{real(fp32.sums[i] ?? 0)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
    </Details>
  );
}

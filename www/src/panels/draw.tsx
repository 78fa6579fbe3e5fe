import type { RefObject } from "preact";
import * as engine from "../engine";
import { backend, drawing, image, phase, SIDE } from "../state";

export function Draw({ canvas }: { canvas: RefObject<HTMLCanvasElement | null> }) {
  const { strokes, canUndo, canRedo } = drawing.value;
  return (
    <div class="draw">
      <div class="pad-frame">
        <canvas
          ref={canvas}
          class="pad"
          data-testid="pad"
          data-strokes={strokes}
          tabIndex={0}
          role="img"
          aria-label={`Drawing pad, ${strokes === 0 ? "empty" : strokes === 1 ? "one stroke" : `${strokes} strokes`}. Draw a digit with mouse, finger or pen.`}
        />
        {strokes === 0 && (
          <p class="pad-hint" aria-hidden="true">
            {backend.value ? "Draw a digit here" : phase.value === "error" ? "" : "One moment…"}
          </p>
        )}
      </div>
      <div class="pad-tools">
        <button type="button" data-testid="pad-clear" onClick={engine.clear} disabled={strokes === 0}>
          Clear
        </button>
        <button type="button" data-testid="pad-undo" onClick={engine.undo} disabled={!canUndo}>
          Undo
        </button>
        <button type="button" data-testid="pad-redo" onClick={engine.redo} disabled={!canRedo}>
          Redo
        </button>
        <ModelInput />
      </div>
    </div>
  );
}

/** The 8x8 image that both models see. */
function ModelInput() {
  const pixels = image.value;
  const values = pixels ? Array.from(pixels) : [];
  return (
    <figure class="model-input">
      <svg
        data-testid="model-input"
        data-values={JSON.stringify(values)}
        data-width={SIDE}
        data-height={SIDE}
        viewBox={`0 0 ${SIDE} ${SIDE}`}
        role="img"
        aria-label={pixels ? "The drawing as the models see it: 8 by 8 pixels" : "The models see nothing yet"}
      >
        {values.map((value, i) => (
          <rect
            key={i}
            x={i % SIDE}
            y={Math.floor(i / SIDE)}
            width="1"
            height="1"
            fill-opacity={value / 16}
          />
        ))}
      </svg>
      <figcaption>What the models see</figcaption>
    </figure>
  );
}

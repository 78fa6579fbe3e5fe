import type { RefObject } from "preact";
import { Pixels } from "../charts/pixels";
import * as engine from "../engine";
import * as pad from "../pad";
import { backend, drawing, empty, evaluation, image, phase, sample, trained } from "../state";
import { REDO_KEYS, redoDrawing, UNDO_KEYS, undoDrawing } from "../undo";

export function Draw({ canvas }: { canvas: RefObject<HTMLCanvasElement | null> }) {
  const { strokes, canUndo, canRedo } = drawing.value;
  const content = sample.value ? "a test image" : strokes === 1 ? "one stroke" : `${strokes || "no"} strokes`;
  return (
    <div class="draw">
      <div class="pad-frame">
        <canvas
          ref={canvas}
          id="pad"
          class="pad"
          data-testid="pad"
          data-strokes={strokes}
          tabIndex={0}
          role="img"
          aria-label={`Drawing pad, ${content}. Draw a digit with mouse, finger or pen, or with the arrow keys: Space puts the pen down and up.`}
        />
        {empty.value && (
          <p class="pad-hint" aria-hidden="true">
            {backend.value ? (
              <>
                <svg viewBox="0 0 20 26" width="80" aria-hidden="true">
                  <path pathLength="1" d="M3 8C3 0 17 0 17 8 17 14 4 18 3 24H17" />
                </svg>
                Draw a digit here
              </>
            ) : phase.value === "error" ? (
              ""
            ) : (
              "One moment…"
            )}
          </p>
        )}
      </div>
      <div class="pad-tools">
        <div class="pad-buttons">
          <button type="button" data-testid="pad-clear" onClick={pad.clear} disabled={empty.value}>
            Clear
          </button>
          <button
            type="button"
            data-testid="pad-undo"
            title={UNDO_KEYS}
            onClick={undoDrawing}
            disabled={!canUndo}
          >
            Undo
          </button>
          <button
            type="button"
            data-testid="pad-redo"
            title={REDO_KEYS}
            onClick={redoDrawing}
            disabled={!canRedo}
          >
            Redo
          </button>
          <button
            type="button"
            data-testid="pad-sample"
            onClick={engine.showSample}
            disabled={!evaluation.value}
          >
            Test digit
          </button>
          {sample.value && (
            <p class="note">
              Row {sample.value.row} of the data set, a test image labelled {sample.value.label}. Draw to
              replace it.
            </p>
          )}
        </div>
        <ModelInput />
        <p class="note" data-testid="pad-how">
          Mouse, finger or pen (pressure is ignored), or keys: arrows move, Space puts the pen down and up.
        </p>
      </div>
    </div>
  );
}

/** The image that both models see. */
function ModelInput() {
  const pixels = image.value;
  const values = pixels ? Array.from(pixels) : [];
  const { width, height, maxPixel } = trained.value.data;
  return (
    <figure class="model-input">
      <svg
        data-testid="model-input"
        data-values={JSON.stringify(values)}
        data-width={width}
        data-height={height}
        viewBox={`0 0 ${width} ${height}`}
        role="img"
        aria-label={
          pixels
            ? `The drawing as the models see it: ${width} by ${height} pixels`
            : "The models see nothing yet"
        }
      >
        <Pixels values={values} width={width} max={maxPixel} />
      </svg>
      <figcaption>What the models see{sample.value || !pixels ? "" : ", with 3 other writings"}</figcaption>
    </figure>
  );
}

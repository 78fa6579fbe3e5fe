import * as engine from "../engine";
import * as own from "../own";
import { busy, drawing, trained, tuning } from "../state";

const DIGITS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];

/** Corrections: which digit the drawing is, and a model that learns from them. */
export function Teach() {
  const drawn = drawing.value.strokes > 0;
  const drawings = own.own.value;
  const counts = DIGITS.map((digit) => drawings.filter(({ label }) => label === digit).length);
  return (
    <section class="card teach" aria-labelledby="teach-title">
      <h2 id="teach-title">
        Teach it your hand <small>wrong answer? say what it is, by click or key 0–9</small>
      </h2>
      <div class="buttons digits">
        {DIGITS.map((digit) => (
          <button
            key={digit}
            type="button"
            data-testid={`teach-${digit}`}
            disabled={!drawn}
            aria-label={`This is a ${digit}`}
            onClick={() => engine.teach(digit)}
          >
            {digit}
          </button>
        ))}
      </div>
      <p
        class="note"
        role="status"
        data-testid="own-drawings"
        data-count={drawings.length}
        data-tuned={trained.value.tuned}
      >
        {drawings.length === 0
          ? "Drawings you name are kept in this browser, nowhere else. Ten, one of each digit, teach the model your hand."
          : `${drawings.length} of your drawings are kept in this browser (${counts
              .flatMap((count, digit) => (count > 0 ? [`${count}× ${digit}`] : []))
              .join(", ")}). `}
        {trained.value.tuned > 0 && `The models in use have learned from ${trained.value.tuned} of them.`}
      </p>
      <div class="buttons">
        <button
          type="button"
          class="primary"
          data-testid="fine-tune"
          disabled={busy.value || drawings.length === 0}
          onClick={engine.fineTune}
        >
          {tuning.value ? "Learning…" : "Learn from them"}
        </button>
        <button
          type="button"
          data-testid="own-undo"
          disabled={busy.value || drawings.length === 0}
          onClick={own.removeLast}
        >
          Take the last back
        </button>
        <button
          type="button"
          data-testid="export-own"
          disabled={drawings.length === 0}
          onClick={own.exportFile}
        >
          Export
        </button>
        <label class="file">
          Import…
          <input
            type="file"
            class="visually-hidden"
            accept=".json,application/json"
            data-testid="own-import"
            onChange={(event) => {
              const [file] = event.currentTarget.files ?? [];
              if (file) void own.importFile(file);
              event.currentTarget.value = "";
            }}
          />
        </label>
        <button
          type="button"
          data-testid="own-delete"
          disabled={busy.value || drawings.length === 0}
          onClick={own.clear}
        >
          Delete all
        </button>
      </div>
    </section>
  );
}

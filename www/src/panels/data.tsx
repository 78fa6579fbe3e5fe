import { useEffect, useState } from "preact/hooks";
import * as engine from "../engine";
import { bring } from "../files";
import { count } from "../format";
import { backend, busy, DIGITS, reading, readShare, trained } from "../state";

/** The data set in use, and a way to bring one's own: chosen, or dropped anywhere on the page. */
export function Data() {
  const { data } = trained.value;
  const closed = !backend.value || busy.value;
  return (
    <article
      id="data"
      class="card panel"
      data-testid="dataset"
      data-name={data.name}
      data-width={data.width}
      data-height={data.height}
      data-train={data.train}
      data-test={data.test}
    >
      <h2>Data</h2>
      <p>
        <strong>{data.name}</strong>: {count(data.train)} images to learn from, {count(data.test)} for the
        test
        {data.ownTestPart ? " (the makers’ own division)" : ", divided by the seed"}; {data.width}×
        {data.height} pixels of 0…{data.maxPixel}.
      </p>
      <div class="buttons">
        <label class="file">
          Own data set…
          <input
            type="file"
            multiple
            class="visually-hidden"
            data-testid="file-input"
            disabled={closed}
            onChange={(event) => {
              const input = event.currentTarget;
              const files = [...(input.files ?? [])];
              input.value = "";
              void bring(files);
            }}
          />
        </label>
        {data.name !== DIGITS.name && (
          <button type="button" data-testid="use-digits" disabled={closed} onClick={() => engine.useData([])}>
            Back to the digits
          </button>
        )}
      </div>
      {reading.value && <Reading />}
      <p class="note" role="status">
        {reading.value && `Reading ${reading.value}…`}
      </p>
      <p class="note">
        MNIST’s IDX files (images and labels, plain or .gz; training and test part together or alone) or CSV
        (64 or 784 pixels and the label a line). Up to 128 MB a file and 100 million pixels. They stay on your
        machine.
      </p>
      <Drop />
    </article>
  );
}

/** How far the files have been read, and a way out. */
function Reading() {
  const share = readShare.value;
  return (
    <div class="buttons">
      <progress
        class="reading"
        data-testid="reading"
        aria-label={`Reading ${reading.value}`}
        max={1}
        value={share ?? undefined}
      />
      <button type="button" data-testid="reading-cancel" onClick={engine.cancel}>
        Cancel
      </button>
    </div>
  );
}

/** Files may be dropped anywhere. */
function Drop() {
  const [over, setOver] = useState(false);
  useEffect(() => {
    const carriesFiles = (event: DragEvent) => event.dataTransfer?.types.includes("Files") ?? false;
    const drag = (event: DragEvent) => {
      if (!carriesFiles(event)) return;
      event.preventDefault();
      setOver(true);
    };
    // Leaving the window has no other element to go to.
    const leave = (event: DragEvent) => {
      if (!event.relatedTarget) setOver(false);
    };
    const drop = (event: DragEvent) => {
      if (!carriesFiles(event)) return;
      event.preventDefault();
      setOver(false);
      void bring([...(event.dataTransfer?.files ?? [])]);
    };
    addEventListener("dragover", drag);
    addEventListener("dragleave", leave);
    addEventListener("drop", drop);
    return () => {
      removeEventListener("dragover", drag);
      removeEventListener("dragleave", leave);
      removeEventListener("drop", drop);
    };
  }, []);
  return over ? <div class="drop-hint">Drop the files: models to open, or a data set to learn</div> : null;
}

import { useState } from "preact/hooks";
import { download } from "../download";
import { fail } from "../fail";
import { openModels } from "../files";
import { forgetEverything } from "../forget";
import { count } from "../format";
import { own } from "../own";
import { runs } from "../runs";
import { busy, DIGITS, models, trained, twin, usedScheme } from "../state";

async function save(side: "fp32" | "quantized"): Promise<void> {
  try {
    const { withNotes } = await import("../opening");
    const { model, seed } = trained.value;
    const file = models.value?.[side];
    if (!file) return;
    const name = `${model}-seed${seed}${side === "fp32" ? "" : `-${usedScheme.value}`}`;
    download(new Blob([withNotes(file, side) as BlobPart]), `quantpad-${name}.safetensors`);
  } catch (error) {
    fail(error);
  }
}

/** What one may take along, and bring back: both models, and a link that makes them again. */
export function Export() {
  const both = models.value;
  return (
    <section id="export" class="card panel" aria-labelledby="export-title">
      <h2 id="export-title">
        Export <small>what you made here is yours</small>
      </h2>
      <div class="buttons">
        <button type="button" data-testid="export-fp32" disabled={!both} onClick={() => save("fp32")}>
          fp32 model
        </button>
        <button
          type="button"
          data-testid="export-quantized"
          disabled={!both}
          onClick={() => save("quantized")}
        >
          Quantized model
        </button>
        <Open />
        <CopyLink />
        <button type="button" data-testid="print" disabled={!both} onClick={() => print()}>
          Print report
        </button>
      </div>
      <p class="note">
        Models are safetensors files: names, shapes and numbers in the open. How they were made is noted in
        the header, which takes some 200 bytes more than counted above. Such a file is opened here again, or
        dropped anywhere: an fp32 model is quantized by the settings above, a quantized one stands beside the
        fp32 model in use, or beside one given with it.
      </p>
      <Origin />
      <div class="buttons">
        <Report ending="md" name="Markdown" />
        <Report ending="csv" name="CSV" />
        <Report ending="json" name="JSON" />
      </div>
      <p class="note">
        A report of the run in use: settings and link, size, time, accuracy with intervals, what is taken for
        what, and the comparison of all schemes if you made one. The same figures in each.
      </p>
      <Kept />
    </section>
  );
}

function Report({ ending, name }: { ending: "md" | "csv" | "json"; name: string }) {
  return (
    <button
      type="button"
      data-testid={`report-${ending}`}
      disabled={!models.value}
      onClick={() => import("../report").then(({ saveReport }) => saveReport(ending)).catch(fail)}
    >
      Report as {name}
    </button>
  );
}

function Open() {
  return (
    <label class="file">
      Open a model…
      <input
        type="file"
        multiple
        accept=".safetensors"
        class="visually-hidden"
        data-testid="open-model"
        disabled={!models.value || busy.value}
        onChange={(event) => {
          const input = event.currentTarget;
          const files = [...(input.files ?? [])];
          input.value = "";
          if (files.length > 0) void openModels(files);
        }}
      />
    </label>
  );
}

/** Where the models in use came from, if they were not made here. */
function Origin() {
  const { opened } = trained.value;
  const of = [
    { side: "fp32", from: opened },
    { side: "quantized", from: twin.value },
  ];
  return (
    <div class="note" role="status" data-testid="opened">
      {of.map(
        ({ side, from }) =>
          from && (
            <p key={side} data-side={side} data-file={from.file} data-doubt={from.doubt}>
              The {side} model in use was opened from <strong>{from.file}</strong>
              {from.doubt && `, which ${from.doubt}`}.
            </p>
          ),
      )}
    </div>
  );
}

/** The address says all that defines the run, so copying it copies the run. */
function CopyLink() {
  const [said, say] = useState("");
  const { data, tuned, early, opened } = trained.value;
  const copy = () => {
    // Some browsers neither copy nor refuse.
    const patience = new Promise((_, giveUp) => setTimeout(giveUp, 1000));
    return Promise.race([navigator.clipboard.writeText(location.href), patience]).then(
      () => say("Copied."),
      () => say("This browser does not let the page copy: take the address from the address bar."),
    );
  };
  return (
    <>
      <button type="button" data-testid="copy-link" disabled={!models.value} onClick={copy}>
        Copy link to this run
      </button>
      <span class="note" role="status">
        {said}
        {(opened || twin.value) &&
          " The link does not carry the model that you opened: it trains one by these settings."}
        {data.name !== DIGITS.name &&
          " The link names your files but does not carry them: it trains on the digits, and says so."}
        {early && " The link does not say where you ended the training: it trains to the end."}
        {tuned > 0 && " The link does not carry your drawings: it makes the models from before they learned."}
      </span>
    </>
  );
}

/** What this browser keeps for the page, and the end of it. */
function Kept() {
  const { data } = trained.value;
  const kept = [
    runs.value.length === 1 ? "1 run" : `${count(runs.value.length)} runs`,
    own.value.length === 1 ? "1 drawing of yours" : `${count(own.value.length)} drawings of yours`,
    ...(data.name === DIGITS.name ? [] : [`the files ${data.name}`]),
  ];
  return (
    <div class="buttons">
      <p class="note">
        Kept in this browser, and nowhere else: {kept.join(", ")}, your drawing and the choice of colours.
      </p>
      <button type="button" data-testid="delete-everything" disabled={busy.value} onClick={forgetEverything}>
        Delete everything
      </button>
    </div>
  );
}

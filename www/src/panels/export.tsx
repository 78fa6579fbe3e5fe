import { useState } from "preact/hooks";
import { download } from "../download";
import { forgetEverything } from "../forget";
import { bytes, count } from "../format";
import { own } from "../own";
import { runs } from "../runs";
import { busy, DIGITS, models, trained, usedScheme } from "../state";

const save = (file: Uint8Array, name: string) =>
  download(new Blob([file as BlobPart]), `quantpad-${name}.safetensors`);

/** What one may take along: both models, and a link that makes them again. */
export function Export() {
  const both = models.value;
  const { model, seed } = trained.value;
  return (
    <section id="export" class="card panel" aria-labelledby="export-title">
      <h2 id="export-title">
        Export <small>what you made here is yours</small>
      </h2>
      <div class="buttons">
        <button
          type="button"
          data-testid="export-fp32"
          disabled={!both}
          onClick={() => both && save(both.fp32, `${model}-seed${seed}`)}
        >
          fp32 model {both && `(${bytes(both.fp32.length)})`}
        </button>
        <button
          type="button"
          data-testid="export-quantized"
          disabled={!both}
          onClick={() => both && save(both.quantized, `${model}-seed${seed}-${usedScheme.value}`)}
        >
          Quantized model {both && `(${bytes(both.quantized.length)})`}
        </button>
        <CopyLink />
      </div>
      <p class="note">
        Models are safetensors files: names, shapes and numbers in the open, with how they were made in the
        header.
      </p>
      <Kept />
    </section>
  );
}

/** The address says all that defines the run, so copying it copies the run. */
function CopyLink() {
  const [said, say] = useState("");
  const { data, tuned, early } = trained.value;
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

import { computed, signal } from "@preact/signals";
import { ParetoChart } from "../charts/pareto";
import { bytes, count, duration, interval, modelName, percent, seconds, times } from "../format";
import { CORRECTIONS } from "../record";
import { backend, busy, comparing, measuringPayoff, models, trained } from "../state";
import {
  allModels,
  conditions,
  type End,
  type Entry,
  end,
  entries,
  front,
  isUsed,
  type Progress,
  progress,
  SAMPLE_MS,
  SAMPLES,
  share,
  unquantized,
  usable,
  use,
  withAware,
} from "../sweep";
import { toCsv, toJson, toMarkdown } from "../sweep-report";
import { cancel, run } from "../sweeping";
import { save } from "../table";
import { sweepSchemes } from "../wasm/page.js";
import { Announcer, quarters } from "./announcer";
import { Scroll } from "./scroll";

/** What rows are sorted by: the name of the column, and what is compared. Unknown values come last. */
const COLUMNS: [key: string, title: string, of: (entry: Entry) => number | null | undefined][] = [
  ["scheme", "Scheme", ({ number }) => number],
  ["accuracy", "Accuracy", ({ judged }) => judged.correct / judged.total],
  ["agree", "As fp32", ({ judged }) => judged.agreed / judged.total],
  ["p", "McNemar p", ({ judged }) => judged.p],
  ["bytes", "Parameters", ({ judged }) => judged.parameterBytes],
  ["time", "One image", ({ time }) => time?.medianNs],
];

const order = signal({ key: "scheme", descending: false });
const sorted = computed(() => {
  const { key, descending } = order.value;
  const of = COLUMNS.find(([name]) => name === key)?.[2] ?? (({ number }) => number);
  const value = (entry: Entry) => of(entry) ?? (descending ? -Infinity : Infinity);
  const sign = descending ? -1 : 1;
  return [...entries.value].sort((a, b) => sign * (value(a) - value(b)) || a.number - b.number);
});

const several = computed(() => new Set(entries.value.map(({ subject }) => subject)).size > 1);

/** Every scheme at once, of one network or of all three. */
export function Sweep() {
  const now = progress.value;
  const anything = entries.value.length > 0;
  const ready = backend.value !== "" && models.value !== null;
  const schemes = ready ? sweepSchemes(false).length : 0;
  const aware = ready ? sweepSchemes(true).length : 0;
  const otherMeasurement = measuringPayoff.value || comparing.value !== null;
  return (
    <section class="card lab sweep" aria-labelledby="sweep-title" data-testid="sweep">
      <h2 id="sweep-title">Every scheme, side by side</h2>
      <p>
        Quantizes the model in {schemes} ways, on all cores, and asks each the{" "}
        {count(trained.value.data.test)} test images. What is small and right lies up and left on the chart.
      </p>
      <div class="fields">
        <fieldset class="choices" disabled={now !== null}>
          <legend class="visually-hidden">Models to compare</legend>
          <Choice id="sweep-this" all={false} name={`This model: ${modelName(trained.value)}`} />
          <Choice id="sweep-all" all={true} name="All three networks on one chart" />
        </fieldset>
        <label class="check">
          <input
            type="checkbox"
            data-testid="sweep-aware"
            checked={withAware.value}
            disabled={now !== null}
            onChange={(event) => {
              withAware.value = event.currentTarget.checked;
            }}
          />
          {aware} more with quantization-aware training (each takes a training)
        </label>
      </div>
      <p class="buttons">
        <button
          type="button"
          class="primary"
          data-testid="sweep-run"
          onClick={run}
          disabled={!ready || now !== null || busy.value || otherMeasurement}
        >
          {anything ? "Compare again" : "Compare every scheme"}
        </button>
        <button type="button" data-testid="sweep-cancel" onClick={cancel} disabled={now === null}>
          Cancel
        </button>
        <progress
          aria-label="Progress of the comparison"
          data-testid="sweep-progress"
          max={1}
          value={share.value}
        />
      </p>
      <p class="note" data-testid="sweep-status" data-running={now !== null}>
        {now ? <Doing now={now} /> : ""}
        {!now && end.value ? ended(end.value) : ""}
      </p>
      <Announcer
        text={now ? `Comparison: ${quarters(share.value)}.` : end.value ? ended(end.value) : ""}
        event={end.value}
      />
      {anything && (
        <>
          <ParetoChart entries={entries.value} front={front.value} usable={usable.value} onUse={use} />
          <Exports />
          <Table />
          <Notes />
        </>
      )}
    </section>
  );
}

function Choice({ id, all, name }: { id: string; all: boolean; name: string }) {
  return (
    <label class="check">
      <input
        type="radio"
        name="sweep-models"
        data-testid={id}
        checked={allModels.value === all}
        onChange={() => {
          allModels.value = all;
        }}
      />
      {name}
    </label>
  );
}

function Doing({ now }: { now: Progress }) {
  const trainings = Object.entries(now.training).filter(([, part]) => part < 1);
  if (now.judged === 0 && trainings.length === 0) return `Starting ${conditions.value?.workers} workers.`;
  return (
    <>
      {trainings.map(([model, part]) => `Training ${model.toUpperCase()}: ${Math.round(100 * part)} %. `)}
      {now.judged} of {now.total} schemes judged
      {now.timing ? `, ${now.timed} timed by one worker alone.` : "."}
    </>
  );
}

function ended({ cancelled, judgingMs, timingMs, diverged }: End): string {
  const list = entries.value;
  const timed = list.filter(({ time }) => time).length;
  const took = `${seconds(judgingMs)} for their answers, ${seconds(timingMs)} for their times`;
  const lost = diverged.length > 0 ? ` The training of ${diverged.join(", ")} ran away.` : "";
  return cancelled
    ? `Stopped with ${list.length} schemes judged, ${timed} of them timed.`
    : `${list.length} schemes compared: ${took}, with ${conditions.value?.workers} workers.${lost}`;
}

/** Of the files. */
const NAME = "quantpad-sweep";

function Exports() {
  const held = conditions.value;
  if (!held) return null;
  const list = sorted.value;
  const best = front.value;
  return (
    <p class="buttons">
      <button type="button" data-testid="export-csv" onClick={() => save(toCsv(list, best), NAME, "csv")}>
        Save as CSV
      </button>
      <button
        type="button"
        data-testid="export-json"
        onClick={() => save(toJson(list, best, held), NAME, "json")}
      >
        Save as JSON
      </button>
      <button
        type="button"
        data-testid="export-md"
        onClick={() => save(toMarkdown(list, best, held), NAME, "md")}
      >
        Save as Markdown
      </button>
    </p>
  );
}

function Table() {
  const { key, descending } = order.value;
  const sort = (by: string) => {
    order.value = { key: by, descending: by === key ? !descending : false };
  };
  return (
    <Scroll label="All schemes">
      <table>
        <thead>
          <tr>
            {COLUMNS.map(([name, title]) => (
              <th
                key={name}
                scope="col"
                aria-sort={name === key ? (descending ? "descending" : "ascending") : "none"}
              >
                <button type="button" class="sort" data-testid={`sort-${name}`} onClick={() => sort(name)}>
                  {title}
                  <span aria-hidden="true">{name === key ? (descending ? " ▼" : " ▲") : ""}</span>
                </button>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {sorted.value.map((entry) => (
            <Row key={entry.number} entry={entry} />
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

function Row({ entry }: { entry: Entry }) {
  const { judged, subject, scheme, time } = entry;
  const used = isUsed(entry);
  const best = front.value.has(entry);
  const { model } = subject.trained;
  const fp32 = unquantized(entry)?.time;
  return (
    <tr
      class={used ? "used" : ""}
      data-scheme={scheme}
      data-model={model}
      data-correct={judged.correct}
      data-total={judged.total}
      data-low={judged.low}
      data-high={judged.high}
      data-agree={judged.agreed}
      data-p={judged.p}
      data-bytes={judged.parameterBytes}
      data-file-bytes={judged.fileBytes}
      data-ns={time?.medianNs ?? ""}
      data-best={best}
    >
      <th scope="row">
        <button type="button" class="link" disabled={!usable.value} onClick={() => use(entry)}>
          {scheme}
        </button>
        <small>
          {[
            several.value ? modelName(subject.trained) : "",
            used ? "in use" : "",
            best ? "◆ Pareto-optimal" : "",
          ]
            .filter(Boolean)
            .join(" · ")}
        </small>
      </th>
      <td>
        {percent(judged.correct, judged.total)}
        <small>{interval(judged.low, judged.high)}</small>
      </td>
      <td>
        {percent(judged.agreed, judged.total)}
        <small>
          −{judged.fp32Alone} +{judged.quantizedAlone}
        </small>
      </td>
      <td>{judged.p >= 0.001 ? judged.p.toFixed(3) : judged.p.toExponential(0).replace("-", "−")}</td>
      <td>
        {bytes(judged.parameterBytes)}
        <small>file {bytes(judged.fileBytes)}</small>
      </td>
      <td>
        {time ? duration(time.medianNs) : "–"}
        <small>{time && fp32 ? `${times(fp32.medianNs / time.medianNs)} as fast` : ""}</small>
      </td>
    </tr>
  );
}

function Notes() {
  const held = conditions.value;
  if (!held) return null;
  const { samples, calibrationSeed, correction, seed } = held.request;
  const total = entries.value[0]?.judged.total ?? 0;
  return (
    <ul class="notes">
      <li>
        <strong>Accuracy</strong> of {count(total)} test images (split with seed {seed}), below it the 95 %
        interval (Wilson): other test images would give another figure, most likely in there. Two schemes
        whose intervals overlap widely are hard to tell apart by that alone.
      </li>
      <li>
        <strong>As fp32</strong>: images answered as the unquantized model answers them; −1 +2 means that one
        is now wrong, and two are now right. From these two numbers McNemar’s exact test takes{" "}
        <strong>p</strong>: were both models equally good, so likely is a difference at least as large. Below
        0.05 is called significant; of {held.schemes} schemes a few get there by chance.
      </li>
      <li>
        <strong>Parameters</strong>: weights, biases, scales, zero points and codebooks; the file adds input
        scaling, fixed ranges and a header. Static ranges come from {samples} training images (seed{" "}
        {calibrationSeed}); fitted after rounding: {CORRECTIONS[correction]}.
      </li>
      <li>
        <strong>One image</strong>: median of {SAMPLES} samples of at least {SAMPLE_MS} ms (more where the
        clock is coarse), taken by one worker when all others have ended, and once again where the samples
        differed much; “as fast” compares with the row f32, the unquantized model. It is a first look: load a
        scheme, and the panel Time measures it in turn with fp32.
      </li>
      {held.trained.length > 0 && (
        <li>
          <strong>Trained for this comparison</strong> with the page’s defaults, on the same training images:{" "}
          {held.trained
            .map((model) => (model === "softmax" ? "softmax regression" : model.toUpperCase()))
            .join(", ")}
          .
        </li>
      )}
      {held.data !== trained.value.data && (
        <li>
          <strong>Of another data set</strong> ({held.data.name}): these schemes cannot be loaded any more.
        </li>
      )}
    </ul>
  );
}

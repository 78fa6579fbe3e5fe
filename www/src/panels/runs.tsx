import { useLayoutEffect, useRef, useState } from "preact/hooks";
import * as engine from "../engine";
import { fail } from "../fail";
import { bytes, duration, percent } from "../format";
import type { Run } from "../runs";
import * as runs from "../runs";
import { toCsv, toJson, toMarkdown } from "../runs-report";
import { busy } from "../state";
import { save } from "../table";
import { REDO_KEYS, redoSettings, UNDO_KEYS, undoSettings } from "../undo";
import { Scroll } from "./scroll";

/** Made when there is a first run: it takes a while. */
let time: Intl.DateTimeFormat | null = null;

function shortly(when: number): string {
  time ??= new Intl.DateTimeFormat(undefined, { dateStyle: "short", timeStyle: "short" });
  return time.format(when);
}

/** Past runs: put to use again, named, compared with one another, deleted. */
export function Runs() {
  const [reference, setReference] = useState<number | null>(null);
  const list = [...runs.runs.value].reverse();
  const compared = list.find(({ id }) => id === reference);
  return (
    <section class="card panel" aria-labelledby="runs-title" data-testid="runs" data-count={list.length}>
      <h2 id="runs-title">
        Runs <small>what was in use for a second or more, kept in this browser</small>
      </h2>
      {list.length === 0 ? (
        <p class="note">The first one is noted when both models are there.</p>
      ) : (
        <Scroll label="Past runs">
          <table class="runs">
            <thead>
              <tr>
                <th scope="col">Name</th>
                <th scope="col">When</th>
                <th scope="col">Accuracy, fp32 → quantized</th>
                <th scope="col">Parameters</th>
                <th scope="col">One image</th>
                <th scope="col">Compare</th>
                <th scope="col">
                  <span class="visually-hidden">Actions</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {list.map((run) => (
                <Row
                  key={run.id}
                  run={run}
                  compared={compared}
                  onCompare={() => setReference(run.id === reference ? null : run.id)}
                />
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
      <div class="buttons">
        <button
          type="button"
          data-testid="settings-undo"
          title={UNDO_KEYS}
          disabled={busy.value || !runs.previous.value}
          onClick={undoSettings}
        >
          Undo settings
        </button>
        <button
          type="button"
          data-testid="settings-redo"
          title={REDO_KEYS}
          disabled={busy.value || !runs.next.value}
          onClick={redoSettings}
        >
          Redo settings
        </button>
        <button
          type="button"
          data-testid="runs-delete"
          disabled={list.length === 0}
          onClick={() => runs.clear().catch(fail)}
        >
          Delete all runs
        </button>
        <Exports list={list} />
      </div>
    </section>
  );
}

/** Of the files. */
const NAME = "quantpad-runs";

function Exports({ list }: { list: Run[] }) {
  const button = (ending: "csv" | "json" | "md", title: string, text: () => string) => (
    <button
      type="button"
      data-testid={`export-runs-${ending}`}
      disabled={list.length === 0}
      onClick={() => save(text(), NAME, ending)}
    >
      Save as {title}
    </button>
  );
  return (
    <>
      {button("csv", "CSV", () => toCsv(list))}
      {button("json", "JSON", () => toJson(list))}
      {button("md", "Markdown", () => toMarkdown(list))}
    </>
  );
}

/** What is being typed stays, whatever else of the run changes meanwhile, here or in another tab. */
function Name({ run }: { run: Run }) {
  const input = useRef<HTMLInputElement>(null);
  useLayoutEffect(() => {
    if (input.current) input.current.value = run.name;
  }, [run.name]);
  return (
    <input
      ref={input}
      class="run-name"
      aria-label="Name of the run"
      placeholder={run.name}
      onChange={(event) => runs.rename(run.id, event.currentTarget.value).catch(fail)}
    />
  );
}

function Row({ run, compared, onCompare }: { run: Run; compared: Run | undefined; onCompare: () => void }) {
  const { fp32, quantized } = run.evaluation;
  const other = compared && compared !== run ? compared : undefined;
  const used = runs.used.value === run.id;
  return (
    <tr data-run={run.id} data-used={used} data-correct={quantized.correct} data-total={quantized.total}>
      <th scope="row">
        <Name run={run} />
        <small>
          {run.trained.data.name}, seed {run.record.seed}
          {run.trained.opened ? `, opened from ${run.trained.opened.file}` : ""}
          {run.twin ? `, quantized one from ${run.twin.file}` : ""}
          {used ? ", in use" : ""}
        </small>
      </th>
      <td>{shortly(run.when)}</td>
      <td>
        {percent(fp32.correct, fp32.total)} → {percent(quantized.correct, quantized.total)}
        {other && (
          <small data-points={(share(quantized) - share(other.evaluation.quantized)).toFixed(2)}>
            {signed(share(quantized) - share(other.evaluation.quantized), 2)} points
          </small>
        )}
      </td>
      <td>
        {bytes(quantized.parameterBytes)}
        {other && (
          <small>{signed(quantized.parameterBytes - other.evaluation.quantized.parameterBytes, 0)} B</small>
        )}
      </td>
      <td>
        {run.ns ? duration(run.ns.quantized) : "–"}
        {other?.ns && run.ns && <small>{signed(run.ns.quantized - other.ns.quantized, 0)} ns</small>}
      </td>
      <td>
        <button
          type="button"
          class="quiet"
          data-testid="run-compare"
          aria-pressed={compared === run}
          onClick={onCompare}
        >
          {compared === run ? "✓ Compared" : "Compare"}
        </button>
      </td>
      <td>
        <button
          type="button"
          class="quiet"
          data-testid="run-use"
          disabled={busy.value || used}
          onClick={() => engine.restore(run)}
        >
          Use
        </button>{" "}
        <button
          type="button"
          class="quiet"
          data-testid="run-delete"
          onClick={() => runs.remove(run.id).catch(fail)}
        >
          Delete
        </button>
      </td>
    </tr>
  );
}

const share = ({ correct, total }: { correct: number; total: number }) => (100 * correct) / total;

const signed = (value: number, digits: number) =>
  `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(digits)}`;

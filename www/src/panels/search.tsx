import { signal } from "@preact/signals";
import { bytes, count, modelName, percent } from "../format";
import { formatTitle, layerName, ofName } from "../scheme";
import { type Searched, search, searched, searching, stop, use } from "../search";
import { axes, busy, models } from "../state";
import type { Found } from "../wasm/quantpad.js";
import { Scroll } from "./scroll";

/** Points that may be lost, as typed. */
const points = signal("1");

/** The smallest model that loses no more than one allows. */
export function Search() {
  const typed = Number(points.value);
  const sensible = points.value.trim() !== "" && typed >= 0 && typed <= 100;
  const share = searching.value;
  const found = searched.value;
  return (
    <section class="card lab search" aria-labelledby="search-title" data-testid="search">
      <h2 id="search-title">How small can it get?</h2>
      <p>
        Not every layer needs as many bits. This gives each a format of its own, and looks for the smallest
        model that loses no more than you allow. Activations: {activationsTitle(axes.value.activations)}, as
        chosen above.
      </p>
      <form
        class="fields"
        onSubmit={(event) => {
          event.preventDefault();
          if (sensible) void search(typed);
        }}
      >
        <label>
          Points that may be lost
          <input
            data-testid="search-points"
            inputMode="decimal"
            value={points.value}
            aria-invalid={!sensible}
            aria-describedby="search-wrong"
            onInput={(event) => {
              points.value = event.currentTarget.value;
            }}
          />
        </label>
        {share === null ? (
          <button
            type="submit"
            data-testid="search-run"
            disabled={!sensible || busy.value || models.value === null}
          >
            Search
          </button>
        ) : (
          <>
            <button type="button" data-testid="search-stop" onClick={stop}>
              Stop
            </button>
            <progress
              data-testid="search-progress"
              aria-label="Progress of the search"
              max={1}
              value={share}
            />
          </>
        )}
      </form>
      <p id="search-wrong" class="note">
        {sensible ? "" : "The points must be a number from 0 to 100."}
      </p>
      {found && <Result found={found} />}
    </section>
  );
}

function activationsTitle(activations: string): string {
  if (activations === "float") return "fp32";
  return activations.startsWith("static") ? "static int8" : "dynamic int8";
}

const lostPoints = (before: number, after: number, total: number): string => {
  const lost = before - after;
  if (lost === 0) return "nothing lost";
  return `${percent(Math.abs(lost), total).replace("%", "points")} ${lost > 0 ? "lost" : "gained"}`;
};

/** Each layer and its format, in words. */
function inWords({ titles, best }: Searched): string {
  const scheme = ofName(best.scheme);
  const base = scheme.format === "codebook" ? `codebook${scheme.k}` : scheme.format;
  const formats = titles.map((_, i) => formatTitle(scheme.layers[layerName(i, titles.length)] ?? base));
  if (new Set(formats).size === 1) return `All weights in ${formats[0]}`;
  return formats.map((format, i) => `${i === 0 ? "Layer" : "layer"} ${i + 1} in ${format}`).join(", ");
}

function Result({ found }: { found: Searched }) {
  const { fp32, best, uniform, total, testTotal, points, model } = found;
  const saved = uniform.bytes - best.bytes;
  const stale = models.value?.fp32 !== found.fp32File;
  const testLost = (100 * (fp32.testCorrect - best.testCorrect)) / testTotal;
  return (
    <>
      <p role="status" data-testid="search-result" data-points={points} data-measured={found.measured}>
        <strong>{inWords(found)}</strong>: {bytes(best.bytes)} for {bytes(fp32.bytes)} of fp32 (
        {modelName(model)}, seed {model.seed}, at most {points === 1 ? "1 point" : `${points} points`} lost),{" "}
        {saved > 0
          ? `${percent(saved, uniform.bytes)} less than the best scheme with all layers alike`
          : "and no mix of formats was smaller than this one for all layers"}
        .
      </p>
      <Scroll label="What was found">
        <table data-testid="search-table">
          <thead>
            <tr>
              <th scope="col">Scheme</th>
              <th scope="col">Parameters</th>
              <th scope="col">Training images</th>
              <th scope="col">Varied copies</th>
              <th scope="col">Test images</th>
              <th scope="col">Load it</th>
            </tr>
          </thead>
          <tbody>
            <Row id="fp32" name="Nothing quantized" row={fp32} found={found} stale={stale} />
            <Row id="uniform" name="Best for all layers alike" row={uniform} found={found} stale={stale} />
            <Row id="best" name="Found" row={best} found={found} stale={stale} />
          </tbody>
        </table>
      </Scroll>
      <p class="note">
        {count(found.measured)} schemes were measured on {count(total)} training images and on a varied copy
        of each, never on the test images, which only tell how it turned out. The model knows its training
        images almost by heart and loses few of them; the copies it has not seen.
        {testLost > points
          ? ` In the test more is lost than was allowed: ${testLost.toFixed(2)} points.`
          : ""}
        {stale ? " The model in use is another one by now: search again for it." : ""}
      </p>
    </>
  );
}

function Row(props: { id: string; name: string; row: Found; found: Searched; stale: boolean }) {
  const { id, name, row, found } = props;
  const { fp32, total, testTotal } = found;
  return (
    <tr
      data-row={id}
      data-scheme={row.scheme}
      data-bytes={row.bytes}
      data-correct={row.correct}
      data-varied={row.varied}
      data-total={total}
      data-test-correct={row.testCorrect}
      data-test-total={testTotal}
    >
      <th scope="row">
        {name}
        <small>{row.scheme}</small>
      </th>
      <td>{bytes(row.bytes)}</td>
      <td>
        {percent(row.correct, total)}
        <small>{id !== "fp32" && lostPoints(fp32.correct, row.correct, total)}</small>
      </td>
      <td>
        {percent(row.varied, total)}
        <small>{id !== "fp32" && lostPoints(fp32.varied, row.varied, total)}</small>
      </td>
      <td>
        {percent(row.testCorrect, testTotal)}
        <small>{id !== "fp32" && lostPoints(fp32.testCorrect, row.testCorrect, testTotal)}</small>
      </td>
      <td>
        <button
          type="button"
          class="quiet"
          data-testid={`search-use-${id}`}
          disabled={props.stale || busy.value}
          aria-label={`Use this: ${name}`}
          onClick={() => use(row.scheme)}
        >
          Use this
        </button>
      </td>
    </tr>
  );
}

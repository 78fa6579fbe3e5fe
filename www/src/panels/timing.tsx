import { duration, range, times } from "../format";
import * as meter from "../meter";
import { backends, comparing, measuring, sweeping, timing } from "../state";
import type { Timing as Measured, TimingReport } from "../wasm/quantpad.js";
import { Figures } from "./figures";
import { BACKENDS } from "./header";
import { Scroll } from "./scroll";

const spread = (t: Measured) => t.q3Ns - t.q1Ns;

/** Median, and the middle half of the samples. */
function Cell({ time }: { time: Measured }) {
  return (
    <>
      {duration(time.medianNs)}
      <small>{range(time.q1Ns, time.q3Ns)}</small>
    </>
  );
}

export function Timing() {
  const report = timing.value;
  const side = (id: string, one: Measured | undefined, batch: Measured | undefined) => ({
    id,
    value: one ? duration(one.medianNs) : null,
    data: {
      "data-ns": one?.medianNs ?? "",
      "data-ns-spread": one ? spread(one) : "",
      "data-batch-ns": batch && report ? batch.medianNs / report.batchSize : "",
    },
  });
  return (
    <Figures
      title="Time"
      headline={report && headline(report.one.ratio)}
      fp32={side("fp32-time", report?.one.a, report?.batch.a)}
      quantized={side("quantized-time", report?.one.b, report?.batch.b)}
      rows={
        report
          ? [
              ["One image", <Cell key="a" time={report.one.a} />, <Cell key="b" time={report.one.b} />],
              [
                `Test set, ${report.batchSize} images`,
                <Cell key="a" time={report.batch.a} />,
                <Cell key="b" time={report.batch.b} />,
              ],
            ]
          : []
      }
    >
      {report && <Explanation report={report} />}
      <button
        type="button"
        class="quiet"
        data-testid="time-again"
        onClick={meter.timeAgain}
        disabled={!report || measuring.value}
      >
        {measuring.value ? "Measuring…" : "Measure again"}
      </button>{" "}
      <button
        type="button"
        class="quiet"
        data-testid="compare-backends"
        onClick={meter.compareBackends}
        disabled={!report || measuring.value || sweeping.value || comparing.value !== null}
      >
        {comparing.value ? `Measuring on ${comparing.value}…` : "Compare instruction sets"}
      </button>
      <Backends />
    </Figures>
  );
}

/** Both models on every build of the core that this browser can load. */
function Backends() {
  const list = backends.value;
  const first = list[0];
  if (!first) return null;
  const groups = [
    ["One image", (report: TimingReport) => report.one],
    [`Test set, ${first.timing.batchSize} images`, (report: TimingReport) => report.batch],
  ] as const;
  return (
    <Scroll label="Times by instruction set">
      <table class="backends" data-testid="backends">
        <thead>
          <tr>
            <th scope="col">Instructions</th>
            <th scope="col">fp32</th>
            <th scope="col">int8</th>
            <th scope="col">int8 is faster</th>
          </tr>
        </thead>
        {groups.map(([name, pick]) => (
          <tbody key={name}>
            <tr>
              <th scope="rowgroup" colSpan={4}>
                {name}
              </th>
            </tr>
            {list.map(({ backend, timing }) => {
              const { a, b, ratio } = pick(timing);
              return (
                <tr
                  key={backend}
                  data-backend={backend}
                  data-batch={pick(timing) === timing.one ? 1 : timing.batchSize}
                  data-fp32-ns={a.medianNs}
                  data-int8-ns={b.medianNs}
                >
                  <th scope="row" title={BACKENDS[backend]}>
                    {backend}
                  </th>
                  <td>{duration(a.medianNs)}</td>
                  <td>{duration(b.medianNs)}</td>
                  <td>{times(ratio)}</td>
                </tr>
              );
            })}
          </tbody>
        ))}
      </table>
    </Scroll>
  );
}

/** `ratio`: time of fp32 over time of int8. */
const headline = (ratio: number) =>
  ratio >= 1 ? `one image ${times(ratio)} faster` : `one image ${times(1 / ratio)} slower`;

function Explanation({ report }: { report: TimingReport }) {
  const { one, batch, clockStepMs } = report;
  return (
    <>
      From pixels to scores: median, and below it the middle half of the samples. The two sides take turns,
      each repeated until a sample lasts at least 2 ms ({one.a.repetitions.toLocaleString("en")} and{" "}
      {one.b.repetitions.toLocaleString("en")} times), for this browser's clock moves in steps of{" "}
      {duration(clockStepMs * 1e6)}.{" "}
      {Math.min(one.ratio, batch.ratio) < 1 &&
        "Why int8 does not win here: this model is so small that its multiplications weigh little, and before them int8 must round the pixels and, with dynamic ranges, find their range. On larger layers the multiplications decide: see “Where does int8 pay?” below. "}
    </>
  );
}

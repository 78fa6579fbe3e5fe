import * as engine from "../engine";
import { duration, range, times } from "../format";
import { measuring, timing } from "../state";
import type { Timing as Measured, TimingReport } from "../wasm/quantpad.js";
import { Figures } from "./figures";

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
        onClick={engine.timeAgain}
        disabled={!report || measuring.value}
      >
        {measuring.value ? "Measuring…" : "Measure again"}
      </button>
    </Figures>
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
        "Why int8 does not win here: this model needs only 640 multiplications, and before them int8 must find the range of the image and round its 64 pixels. On larger layers the multiplications decide. "}
    </>
  );
}

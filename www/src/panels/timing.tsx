import { count, duration, range, seconds, times } from "../format";
import * as meter from "../meter";
import { schemeTitle } from "../scheme";
import { backends, comparing, measuring, measuringPayoff, shownAxes, type Timed, timing } from "../state";
import type { Timing as Measured, TimingReport } from "../wasm/quantpad.js";
import { Explained, type Formula } from "./explained";
import { Figures, type Row } from "./figures";
import { BACKENDS } from "./header";
import { Scroll } from "./scroll";

const spread = (t: Measured) => t.q3Ns - t.q1Ns;

/** Median, and the middle half of the samples. */
function Cell(props: { id: string; time: Measured; report: TimingReport; images: number }) {
  const { id, time, report, images } = props;
  return (
    <>
      <Explained id={id} of={() => formula(time, report, images)}>
        {duration(time.medianNs)}
      </Explained>
      <small>{range(time.q1Ns, time.q3Ns)}</small>
    </>
  );
}

/** `images`: how many pass through the model in one repetition. */
function formula(time: Measured, report: TimingReport, images: number): Formula {
  const { medianNs, q1Ns, q3Ns, repetitions, samples } = time;
  const what = images === 1 ? "inferences of one image" : `passes over ${count(images)} images`;
  return {
    words: `Median of ${samples} samples: time of a sample ÷ ${what} in it`,
    values: `${duration(medianNs * repetitions)} ÷ ${count(repetitions)}`,
    result: duration(medianNs),
    notes: (
      <>
        A sample lasts at least {seconds(report.sampleMs)}: this clock’s step is{" "}
        {duration(report.clockStepMs * 1e6)}. The middle half of the samples: {range(q1Ns, q3Ns)}.
        {images > 1 && ` For each image: ${duration(medianNs / images)}.`} Inside: scaling the pixels,
        rounding them where integers are multiplied, and all layers up to the logits. Not inside: the drawing,
        softmax and the screen.
      </>
    ),
  };
}

function cells(name: string, report: TimingReport, which: "one" | "batch"): Row {
  const images = which === "one" ? 1 : report.batchSize;
  const { a, b } = report[which];
  return [
    name,
    <Cell key="a" id={`fp32-${which}-ns`} time={a} report={report} images={images} />,
    <Cell key="b" id={`quantized-${which}-ns`} time={b} report={report} images={images} />,
  ];
}

export function Timing() {
  const report = timing.value;
  const side = (id: string, one: Measured | undefined, batch: Measured | undefined) => ({
    id,
    value: one ? duration(one.medianNs) : null,
    of: one && report ? () => formula(one, report, 1) : null,
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
      scheme={report?.axes ?? shownAxes.value}
      fp32={side("fp32-time", report?.one.a, report?.batch.a)}
      quantized={side("quantized-time", report?.one.b, report?.batch.b)}
      rows={
        report
          ? [
              cells("One image", report, "one"),
              cells(`Test set, ${report.batchSize} images`, report, "batch"),
            ]
          : []
      }
    >
      {report && <Explanation report={report} />}
      <p class="buttons">
        <button
          type="button"
          class="quiet"
          data-testid="time-again"
          onClick={meter.timeAgain}
          disabled={!report || measuring.value}
        >
          {measuring.value ? "Measuring…" : "Measure again"}
        </button>
        <button
          type="button"
          class="quiet"
          data-testid="compare-backends"
          onClick={meter.compareBackends}
          disabled={!report || measuring.value || measuringPayoff.value || comparing.value !== null}
        >
          {comparing.value ? `Measuring on ${comparing.value}…` : "Compare instruction sets"}
        </button>
      </p>
      <Backends />
    </Figures>
  );
}

/** Both models on every build of the core that this browser can load. */
function Backends() {
  const list = backends.value;
  const first = list[0];
  if (!first) return null;
  const [quantized] = schemeTitle(shownAxes.value);
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
            <th scope="col">{quantized}</th>
            <th scope="col">{quantized} is faster</th>
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

/** `ratio`: time of fp32 over time of the quantized model. */
const headline = (ratio: number) =>
  ratio >= 1 ? `one image ${times(ratio)} faster` : `one image ${times(1 / ratio)} slower`;

function Explanation({ report }: { report: Timed }) {
  const { one, batch } = report;
  return (
    <p>
      From pixels to scores, both models in turn: median, and below it the middle half of the samples.{" "}
      {Math.min(one.ratio, batch.ratio) < 1 && whySlower(report.axes.activations)}
    </p>
  );
}

/** Why a quantized model with such activations may take longer than fp32. */
function whySlower(activations: string): string {
  if (activations === "float")
    return "Why it does not win here: the weights are stored small, but decoded and multiplied as floats, as many of them as before. ";
  if (activations === "xnor")
    return "Why bits do not win here: this model is so small that its products weigh little, and before those of each layer its inputs must become bits. A layer of 1,024 × 1,024 is where they win. ";
  return "Why int8 does not win here: this model is so small that its multiplications weigh little, and before them int8 must round the pixels and, with dynamic ranges, find their range. On larger layers the multiplications decide: see “Where does int8 pay?” below. ";
}

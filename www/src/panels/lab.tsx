import { bytes, count, duration, modelName, percent, range } from "../format";
import { evaluation, labReport, trained, usedScheme } from "../state";
import type { LabRow } from "../wasm/quantpad.js";
import { Repair } from "./repair";
import { Scroll } from "./scroll";

/** As printed: 67.22 % of 360, 0.62 KB for 640 bare int8 weights, 0.0013 s for the test images. */
const PUBLISHED: LabRow = { correct: 242, total: 360, bytes: 640, ns: 1.3e6, q1Ns: 1.3e6, q3Ns: 1.3e6 };

/** The published lab's table: as published, its mistake re-run, and int8 done right. */
export function Lab() {
  const report = labReport.value;
  const { correct = 0, total = 0, parameterBytes = 0 } = evaluation.value?.quantized ?? {};
  const { medianNs = 0, q1Ns = 0, q3Ns = 0 } = report?.quantized ?? {};
  return (
    <section id="lab" class="card lab" aria-labelledby="lab-title">
      <h2 id="lab-title">The lab that lost 30 points</h2>
      <p>
        A published student lab quantized logistic regression on these digits to int8. It reported accuracy
        97.22 % → 67.22 %, size 5.98 KB → 0.62 KB, time 0.0012 s → 0.0013 s, and blamed “reduced precision”.
        Eight bits were not to blame. Here is the same table, measured on your machine.
      </p>
      <Scroll label="The lab's table">
        <table data-testid="lab-report">
          <thead>
            <tr>
              <th scope="col">int8 model</th>
              <th scope="col">Accuracy</th>
              <th scope="col">Parameters</th>
              <th scope="col">All test images</th>
            </tr>
          </thead>
          <tbody>
            <Row
              id="published"
              name="As published"
              row={PUBLISHED}
              bytes={"0.62\u00a0KB"}
              bytesNote="640 weights only"
              time={"0.0013\u00a0s"}
              timeNote="spread not given"
            />
            {report && (
              <>
                <Row
                  id="lab-recipe"
                  name="The lab's mistake, re-run here"
                  row={report.recipe}
                  bytesNote="weights, fp32 biases"
                />
                <Row
                  id="int8"
                  name={`Your ${modelName(trained.value)}, ${usedScheme.value}, seed ${trained.value.seed}`}
                  row={{ correct, total, bytes: parameterBytes, ns: medianNs, q1Ns, q3Ns }}
                  bytesNote="with biases and scales"
                />
              </>
            )}
          </tbody>
        </table>
      </Scroll>
      <Repair />
      {report && (
        <ul class="notes">
          <li>
            <strong>What went wrong.</strong> The recipe multiplies every weight by a fixed 128 and casts to
            int8. {report.wrapped} of the 640 weights do not fit −128…127, and a cast does not stop at the
            end: 130 becomes −126. Those {report.wrapped} change sign. With the scale taken from the largest
            weight, the lab's own model keeps {report.repairedCorrect} of 360 ({report.recipeFloatCorrect}{" "}
            before quantization).
          </li>
          <li>
            <strong>What is known.</strong> This recipe (scaler fitted on all rows, scikit-learn's default
            stopping rule, weights × 128 cast to int8) reproduces all four published accuracy and size
            figures. What the lab really ran is not known.
          </li>
          <li>
            <strong>Sizes, like for like.</strong> The published 5.98 KB is a pickled Python object of float64
            values, its 0.62 KB bare int8 weights without the intercepts. 650 parameters are 2,600 B in fp32;
            in int8 they are 640 B of weights, 40 B of fp32 biases and the scales.
          </li>
          <li>
            <strong>Times.</strong> The published times come without a spread, and how they were taken is not
            said. Here: median and middle half of passes over all {count(Math.min(total, 360))} test images.
            The recipe turns its integers back into floats before it multiplies: that is fp32 work, and can
            save no time.
          </li>
        </ul>
      )}
    </section>
  );
}

function Row(props: {
  id: string;
  name: string;
  row: LabRow;
  bytes?: string;
  bytesNote: string;
  time?: string;
  timeNote?: string;
}) {
  const { row } = props;
  return (
    <tr
      data-row={props.id}
      data-correct={row.correct}
      data-total={row.total}
      data-bytes={row.bytes}
      data-ns={row.ns}
    >
      <th scope="row">{props.name}</th>
      <td>
        {percent(row.correct, row.total)}
        <small>
          {row.correct} of {row.total}
        </small>
      </td>
      <td>
        {props.bytes ?? bytes(row.bytes)}
        <small>{props.bytesNote}</small>
      </td>
      <td>
        {props.time ?? duration(row.ns)}
        <small>{props.timeNote ?? range(row.q1Ns, row.q3Ns)}</small>
      </td>
    </tr>
  );
}

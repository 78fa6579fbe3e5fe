import { signal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { ConfusionTable, correctIn, totalIn } from "../charts/confusion";
import { GridChart } from "../charts/grid";
import { Templates } from "../charts/templates";
import { percent } from "../format";
import { DEFAULT_RECORD } from "../record";
import { findRepairs, labRepair, type Repaired, repairable, repairOfModel } from "../repair";
import { trained } from "../state";
import type { CastStep } from "../wasm/quantpad.js";
import { Details } from "./details";
import { useFresh } from "./fresh";
import { Scroll } from "./scroll";
import { Segments } from "./segments";

type Step = "fp32" | "wrap" | "saturate" | "scale";

const STEPS: [Step, string][] = [
  ["fp32", "Before: fp32"],
  ["wrap", "1. Wrap"],
  ["saturate", "2. Saturate"],
  ["scale", "3. Scale"],
];

const step = signal<Step>("wrap");
const subject = signal<"lab" | "own">("lab");

/** Weights that do not fit int8 when multiplied by 128, and where each step puts them. */
const wrapped = ({ wrap }: Repaired): number[] =>
  wrap.nearest.flatMap((nearest, i) => (nearest === wrap.stored[i] ? [] : [i]));

const at = (list: number[], i: number): number => list[i] ?? 0;
const integer = (value: number): string => String(value).replace("-", "−");
const real = (value: number): string => value.toPrecision(3).replace("-", "−");

/** The reader puts the lab's mistake right, step by step. */
export function Repair() {
  const element = useRef<HTMLDivElement>(null);
  useFresh(element, findRepairs);
  const own = subject.value === "own" && repairable.value;
  const repair = own ? repairOfModel.value : labRepair.value;
  return (
    <div class="repair" ref={element} data-testid="repair">
      <h3>Repair it</h3>
      <Segments
        id="repair-model"
        legend="Model"
        value={own ? "own" : "lab"}
        options={[
          { value: "lab", name: "The lab’s" },
          ...(repairable.value ? [{ value: "own" as const, name: "Trained on this page" }] : []),
        ]}
        onChoose={(value) => {
          subject.value = value;
        }}
      />
      {!repairable.value && (
        <p class="note">
          Train softmax regression on the digits to repeat the mistake on a model of your own; the one in use
          is another.
        </p>
      )}
      {repair && <Steps repair={repair} own={own} />}
    </div>
  );
}

function Steps({ repair, own }: { repair: Repaired; own: boolean }) {
  const now = step.value;
  const cast = now === "fp32" ? null : repair[now];
  const confusion = (cast ?? repair).confusion;
  const [correct, total] = [correctIn(confusion), totalIn(confusion)];
  const out = wrapped(repair);
  // In fp32, where the lab's step would put the weights.
  const { nearest } = cast ?? repair.wrap;
  const places = cast ? cast.stored : nearest;
  const width = Math.sqrt(repair.weights.length / 10);
  const jumps = out
    .filter((i) => !cast || at(nearest, i) !== at(places, i))
    .map((i) => ({ from: at(nearest, i), to: at(places, i) }));
  const name = STEPS.find(([value]) => value === now)?.[1] ?? now;
  return (
    <>
      <Segments
        id="repair-step"
        legend="Step"
        value={now}
        options={STEPS.map(([value, name]) => {
          const counts = (value === "fp32" ? repair : repair[value]).confusion;
          return { value, name, note: `${correctIn(counts)} of ${totalIn(counts)}` };
        })}
        onChoose={(value) => {
          step.value = value;
        }}
      />
      <p
        class="outcome"
        role="status"
        data-testid="repair-outcome"
        data-model={own ? "own" : "lab"}
        data-step={now}
        data-correct={correct}
        data-total={total}
        data-wrapped={out.length}
      >
        <strong>{percent(correct, total)}</strong> {explain(now, repair, out)}
      </p>
      {own && <Difference repair={repair} out={out} width={width} />}
      <div class="repair-charts">
        <div>
          <h4>The {places.length} weights as integers</h4>
          <GridChart
            places={places}
            jumps={jumps}
            reach={Math.max(...repair.wrap.nearest.map(Math.abs))}
            label={`Histogram of the weights as integers: ${name}. ${spread(places)}`}
          />
          <p class="note">
            {spread(places)}{" "}
            {jumps.length > 0 &&
              (cast
                ? "Striped: weights that do not fit; each arc leads from where one would be (ring) to where it is stored (arrow)."
                : "Rings and stripes: weights that will not fit.")}
          </p>
        </div>
        <div>
          <h4>What is taken for what</h4>
          <ConfusionTable
            id="repair-confusion"
            label="Labels in rows, answers in columns"
            counts={confusion}
            side={now === "fp32" ? "fp32" : "quantized"}
          />
        </div>
      </div>
      <h4>The weights of each digit</h4>
      <Templates
        weights={cast ? cast.stored.map((q) => q * cast.scale) : repair.weights}
        width={width}
        crossed={now === "wrap"}
        marks={out.map((index) => ({ index, what: journey(repair, index, cast, width) }))}
      />
      <p class="note">
        Orange: ink here speaks for the digit; blue: against it; full colour from 1 on. Framed: the{" "}
        {out.length} weights that do not fit times 128
        {now === "wrap" ? "; crossed, because they are wrong now" : ""}.
      </p>
      {out.length > 0 && <Weights repair={repair} out={out} width={width} />}
    </>
  );
}

/** What a step does, with its numbers. */
function explain(step: Step, repair: Repaired, out: number[]): string {
  const { weights, wrap, saturate, scale } = repair;
  const right = {
    fp32: correctIn(repair.confusion),
    wrap: correctIn(wrap.confusion),
    saturate: correctIn(saturate.confusion),
    scale: correctIn(scale.confusion),
  };
  const total = totalIn(repair.confusion);
  const all = weights.length;
  const largest = real(Math.max(...weights.map(Math.abs)));
  const says = `right, ${right[step]} of ${total}`;
  if (out.length === 0 && step !== "scale") {
    return `${says}. The largest weight is ${largest}: times 128 all ${all} fit −128…127, and nothing wraps.`;
  }
  const size = (i: number) => Math.abs(at(wrap.nearest, i));
  const farthest = out.reduce((far, i) => (size(i) > size(far) ? i : far), out[0] ?? 0);
  const turned = out.filter((i) => at(wrap.nearest, i) * at(wrap.stored, i) < 0).length;
  const becomes = (stored: number[]) =>
    `${integer(at(wrap.nearest, farthest))} becomes ${integer(at(stored, farthest))}`;
  switch (step) {
    case "fp32":
      return `${says}. Times 128, ${out.length} of the ${all} weights do not fit −128…127: they are about 1 or larger, the farthest ${integer(at(wrap.nearest, farthest))}.`;
    case "wrap":
      return `${says}: ${right.fp32 - right.wrap} answers lost. Each weight × 128 is rounded, and the cast keeps the lowest 8 bits: ${becomes(wrap.stored)}. ${out.length} of the ${all} weights do not fit, and ${turned === out.length ? "all" : turned} of these change their sign.`;
    case "saturate":
      return `${says}: ${right.saturate - right.wrap} answers are back. The cast now stops at the ends: ${becomes(saturate.stored)}. The ${out.length} weights are too small, but push the right way.`;
    case "scale":
      return `${says}; fp32 has ${right.fp32}. The scale comes from the largest weight: ${largest} ÷ 127 = ${real(scale.scale)} instead of 1 ÷ 128 = ${real(wrap.scale)}. Every weight fits, none is off by more than half a step.`;
  }
}

/** Why a model trained here has another number under the same mistake. */
function Difference({ repair, out, width }: { repair: Repaired; out: number[]; width: number }) {
  const lab = labRepair.value;
  if (!lab) return null;
  const labs = wrapped(lab);
  const shared = out.filter((i) => labs.includes(i)).length;
  const extra = out.filter((i) => !labs.includes(i));
  const [length, labLength] = [Math.hypot(...repair.weights), Math.hypot(...lab.weights)];
  const { seed, tuned } = trained.value;
  const jump = (i: number) =>
    `digit ${place(i, width)}, ${integer(at(repair.wrap.nearest, i))} → ${integer(at(repair.wrap.stored, i))}`;
  const news = extra.length > 0 && extra.length <= 3 ? `; new: ${extra.map(jump).join("; ")}` : "";
  // With the lab's C and as many images the weights are about as large as the lab's.
  const alike = tuned === 0 && Math.abs(length / labLength - 1) < 0.05;
  return (
    <p class="note" data-testid="repair-difference" data-wrapped={out.length} data-shared={shared}>
      <strong>
        Why {correctIn(repair.wrap.confusion)} and not {correctIn(lab.wrap.confusion)}?
      </strong>{" "}
      {alike
        ? "The lab’s fit stopped at scikit-learn’s default tolerance, before its weights were full-grown; this one went on to its optimum"
        : "Other regularisation or training images than the lab’s make other weights"}{" "}
      (length of all weights: {length.toFixed(2)}, the lab’s {labLength.toFixed(2)}).{" "}
      {out.length === 0
        ? "None reaches 1, so none wraps."
        : `And the cast is a cliff: a weight just beyond 1 lands near −1. Here ${out.length} weights wrap, ${shared === labs.length ? "the lab’s" : `${shared} of the lab’s`} ${labs.length} among them${news}.`}
      {seed === DEFAULT_RECORD.seed ? "" : ` The test images are others too: those of seed ${seed}.`}
    </p>
  );
}

/** The weights that do not fit, one by one. */
function Weights({ repair, out, width }: { repair: Repaired; out: number[]; width: number }) {
  return (
    <Details name="repair-weights" summary={`The ${out.length} weights that do not fit, one by one`}>
      <Scroll label="Weights that do not fit int8 times 128">
        <table data-testid="repair-weights">
          <thead>
            <tr>
              <th scope="col">digit, pixel</th>
              <th scope="col">weight</th>
              <th scope="col">× 128</th>
              <th scope="col">wrap</th>
              <th scope="col">saturate</th>
              <th scope="col">scale</th>
            </tr>
          </thead>
          <tbody>
            {out.map((i) => (
              <tr key={i}>
                <th scope="row">{place(i, width)}</th>
                <td>{real(at(repair.weights, i))}</td>
                <td>{integer(at(repair.wrap.nearest, i))}</td>
                <td>{integer(at(repair.wrap.stored, i))}</td>
                <td>{integer(at(repair.saturate.stored, i))}</td>
                <td>{integer(at(repair.scale.stored, i))}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </Details>
  );
}

/** Digit, row and column of a weight; rows and columns are counted from 1. */
function place(i: number, width: number): string {
  const pixel = i % (width * width);
  return `${Math.floor(i / (width * width))}, row ${Math.floor(pixel / width) + 1}, column ${(pixel % width) + 1}`;
}

function journey(repair: Repaired, i: number, cast: CastStep | null, width: number): string {
  const from = integer(at((cast ?? repair.wrap).nearest, i));
  const where = `digit ${place(i, width)}: ${from}`;
  return cast ? `${where} stored as ${integer(at(cast.stored, i))}` : where;
}

/** Where the weights lie, in words. */
function spread(places: number[]): string {
  const sorted = [...places].sort((a, b) => a - b);
  const share = (part: number) => integer(at(sorted, Math.floor(part * (sorted.length - 1))));
  return `Half of them lie within ${share(0.25)}…${share(0.75)}, all within ${share(0)}…${share(1)}.`;
}

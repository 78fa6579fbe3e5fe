import { signal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { ConfusionTable } from "../charts/confusion";
import { Pixels } from "../charts/pixels";
import * as engine from "../engine";
import { current, findFlips, flips } from "../flips";
import { percent } from "../format";
import * as pad from "../pad";
import { ofName, schemeTitle } from "../scheme";
import { busy, trained } from "../state";
import type { FlippedImage, Flips as Found } from "../wasm/quantpad.js";
import { useFresh } from "./fresh";
import { Segments } from "./segments";

type Kind = FlippedImage["kind"];

const KINDS: [Kind, string, string][] = [
  ["broken", "✗ broken", "right in fp32, wrong quantized"],
  ["fixed", "✓ fixed", "wrong in fp32, right quantized"],
  ["changed", "≠ changed", "wrong in both, but otherwise"],
];

/** Cards that are shown until more are asked for. */
const FIRST = 10;

const kind = signal<Kind | "all">("all");
const shown = signal(FIRST);
/** The matrix chosen; until one is, the difference where there is any. */
const matrix = signal<"fp32" | "quantized" | "difference" | null>(null);

/** Test images on which the two models disagree, and what each model takes for what. */
export function Flips() {
  const element = useRef<HTMLElement>(null);
  useFresh(element, findFlips);
  const { found: last, scheme } = flips.value?.data === trained.value.data ? flips.value : {};
  const [name = ""] = scheme ? schemeTitle(scheme) : [];
  const total = last ? last.broken + last.fixed + last.changed : 0;
  return (
    <section
      id="flips"
      class="card lab flips"
      ref={element}
      aria-labelledby="flips-title"
      aria-busy={!current.value}
      data-testid="flips"
      data-current={current.value}
      data-total={last ? total : ""}
      data-tested={last?.tested ?? ""}
      data-broken={last?.broken ?? ""}
      data-fixed={last?.fixed ?? ""}
      data-changed={last?.changed ?? ""}
    >
      <h2 id="flips-title">
        Where the models disagree{" "}
        {last && (
          <small>
            {total} of {last.tested} test images
          </small>
        )}
      </h2>
      {last && (
        <>
          <Summary found={last} total={total} name={name} />
          {total > 0 && <Gallery found={last} total={total} name={name} />}
          <Confusions found={last} name={name} />
        </>
      )}
    </section>
  );
}

/** `name`: what the quantized model is called. */
function Summary({ found, total, name }: { found: Found; total: number; name: string }) {
  const { tested, broken, fixed, changed } = found;
  if (total === 0) {
    return (
      <>
        <p>
          None: {name} answers all {tested} test images as fp32 does. Fewer bits tell them apart:
        </p>
        <p class="buttons">
          {[
            ["ternary-per-channel", "Try ternary"],
            ["binary-per-channel", "Try binary"],
          ].map(([scheme = "", label]) => (
            <button
              key={scheme}
              type="button"
              data-testid={`flips-try-${ofName(scheme).format}`}
              disabled={busy.value}
              onClick={() => engine.setScheme(ofName(scheme))}
            >
              {label}
            </button>
          ))}
        </p>
      </>
    );
  }
  const lost = broken - fixed;
  const balance = lost === 0 ? "no change" : `${Math.abs(lost)} right answers ${lost > 0 ? "fewer" : "more"}`;
  return (
    <p>
      Quantizing to {name} broke {broken} answers (right in fp32, now wrong), fixed {fixed} (wrong, now right)
      and changed {changed} (wrong, now otherwise wrong). Accuracy tells only the balance: {balance}.
    </p>
  );
}

function Gallery({ found, total, name }: { found: Found; total: number; name: string }) {
  const { images } = found;
  const counts = { broken: found.broken, fixed: found.fixed, changed: found.changed };
  // What was chosen for other models may be empty for these.
  const chosen = kind.value !== "all" && counts[kind.value] > 0 ? kind.value : "all";
  const wanted = images.filter((image) => chosen === "all" || image.kind === chosen);
  const rest = wanted.length - shown.value;
  return (
    <>
      <Segments
        id="flips-kind"
        legend="Show"
        value={chosen}
        options={[
          { value: "all" as const, name: "All", note: total },
          ...KINDS.filter(([value]) => counts[value] > 0).map(([value, name]) => ({
            value,
            name,
            note: counts[value],
          })),
        ]}
        onChoose={(value) => {
          kind.value = value;
          shown.value = FIRST;
        }}
      />
      <ul class="gallery">
        {wanted.slice(0, shown.value).map((image) => (
          <Card key={image.row} image={image} quantizedName={name} />
        ))}
      </ul>
      {rest > 0 && (
        <button
          type="button"
          class="quiet"
          data-testid="flips-more"
          onClick={() => {
            shown.value += 4 * FIRST;
          }}
        >
          Show {Math.min(rest, 4 * FIRST)} more
        </button>
      )}
      {images.length < total && <p class="note">These are the first {images.length}.</p>}
    </>
  );
}

function Card({ image, quantizedName }: { image: FlippedImage; quantizedName: string }) {
  const { row, label, fp32, quantized } = image;
  const { width, height, maxPixel } = trained.value.data;
  const [, name, meaning] = KINDS.find(([kind]) => kind === image.kind) ?? KINDS[0] ?? [];
  return (
    <li
      class="flip"
      data-row={row}
      data-label={label}
      data-kind={image.kind}
      data-fp32={fp32.digit}
      data-quantized={quantized.digit}
    >
      <svg viewBox={`0 0 ${width} ${height}`} role="img" aria-label={`Test image, row ${row}`}>
        <Pixels values={image.image} width={width} max={maxPixel} />
      </svg>
      <p>
        Label <strong>{label}</strong>
        <span class={`kind ${image.kind}`} title={meaning}>
          {name}
        </span>
      </p>
      <Distribution side="fp32" name="fp32" answer={fp32} label={label} />
      <Distribution side="quantized" name={quantizedName} answer={quantized} label={label} />
      <button
        type="button"
        data-testid={`flip-${row}`}
        aria-label={`Put on the pad: row ${row}, labelled ${label}`}
        disabled={!current.value}
        onClick={() => {
          pad.show({ row, label, image: image.image });
          toPad();
        }}
      >
        Put on the pad
      </button>
    </li>
  );
}

/** Ten bars, one for each digit, and the answer in words. */
function Distribution(props: {
  side: "fp32" | "quantized";
  name: string;
  answer: FlippedImage["fp32"];
  label: number;
}) {
  const { answer, label } = props;
  const { digit, probabilities } = answer;
  const share = (of: number) => percent(probabilities[of] ?? 0, 1).replace(/\.\d+/, "");
  const rest = digit === label ? "" : `; ${share(label)} for ${label}`;
  return (
    <div class={`distribution side-${props.side}`}>
      <p>
        {props.name}: <strong>{digit}</strong> {share(digit)}
      </p>
      <svg
        viewBox="0 0 100 34"
        role="img"
        aria-label={`${props.name} gives ${share(digit)} to ${digit}${rest}`}
        data-values={JSON.stringify(probabilities)}
      >
        {probabilities.map((p, i) => (
          <g key={i} class={i === digit ? "best" : ""}>
            <rect class="room" x={i * 10 + 1} y="0" width="8" height="24" />
            <rect x={i * 10 + 1} y={24 - 24 * p} width="8" height={24 * p} />
            <text x={i * 10 + 5} y="33" text-anchor="middle">
              {i}
            </text>
          </g>
        ))}
      </svg>
    </div>
  );
}

/** To the pad, where the answers are. */
function toPad(): void {
  const pad = document.querySelector<HTMLElement>(".pad");
  pad?.focus({ preventScroll: true });
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  pad?.scrollIntoView({ block: "center", behavior: calm ? "auto" : "smooth" });
}

function Confusions({ found, name }: { found: Found; name: string }) {
  const difference = found.quantized.map((count, i) => count - (found.fp32[i] ?? 0));
  const same = difference.every((count) => count === 0);
  const now = matrix.value ?? (same ? "quantized" : "difference");
  return (
    <>
      <h3>What is taken for what</h3>
      <Segments
        id="flips-matrix"
        legend="Confusion matrix"
        value={now}
        options={[
          { value: "fp32", name: "fp32" },
          { value: "quantized", name },
          { value: "difference", name: "Difference" },
        ]}
        onChoose={(value) => {
          matrix.value = value;
        }}
      />
      {now === "difference" ? (
        <ConfusionTable
          id="flips-confusion"
          label={`${name} minus fp32: labels in rows, answers in columns`}
          counts={difference}
          side="quantized"
          difference
        />
      ) : (
        <ConfusionTable
          id="flips-confusion"
          label={`${now === "fp32" ? "fp32" : name}: labels in rows, answers in columns`}
          counts={found[now]}
          side={now}
        />
      )}
      {now === "difference" && same && (
        <p class="note">Both models give each answer equally often to each digit.</p>
      )}
    </>
  );
}

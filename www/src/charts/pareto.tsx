/** Accuracy over size (log scale), a dot for each place where schemes lie. The table beside it is its text twin. */

import { useState } from "preact/hooks";
import { bytes, count, interval, modelName, percent } from "../format";
import { type Entry, isUsed } from "../sweep";
import type { ModelName } from "../wasm/quantpad.js";
import { SavePng } from "./save-png";

const WIDTH = 640;
const HEIGHT = 380;
const MARGIN = { left: 62, right: 16, top: 28, bottom: 62 };

/** Schemes of the same model, size and accuracy. */
interface Place {
  entries: Entry[];
  x: number;
  y: number;
  best: boolean;
  used: boolean;
}

interface Scale {
  ticks: number[];
  at: (value: number) => number;
}

/** Bytes from 1-2-5 to 1-2-5; fewer ticks where there are many. */
function sizes(all: number[]): Scale {
  const [low, high] = [Math.log10(Math.min(...all) * 0.5), Math.log10(Math.max(...all) * 1.15)];
  const of = (digits: number[]) =>
    Array.from({ length: 10 }, (_, power) => digits.map((digit) => digit * 10 ** power))
      .flat()
      .filter((value) => Math.log10(value) >= low && Math.log10(value) <= high);
  const ticks = [[1, 2, 5], [1, 3], [1]].map(of).find((list) => list.length <= 6) ?? [];
  const width = WIDTH - MARGIN.left - MARGIN.right;
  return { ticks, at: (value) => MARGIN.left + ((Math.log10(value) - low) / (high - low)) * width };
}

/** Accuracies, in percent, that a line across may stand for. */
const LINES = [0, 20, 50, 70, 80, 90, 95, 98, 99, 99.5, 99.8, 99.9, 100];

/**
 * Accuracies in percent by the logarithm of the share of wrong answers: from 98 to 99 % halves them, as from 80 to 90 %.
 * All right counts as half an image wrong.
 */
function accuracies(all: number[], images: number): Scale {
  const height = (percent: number) => -Math.log(1 - percent / 100 + 0.5 / images);
  const [low, high] = [Math.min(...all), Math.max(...all)];
  const bottom = LINES.filter((line) => line < low).at(-1) ?? 0;
  const top = LINES.find((line) => line > high) ?? 100;
  const room = HEIGHT - MARGIN.top - MARGIN.bottom;
  const at = (percent: number) =>
    HEIGHT - MARGIN.bottom - ((height(percent) - height(bottom)) / (height(top) - height(bottom))) * room;
  const ticks = LINES.filter((line) => line >= bottom && line <= top);
  // The names of two lines must not touch.
  return { ticks: ticks.filter((line, i) => i === 0 || at(ticks[i - 1] ?? 0) - at(line) > 24), at };
}

const accuracy = ({ judged }: Entry) => (100 * judged.correct) / judged.total;

/** Where schemes lie, from small to large. */
function placesOf(entries: Entry[], front: Set<Entry>, x: Scale, y: Scale): Place[] {
  const places = new Map<string, Place>();
  for (const entry of entries) {
    const { correct, parameterBytes } = entry.judged;
    const key = [entry.subject.trained.model, parameterBytes, correct].join();
    const place = places.get(key) ?? {
      entries: [],
      x: x.at(parameterBytes),
      y: y.at(accuracy(entry)),
      best: front.has(entry),
      used: false,
    };
    place.entries.push(entry);
    place.used ||= isUsed(entry);
    places.set(key, place);
  }
  return [...places.values()].sort((a, b) => a.x - b.x || b.y - a.y);
}

export function ParetoChart(props: {
  entries: Entry[];
  front: Set<Entry>;
  usable: boolean;
  onUse: (entry: Entry) => void;
}) {
  const { entries, front, usable, onUse } = props;
  // The place that is told about, and that the Tab key leads to.
  const [chosen, choose] = useState<string | null>(null);
  const percents = entries.map(accuracy);
  const x = sizes(entries.map(({ judged }) => judged.parameterBytes));
  const y = accuracies(percents, entries[0]?.judged.total ?? 1);
  const places = placesOf(entries, front, x, y);
  const keyOf = ({ entries }: Place) => String(entries[0]?.number);
  const told = places.find((place) => keyOf(place) === chosen);
  const reached = told ?? places.find(({ used }) => used) ?? places[0];
  const models = [...new Set(entries.map(({ subject }) => subject.trained.model))];
  const cut = (y.ticks[0] ?? 0) > 0;
  const right = WIDTH - MARGIN.right;
  const bottom = HEIGHT - MARGIN.bottom;

  const move = (event: KeyboardEvent, from: Place) => {
    const by = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, Home: -Infinity, End: Infinity }[
      event.key
    ];
    if (by !== undefined) {
      const at = Math.min(places.length - 1, Math.max(0, places.indexOf(from) + by));
      const next = places[at];
      const element = (event.currentTarget as Element).parentElement;
      if (next) element?.querySelector<SVGElement>(`[data-place="${keyOf(next)}"]`)?.focus();
    } else if (event.key === "Enter" || event.key === " ") {
      load(from);
    } else {
      return;
    }
    event.preventDefault();
  };
  const load = ({ entries: [first] }: Place) => {
    if (first && usable) onUse(first);
  };

  return (
    <figure class="pareto-chart">
      <p class="axis-title">
        Right answers, % of the test images: the scale is wider towards 100 %, where it is hard to gain
        {cut && (
          <>
            ; it <strong>begins at {y.ticks[0]} %</strong>, not at 0
          </>
        )}
        .
      </p>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`}>
        <title>
          Accuracy over size; the table below holds the numbers. Arrow keys lead from dot to dot, Enter loads.
        </title>
        {y.ticks.map((tick) => (
          <g key={tick} class="grid">
            <line x1={MARGIN.left} x2={right} y1={y.at(tick)} y2={y.at(tick)} />
            <text x={MARGIN.left - 8} y={y.at(tick) + 4} text-anchor="end">
              {tick}
            </text>
          </g>
        ))}
        {x.ticks.map((tick) => (
          <g key={tick} class="grid">
            <line x1={x.at(tick)} x2={x.at(tick)} y1={MARGIN.top} y2={bottom} />
            <text x={x.at(tick)} y={bottom + 24} text-anchor="middle">
              {count(tick)}
            </text>
          </g>
        ))}
        <text x={(MARGIN.left + right) / 2} y={HEIGHT - 6} text-anchor="middle">
          parameters in bytes (log scale)
        </text>
        {cut && <path class="cut" d={`M${MARGIN.left} ${bottom} l-6 -4 l12 -5 l-6 -4`} />}
        <path class="front" d={steps(places.filter(({ best }) => best))} />
        {labels(places).map(({ place, text }) => (
          <text key={keyOf(place)} class="label" x={place.x - 6} y={place.y - 9} text-anchor="end">
            {text}
          </text>
        ))}
        {told && <Whisker place={told} y={y} />}
        <g>
          {inLayers(places).map((place) => {
            const key = keyOf(place);
            const model = place.entries[0]?.subject.trained.model ?? "softmax";
            const kinds = [`net-${model}`, place.best ? "best" : "", isFp32(place) ? "fp32" : ""];
            return (
              // biome-ignore lint/a11y/useSemanticElements: there is no <button> inside of an SVG.
              <g
                key={key}
                role="button"
                tabindex={place === reached ? 0 : -1}
                class={`dot ${kinds.join(" ")}`}
                data-place={key}
                data-dot={place.entries[0]?.scheme}
                aria-label={`${describe(place)} ${usable ? "Load." : ""}`}
                aria-disabled={!usable}
                onClick={() => load(place)}
                onKeyDown={(event) => move(event, place)}
                onFocus={(event) => {
                  choose(key);
                  show(event.currentTarget);
                }}
                onPointerEnter={() => choose(key)}
              >
                {(place.used || place === told) && (
                  <circle class={place.used ? "ring used" : "ring"} cx={place.x} cy={place.y} r="11" />
                )}
                <circle class="target" cx={place.x} cy={place.y} r="12" />
                <Marker model={model} x={place.x} y={place.y} />
              </g>
            );
          })}
        </g>
      </svg>
      <p class="told" data-screen-only={told ? undefined : ""} data-testid="sweep-told">
        {told
          ? describe(told)
          : "Point at a dot, or go there with the Tab and arrow keys; click it to load it."}
      </p>
      <figcaption>
        {models.map((model) => (
          <Key key={model} classes={`net-${model} best`} model={model}>
            {model === "softmax" ? "softmax regression" : model.toUpperCase()}
          </Key>
        ))}
        <Key classes="fp32 best" model={models[0] ?? "softmax"}>
          fp32, unquantized
        </Key>
        <span class="key-item">Filled, on the line: Pareto-optimal. Ringed: in use.</span>
        <SavePng title="Every scheme: accuracy over size" />
      </figcaption>
    </figure>
  );
}

/** Firefox does not scroll to parts of a picture. What is in sight stays under the pointer. */
function show(dot: SVGElement): void {
  const { top, bottom } = dot.getBoundingClientRect();
  if (top < 0 || bottom > innerHeight) dot.ownerSVGElement?.scrollIntoView({ block: "center" });
}

function Key(props: { classes: string; model: ModelName; children: string }) {
  return (
    <span class="key-item">
      <svg viewBox="-9 -9 18 18" width="18" height="18" aria-hidden="true" class={`dot ${props.classes}`}>
        <Marker model={props.model} x={0} y={0} />
      </svg>
      {props.children}
    </span>
  );
}

/** What is on the line, and what is in use, lies over the rest. */
const inLayers = (places: Place[]) =>
  [...places].sort((a, b) => Number(a.best) - Number(b.best) || Number(a.used) - Number(b.used));

const isFp32 = ({ entries }: Place) => entries.some(({ scheme }) => scheme === "f32");

/** A disc, a square, a triangle: networks are told apart without colour. */
function Marker({ model, x, y }: { model: ModelName; x: number; y: number }) {
  if (model === "softmax") return <circle class="mark" cx={x} cy={y} r="4.8" />;
  if (model === "mlp") return <rect class="mark" x={x - 4.5} y={y - 4.5} width="9" height="9" />;
  return <path class="mark" d={`M${x} ${y - 5.5} l5.6 9.8 h-11.2 z`} />;
}

/** The 95 % interval. */
function Whisker({ place, y }: { place: Place; y: Scale }) {
  const judged = place.entries[0]?.judged;
  if (!judged) return null;
  const inside = (share: number) =>
    Math.max(MARGIN.top - 8, Math.min(HEIGHT - MARGIN.bottom, y.at(100 * share)));
  const [low, high] = [inside(judged.low), inside(judged.high)];
  const { x } = place;
  return <path class="whisker" d={`M${x - 5} ${low} h10 m-5 0 V${high} m-5 0 h10`} />;
}

/** The most accurate of so many bytes, over the bytes. */
function steps(places: Place[]): string {
  const [first, ...rest] = places;
  if (!first) return "";
  return `M${first.x} ${first.y}${rest.map(({ x, y }) => ` H${x} V${y}`).join("")} H${WIDTH - MARGIN.right}`;
}

/** Names of formats along the line, up and left of their dots where no dot can lie; those that would touch are left out. */
function labels(places: Place[]) {
  const [WIDE, HIGH] = [7.5, 16];
  let last = { x: 0, y: HEIGHT };
  return places.flatMap((place) => {
    const scheme = place.entries[0]?.scheme ?? "";
    const text = (scheme.split("-")[0] ?? "") + (scheme.includes("-qat") ? " QAT" : "");
    const room = last.y - place.y >= HIGH || place.x - text.length * WIDE > last.x;
    if (!place.best || !room) return [];
    last = place;
    return [{ place, text }];
  });
}

/** A place in words. */
function describe({ entries, best, used }: Place): string {
  const [first] = entries;
  if (!first) return "";
  const { judged, subject, scheme } = first;
  const more = entries.length > 1 ? ` (and ${entries.length - 1} more of the same size and accuracy)` : "";
  const marks = `${best ? " Pareto-optimal." : ""}${used ? " In use." : ""}`;
  return `${modelName(subject.trained)}, ${scheme}${more}: ${bytes(judged.parameterBytes)}, ${percent(judged.correct, judged.total)} right (95 % interval ${interval(judged.low, judged.high)}).${marks}`;
}

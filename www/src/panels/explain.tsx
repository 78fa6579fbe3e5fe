import { useEffect, useRef } from "preact/hooks";
import * as engine from "../engine";
import { choose, explanation, isLast, layer, layers, output, step, watched } from "../explain";
import { count, real } from "../format";
import { schemeTitle } from "../scheme";
import { sample, shownAxes } from "../state";
import type { Explanation, LayerFacts } from "../wasm/quantpad.js";
import { fp32End, fp32Steps, quantizedEnd, quantizedSteps } from "../written";
import { Scales } from "./scales";
import { Select } from "./select";
import { Steps, Table } from "./steps";
import { useVisible } from "./visible";

/** One output of one layer, input by input: the quantized model's calculation beside that of fp32. */
export function Explain() {
  const section = useRef<HTMLElement>(null);
  const visible = useVisible(section);
  useEffect(() => {
    watched.value = visible;
    const print = () => {
      watched.value = true;
    };
    addEventListener("beforeprint", print);
    return () => removeEventListener("beforeprint", print);
  }, [visible]);
  const [told, now] = [explanation.value, layer.value];
  return (
    <section
      ref={section}
      id="explain"
      class="card lab explain"
      aria-labelledby="explain-title"
      data-testid="explain"
      data-layer={now?.number ?? ""}
      data-output={now && watched.value ? output.value : ""}
      data-result={told?.quantized.result ?? ""}
      data-fp32-result={told?.fp32.result ?? ""}
      data-integer={told ? String(told.integers !== null) : ""}
    >
      <h2 id="explain-title">One number, explained</h2>
      <p>
        Every output of a layer is a sum of inputs times weights. Follow one of them, input by input: what the
        quantized model calculates, and beside it what fp32 does.
      </p>
      {now && <Choice layer={now} />}
      {now && !told && (
        <p class="empty" data-testid="explain-empty">
          There is nothing to calculate yet: draw a digit above, or{" "}
          <button type="button" data-testid="explain-sample" onClick={engine.showSample}>
            take a test digit
          </button>
        </p>
      )}
      {now && told && <Calculation told={told} layer={now} />}
    </section>
  );
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

/** Which layer and which of its outputs. */
function Choice({ layer }: { layer: LayerFacts }) {
  const { images, outputs } = layer;
  const at = output.value;
  const [, width = 1] = images ?? [];
  const pixel = Math.floor(at / outputs);
  const select = (id: string, label: string, value: number, all: number[], to: (value: number) => number) => (
    <label>
      {label}
      <Select
        id={id}
        value={String(value)}
        options={all.map((value) => ({ value: String(value), name: String(value + (isLast.value ? 0 : 1)) }))}
        onChoose={(value) => choose({ output: to(Number(value)), step: null })}
      />
    </label>
  );
  return (
    <div class="fields">
      <label>
        Layer
        <Select
          id="explain-layer"
          value={String(layer.number)}
          options={layers.value.map((one) => ({ value: String(one.number), name: layerName(one) }))}
          onChoose={(value) => choose({ layer: Number(value), output: null, step: null })}
        />
      </label>
      {images ? (
        <>
          {select(
            "explain-channel",
            "Channel",
            at % outputs,
            range(0, outputs),
            (to) => pixel * outputs + to,
          )}
          {select(
            "explain-row",
            "Row",
            Math.floor(pixel / width),
            range(0, images[0] ?? 0),
            (to) => (to * width + (pixel % width)) * outputs + (at % outputs),
          )}
          {select(
            "explain-column",
            "Column",
            pixel % width,
            range(0, width),
            (to) => (pixel - (pixel % width) + to) * outputs + (at % outputs),
          )}
        </>
      ) : (
        select("explain-output", isLast.value ? "Digit" : "Output", at, range(0, outputs), (to) => to)
      )}
    </div>
  );
}

function layerName({ number, images, inputs, outputs }: LayerFacts): string {
  const kind = images
    ? `3×3 convolution to ${outputs} channels`
    : `fully connected, ${count(inputs)} to ${outputs}`;
  return `${number + 1}: ${kind}`;
}

function Calculation({ told, layer }: { told: Explanation; layer: LayerFacts }) {
  const at = step.value;
  const { integers } = told;
  const [name] = schemeTitle(shownAxes.value);
  return (
    <>
      <Steps told={told} layer={layer} />
      <div class="sums">
        <Side kind="fp32" name="fp32" lines={fp32Steps(told, at)} />
        <Side kind="quantized" name={name} lines={quantizedSteps(told, layer.format, at)} />
      </div>
      {integers && <Scales told={told} />}
      <h3>After the last input</h3>
      <div class="sums">
        <Side kind="fp32" name="fp32" lines={fp32End(told)} result={told.fp32.result} />
        <Side kind="quantized" name={name} lines={quantizedEnd(told)} result={told.quantized.result} />
      </div>
      <p class="note" data-testid="explain-difference">
        The two differ by {real(Math.abs(told.quantized.result - told.fp32.result))}.{" "}
        {sample.value === null && isLast.value
          ? "This is the drawing as you see it in “What the models see”; the answers above average the outputs of several writings of it."
          : ""}
      </p>
      <Table told={told} />
    </>
  );
}

function Side(props: { kind: string; name: string; lines: string[]; result?: number }) {
  return (
    <div class={`sum side-${props.kind}`}>
      <span class="figure-name">{props.name}</span>
      <ol>
        {props.lines.map((line) => (
          <li key={line}>{line}</li>
        ))}
      </ol>
      {props.result !== undefined && (
        <strong class="result">
          <span class="visually-hidden">Output: </span>
          {real(props.result)}
        </strong>
      )}
    </div>
  );
}

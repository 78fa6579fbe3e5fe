import { useEffect, useRef } from "preact/hooks";
import { type Blamed, blamed, refresh } from "../blame";
import { Histogram } from "../charts/histogram";
import { MOST, Ranges } from "../charts/ranges";
import * as engine from "../engine";
import { count, decibels, percent, real } from "../format";
import { formatTitle, layerName, nearest, withLayer } from "../scheme";
import { axes, busy, models } from "../state";
import { open } from "../view";
import type { LayerBlame, Noise } from "../wasm/quantpad.js";
import { Details } from "./details";
import { Explained, type Formula } from "./explained";
import { Scroll } from "./scroll";
import { useVisible } from "./visible";

/** What each layer's rounding does, of the models in use. */
export function Blame() {
  const element = useRef<HTMLElement>(null);
  const visible = useVisible(element);
  const [inUse, working] = [models.value, busy.value];
  useEffect(() => {
    if (visible && inUse && !working) void refresh();
  }, [visible, inUse, working]);
  const found = blamed.value;
  return (
    <section
      id="blame"
      class="card lab blame"
      aria-labelledby="blame-title"
      ref={element}
      data-testid="blame"
      data-scheme={found?.scheme ?? ""}
      data-total={found?.total ?? ""}
      data-fp32-correct={found?.fp32Correct ?? ""}
      data-quantized-correct={found?.quantizedCorrect ?? ""}
    >
      <h2 id="blame-title">Which layer is to blame?</h2>
      <p>
        Rounding adds noise to each layer’s weights, and so to what it gives to the next. Here each layer is
        quantized alone, and each is left out, on{" "}
        {found ? `${count(found.total)} test images` : "the test images"}.
      </p>
      {found && (
        <>
          <Verdict found={found} />
          <Table found={found} />
          {found.layers.map((layer, i) => (
            <Weights
              key={found.titles[i]}
              title={found.titles[i] ?? ""}
              layer={layer}
              found={found}
              number={i}
            />
          ))}
          <p class="note">
            SQNR: how many times the power of what is there exceeds that of the rounding noise, 10 dB for each
            factor of 10; a bit more or less is worth 6.02 dB. That of the outputs is measured against the
            fp32 network on the same test images, and holds the noise of the layers before.
            {found.axes.method === "qat" &&
              " These weights were trained on with their rounding, so what training changed counts as noise too; keeping a layer in fp32 trains anew."}
          </p>
        </>
      )}
    </section>
  );
}

/** The layer whose rounding costs the most: whose exactness regains the most answers; of equal ones the noisier. */
function worstOf({ layers }: Blamed): number {
  const order = (layer: LayerBlame) => [
    layer.withoutCorrect,
    -layer.onlyCorrect,
    -layer.outputsDb,
    -layer.weightsDb,
  ];
  const worse = (a: number[], b: number[]) => {
    const at = a.findIndex((value, i) => value !== b[i]);
    return at >= 0 && (a[at] ?? 0) > (b[at] ?? 0);
  };
  return layers.reduce((worst, layer, i) => {
    const now = layers[worst];
    return now && worse(order(layer), order(now)) ? i : worst;
  }, 0);
}

function Verdict({ found }: { found: Blamed }) {
  const { layers, fp32Correct, quantizedCorrect, total } = found;
  const lost = fp32Correct - quantizedCorrect;
  const number = worstOf(found);
  const worst = layers[number];
  if (!worst) return null;
  const gained = worst.withoutCorrect - quantizedCorrect;
  const name = `layer ${number + 1}`;
  const answers = (n: number) => (n === 1 ? "1 answer" : `${n} answers`);
  const pieces = () => {
    if (layers.every(({ format }) => format === "f32" || format === "f64")) return "No layer is quantized.";
    if (lost <= 0) {
      const noisiest = layers.reduce((a, b, i) => (b.outputsDb < (layers[a]?.outputsDb ?? 0) ? i : a), 0);
      const change = lost < 0 ? `${answers(-lost)} more than fp32` : "as many as fp32";
      const keep = decibels(layers[noisiest]?.outputsDb ?? 0);
      const where =
        layers.length === 1
          ? `Its outputs keep ${keep}`
          : `The noisiest outputs are those of layer ${noisiest + 1}, with ${keep}`;
      return `No accuracy is lost: ${percent(quantizedCorrect, total)}, ${change}. ${where}.`;
    }
    if (layers.length === 1)
      return `This model has one layer, so all of the loss (${answers(lost)}) is its own.`;
    if (gained <= 0)
      return `No layer alone explains the loss of ${answers(lost)}: none regains any when kept in fp32.`;
    const share = 2 * gained >= lost ? "Most" : "The largest part";
    return `${share} of the loss comes from ${name}: keeping it in fp32 gives ${percent(worst.withoutCorrect, total)} (now ${percent(quantizedCorrect, total)}, fp32 ${percent(fp32Correct, total)}).`;
  };
  const helps = lost > 0 && gained > 0 && layers.length > 1;
  return (
    <p class="verdict side-quantized" data-testid="blame-verdict" data-layer={helps ? number + 1 : ""}>
      <span>{pieces()}</span>
      {helps && (
        <button
          type="button"
          data-testid="blame-keep"
          disabled={busy.value}
          onClick={() => {
            engine.setScheme(nearest(withLayer(axes.value, layerName(number, layers.length), "f32")));
          }}
        >
          Keep {name} in fp32
        </button>
      )}
    </p>
  );
}

function Table({ found }: { found: Blamed }) {
  const { layers, titles, total, fp32Correct } = found;
  const lost = (correct: number) => Math.max(0, fp32Correct - correct);
  const most = Math.max(
    1,
    ...layers.flatMap((layer) => [lost(layer.onlyCorrect), lost(layer.withoutCorrect)]),
  );
  const right = (correct: number) => (
    <td>
      {percent(correct, total)}
      <span class="loss" aria-hidden="true">
        <span style={{ width: `${(100 * lost(correct)) / most}%` }} />
      </span>
      <small>{lost(correct) > 0 ? `${lost(correct)} lost` : "none lost"}</small>
    </td>
  );
  return (
    <Scroll label="What rounding does to each layer">
      <table>
        <thead>
          <tr>
            <th scope="col">Layer</th>
            <th scope="col">SQNR, weights</th>
            <th scope="col">SQNR, outputs</th>
            <th scope="col">Only this quantized</th>
            <th scope="col">All but this</th>
            <th scope="col">Cut off</th>
          </tr>
        </thead>
        <tbody>
          {layers.map((layer, i) => (
            <tr
              key={titles[i]}
              data-layer={i + 1}
              data-format={layer.format}
              data-weights-db={layer.weightsDb}
              data-outputs-db={layer.outputsDb}
              data-only-correct={layer.onlyCorrect}
              data-without-correct={layer.withoutCorrect}
              data-weights={layer.count}
              data-clipped={layer.clipped}
              data-clipped-inputs={layer.clippedInputs ?? ""}
            >
              <th scope="row">
                {titles[i]}
                <small>
                  {count(layer.count)} weights, {formatTitle(layer.format)}
                </small>
              </th>
              <td>
                <Explained
                  id={`weights-db-${i + 1}`}
                  of={() => ratioFormula(layer.weightsNoise, layer.weightsDb)}
                >
                  {decibels(layer.weightsDb)}
                </Explained>
              </td>
              <td>
                <Explained
                  id={`outputs-db-${i + 1}`}
                  of={() => ratioFormula(layer.outputsNoise, layer.outputsDb)}
                >
                  {decibels(layer.outputsDb)}
                </Explained>
              </td>
              {right(layer.onlyCorrect)}
              {right(layer.withoutCorrect)}
              <td>
                {percent(layer.clipped, layer.count)}
                <small>of the weights</small>
                {layer.clippedInputs !== null && (
                  <>
                    {percent(layer.clippedInputs, 1)}
                    <small>of the inputs</small>
                  </>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

/** The weights of a layer; drawn when they are looked at. */
function Weights(props: { title: string; layer: LayerBlame; found: Blamed; number: number }) {
  const { title, layer, found, number } = props;
  const name = `blame-${number + 1}`;
  return (
    <Details
      name={name}
      testid={`blame-weights-${number + 1}`}
      summary={`${title}: its weights and their range`}
    >
      {open.value.includes(name) && (
        <div class="charts">
          <Histogram
            title={`Histogram of the ${count(layer.count)} weights of ${title}`}
            limit={layer.limit}
            counts={layer.counts}
            clipped={layer.clippedCounts}
            levels={layer.levels}
          >
            {describe(layer, found.axes.granularity === "per-channel")}
          </Histogram>
          <div>
            <Ranges title={`Range of the weights of each output of ${title}`} {...layer} />
            <p class="note">{compare(layer, found.axes.granularity === "per-channel")}</p>
            <Channels layer={layer} title={title} />
          </div>
        </div>
      )}
    </Details>
  );
}

function describe(
  { format, count: all, limit, clipped, levels, channels }: LayerBlame,
  perChannel: boolean,
): string {
  const name = formatTitle(format);
  const peak = `Bars: the ${count(all)} fp32 weights, at most ${real(limit)} from 0.`;
  const scales = channels.map(({ scale }) => scale).filter((scale) => scale > 0);
  const [finest, coarsest] = [Math.min(...scales), Math.max(...scales)];
  const of = perChannel ? "the first output has in" : "the layer has in";
  const values = `${levels.length} values`;
  const shared =
    levels.length === 0
      ? ""
      : format.startsWith("codebook")
        ? ` Lines: the ${values} of ${perChannel ? "the first output’s" : "its"} codebook.`
        : ` Lines: the ${values} that ${of} ${name}.`;
  const steps =
    levels.length > 0 || scales.length === 0
      ? ""
      : ` The values of ${name} are too many to draw: they lie ${real(finest)}${coarsest > finest ? ` to ${real(coarsest)}, by output,` : ""} apart.`;
  const cut =
    clipped > 0
      ? ` Hatched: ${clipped === 1 ? "1 weight lies" : `${count(clipped)} weights lie`} more than half a step beyond the last value and ${clipped === 1 ? "is" : "are"} cut off (${percent(clipped, all)}).`
      : " None lies beyond the last value.";
  // A codebook is made from the weights, floats reach them all.
  return peak + shared + steps + (scales.length > 0 ? cut : "");
}

/** What one scale for all outputs means for the narrowest of them. */
function compare({ channels, format }: LayerBlame, perChannel: boolean): string {
  const reach = channels.map(({ min, max }) => Math.max(-min, max)).filter((most) => most > 0);
  const [narrow, wide] = [Math.min(...reach), Math.max(...reach)];
  if (reach.length < 2) return "";
  const ratio = `The widest output reaches ${real(wide)}, the narrowest ${real(narrow)}`;
  const beyond = channels.length > MOST ? ` The chart shows the first ${MOST} outputs.` : "";
  if (!/^(int|ternary|binary)/.test(format)) return `${ratio}.${beyond}`;
  const scales = perChannel
    ? "each has a scale of its own"
    : `with one scale for all, the steps of the narrowest are ${(wide / narrow).toFixed(1)} times as wide as they could be`;
  return `${ratio}: ${scales}.${beyond}`;
}

function Channels({ layer, title }: { layer: LayerBlame; title: string }) {
  return (
    <Scroll label={`Range of each output of ${title}`}>
      <table>
        <thead>
          <tr>
            <th scope="col">Output</th>
            <th scope="col">Smallest</th>
            <th scope="col">Largest</th>
            <th scope="col">Scale</th>
            <th scope="col">Cut off</th>
          </tr>
        </thead>
        <tbody>
          {layer.channels.map(({ min, max, scale, clipped }, i) => (
            <tr key={i} data-min={min} data-max={max} data-scale={scale} data-clipped={clipped}>
              <th scope="row">{i + 1}</th>
              <td>{real(min)}</td>
              <td>{real(max)}</td>
              <td>{scale > 0 ? real(scale) : "none"}</td>
              <td>{count(clipped)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

const ratioFormula = ({ signal, noise }: Noise, db: number): Formula => ({
  words: "10 · log₁₀ (sum of the squares of the exact values ÷ sum of the squares of what rounding changes)",
  values:
    noise > 0 ? `10 · log₁₀ (${real(signal)} ÷ ${real(noise)})` : `${real(signal)} ÷ 0: nothing is changed`,
  result: decibels(db),
});

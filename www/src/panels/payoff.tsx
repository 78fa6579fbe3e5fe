import { PayoffChart } from "../charts/payoff";
import { count, duration, times } from "../format";
import * as meter from "../meter";
import { BATCH, SIZES } from "../payoff";
import {
  comparing,
  type Layer,
  type Payoff as Measured,
  measuring,
  measuringPayoff,
  payoff,
  weights,
} from "../state";
import { Scroll } from "./scroll";

/** What holds a layer of some size back. */
type Limit = "overhead" | "compute" | "memory";

const LIMITS: Record<Limit, string> = { overhead: "overhead", compute: "multipliers", memory: "memory" };

/** Multiplications a nanosecond. */
const rate = ({ rows, size }: Layer, ns: number) => (rows * size * size) / ns;
const fp32Rate = (layer: Layer) => rate(layer, layer.time.a.medianNs);
const int8Rate = (layer: Layer) => rate(layer, layer.time.b.medianNs);

/** Below these shares of the best rate of its kind a layer is not limited by the multipliers. */
const OVERHEAD = 0.6;
const MEMORY = 0.75;

/** Told from the rates: small layers below the best int8 rate, large ones below the best fp32 rate. */
function limit(layer: Layer, all: Layer[]): Limit {
  const kind = all.filter(({ rows }) => rows === layer.rows);
  const best = (pick: (layer: Layer) => number) => kind.reduce((a, b) => (pick(b) > pick(a) ? b : a), layer);
  const [fp32, int8] = [best(fp32Rate), best(int8Rate)];
  if (layer.size > fp32.size && fp32Rate(layer) < MEMORY * fp32Rate(fp32)) return "memory";
  if (layer.size < int8.size && int8Rate(layer) < OVERHEAD * int8Rate(int8)) return "overhead";
  return "compute";
}

const KINDS: [number, string][] = [
  [1, "one image (GEMV)"],
  [BATCH, `${BATCH} images at once (GEMM)`],
];

export function Payoff() {
  const measured = payoff.value;
  const layers = measured?.layers ?? [];
  const steps = SIZES.length * KINDS.length;
  return (
    <section id="payoff" class="card lab payoff" aria-labelledby="payoff-title" data-testid="payoff">
      <h2 id="payoff-title">Where does int8 pay?</h2>
      <p>
        The model above has {count(weights.value)} weights. Real layers have thousands to millions. This times
        one layer of n inputs and n outputs on your machine, in fp32 and in int8, each with its best kernel.
      </p>
      <p class="buttons">
        <button
          type="button"
          data-testid="payoff-run"
          onClick={meter.measurePayoff}
          disabled={measuringPayoff.value || measuring.value || comparing.value !== null}
        >
          {layers.length > 0 ? "Measure again" : "Measure on this machine"}
        </button>
        {measuringPayoff.value && (
          <>
            <button type="button" class="quiet" data-testid="payoff-cancel" onClick={meter.cancelPayoff}>
              Stop
            </button>
            <progress
              aria-label="Layers measured"
              data-testid="payoff-progress"
              value={layers.length}
              max={steps}
            />
          </>
        )}
      </p>
      {layers.length > 0 && measured && (
        <>
          <PayoffChart
            lines={KINDS.map(([rows, name]) => ({
              name,
              points: layers
                .filter((layer) => layer.rows === rows)
                .map(({ size, time }) => ({ size, ratio: time.ratio })),
            }))}
          />
          <Table layers={layers} />
          {!measuringPayoff.value && <Explanation {...measured} />}
        </>
      )}
    </section>
  );
}

function Table({ layers }: { layers: Layer[] }) {
  return (
    <Scroll label="Times by size of the layer">
      <table>
        <thead>
          <tr>
            <th scope="col">n</th>
            <th scope="col">fp32</th>
            <th scope="col">int8</th>
            <th scope="col">faster</th>
            <th scope="col">Limited by</th>
          </tr>
        </thead>
        {KINDS.map(([kind, name]) => (
          <tbody key={kind}>
            <tr>
              <th scope="rowgroup" colSpan={5}>
                {name}
              </th>
            </tr>
            {layers
              .filter(({ rows }) => rows === kind)
              .map((layer) => (
                <tr
                  key={layer.size}
                  data-rows={layer.rows}
                  data-size={layer.size}
                  data-fp32-ns={layer.time.a.medianNs}
                  data-int8-ns={layer.time.b.medianNs}
                  data-limit={limit(layer, layers)}
                >
                  <th scope="row">{count(layer.size)}</th>
                  <td>{duration(layer.time.a.medianNs)}</td>
                  <td>{duration(layer.time.b.medianNs)}</td>
                  <td>{times(layer.time.ratio)}</td>
                  <td>{LIMITS[limit(layer, layers)]}</td>
                </tr>
              ))}
          </tbody>
        ))}
      </table>
    </Scroll>
  );
}

/** What a layer's time makes of the products that the instructions alone could do. */
const share = ({ rows, size }: Layer, ns: number, productsPerNs: number) =>
  `${Math.round((100 * rows * size ** 2) / ns / productsPerNs)}\u00a0%`;

/** The regions, each with the figures that show it. */
function Explanation({ path, ceilings, layers }: Measured) {
  const of = (wanted: Limit) => layers.filter((layer) => limit(layer, layers) === wanted);
  const best = (list: Layer[]) => list.reduce((a, b) => (b.time.ratio > a.time.ratio ? b : a));
  const sizes = (list: Layer[]) =>
    KINDS.flatMap(([kind]) => {
      const found = list.filter(({ rows }) => rows === kind).map(({ size }) => count(size));
      return found.length > 0
        ? [`${kind === 1 ? "one image" : `${kind} images`}: n = ${found.join(", ")}`]
        : [];
    }).join("; ");
  const [overhead, compute, memory] = [of("overhead"), of("compute"), of("memory")];
  const smallest = overhead[0];
  const fastest = compute.length > 0 ? best(compute) : null;
  const largest = memory.at(-1);
  const ceiling = (names: string[]) =>
    Math.max(0, ...ceilings.filter(({ name }) => names.includes(name)).map((c) => c.productsPerNs));
  const fp32Ceiling = ceiling(["f32 multiply and add", "f32 fused multiply-add"]);
  const int8Ceiling = ceiling(path.startsWith("relaxed") ? ["relaxed dot"] : ["16-bit pairs"]);
  const allowed = fp32Ceiling > 0 && int8Ceiling > 0 ? int8Ceiling / fp32Ceiling : null;
  return (
    <ul class="notes">
      {smallest && (
        <li>
          <strong>Limited by overhead</strong> ({sizes(overhead)}): calling the kernel, starting its sums and
          storing them takes about as long as multiplying. {count(smallest.size)} × {count(smallest.size)} is{" "}
          {times(smallest.time.ratio)}; the model above, 64 × 10 with the image to be rounded first, is
          smaller still.
        </li>
      )}
      {fastest && (
        <li>
          <strong>Limited by the multipliers</strong> ({sizes(compute)}): the weights lie in the caches and
          each instruction does as many products as fit in 128 bits. int8 is up to {times(fastest.time.ratio)}{" "}
          as fast here
          {allowed && `; the instructions alone allow ${times(allowed)} on this engine (${path})`}
          {allowed &&
            fastest.time.ratio > allowed &&
            `, but int8 comes to ${share(fastest, fastest.time.b.medianNs, int8Ceiling)} of what its own could do and fp32 to ${share(fastest, fastest.time.a.medianNs, fp32Ceiling)}: its weights take four times the room in the caches`}
          .
        </li>
      )}
      {largest && (
        <li>
          <strong>Limited by memory</strong> ({sizes(memory)}): one image uses each weight once, and fp32
          weights no longer fit the caches. int8 has a quarter of the bytes to fetch:{" "}
          {times(largest.time.ratio)} at n = {count(largest.size)}. This is the common case of large language
          models.
        </li>
      )}
    </ul>
  );
}

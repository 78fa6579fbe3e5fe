import { cacheFor, DRAM, downloadMs, LINKS, OPERATIONS, picojoules, reads, type Work, work } from "../energy";
import { layers } from "../explain";
import { bytes, count, duration, energy, times } from "../format";
import { schemeTitle } from "../scheme";
import { compressed, evaluation, shownAxes } from "../state";
import { Awaited, Explained, type Formula } from "./explained";
import { Scroll } from "./scroll";

type Which = "fp32" | "quantized";
const BOTH: Which[] = ["fp32", "quantized"];

/** Energy of one inference, time of one download: estimates, fp32 against quantized. */
export function Energy() {
  const sides = evaluation.value;
  if (!sides || layers.value.length === 0) return null;
  const estimates = BOTH.map((which) => {
    const all = work(layers.value, which === "fp32");
    return { which, work: all, arithmetic: picojoules(all), bytes: sides[which].parameterBytes };
  });
  const [fp32, quantized] = estimates;
  const less = fp32?.arithmetic && quantized?.arithmetic && fp32.arithmetic / quantized.arithmetic;
  const [name] = schemeTitle(shownAxes.value);
  return (
    <section class="card lab energy" aria-labelledby="energy-title" data-testid="energy">
      <h2 id="energy-title">
        Energy and transfer <small>an estimate</small>
      </h2>
      <p>
        Nothing here is measured on your machine: operations and bytes are counted in your models, and
        multiplied by energies published for one chip process and by stated link speeds. Press a figure for
        its formula.
      </p>
      <Scroll label="Estimated energy and transfer">
        <table>
          <thead>
            <tr>
              <th scope="col">Estimate</th>
              <th scope="col">fp32</th>
              <th scope="col">{name}</th>
            </tr>
          </thead>
          <tbody>
            <Heading name="Energy of one inference" />
            <tr data-row="operations">
              <th scope="row">Multiply-adds</th>
              {estimates.map((one) => (
                <Operations key={one.which} {...one} />
              ))}
            </tr>
            <tr data-row="arithmetic">
              <th scope="row">Their energy</th>
              {estimates.map((one) => (
                <Cell
                  key={one.which}
                  id={`${one.which}-arithmetic-energy`}
                  value={one.arithmetic}
                  of={() => workFormula(one.work)}
                />
              ))}
            </tr>
            <tr data-row="cache">
              <th scope="row">Parameters read once, from a cache</th>
              {estimates.map((one) => (
                <Cell
                  key={one.which}
                  id={`${one.which}-cache-energy`}
                  value={cacheEnergy(one.bytes)}
                  of={() => cacheFormula(one.bytes)}
                />
              ))}
            </tr>
            <tr data-row="inference">
              <th scope="row">Both together</th>
              {estimates.map((one) => (
                <Cell
                  key={one.which}
                  id={`${one.which}-inference-energy`}
                  value={inferenceEnergy(one)}
                  of={() => inferenceFormula(one)}
                />
              ))}
            </tr>
            <tr data-row="dram">
              <th scope="row">Parameters read once, from DRAM instead</th>
              {estimates.map((one) => (
                <Cell
                  key={one.which}
                  id={`${one.which}-dram-energy`}
                  value={reads(one.bytes) * DRAM[0]}
                  of={() => dramFormula(one.bytes)}
                />
              ))}
            </tr>
          </tbody>
          <tbody>
            <Heading name="Time of one download" />
            {LINKS.map(([link, speed]) => (
              <tr key={link} data-row="download" data-speed={speed}>
                <th scope="row">
                  {link}: {speed / 1e6} Mbit/s
                </th>
                {BOTH.map((which, i) => (
                  <Download
                    key={which}
                    which={which}
                    speed={speed}
                    plain={sides[which].fileBytes}
                    packed={compressed.value?.[i]}
                  />
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
      <ul class="notes">
        <li data-testid="energy-verdict" data-ratio={less || ""}>
          {verdict(less || null, quantized?.work ?? [])}
        </li>
        <li>
          <strong>Energies</strong> are those of M. Horowitz, “Computing’s energy problem (and what we can do
          about it)”, ISSCC 2014: 45 nm, 0.9 V. Newer chips need less of everything; the ratios are what
          lasts.
        </li>
        <li>
          <strong>Not counted</strong>: scaling and rounding the inputs, reading and writing activations, and
          what a processor spends on fetching and steering its instructions, which is more than the operations
          themselves. A download’s latency and what protocols add are left out too.
        </li>
      </ul>
    </section>
  );
}

const Heading = ({ name }: { name: string }) => (
  <tr>
    <th scope="rowgroup" colSpan={3}>
      {name}
    </th>
  </tr>
);

function Operations({ which, work }: { which: Which; work: Work[] }) {
  const total = work.reduce((sum, { count }) => sum + count, 0);
  const of = (): Formula => ({
    words:
      "Layer by layer: inputs × outputs; of a 3×3 convolution height × width × inputs of a filter × channels",
    values: layers.value
      .map(({ images, inputs, outputs }) =>
        [...(images ? images.slice(0, 2) : []), inputs, outputs].map(count).join("\u00a0×\u00a0"),
      )
      .join(" + "),
    result: count(total),
  });
  return (
    <td data-value={total}>
      <Explained id={`${which}-multiply-adds`} of={of}>
        {count(total)}
      </Explained>
    </td>
  );
}

/** A figure in pJ, or none. */
function Cell({ id, value, of }: { id: string; value: number | null; of: () => Formula }) {
  if (value === null) return <td data-value="">no figure</td>;
  return (
    <td data-value={value}>
      <Explained id={id} of={of}>
        {of().result}
      </Explained>
    </td>
  );
}

const workFormula = (work: Work[]): Formula => ({
  words: "Multiply-adds × (energy of a multiplication + of an addition)",
  values: work
    .flatMap(({ arithmetic, count: number }) => {
      const cost = OPERATIONS[arithmetic];
      return cost ? `${count(number)} × (${cost.multiply} + ${cost.add})\u00a0pJ` : [];
    })
    .join(" + "),
  result: energy(picojoules(work) ?? 0),
  notes: work
    .flatMap(({ arithmetic }) => {
      const cost = OPERATIONS[arithmetic];
      if (!cost) return [];
      const [multiply, add] = cost.names;
      return `${multiply} multiplication ${cost.multiply} pJ, ${add} addition ${cost.add} pJ (Horowitz 2014).`;
    })
    .join(" "),
});

function cacheEnergy(bytes: number): number | null {
  const cache = cacheFor(bytes);
  return cache ? reads(bytes) * cache[1] : null;
}

function cacheFormula(parameters: number): Formula {
  const [size, cost] = cacheFor(parameters) ?? [0, 0];
  return {
    words: "⌈Bytes of the parameters ÷ 8⌉ reads of 64 bits × energy of a read",
    values: `⌈${count(parameters)} ÷ 8⌉ × ${cost}\u00a0pJ`,
    result: energy(reads(parameters) * cost),
    notes: `From the smallest cache of the table that holds them: ${size / 1024} KB.`,
  };
}

interface Estimate {
  arithmetic: number | null;
  bytes: number;
}

function inferenceEnergy({ arithmetic, bytes }: Estimate): number | null {
  const cache = cacheEnergy(bytes);
  return arithmetic === null || cache === null ? null : arithmetic + cache;
}

const inferenceFormula = ({ arithmetic, bytes }: Estimate): Formula => ({
  words: "Energy of the multiply-adds + of reading the parameters once from a cache",
  values: `${energy(arithmetic ?? 0)} + ${energy(cacheEnergy(bytes) ?? 0)}`,
  result: energy(inferenceEnergy({ arithmetic, bytes }) ?? 0),
});

const dramFormula = (parameters: number): Formula => ({
  words: "⌈Bytes of the parameters ÷ 8⌉ reads of 64 bits × energy of a read, 1.3 to 2.6 nJ",
  values: `⌈${count(parameters)} ÷ 8⌉ × ${DRAM[0] / 1000} to ${DRAM[1] / 1000}\u00a0nJ`,
  result: energy(reads(parameters) * DRAM[0], reads(parameters) * DRAM[1]),
  notes: bytes(parameters),
});

function Download(props: { which: Which; speed: number; plain: number; packed: number | undefined }) {
  const { which, speed, plain, packed } = props;
  const time = (size: number) => duration(downloadMs(size, speed) * 1e6);
  const of = (size: number) => (): Formula => ({
    words: "Bytes of the model file × 8 bits ÷ speed of the link",
    values: `${count(size)} × 8 ÷ ${count(speed)}\u00a0bit/s`,
    result: time(size),
  });
  return (
    <td
      data-ms={downloadMs(plain, speed)}
      data-gzip-ms={packed === undefined ? "" : downloadMs(packed, speed)}
    >
      <Explained id={`${which}-download-${speed}`} of={of(plain)}>
        {time(plain)}
      </Explained>
      <small>
        gzip{" "}
        {packed === undefined ? (
          <Awaited />
        ) : (
          <Explained id={`${which}-download-gzip-${speed}`} of={of(packed)}>
            {time(packed)}
          </Explained>
        )}
      </small>
    </td>
  );
}

/** What the arithmetic saves, and why it may save nothing. */
function verdict(less: number | null, work: Work[]) {
  if (less === null) {
    return (
      <>
        <strong>No figure for the arithmetic</strong>: the table has none for the operations that this model
        does.
      </>
    );
  }
  if (work.every(({ arithmetic }) => arithmetic === "float")) {
    return (
      <>
        <strong>The arithmetic costs the same</strong>: these weights are stored small and decoded, and the
        operations are fp32’s. Only memory and transfer shrink.
      </>
    );
  }
  return (
    <>
      <strong>The arithmetic costs {times(less)} less</strong>: int8 products summed in int32 are so much
      smaller circuits than fp32’s.
      {work.length > 1 && " Layers that are computed in fp32 save nothing there."}
    </>
  );
}

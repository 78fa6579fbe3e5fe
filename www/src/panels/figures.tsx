import type { ComponentChildren } from "preact";
import { type Scheme, schemeTitle } from "../scheme";
import { Explained, type Formula } from "./explained";

interface Figure {
  id: string;
  value: string | null;
  data: Record<string, string | number>;
  /** What opens when the figure is pressed. */
  of: (() => Formula) | null;
}

/** What, for fp32, for int8. */
export type Row = [string, ComponentChildren, ComponentChildren];

/** A panel of two figures side by side, a headline, and what they are made of. */
export function Figures(props: {
  title: string;
  headline: string | null;
  /** Of the quantized model that the figures are of. */
  scheme: Scheme;
  fp32: Figure;
  quantized: Figure;
  rows: Row[];
  children?: ComponentChildren;
}) {
  const side = (name: string, kind: string, figure: Figure) => (
    <div class={`figure side-${kind}`} data-testid={figure.id} {...figure.data}>
      <span class="figure-name">{name}</span>
      <span class="figure-value">
        {figure.value && figure.of ? (
          <Explained id={figure.id} of={figure.of}>
            {figure.value}
          </Explained>
        ) : (
          "…"
        )}
      </span>
    </div>
  );
  const [quantizedName] = schemeTitle(props.scheme);
  return (
    <article class="card panel">
      <h2>
        {props.title} <small>{props.headline ?? ""}</small>
      </h2>
      <div class="pair">
        {side("fp32", "fp32", props.fp32)}
        {side(quantizedName, "quantized", props.quantized)}
      </div>
      {props.rows.length > 0 && (
        <table>
          <thead>
            <tr>
              <th scope="col">
                <span class="visually-hidden">What</span>
              </th>
              <th scope="col">fp32</th>
              <th scope="col">{quantizedName}</th>
            </tr>
          </thead>
          <tbody>
            {props.rows.map(([name, a, b]) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td>{a}</td>
                <td>{b}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <div class="note">{props.children}</div>
    </article>
  );
}

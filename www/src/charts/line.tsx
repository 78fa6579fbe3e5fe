/** A small line over the steps of a run; its last value in words beside it. */

const WIDTH = 240;
const HEIGHT = 64;

export function LineChart(props: {
  title: string;
  values: number[];
  format: (value: number) => string;
  log?: boolean;
}) {
  const { title, values, format } = props;
  const heights = props.log ? values.map(Math.log) : values;
  const low = Math.min(...heights);
  const high = Math.max(...heights);
  const x = (i: number) => (values.length > 1 ? (i / (values.length - 1)) * WIDTH : WIDTH);
  const y = (value: number) =>
    high > low ? HEIGHT - 3 - ((value - low) / (high - low)) * (HEIGHT - 6) : HEIGHT / 2;
  const points = heights.map((value, i) => `${x(i).toFixed(1)},${y(value).toFixed(1)}`).join(" ");
  const last = format(values.at(-1) ?? 0);
  return (
    <figure class="line-chart">
      <figcaption>
        {title}: <strong>{last}</strong>
      </figcaption>
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`${title} over ${values.length} steps: from ${format(values[0] ?? 0)} to ${last}`}
      >
        <polyline points={points} fill="none" vector-effect="non-scaling-stroke" />
      </svg>
      <p class="axis" aria-hidden="true">
        <span>step 0</span>
        <span>{values.length - 1}</span>
      </p>
    </figure>
  );
}

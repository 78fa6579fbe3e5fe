/** Lines over the steps of a run; their last values in words beside it. */

import { SavePng } from "./save-png";

interface Series {
  name: string;
  values: number[];
}

const WIDTH = 240;
const HEIGHT = 64;
/** More points than this nobody sees. */
const POINTS = 240;

export function LineChart(props: {
  title: string;
  series: Series[];
  format: (value: number) => string;
  unit: string;
  log?: boolean;
}) {
  const { title, format, unit } = props;
  const series = props.series.filter(({ values }) => values.length > 0);
  const steps = series[0]?.values.length ?? 0;
  const height = (value: number) => (props.log ? Math.log(Math.max(value, 1e-12)) : value);
  const every = Math.ceil(steps / POINTS);
  const shown = series.map(({ values }) =>
    values.flatMap((value, i) => (i % every === 0 || i === steps - 1 ? [{ i, height: height(value) }] : [])),
  );
  const heights = shown.flat().map((point) => point.height);
  const [low, high] = [Math.min(...heights), Math.max(...heights)];
  const x = (i: number) => (steps > 1 ? (i / (steps - 1)) * WIDTH : WIDTH);
  const y = (value: number) =>
    high > low ? HEIGHT - 3 - ((value - low) / (high - low)) * (HEIGHT - 6) : HEIGHT / 2;
  const last = ({ values }: Series) => format(values.at(-1) ?? 0);
  const words = series.map((one) => `${one.name} from ${format(one.values[0] ?? 0)} to ${last(one)}`);
  return (
    <figure class="line-chart">
      <figcaption>
        <SavePng title={`${title} of the training`} />
        {title}:{" "}
        {series.map((one, i) => (
          <span key={one.name} class={`key line-${i}`}>
            {one.name} <strong>{last(one)}</strong>{" "}
          </span>
        ))}
      </figcaption>
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`${title} over ${steps} ${unit}s: ${words.join("; ")}`}
      >
        {shown.map((points, i) => (
          <polyline
            key={series[i]?.name}
            class={`line-${i}`}
            points={points.map((point) => `${x(point.i).toFixed(1)},${y(point.height).toFixed(1)}`).join(" ")}
            fill="none"
            vector-effect="non-scaling-stroke"
          />
        ))}
      </svg>
      <p class="axis" aria-hidden="true">
        <span>{unit} 1</span>
        <span>{steps}</span>
      </p>
    </figure>
  );
}

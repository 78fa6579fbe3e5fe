/** An image of the data set as the content of an SVG, one unit a pixel: one path for each amount of ink. */
export function Pixels({ values, width, max }: { values: number[]; width: number; max: number }) {
  const paths = new Map<number, string>();
  values.forEach((value, i) => {
    if (value <= 0) return;
    const pixel = `M${i % width} ${Math.floor(i / width)}h1v1h-1z`;
    paths.set(value, (paths.get(value) ?? "") + pixel);
  });
  return (
    <>
      {[...paths].map(([value, path]) => (
        <path key={value} d={path} fill-opacity={value / max} />
      ))}
    </>
  );
}

// Digits for the tests to draw: lists of strokes, each a list of [x, y] in fractions of the pad.
const arc = (cx, cy, rx, ry, from, to, points = 24) =>
  Array.from({ length: points + 1 }, (_, i) => {
    const angle = from + ((to - from) * i) / points;
    return [cx + rx * Math.cos(angle), cy + ry * Math.sin(angle)];
  });

export const ZERO = [arc(0.5, 0.5, 0.2, 0.3, -Math.PI / 2, 1.5 * Math.PI)];
export const ONE = [
  [
    [0.52, 0.2],
    [0.5, 0.5],
    [0.49, 0.8],
  ],
];
export const THREE = [[...arc(0.48, 0.35, 0.16, 0.15, -2.6, 1.4), ...arc(0.48, 0.65, 0.19, 0.16, -1.4, 2.6)]];
export const SEVEN = [
  [
    [0.3, 0.22],
    [0.7, 0.22],
    [0.45, 0.8],
  ],
  [
    [0.38, 0.52],
    [0.66, 0.52],
  ],
];

/** The layers with weights of a model, as they are called. */

import type { Trained } from "./state";

const CLASSES = 10;

export function layerTitles({ model, layers, data: { width, height } }: Trained): string[] {
  const convolutions = model === "cnn" ? layers : [];
  const shapes = convolutions.map((channels, i) => `3×3, ${convolutions[i - 1] ?? 1} → ${channels} channels`);
  // A CNN ends with pooling, which leaves a quarter of the pixels, and one dense layer.
  const pooled = Math.floor(width / 2) * Math.floor(height / 2) * (layers.at(-1) ?? 1);
  const sizes = model === "cnn" ? [pooled, CLASSES] : [width * height, ...layers, CLASSES];
  for (const [i, outputs] of sizes.slice(1).entries()) shapes.push(`${sizes[i]} → ${outputs}`);
  return shapes.map((shape, i) => `Layer ${i + 1}, ${shape}`);
}

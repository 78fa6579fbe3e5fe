/** What is measured of layers of growing size: read by the worker that does it and the panel that shows it. */

/** Layers of so many inputs and outputs. */
export const SIZES = [64, 128, 256, 512, 1024, 2048, 4096];
/** Rows of the batch; the other measurement is of a single row. */
export const BATCH = 64;

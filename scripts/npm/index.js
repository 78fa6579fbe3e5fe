// Loads Quantpad's fastest module that this engine can run. All modules share the glue in quantpad.js; integers
// and training are the same bit for bit in all of them.
import { relaxedSimd, simd } from 'wasm-feature-detect';
import start from './quantpad.js';

export * from './quantpad.js';

// Written out, so that bundlers see each file.
const MODULES = {
  scalar: new URL('./quantpad_scalar.wasm', import.meta.url),
  simd128: new URL('./quantpad_simd128.wasm', import.meta.url),
  relaxed: new URL('./quantpad_relaxed.wasm', import.meta.url),
};

/** The packed digits, for `new Lab(bytes)`. */
export const DIGITS = new URL('./digits.bin', import.meta.url);

export default async function init(open = (url) => url) {
  const variant = (await relaxedSimd()) ? 'relaxed' : (await simd()) ? 'simd128' : 'scalar';
  await start({ module_or_path: await open(MODULES[variant]) });
  return variant;
}

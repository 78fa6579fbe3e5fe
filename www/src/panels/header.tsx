import { backend, phase } from "../state";

const PHASES = {
  loading: "Loading…",
  training: "Training…",
  ready: "Both models are ready",
  error: "Not ready",
} as const;

/** Each build of the core in words. */
export const BACKENDS: Record<string, string> = {
  relaxed: "WebAssembly SIMD, 128 bits, relaxed",
  simd128: "WebAssembly SIMD, 128 bits",
  scalar: "scalar WebAssembly",
};

export function Header() {
  return (
    <header>
      <h1>
        <img src="./icon.svg" alt="" width="32" height="32" />
        Quantpad
      </h1>
      <p class="tagline">Draw a digit: one model answers in 32-bit floats, one in 8-bit integers.</p>
      <p class="badges">
        <span class="badge" data-phase={phase.value}>
          {PHASES[phase.value]}
        </span>
        {backend.value && <span class="badge">{BACKENDS[backend.value] ?? backend.value}</span>}
      </p>
    </header>
  );
}

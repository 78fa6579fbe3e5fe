import { backend, busy, models, phase } from "../state";
import { nextTheme, theme } from "../theme";
import { beginTour } from "./tour";

const PHASES = {
  loading: "Loading…",
  training: "Training…",
  ready: "Ready",
  error: "Not ready",
} as const;

/** Each build of the core in words. */
export const BACKENDS: Record<string, string> = {
  relaxed: "WebAssembly SIMD, 128 bits, relaxed",
  simd128: "WebAssembly SIMD, 128 bits",
  scalar: "scalar WebAssembly",
};

/** The parts of the page, in its order. */
const PARTS: [id: string, name: string][] = [
  ["draw", "Draw"],
  ["data", "Data"],
  ["train", "Train"],
  ["quantize", "Quantize"],
  ["compare", "Compare"],
  ["understand", "Understand"],
  ["export", "Export"],
];

const THEMES = { system: ["◐", "System"], light: ["☀", "Light"], dark: ["☾", "Dark"] } as const;

export function Header() {
  const [symbol, name] = THEMES[theme.value];
  return (
    <header>
      <a class="skip" href="#pad">
        Skip to the drawing pad
      </a>
      <h1>
        <img src="./icon.svg" alt="" width="32" height="32" />
        Quantpad
      </h1>
      <p class="tagline">Draw a digit: one model answers in 32-bit floats, one in fewer bits.</p>
      <p class="badges">
        <span class="badge" data-phase={phase.value}>
          {PHASES[phase.value]}
        </span>
        {backend.value && (
          <span class="badge" data-backend={backend.value}>
            {BACKENDS[backend.value] ?? backend.value}
          </span>
        )}
        <button
          type="button"
          class="badge"
          data-testid="theme"
          data-theme={theme.value}
          title="Colours: as the system, light, or dark"
          aria-label={`Colours: ${theme.value}. Change`}
          onClick={nextTheme}
        >
          {symbol} <span class="theme-name">{name}</span>
        </button>
      </p>
      <nav aria-label="Parts of the page">
        {PARTS.map(([id, name]) => (
          <a key={id} href={`#${id}`}>
            {name}
          </a>
        ))}
        <button
          type="button"
          data-testid="tour-begin"
          disabled={busy.value || !models.value}
          onClick={beginTour}
        >
          Guided tour
        </button>
      </nav>
    </header>
  );
}

/** Light or dark: as the system says, unless the visitor has chosen. */

import { signal } from "@preact/signals";

const THEMES = ["system", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

const KEY = "quantpad-theme";

export const theme = signal<Theme>("system");

/** Takes up what was chosen before. A browser that keeps nothing follows the system. */
export function loadTheme(): void {
  let kept: string | null = null;
  try {
    kept = localStorage.getItem(KEY);
  } catch {}
  const chosen = THEMES.find((name) => name === kept);
  // The page comes as the system says.
  if (chosen && chosen !== "system") show(chosen);
}

/** System, light, dark, and round again. */
export function nextTheme(): void {
  show(THEMES[(THEMES.indexOf(theme.value) + 1) % THEMES.length] ?? "system");
  try {
    localStorage.setItem(KEY, theme.value);
  } catch {}
}

export function forgetTheme(): void {
  localStorage.removeItem(KEY);
}

function show(wanted: Theme): void {
  // First the colours, for who listens to the signal paints with them.
  document.documentElement.setAttribute("data-theme", wanted);
  // The browser's own bars too.
  for (const colour of document.querySelectorAll<HTMLMetaElement>('meta[name="theme-color"]')) {
    const { scheme } = colour.dataset;
    const chosen = wanted === scheme ? "all" : "not all";
    colour.media = wanted === "system" ? `(prefers-color-scheme: ${scheme})` : chosen;
  }
  theme.value = wanted;
}

/** How long a page goes on growing after a jump, in ms. */
const SETTLING = 2000;

/**
 * Scrolls to an element and stays there while what lies above it still grows: panels fill when they come into sight, and not
 * every browser keeps its place then. The visitor's own hand ends it.
 */
export function scrollAndHold(element: Element | null): void {
  if (!element) return;
  const show = () => element.scrollIntoView({ block: "start" });
  const observer = new ResizeObserver(show);
  const over = new AbortController();
  const end = () => {
    observer.disconnect();
    over.abort();
  };
  show();
  observer.observe(document.body);
  for (const hand of ["wheel", "touchstart", "pointerdown", "keydown"]) {
    addEventListener(hand, end, { passive: true, signal: over.signal });
  }
  setTimeout(end, SETTLING);
}

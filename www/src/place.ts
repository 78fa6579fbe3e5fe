/**
 * Keeps what is looked at where it is on the screen while parts above it grow or shrink (CSS Scroll Anchoring), in browsers
 * that do not: otherwise the next press of a button hits what has come under the pointer.
 */

/** What is first in sight, from the smallest thing out to the part of the page it is in, each with its place in the page. */
let places: { element: Element; top: number }[] = [];
/** How far the page was scrolled then. */
let scrolled = 0;

export function keepPlace(): void {
  if (CSS.supports("overflow-anchor", "auto")) return;
  // From the first scroll on: a page that is only just filling may change while its observer is told (the bar to scroll
  // with makes it narrower), and that is an error then.
  const observer = new ResizeObserver(keep);
  addEventListener("scroll", () => observer.observe(document.body), { once: true });
  // Both, because a page that has been scrolled may have changed before it says so.
  addEventListener("scroll", keep, { passive: true });
}

function keep(): void {
  const place = places.find(({ element }) => element.isConnected);
  // Who sees the top of the page sees what comes there.
  if (place && scrollY > 0) {
    const { scrollHeight, clientHeight } = document.documentElement;
    // A page that has become shorter than it was scrolled has been moved up by the browser already.
    const from = scrolled > scrollHeight - clientHeight ? scrolled : scrollY;
    const top = from + topInPage(place.element) - place.top;
    // A scroll under way that needs none of this goes on.
    if (Math.abs(top - scrollY) >= 1) scrollTo({ top, behavior: "instant" });
  }
  places = firstInSight();
  scrolled = scrollY;
}

const topInPage = (element: Element) => element.getBoundingClientRect().top + scrollY;

function firstInSight(): typeof places {
  const found: typeof places = [];
  const edge = document.querySelector(".summary")?.getBoundingClientRect().bottom ?? 0;
  const isFirst = (child: Element) => child.getBoundingClientRect().bottom > edge && isInFlow(child);
  let within = document.querySelector("main");
  while (within) {
    const first = [...within.children].find(isFirst);
    if (!first) break;
    found.unshift({ element: first, top: topInPage(first) });
    within = first.getBoundingClientRect().top < edge && holdsStill(first) ? first : null;
  }
  return found;
}

/** Whether an element moves with the page. */
const isInFlow = (element: Element) => /static|relative/.test(getComputedStyle(element).position);

/** Whether what is in an element moves with it: what a chart draws moves with its figures, and a list may scroll by itself. */
const holdsStill = (element: Element): element is HTMLElement =>
  element instanceof HTMLElement &&
  (getComputedStyle(element).overflowY === "visible" || element.scrollHeight <= element.clientHeight);

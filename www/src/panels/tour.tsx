import { useEffect, useRef } from "preact/hooks";
import * as engine from "../engine";
import { scrollAndHold } from "../hold";
import { busy } from "../state";
import { STOPS } from "../tour";
import { stop } from "../view";

/** Takes a step of the tour: puts the page into its state, and scrolls to the part. */
async function go(index: number): Promise<void> {
  const to = STOPS[index];
  if (!to || busy.value) return;
  stop.value = index;
  scrollAndHold(document.getElementById(to.part));
  await engine.follow(to.query);
}

export const beginTour = () => go(0);

/** Ends the tour; the keyboard goes on where it began. */
function end(): void {
  stop.value = null;
  document.querySelector<HTMLElement>('[data-testid="tour-begin"]')?.focus();
}

/** The step the visitor is at, in sight wherever the page scrolls to. */
export function Tour() {
  const at = stop.value;
  const now = at === null ? undefined : STOPS[at];
  const next = useRef<HTMLButtonElement>(null);
  const open = now !== undefined;
  // The tour stands at the end of the document, far from the button that begins it.
  useEffect(() => {
    if (open) next.current?.focus({ preventScroll: true });
  }, [open]);
  if (at === null || !now) return null;
  // Not `disabled`, which would take the focus away.
  const closed = busy.value;
  const last = at === STOPS.length - 1;
  return (
    <section
      class="tour"
      aria-label="Guided tour"
      data-testid="tour"
      data-stop={at + 1}
      onKeyDown={(event) => {
        if (event.key === "Escape") end();
      }}
    >
      <div role="status" id="tour-text">
        <p class="tour-title">
          <strong>{now.title}</strong>{" "}
          <small>
            step {at + 1} of {STOPS.length}
          </small>
        </p>
        <p>{now.text}</p>
      </div>
      <nav aria-label="Steps of the tour" aria-busy={closed}>
        {STOPS.map(({ title, query, part }, i) => (
          <a
            key={title}
            href={`?${query && `${query}&`}tour=${i + 1}#${part}`}
            data-testid={`tour-${i + 1}`}
            aria-label={`Step ${i + 1}: ${title}`}
            aria-current={i === at ? "step" : undefined}
            aria-disabled={closed}
            onClick={(event) => {
              if (event.ctrlKey || event.metaKey || event.shiftKey) return;
              event.preventDefault();
              void go(i);
            }}
          >
            {i + 1}
          </a>
        ))}
        <button
          type="button"
          ref={next}
          data-testid="tour-next"
          aria-describedby="tour-text"
          aria-disabled={last || closed}
          onClick={() => go(at + 1)}
        >
          Next
        </button>
        <button type="button" data-testid="tour-end" onClick={end}>
          End
        </button>
      </nav>
    </section>
  );
}

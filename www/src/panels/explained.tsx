/** A figure that opens into its formula: in words, the same with the values put in, and what that gives. */

import { signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useId, useLayoutEffect, useRef } from "preact/hooks";

export interface Formula {
  words: string;
  /** The same with the values put in. */
  values: string;
  /** What that gives: the figure itself. */
  result: string;
  notes?: ComponentChildren;
}

/** The one that is open, by its element's id. */
const open = signal("");

/** `id`: for tests. `of` is asked only while the formula is shown. */
export function Explained(props: { id: string; of: () => Formula; children: ComponentChildren }) {
  const id = useId();
  const root = useRef<HTMLSpanElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const isOpen = open.value === id;
  useLayoutEffect(() => {
    if (!isOpen) return;
    const close = (event: Event) => {
      const inside = event.target instanceof Node && root.current?.contains(event.target);
      if (event instanceof KeyboardEvent ? event.key !== "Escape" : inside) return;
      if (event instanceof KeyboardEvent) button.current?.focus();
      open.value = "";
    };
    document.addEventListener("pointerdown", close);
    document.addEventListener("keydown", close);
    return () => {
      document.removeEventListener("pointerdown", close);
      document.removeEventListener("keydown", close);
    };
  }, [isOpen]);
  return (
    <span class="explained" ref={root}>
      <button
        type="button"
        ref={button}
        data-testid={`explain-${props.id}`}
        title="How this figure comes about"
        aria-expanded={isOpen}
        aria-controls={id}
        onClick={() => {
          open.value = isOpen ? "" : id;
        }}
      >
        {props.children}
      </button>
      {isOpen && <Explanation id={id} test={props.id} {...props.of()} />}
    </span>
  );
}

/** In the place of a figure that is not there yet, and as high. */
export const Awaited = () => <span class="awaited">…</span>;

function Explanation({ id, test, words, values, result, notes }: Formula & { id: string; test: string }) {
  return (
    <span
      class="explanation"
      role="note"
      id={id}
      data-testid={`explanation-${test}`}
      data-values={values}
      data-result={result}
    >
      <span>{words}</span>
      <span class="formula">
        {values} = <strong>{result}</strong>
      </span>
      {notes && <span class="more-notes">{notes}</span>}
    </span>
  );
}

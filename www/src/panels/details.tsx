import type { ComponentChildren } from "preact";
import { open, toggle } from "../view";

/** Details that the address tells of while they are open, and the part of the page that they are in. */
export function Details(props: {
  name: string;
  summary: ComponentChildren;
  class?: string;
  testid?: string;
  children: ComponentChildren;
}) {
  const { name, summary, children } = props;
  const isOpen = open.value.includes(name);
  return (
    <details
      class={`more ${props.class ?? ""}`}
      data-testid={props.testid}
      open={isOpen}
      onToggle={({ currentTarget }) => {
        const part = currentTarget.closest("[id]")?.id;
        if (currentTarget.open && !isOpen && part) history.replaceState(history.state, "", `#${part}`);
        toggle(name, currentTarget.open);
      }}
    >
      <summary>{summary}</summary>
      {children}
    </details>
  );
}

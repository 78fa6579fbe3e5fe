import { useLayoutEffect, useRef } from "preact/hooks";

export interface Option {
  value: string;
  name: string;
  /** Why it cannot be chosen. */
  wrong?: string | undefined;
}

/**
 * A select whose value may also be set by something else. WebKit tells of a choice only when it differs from the visitor's
 * last one, whatever has been set meanwhile; so the element is made anew then.
 */
export function Select(props: {
  id: string;
  value: string;
  options: Option[];
  onChoose: (value: string) => void;
}) {
  const { id, value, options } = props;
  const element = useRef<HTMLSelectElement>(null);
  const chosen = useRef(value);
  const made = useRef(0);
  const refocus = useRef(false);
  if (value !== chosen.current) {
    chosen.current = value;
    made.current++;
    refocus.current = element.current !== null && document.activeElement === element.current;
  }
  const current = made.current;
  useLayoutEffect(() => {
    if (current > 0 && refocus.current) element.current?.focus();
    refocus.current = false;
  }, [current]);
  return (
    <select
      key={current}
      ref={element}
      data-testid={id}
      value={value}
      onChange={(event) => {
        chosen.current = event.currentTarget.value;
        props.onChoose(chosen.current);
      }}
    >
      {options.map(({ value, name, wrong }) => (
        <option key={value} value={value} disabled={wrong !== undefined} title={wrong}>
          {name}
        </option>
      ))}
    </select>
  );
}

/** Options from pairs of value and name. */
export const options = (pairs: [value: string, name: string][]): Option[] =>
  pairs.map(([value, name]) => ({ value, name }));

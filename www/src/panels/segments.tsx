import type { ComponentChildren } from "preact";

export interface Segment<T extends string> {
  value: T;
  name: ComponentChildren;
  /** Under the name. */
  note?: ComponentChildren;
}

/** A few choices side by side: a group of radio buttons, so that arrow keys and screen readers know what to do. */
export function Segments<T extends string>(props: {
  id: string;
  legend: string;
  value: T;
  options: Segment<T>[];
  onChoose: (value: T) => void;
}) {
  const { id, value } = props;
  return (
    <fieldset class="segments" data-testid={id} data-value={value}>
      <legend>{props.legend}</legend>
      {props.options.map((option) => (
        <label key={option.value} class={option.value === value ? "chosen" : ""}>
          <input
            type="radio"
            name={id}
            data-testid={`${id}-${option.value}`}
            value={option.value}
            checked={option.value === value}
            onChange={() => props.onChoose(option.value)}
          />
          {option.name}
          {option.note !== undefined && <small>{option.note}</small>}
        </label>
      ))}
    </fieldset>
  );
}

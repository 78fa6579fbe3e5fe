import type { ComponentType } from "preact";
import { useLayoutEffect, useState } from "preact/hooks";
import { fail } from "../fail";

/** A part of the page that is loaded by itself, `when` it is time, so that nothing before waits for it. */
export function Later({ when, load }: { when: boolean; load: () => Promise<ComponentType> }) {
  const [Part, setPart] = useState<ComponentType | null>(null);
  useLayoutEffect(() => {
    if (when && !Part) load().then((part) => setPart(() => part), fail);
  }, [when, Part, load]);
  return Part && <Part />;
}

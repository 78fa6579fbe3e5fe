import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { fail } from "../fail";
import { phase } from "../state";

/** A part of the page that is loaded when the models are ready, so that nothing before waits for it. */
export function Later({ load }: { load: () => Promise<ComponentType> }) {
  const [Part, setPart] = useState<ComponentType | null>(null);
  const ready = phase.value === "ready";
  useEffect(() => {
    if (ready && !Part) load().then((part) => setPart(() => part), fail);
  }, [ready, Part, load]);
  return Part && <Part />;
}

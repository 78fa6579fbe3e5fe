import type { RefObject } from "preact";
import { useEffect } from "preact/hooks";
import { fail } from "../fail";
import { busy, models } from "../state";
import { useVisible } from "./visible";

/** Has something computed of the models in use once `element` is on the screen and the job worker is free. */
export function useFresh(element: RefObject<Element | null>, compute: () => Promise<void>): void {
  const visible = useVisible(element);
  const free = !busy.value;
  const of = models.value;
  useEffect(() => {
    if (visible && free && of) compute().catch(fail);
  }, [visible, free, of, compute]);
}

import type { RefObject } from "preact";
import { useEffect, useState } from "preact/hooks";

/** Whether an element is on the screen or close to it: what nobody sees need not be computed. */
export function useVisible(element: RefObject<Element | null>): boolean {
  const [visible, setVisible] = useState(false);
  useEffect(() => {
    if (!element.current) return;
    const observer = new IntersectionObserver(
      (entries) => setVisible(entries.some((one) => one.isIntersecting)),
      {
        rootMargin: "200px",
      },
    );
    observer.observe(element.current);
    return () => observer.disconnect();
  }, [element]);
  return visible;
}

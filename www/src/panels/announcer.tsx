import { useEffect, useState } from "preact/hooks";

/** How long words have to rest before they are said, in ms. */
const REST = 1000;

/**
 * What screen readers are told: `text`, once it has rested. It is said again when `event` is another one, such as the end of
 * another training with the same outcome.
 */
export function Announcer({ text, event }: { text: string; event?: unknown }) {
  const [said, say] = useState("");
  useEffect(() => {
    // Screen readers take notice of what differs: a space at the end is heard by nobody.
    const timer = setTimeout(() => say((last) => (text && last === text ? `${text}\u00a0` : text)), REST);
    return () => clearTimeout(timer);
  }, [text, event]);
  return (
    <p class="visually-hidden" role="status">
      {said}
    </p>
  );
}

/** How far something has come, in quarters, so that a long training is not told step by step. */
export const quarters = (share: number) => `${25 * Math.floor(4 * Math.min(1, share))}\u00a0%`;

import { fail } from "../fail";

/** Saves the chart that it stands in as a picture, with this title. */
export function SavePng({ title }: { title: string }) {
  return (
    <button
      type="button"
      class="png"
      data-testid="png"
      data-screen-only
      aria-label={`Save as PNG: ${title}`}
      onClick={(event) => {
        const chart = event.currentTarget.closest("figure, .chart");
        if (chart) {
          import("../png").then(({ savePng }) => savePng(chart, title)).catch(fail);
        }
      }}
    >
      PNG
    </button>
  );
}

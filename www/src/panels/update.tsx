import { underWay } from "../state";
import { kept, later, newer, update } from "../updates";

/** Says that there is a new version. Always in the document, so that screen readers hear of it. */
export function Update() {
  return (
    <div class="update" role="status" data-testid="update" data-newer={newer.value}>
      {newer.value && (
        <div class="update-note">
          <p>
            A new version of this page is there. Your drawing, settings, runs and files stay.
            {underWay.value && ` It can be taken later: ${underWay.value}, and would be lost.`}
          </p>
          <p class="buttons">
            <button type="button" data-testid="update-now" disabled={underWay.value !== ""} onClick={update}>
              Update and reload
            </button>
            <button type="button" data-testid="update-later" onClick={later}>
              Later
            </button>
          </p>
        </div>
      )}
    </div>
  );
}

/** Whether the page works without a network. */
export function Kept() {
  return (
    <p data-testid="kept" data-kept={kept.value} hidden={!kept.value}>
      This page is kept on your device: it opens and works without a network too.
    </p>
  );
}

import { failure } from "../state";

/** What went wrong, in words. Always in the document, so that screen readers hear of a change. */
export function Failure() {
  const { code, message } = failure.value ?? { code: "", message: "" };
  return (
    <div class="failure" role="alert" data-testid="error" data-code={code} hidden={!code}>
      {message}
    </div>
  );
}

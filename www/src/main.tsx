/** The page: drawing and both answers first, then the pipeline in its order. */

import { createRef, render } from "preact";
import { useEffect } from "preact/hooks";
import { keepAddress } from "./address";
import { beginsAnew } from "./anew";
import * as engine from "./engine";
import { Answers } from "./panels/answers";
import { Draw } from "./panels/draw";
import { Failure } from "./panels/failure";
import { Header } from "./panels/header";
import { Later } from "./panels/later";
import { News } from "./panels/news";
import { Pipeline } from "./panels/pipeline";
import { Summary } from "./panels/summary";
import { Tour } from "./panels/tour";
import { Kept, Update } from "./panels/update";
import { keepPlace } from "./place";
import { start } from "./start";
import * as state from "./state";
import { loadTheme } from "./theme";
import * as undo from "./undo";

const canvas = createRef<HTMLCanvasElement>();
const printed = () => import("./panels/understand").then(({ Printed }) => Printed);

function App() {
  useEffect(() => {
    // A digit key names the drawing, where the keyboard is at the pad or the names: elsewhere a key alone may do nothing
    // (WCAG 2.1.4), for it may come of speech.
    const name = (event: KeyboardEvent) => {
      const meant = event.target instanceof Element && event.target.closest(".pad, .digits");
      if (/^[0-9]$/.test(event.key) && meant && !event.ctrlKey && !event.metaKey && !event.altKey) {
        void engine.teach(Number(event.key));
      }
    };
    addEventListener("keydown", name);
    return () => removeEventListener("keydown", name);
  }, []);
  return (
    <div
      class={state.models.value ? "app" : "app opening"}
      data-testid="app"
      data-state={state.told.value}
      data-backend={state.backend.value}
      data-model={state.trained.value.model}
      data-scheme={state.usedScheme.value}
    >
      <Header />
      <Later when={state.phase.value === "ready"} load={printed} />
      <Summary />
      <main>
        <Failure />
        <News />
        <section id="draw" class="stage" aria-label="Draw and compare">
          <Draw canvas={canvas} />
          <Answers />
        </section>
        {state.whole.value && <Pipeline />}
        <Update />
      </main>
      <Tour />
      <footer hidden={!state.whole.value}>
        <Kept />
        <p>
          Everything runs on your machine; this page asks no other server for anything. Digits: Optical
          Recognition of Handwritten Digits by E. Alpaydin and C. Kaynak, UCI Machine Learning Repository (
          <a href="https://doi.org/10.24432/C50P49" rel="noreferrer">
            doi 10.24432/C50P49
          </a>
          ), CC BY 4.0; the copy distributed with scikit-learn.
        </p>
      </footer>
    </div>
  );
}

state.whole.value = !beginsAnew();
loadTheme();
keepAddress();
keepPlace();
undo.begin();
const root = document.getElementById("root");
if (root) render(<App />, root);
if (canvas.current) void start(canvas.current);

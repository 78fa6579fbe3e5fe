/** The page: drawing and both answers first, then the pipeline in its order. */

import { render } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { keepAddress } from "./address";
import * as engine from "./engine";
import { Accuracy } from "./panels/accuracy";
import { Answers } from "./panels/answers";
import { Data } from "./panels/data";
import { Draw } from "./panels/draw";
import { Export } from "./panels/export";
import { Failure } from "./panels/failure";
import { Header } from "./panels/header";
import { Later } from "./panels/later";
import { Quantize } from "./panels/quantize";
import { Runs } from "./panels/runs";
import { Size } from "./panels/size";
import { Summary } from "./panels/summary";
import { Teach } from "./panels/teach";
import { Timing } from "./panels/timing";
import { Tour } from "./panels/tour";
import { Train } from "./panels/train";
import { Kept, Update } from "./panels/update";
import * as state from "./state";
import { loadTheme } from "./theme";

const understand = () => import("./panels/understand").then(({ Understand }) => Understand);
const printed = () => import("./panels/understand").then(({ Printed }) => Printed);

function App() {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    if (canvas.current) void engine.start(canvas.current);
    // A digit key names the drawing, unless it is typed into something.
    const name = (event: KeyboardEvent) => {
      const typing = event.target instanceof Element && event.target.closest("input, select, textarea");
      if (/^[0-9]$/.test(event.key) && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
        void engine.teach(Number(event.key));
      }
    };
    addEventListener("keydown", name);
    return () => removeEventListener("keydown", name);
  }, []);
  return (
    <div
      class="app"
      data-testid="app"
      data-state={state.phase.value}
      data-backend={state.backend.value}
      data-model={state.trained.value.model}
      data-scheme={state.usedScheme.value}
    >
      <Header />
      <Later load={printed} />
      <Summary />
      <main>
        <Failure />
        <section id="draw" class="stage" aria-label="Draw and compare">
          <Draw canvas={canvas} />
          <Answers />
        </section>
        <Teach />
        <section class="controls" aria-label="Data, training and quantization">
          <Data />
          <Train />
          <Quantize />
        </section>
        <section id="compare" class="figures" aria-label="Size, time and accuracy">
          <Size />
          <Timing />
          <Accuracy />
        </section>
        <section id="understand" class="understand" aria-label="Understand">
          <Later load={understand} />
        </section>
        <Runs />
        <Export />
        <Update />
      </main>
      <Tour />
      <footer>
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

loadTheme();
keepAddress();
const root = document.getElementById("root");
if (root) render(<App />, root);

import { phase } from "../state";
import { Accuracy } from "./accuracy";
import { Data } from "./data";
import { Export } from "./export";
import { Later } from "./later";
import { Quantize } from "./quantize";
import { Runs } from "./runs";
import { Size } from "./size";
import { Teach } from "./teach";
import { Timing } from "./timing";
import { Train } from "./train";

const understand = () => import("./understand").then(({ Understand }) => Understand);

/** All parts of the page but the first screen, in the order of the pipeline. */
export function Pipeline() {
  return (
    <>
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
        <Later when={phase.value === "ready"} load={understand} />
      </section>
      <Runs />
      <Export />
    </>
  );
}

/** The panels that show why size, speed and accuracy change. The page loads them once it is ready for drawings. */

import "../styles/blame.css";
import "../styles/confusion.css";
import "../styles/explain.css";
import "../styles/flips.css";
import "../styles/lab.css";
import "../styles/payoff.css";
import "../styles/print.css";
import "../styles/repair.css";
import "../styles/segments.css";
import "../styles/sweep.css";
import { useEffect } from "preact/hooks";
import { scrollAndHold } from "../hold";
import { Blame } from "./blame";
import { Energy } from "./energy";
import { Explain } from "./explain";
import { Flips } from "./flips";
import { Lab } from "./lab";
import { Payoff } from "./payoff";

export { Printed } from "./printed";

import { Search } from "./search";
import { Sweep } from "./sweep";

export function Understand() {
  // Where the address leads, if that was not there when the browser looked for it.
  useEffect(() => {
    const target = document.getElementById(location.hash.slice(1));
    if (target?.closest("#understand > *")) scrollAndHold(target);
  }, []);
  return (
    <>
      <div>
        <Sweep />
        <Lab />
        <Explain />
      </div>
      <div>
        <Blame />
        <Search />
        <Flips />
        <Payoff />
        <Energy />
      </div>
    </>
  );
}

import { capital, modelName, percent } from "../format";
import { schemeTitle } from "../scheme";
import { aware, evaluation, models, run, trained, tuning, usedAxes } from "../state";
import { Announcer, quarters } from "./announcer";

/** Tells screen readers what the page is doing, and what has come of it. */
export function News() {
  return <Announcer text={words()} event={models.value} />;
}

function words(): string {
  const { running, paused, share } = run.value;
  if (running) return `${paused ? "Training paused at" : "Training:"} ${quarters(share)}.`;
  if (aware.value !== null) return `Quantization-aware training: ${quarters(aware.value)}.`;
  if (tuning.value) return "Learning from your drawings.";
  const sides = evaluation.value;
  if (!sides || !usedAxes.value) return "";
  const right = ({ correct, total }: { correct: number; total: number }) => percent(correct, total);
  const [name] = schemeTitle(usedAxes.value);
  return `${capital(modelName(trained.value))} is ready: of the test images fp32 has ${right(sides.fp32)} right, ${name} ${right(sides.quantized)}.`;
}

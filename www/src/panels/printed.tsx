import { useEffect, useState } from "preact/hooks";
import { count, modelName } from "../format";
import { backend, trained, usedScheme } from "../state";
import { theme } from "../theme";
import { BACKENDS } from "./header";

const now = new Intl.DateTimeFormat("en-GB", { dateStyle: "long", timeStyle: "short" });

/** The head of the page on paper: what was made, when, on what, and where to find it again. */
export function Printed() {
  const [when, setWhen] = useState(() => new Date());
  useEffect(() => {
    let chosen = theme.value;
    const begin = () => {
      setWhen(new Date());
      // Ink on paper: the pad paints anew when the theme is another.
      chosen = theme.value;
      document.documentElement.setAttribute("data-theme", "light");
      theme.value = "light";
    };
    const end = () => {
      document.documentElement.setAttribute("data-theme", chosen);
      theme.value = chosen;
    };
    addEventListener("beforeprint", begin);
    addEventListener("afterprint", end);
    return () => {
      removeEventListener("beforeprint", begin);
      removeEventListener("afterprint", end);
    };
  }, []);
  const { data, seed } = trained.value;
  const rows = [
    ["Made", now.format(when)],
    ["Data", `${data.name}, ${count(data.train)} images to learn from, ${count(data.test)} for the test`],
    ["Model", `${modelName(trained.value)}, seed ${seed}`],
    ["Quantized", usedScheme.value],
    ["Measured on", `${BACKENDS[backend.value]}; ${navigator.userAgent}`],
    ["All settings", location.href],
  ];
  return (
    <dl class="printed" data-testid="printed">
      {rows.map(([name, text]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{text}</dd>
        </div>
      ))}
    </dl>
  );
}

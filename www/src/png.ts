/**
 * A chart as a picture: what is on the screen, drawn again at twice its size. Boxes, words and drawings are at their places
 * and in the colours that the browser has computed for them.
 */

import { download } from "./download";

const SCALE = 2;
/** Around the chart, in CSS pixels. */
const MARGIN = 16;
/** The least room for the title, in CSS pixels. */
const LEAST = 300;
/** A line of the title. */
const TITLE = { size: 16, line: 24 };

/** What a drawing takes from the page's style sheets. */
const PROPERTIES = [
  "fill",
  "fill-opacity",
  "stroke",
  "stroke-width",
  "stroke-opacity",
  "stroke-dasharray",
  "stroke-linecap",
  "stroke-linejoin",
  "opacity",
  "color",
  "display",
  "visibility",
  "font-family",
  "font-size",
  "font-weight",
  "text-anchor",
  "dominant-baseline",
];

/** A stroke of the pen. */
type Stroke = (context: CanvasRenderingContext2D) => void;

export async function savePng(chart: Element, title: string): Promise<void> {
  const name = title.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-");
  download(await picture(chart, title), `quantpad-${name.replace(/^-|-$/g, "")}.png`);
}

async function picture(chart: Element, title: string): Promise<Blob> {
  const plan = new Plan(chart);
  await plan.add(chart);
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("2d");
  if (!context) throw new Error("This browser gives the page no canvas to draw the picture on.");

  const { fontFamily, color } = getComputedStyle(chart);
  const font = `650 ${TITLE.size}px ${fontFamily}`;
  context.font = font;
  const width = Math.max(plan.width, LEAST);
  const lines = wrapped(title, width, (text) => context.measureText(text).width);
  const top = MARGIN + lines.length * TITLE.line;
  canvas.width = Math.ceil(SCALE * (width + 2 * MARGIN));
  canvas.height = Math.ceil(SCALE * (top + plan.height + MARGIN));
  context.scale(SCALE, SCALE);
  context.fillStyle = ground(chart);
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.fillStyle = color;
  context.font = font;
  for (const [i, line] of lines.entries())
    context.fillText(line, MARGIN, MARGIN + TITLE.size + i * TITLE.line);
  context.translate(MARGIN, top);
  for (const stroke of plan.strokes) stroke(context);

  const blob = await new Promise<Blob | null>((done) => canvas.toBlob(done, "image/png"));
  if (!blob) throw new Error("This browser could not make the picture.");
  return blob;
}

/** The colour behind the chart. */
function ground(element: Element | null): string {
  if (!element) return "Canvas";
  const { backgroundColor } = getComputedStyle(element);
  return isClear(backgroundColor) ? ground(element.parentElement) : backgroundColor;
}

const isClear = (color: string) => color === "transparent" || /[,/] 0\)$/.test(color);

function wrapped(text: string, width: number, measure: (text: string) => number): string[] {
  const lines = [""];
  for (const word of text.split(" ")) {
    const longer = `${lines.at(-1)} ${word}`.trim();
    if (lines.at(-1) && measure(longer) > width) lines.push(word);
    else lines[lines.length - 1] = longer;
  }
  return lines;
}

/** All that is to be drawn, in order, and the room that it takes from the chart's upper left corner. */
class Plan {
  readonly strokes: Stroke[] = [];
  width = 0;
  height = 0;
  readonly #origin: DOMRect;

  constructor(chart: Element) {
    this.#origin = chart.getBoundingClientRect();
  }

  async add(element: Element): Promise<void> {
    const style = getComputedStyle(element);
    // What is only for the screen, or only for screen readers.
    if (element.matches("[data-screen-only]") || style.display === "none" || style.clipPath !== "none")
      return;
    this.#box(element.getBoundingClientRect(), style);
    if (element instanceof SVGSVGElement) {
      await this.#svg(element, style);
      return;
    }
    this.#before(element);
    for (const child of element.childNodes) {
      if (child instanceof Text) this.#words(child, style);
      else if (child instanceof Element) await this.add(child);
    }
  }

  /** From the window's corner to the chart's; the plan grows to hold it. */
  #place(rect: DOMRect): { x: number; y: number; width: number; height: number } {
    const { width, height } = rect;
    const [x, y] = [rect.left - this.#origin.left, rect.top - this.#origin.top];
    this.width = Math.max(this.width, x + width);
    this.height = Math.max(this.height, y + height);
    return { x, y, width, height };
  }

  /** Its ground and its borders. */
  #box(rect: DOMRect, style: CSSStyleDeclaration): void {
    const side = (name: string) => (property: string) => style.getPropertyValue(`border-${name}-${property}`);
    const sides = ["top", "right", "bottom", "left"].map((name) => {
      const of = side(name);
      return {
        name,
        width: Number.parseFloat(of("width")),
        color: of("color"),
        dashed: of("style") === "dashed",
      };
    });
    const drawn = sides.filter(({ width, color }) => width > 0 && !isClear(color));
    const { backgroundColor } = style;
    if (drawn.length === 0 && isClear(backgroundColor)) return;
    const { x, y, width, height } = this.#place(rect);
    const [right, bottom] = [x + width, y + height];
    this.strokes.push((context) => {
      context.fillStyle = backgroundColor;
      context.fillRect(x, y, width, height);
      for (const { name, width: thick, color, dashed } of drawn) {
        const [half, ends] = [thick / 2, { top: y, right, bottom, left: x }];
        const at = ends[name as keyof typeof ends] + (name === "top" || name === "left" ? half : -half);
        context.strokeStyle = color;
        context.lineWidth = thick;
        context.setLineDash(dashed ? [2.5 * thick, 1.5 * thick] : []);
        context.beginPath();
        const across = name === "top" || name === "bottom";
        context.moveTo(across ? x : at, across ? at : y);
        context.lineTo(across ? right : at, across ? at : bottom);
        context.stroke();
      }
      context.setLineDash([]);
    });
  }

  /** A key's line or patch, which is drawn by the style sheet before its words. */
  #before(element: Element): void {
    const style = getComputedStyle(element, "::before");
    const [first] = element.getClientRects();
    const [width, height] = [Number.parseFloat(style.width), Number.parseFloat(style.height)];
    if (style.content === "none" || !first || !(width > 0)) return;
    this.#box(new DOMRect(first.left, first.top + (first.height - height) / 2, width, height), style);
  }

  /** Each word where the browser has put it. */
  #words(text: Text, style: CSSStyleDeclaration): void {
    const { fontStyle, fontWeight, fontSize, fontFamily, color } = style;
    const range = document.createRange();
    for (const { 0: word, index } of text.data.matchAll(/\S+/g)) {
      range.setStart(text, index);
      range.setEnd(text, index + word.length);
      const [first] = range.getClientRects();
      if (!first) continue;
      const { x, y, height } = this.#place(first);
      this.strokes.push((context) => {
        context.font = `${fontStyle} ${fontWeight} ${fontSize} ${fontFamily}`;
        context.fillStyle = color;
        const { fontBoundingBoxAscent: up, fontBoundingBoxDescent: down } = context.measureText(word);
        context.fillText(word, x, y + (height + up - down) / 2);
      });
    }
  }

  async #svg(svg: SVGSVGElement, style: CSSStyleDeclaration): Promise<void> {
    const place = this.#place(svg.getBoundingClientRect());
    const edge = (name: string) => Number.parseFloat(style.getPropertyValue(`border-${name}-width`)) || 0;
    const [left, top] = [edge("left"), edge("top")];
    const [width, height] = [place.width - left - edge("right"), place.height - top - edge("bottom")];
    const image = await loaded(alone(svg, width, height));
    this.strokes.push((context) => {
      context.drawImage(image, place.x + left, place.y + top, width, height);
    });
  }
}

/** The drawing as a file of its own, which no style sheet reaches. */
function alone(svg: SVGSVGElement, width: number, height: number): string {
  const copy = svg.cloneNode(true) as SVGSVGElement;
  const originals = [svg, ...svg.querySelectorAll("*")];
  for (const [i, element] of [copy, ...copy.querySelectorAll("*")].entries()) {
    const style = getComputedStyle(originals[i] as Element);
    for (const property of PROPERTIES) element.setAttribute(property, style.getPropertyValue(property));
    element.removeAttribute("style");
  }
  if (svg.getAttribute("preserveAspectRatio") === "none") stretch(copy, width, height);
  copy.setAttribute("display", "inline");
  copy.setAttribute("width", String(SCALE * width));
  copy.setAttribute("height", String(SCALE * height));
  return new XMLSerializer().serializeToString(copy);
}

/** Strokes that are not to be stretched with their lines: engines do not agree on their width in a picture. */
function stretch(svg: SVGSVGElement, width: number, height: number): void {
  const { baseVal: box } = svg.viewBox;
  for (const line of svg.querySelectorAll("polyline")) {
    const points = [...line.points].map(
      ({ x, y }) => `${(x / box.width) * width},${(y / box.height) * height}`,
    );
    line.setAttribute("points", points.join(" "));
    line.removeAttribute("vector-effect");
  }
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
}

function loaded(svg: string): Promise<HTMLImageElement> {
  return new Promise((done, fail) => {
    const image = new Image();
    image.onload = () => done(image);
    image.onerror = () => fail(new Error("This browser could not draw the picture."));
    image.src = `data:image/svg+xml,${encodeURIComponent(svg)}`;
  });
}

// The sliders of one schedule and its live curve, for Jupyter and marimo. Values come from Python; nothing is computed here but places.
const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 560, HEIGHT = 250, LEFT = 52, RIGHT = 14, TOP = 24, BOTTOM = 34;
const STYLE = `
.glidepath { display: flex; flex-wrap: wrap; gap: 6px 26px; max-width: 980px; font: 14px/1.4 system-ui, sans-serif; }
.glidepath code { font-size: 13px; overflow-wrap: anywhere; }
.glidepath .side { flex: 1 1 230px; display: grid; gap: 3px; align-content: start; }
.glidepath .group { font-weight: 600; margin: 8px 0 0; font-size: 14px; }
.glidepath label { display: grid; grid-template-columns: 4.6em 1fr 4.8em; gap: 8px; align-items: center; }
.glidepath input { width: 100%; min-width: 0; margin: 0; accent-color: #2a84c9; }
.glidepath output { text-align: right; font-variant-numeric: tabular-nums; }
.glidepath .picture { flex: 2.2 1 380px; min-width: 0; }
.glidepath svg { width: 100%; height: auto; display: block; overflow: visible; }
.glidepath svg text { fill: currentColor; opacity: .7; font-size: 12px; }
.glidepath svg line { stroke: currentColor; opacity: .16; }
.glidepath .curve { fill: none; stroke: #2a84c9; stroke-width: 2.5; stroke-linejoin: round; }
.glidepath [role=alert] { margin: 2px 0; font-size: 13px; min-height: 1.4em; color: #c8382b; }
`;

const node = (tag, attributes = {}, ...children) => {
  const made = ["svg", "path", "line", "text"].includes(tag) ? document.createElementNS(SVG, tag) : document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
};

/** A number with four significant digits, never 0.000. */
const short = (value) => (value !== 0 && Math.abs(value) < 1e-4 ? Number(value.toPrecision(3)).toExponential() : Number(value.toPrecision(4)).toLocaleString("en-US", { maximumSignificantDigits: 4 }));

/** How a slider's place becomes a value, and back. */
function scale(field) {
  const span = Math.log(field.high / field.low);
  if (field.log) {
    return {
      min: 0, max: 1000, step: 1,
      place: (value) => (value <= 0 ? 0 : Math.max(1, Math.round((1000 * Math.log(value / field.low)) / span))),
      read: (place) => (place <= 0 ? 0 : Number((field.low * Math.exp((span * place) / 1000)).toPrecision(3))),
    };
  }
  return { min: field.low, max: field.high, step: field.whole ? 1 : "any", place: (value) => value, read: (place) => (field.whole ? Math.round(place) : Number(place.toPrecision(4))) };
}

function picture(shown) {
  const { x, y, unit } = shown;
  const end = x[x.length - 1] || 1, high = Math.max(...y, 0) || 1, low = Math.min(...y, 0);
  const across = (step) => LEFT + ((WIDTH - LEFT - RIGHT) * step) / end;
  const up = (value) => HEIGHT - BOTTOM - ((HEIGHT - TOP - BOTTOM) * (value - low)) / (high - low || 1);
  const lines = [0, 0.25, 0.5, 0.75, 1].flatMap((share) => {
    const value = low + share * (high - low), step = share * end;
    return [
      node("line", { x1: LEFT, x2: WIDTH - RIGHT, y1: up(value), y2: up(value) }),
      node("text", { x: LEFT - 7, y: up(value) + 4, "text-anchor": "end" }, short(value)),
      node("text", { x: across(step), y: HEIGHT - BOTTOM + 16, "text-anchor": share === 1 ? "end" : "middle" }, short(step)),
    ];
  });
  const points = x.map((step, i) => `${across(step).toFixed(2)},${up(y[i]).toFixed(2)}`);
  return [...lines, node("text", { x: 0, y: 12 }, unit), node("text", { x: WIDTH / 2, y: HEIGHT - 2, "text-anchor": "middle" }, "step"), node("path", { class: "curve", d: `M${points.join("L")}` })];
}

export default {
  render({ model, el }) {
    const side = node("div", { class: "side" }), code = node("code"), problem = node("p", { role: "alert" });
    const svg = node("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img" });
    const root = node("div", { class: "glidepath" }, side, node("div", { class: "picture" }, code, svg, problem));
    root.addEventListener("keydown", (event) => event.stopPropagation()); // notebooks take the arrow keys for themselves otherwise
    let waiting = false, next = null; // one question at a time: a fast hand leaves no queue behind
    const ask = (change) => {
      if (waiting) { next = change; return; }
      waiting = true;
      model.set("change", change);
      model.save_changes();
    };
    const rows = new Map();
    let group = "";
    for (const field of model.get("controls")) {
      if (field.group !== group) side.append(node("p", { class: "group" }, (group = field.group)));
      const { min, max, step, place, read } = scale(field);
      const range = node("input", { type: "range", min, max, step, "aria-label": `${field.group} ${field.label}` }), output = node("output");
      const tell = (value) => { output.textContent = short(value); range.setAttribute("aria-valuetext", String(value)); };
      range.addEventListener("input", () => {
        const value = read(Number(range.value));
        tell(value);
        ask({ path: field.path, value, serial: Date.now() + Math.random() });
      });
      rows.set(field.path, (value) => { tell(value); if (document.activeElement !== range) range.value = String(place(value)); });
      side.append(node("label", {}, node("span", {}, field.label), range, output));
    }
    const draw = () => {
      const shown = model.get("shown");
      problem.textContent = shown.problem;
      code.textContent = shown.text;
      svg.replaceChildren(...picture(shown));
      svg.setAttribute("aria-label", `${shown.text}: ${shown.unit} from step 0 to ${shown.x[shown.x.length - 1]}`);
      waiting = false;
      if (next) {
        const change = next;
        next = null;
        ask(change);
      } else if (!shown.problem) for (const [path, value] of Object.entries(shown.values)) rows.get(path)?.(value);
    };
    model.on("change:shown", draw);
    draw();
    el.append(node("style", {}, STYLE), root);
    return () => model.off("change:shown", draw);
  },
};

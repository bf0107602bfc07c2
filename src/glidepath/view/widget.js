// The sliders of one schedule and its live curve, for Jupyter and marimo. Values come from Python; nothing is computed here but places.
const SVG = "http://www.w3.org/2000/svg";
const PATIENCE = 3000; // milliseconds for an answer from Python
const WIDTH = 560, HEIGHT = 250, LEFT = 52, RIGHT = 14, TOP = 24, BOTTOM = 34;
const STYLE = `
.glidepath { display: flex; flex-wrap: wrap; gap: 6px 26px; max-width: 980px; font: 14px/1.4 system-ui, sans-serif; }
.glidepath code { font-size: 13px; overflow-wrap: anywhere; }
.glidepath .side { flex: 1 1 230px; display: grid; gap: 3px; align-content: start; }
.glidepath .group { font-weight: 600; margin: 8px 0 0; font-size: 14px; }
.glidepath .row { display: grid; grid-template-columns: 4.6em 1fr 5.6em; gap: 8px; align-items: center; }
.glidepath input { width: 100%; min-width: 0; margin: 0; accent-color: #2a84c9; box-sizing: border-box; }
.glidepath input[type=text] { font: inherit; font-variant-numeric: tabular-nums; text-align: right; color: inherit; background: transparent; border: 1px solid color-mix(in srgb, currentColor 25%, transparent); border-radius: 5px; padding: 1px 5px; }
.glidepath input[aria-invalid=true] { border-color: #c8382b; outline: 1px solid #c8382b; }
.glidepath.unanswered svg { opacity: .35; }
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

/** The number that a text is, as people write it: full-width digits, a minus sign, thousands apart; NaN where it is none. */
const numberOf = (text) => {
  const plain = text.normalize("NFKC").trim().replaceAll("−", "-");
  const bare = /^[-+]?\d{1,3}(,\d{3})+(\.\d+)?$/.test(plain) ? plain.replaceAll(",", "") : plain;
  return /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(bare) ? Number(bare) : NaN;
};

/** Moves the ends of a slider outward where the value has come to one, and never inward: every value can be left in both directions. */
function grow(field, value) {
  const span = field.high - field.low;
  if (field.log && value < 0) Object.assign(field, { log: false, low: 3 * value });
  else if (value >= field.high) field.high = value > 0 ? 3 * value : value + span;
  else if (field.log && value > 0 && value <= field.low) field.low = value / 1000;
  else if (!field.log && value <= field.low) field.low = value - span;
  if (field.whole) field.high = Math.round(field.high);
  if (field.most !== null) field.high = Math.min(field.high, field.most);
  if (field.least !== null && !field.log) field.low = Math.max(field.low, field.least);
}

/** How a slider's place becomes a value, and back. */
function scale(field) {
  const span = Math.log(field.high / field.low);
  if (field.log) {
    return {
      min: field.zero ? 0 : 1, max: 1000, step: 1,
      place: (value) => (value <= 0 ? 0 : Math.min(1000, Math.max(1, Math.round((1000 * Math.log(value / field.low)) / span)))),
      read: (place) => (place <= 0 ? 0 : place >= 1000 ? field.high : Number((field.low * Math.exp((span * place) / 1000)).toPrecision(3))),
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
    const words = model.get("words");
    // One question at a time: a fast hand leaves no queue behind. One that is not answered is told, and what comes late is taken still.
    let waiting = null, next = null, clock = 0;
    const dead = () => { root.classList.add("unanswered"); problem.textContent = words.dead; };
    const ask = (change) => {
      if (waiting) { next = change; return; }
      waiting = change;
      clock = setTimeout(dead, PATIENCE);
      try {
        model.set("change", { ...change, serial: Date.now() + Math.random() });
        model.save_changes();
      } catch {
        dead(); // some hosts say so at once
      }
    };
    const rows = new Map();
    let group = "";
    for (const given of model.get("controls")) {
      const field = { ...given };
      if (field.group !== group) side.append(node("p", { class: "group" }, (group = field.group)));
      const name = `${field.group} ${field.label}`;
      const range = node("input", { type: "range", "aria-label": name });
      const box = node("input", { type: "text", inputmode: "decimal", autocomplete: "off", spellcheck: "false", "aria-label": `${name}, number` });
      let { value } = field, map, held = false;
      const tell = () => range.setAttribute("aria-valuetext", String(value));
      const mark = (message) => { box.setAttribute("aria-invalid", String(Boolean(message))); if (message) problem.textContent = message; };
      const settle = () => {
        grow(field, value);
        const ends = `${field.low} ${field.high} ${field.log}`;
        if (ends === range.dataset.ends && document.activeElement === range) return; // a place is not moved under the finger that moves it
        range.dataset.ends = ends;
        map = scale(field);
        for (const key of ["min", "max", "step"]) range.setAttribute(key, map[key]);
        range.value = String(map.place(value));
      };
      const set = (made) => { value = made; mark(""); tell(); ask({ path: field.path, value }); };
      range.addEventListener("input", () => { set(map.read(Number(range.value))); box.value = short(value); });
      range.addEventListener("pointerdown", () => { held = true; });
      for (const over of ["pointerup", "pointercancel", "change", "blur"]) range.addEventListener(over, () => { held = false; if (!waiting) settle(); });
      box.addEventListener("focus", () => { if (box.getAttribute("aria-invalid") !== "true") box.value = String(value); box.select(); });
      const take = () => {
        if (box.value === String(value) || box.value === short(value)) return;
        const made = numberOf(box.value);
        if (Number.isNaN(made) || (field.whole && !Number.isInteger(made))) mark(`${field.label} ${field.whole && !Number.isNaN(made) ? words.whole : words.number}: ${box.value}`);
        else set(made);
      };
      box.addEventListener("change", take);
      box.addEventListener("keydown", (event) => {
        if (event.key === "Enter") take();
        if (event.key === "Escape") { mark(""); problem.textContent = ""; box.value = String(value); }
      });
      box.addEventListener("blur", () => { if (box.getAttribute("aria-invalid") !== "true") box.value = short(value); });
      rows.set(field.path, {
        mark,
        take: (now) => {
          value = now;
          tell();
          if (document.activeElement !== box) box.value = short(value);
          mark("");
          if (!held) settle();
        },
      });
      box.value = short(value);
      tell();
      settle();
      side.append(node("div", { class: "row" }, node("span", {}, field.label), range, box));
    }
    const draw = () => {
      const shown = model.get("shown");
      problem.textContent = shown.problem;
      code.textContent = shown.text;
      svg.replaceChildren(...picture(shown));
      svg.setAttribute("aria-label", `${shown.text}: ${shown.unit} from step 0 to ${shown.x[shown.x.length - 1]}`);
      clearTimeout(clock);
      root.classList.remove("unanswered");
      const asked = waiting;
      waiting = null;
      if (next) {
        const change = next;
        next = null;
        ask(change);
      } else if (shown.problem) rows.get(asked?.path)?.mark(shown.problem);
      else for (const [path, value] of Object.entries(shown.values)) rows.get(path)?.take(value);
    };
    model.on("change:shown", draw);
    draw();
    el.append(node("style", {}, STYLE), root);
    return () => { clearTimeout(clock); model.off("change:shown", draw); };
  },
};

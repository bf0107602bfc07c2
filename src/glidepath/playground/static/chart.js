// The chart of the schedules: drawn here as SVG, because the page begins with it and it follows the hand.

import { $, h, short } from "./dom.js";
import { colour, DASHES } from "./style.js";
import { across, powers, Scale, ticks, upward } from "./axes.js";
import { t } from "./words.js";

const LEAST_ZOOM = 8; // pixels: a shorter drag is a slip of the hand
const MOST_ZEROS = 600;
const NARROW = 620; // pixels: below, the ends of the curves have no room for names

/** An element of a drawing. */
export function draw(tag, attributes = {}, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

export class Chart {
  constructor(box, onCursor) {
    this.box = box;
    this.curves = []; // {slot, steps, values, x}
    this.axis = { name: "step", up: 1, down: 1 };
    this.log = false;
    this.floor = null;
    this.zoom = null;
    this.lock = null; // the ranges of both axes while a gesture lasts
    this.ghost = null; // the curve as it was when the gesture began
    this.cursorStep = null;
    this.onCursor = onCursor;
    this.grid = draw("g", { class: "grid" });
    this.clip = draw("rect", {});
    this.shadow = draw("path", { class: "ghost", hidden: "" });
    this.lines = draw("g", {});
    this.zeros = draw("g", { class: "zeros" });
    this.frameBox = draw("rect", { class: "selection", hidden: "" });
    this.svg = draw("svg", { "aria-hidden": "true" }, draw("defs", {}, draw("clipPath", { id: "inside" }, this.clip)), this.grid, draw("g", { "clip-path": "url(#inside)" }, this.shadow, this.lines), this.zeros, this.frameBox);
    $("chart").append(this.svg);
    box.addEventListener("pointermove", (event) => this.hover(event));
    box.addEventListener("pointerdown", (event) => (event.pointerType === "mouse" ? this.select(event) : this.hover(event)));
    box.addEventListener("dblclick", () => this.unzoom());
    new ResizeObserver(() => { if (this.curves.length) this.redraw(); }).observe(box);
  }

  unzoom() {
    this.zoom = null;
    this.redraw();
    this.zoomed?.();
  }

  position(step) {
    return (step * this.axis.up) / this.axis.down;
  }

  /** Shows curves: the first is the one being worked on. `options.top` is a value that the axis reaches at least. */
  show(curves, last, options) {
    const { axis } = this;
    const moved = options.axis.name !== axis.name || options.log !== this.log || options.axis.down !== axis.down || options.axis.up !== axis.up;
    if (moved) this.zoom = this.lock = null;
    Object.assign(this, { axis: options.axis, log: options.log, unit: options.unit, last, curves });
    const positive = curves.map((curve) => curve.least).filter((value) => value !== null);
    const most = Math.max(options.top, ...curves.map((curve) => curve.most));
    const floor = options.floor ?? (positive.length ? Math.max(Math.min(...positive), most * 1e-6) / 1.5 : 0.1);
    if (!this.lock || !this.log) this.floor = floor;
    const negative = Math.min(0, ...curves.map((curve) => curve.low));
    if (this.log) {
      this.range = [Math.log10(this.floor), Math.log10(Math.max(most, this.floor * 10)) + 0.06];
    } else {
      const high = most > 0 ? most * 1.06 : 0.06 * (Math.abs(negative) || 1);
      this.range = [negative < 0 ? negative * 1.08 : -0.012 * high, high];
    }
    const zeros = curves.some((curve) => curve.zeros);
    $("stated").textContent = this.log ? t("stated", { floor: short(this.floor, 3) }) + (zeros ? t("stated.zeros") : "") : "";
    this.redraw();
  }

  /** Keeps the axes as they are, and the curve as a ghost, until `release`. */
  hold() {
    if (!this.x) return;
    this.lock = { x: this.x.range, y: this.y.range };
    this.ghost = this.curves[0] && { ...this.curves[0] };
    this.redraw();
  }

  release() {
    this.lock = this.ghost = null;
    this.redraw();
  }

  get margin() {
    const narrow = this.box.clientWidth < NARROW;
    return { left: narrow ? 42 : 54, right: narrow ? 58 : this.curves.length > 1 ? 176 : 92, top: narrow ? 40 : 42, bottom: narrow ? 24 : 38 };
  }

  redraw() {
    const width = this.box.clientWidth, height = this.box.clientHeight;
    if (!width || !this.curves.length) return;
    const margin = this.margin;
    this.box.classList.toggle("narrow", width < NARROW);
    this.left = margin.left;
    this.top = margin.top;
    this.x = new Scale(this.lock?.x ?? this.zoom?.x ?? [0, this.position(this.last)], width - margin.left - margin.right);
    this.y = new Scale(this.lock?.y ?? this.zoom?.y ?? this.range, height - margin.top - margin.bottom, true);
    const seen = [width, height, ...this.x.range, ...this.y.range, this.log, this.unit, this.axis.name, this.left, this.x.length, document.documentElement.lang].join();
    if (seen !== this.seen) this.axes(width, height);
    this.seen = seen;
    $("unzoom").hidden = this.zoom === null;
    this.paths();
    this.crosses();
    this.ends();
    this.place();
    this.drawn?.();
  }

  /** The numbers, the lines behind the curves, and what the axes are called. */
  axes(width, height) {
    const { left, top, x, y } = this;
    const bottom = top + y.length;
    const narrow = width < NARROW;
    for (const [key, value] of Object.entries({ width, height, viewBox: `0 0 ${width} ${height}` })) this.svg.setAttribute(key, value);
    for (const [key, value] of Object.entries({ x: left, y: top - 4, width: x.length + 2, height: y.length + 6 })) this.clip.setAttribute(key, value);
    const parts = [];
    const written = this.log ? powers(y.range, y.length / 36) : ticks(y.range, y.length / 56);
    for (const value of written) {
      const at = top + y.l2p(value);
      parts.push(draw("line", { x1: left, x2: left + x.length, y1: at, y2: at }), draw("text", { class: "ytick", x: left - 8, y: at + 4, "text-anchor": "end" }, upward(this.log ? 10 ** value : value)));
    }
    const percent = this.axis.name === "percent";
    const longest = across(x.range[1] > 1e6 ? 1e6 : Math.round(x.range[1]), percent).length;
    for (const value of ticks(x.range, x.length / (36 + 9 * longest))) {
      const at = left + x.l2p(value);
      parts.push(draw("line", { x1: at, x2: at, y1: top, y2: bottom }), draw("text", { class: "xtick", x: at, y: bottom + 17, "text-anchor": "middle" }, across(value, percent)));
    }
    parts.push(
      draw("line", { class: "edge-line", x1: left, x2: left, y1: top, y2: bottom }),
      draw("line", { class: "edge-line", x1: left, x2: left + x.length, y1: bottom, y2: bottom }),
      draw("text", { class: "xtitle", x: left + x.length / 2, y: bottom + 34, "text-anchor": "middle", opacity: narrow ? 0 : 1 }, t(`axis.${this.axis.name}.long`)),
      draw("text", { class: "unit", x: 10, y: 22 }, this.unit));
    this.grid.replaceChildren(...parts);
  }

  way(curve) {
    const { left, top, x, y } = this;
    const points = new Array(curve.values.length);
    for (let k = 0; k < points.length; k++) {
      const value = this.log ? Math.log10(Math.max(curve.values[k], this.floor)) : curve.values[k];
      points[k] = `${(left + x.l2p(curve.x[k])).toFixed(2)},${(top + y.l2p(value)).toFixed(2)}`;
    }
    return `M${points.join("L")}`;
  }

  /** The lines; the one being worked on lies above the others. */
  paths() {
    const ordered = [...this.curves].reverse();
    while (this.lines.children.length > ordered.length) this.lines.lastChild.remove();
    while (this.lines.children.length < ordered.length) this.lines.append(draw("path", { class: "curve" }));
    ordered.forEach((curve, i) => {
      const path = this.lines.children[i];
      path.setAttribute("d", this.way(curve));
      path.dataset.slot = curve.slot;
      const dash = DASHES[curve.slot];
      Object.assign(path.style, { stroke: colour(curve.slot), strokeWidth: curve.slot ? 2 : 3, strokeDasharray: dash === "solid" ? "none" : dash });
    });
    this.shadow.toggleAttribute("hidden", !this.ghost);
    if (this.ghost) this.shadow.setAttribute("d", this.way(this.ghost));
  }

  /** Exact zeros on a logarithmic axis: crosses on its floor, where a stretch of zeros begins and ends. */
  crosses() {
    const marks = [];
    if (this.log && this.y.range[0] <= Math.log10(this.floor)) {
      const at = this.top + this.y.l2p(Math.log10(this.floor));
      for (const { values, x, slot } of this.curves) {
        for (let i = 0; i < values.length && marks.length < MOST_ZEROS; i++) {
          if (values[i] !== 0 || (values[i - 1] === 0 && values[i + 1] === 0)) continue;
          const place = this.left + this.x.l2p(x[i]);
          if (place < this.left - 1 || place > this.left + this.x.length + 1) continue;
          marks.push(draw("path", { class: "zero", stroke: colour(slot), d: `M${place - 4},${at - 4}l8,8m0,-8l-8,8` }));
        }
      }
    }
    this.zeros.replaceChildren(...marks);
  }

  /** The place of the plot inside the box: phases, runs and handles line up with it. */
  frame() {
    if (!this.x) return null;
    const of = (step) => this.left + this.x.l2p(this.position(step));
    return { left: this.left, top: this.top, width: this.x.length, height: this.y.length, of, step: (pixel) => (this.x.p2l(pixel - this.left) * this.axis.down) / this.axis.up };
  }

  yOf(value) {
    return this.top + this.y.l2p(this.log ? Math.log10(Math.max(value, this.floor)) : value);
  }

  /** The value at a height, in pixels from the top of the box. */
  valueAt(pixel) {
    const value = this.y.p2l(pixel - this.top);
    return this.log ? 10 ** value : value;
  }

  /** What a curve is called and what it is worth stands at its end, none upon another. */
  ends() {
    const rows = [...$("legend").children];
    const inside = (y) => Math.min(Math.max(y, this.top), this.top + this.y.length);
    const labels = this.curves.map((curve) => ({ row: rows.find((each) => each.dataset.slot === String(curve.slot)), y: inside(this.yOf(curve.values[curve.values.length - 1])) })).filter((label) => label.row);
    labels.sort((a, b) => a.y - b.y);
    const gap = Math.min(22, (this.y.length + 20) / labels.length);
    for (let i = labels.length - 2; i >= 0; i--) labels[i].y = Math.min(labels[i].y, labels[i + 1].y - gap);
    if (labels.length && labels[0].y < 12) labels.forEach((label, i) => { label.y = Math.max(label.y, 12 + i * gap); });
    for (const { row, y } of labels) Object.assign(row.style, { left: `${this.left + this.x.length + 12}px`, top: `${y}px`, width: `${this.box.clientWidth - this.left - this.x.length - 14}px` });
  }

  hover(event) {
    const frame = this.frame();
    if (!frame || (event.buttons === 1 && event.pointerType === "mouse")) return; // a mouse that drags, zooms; a finger moves the cursor
    if (event.target.closest?.(".handle, .corner, .legend")) return;
    const x = event.clientX - this.box.getBoundingClientRect().left;
    if (x < frame.left - 4 || x > frame.left + frame.width + 4) return;
    this.onCursor(Math.round(Math.min(Math.max(frame.step(x), 0), this.last)));
  }

  /** A drag over the chart zooms into what it covers. */
  select(event) {
    if (event.button !== 0 || !this.x || event.target.closest(".handle, .corner, .legend")) return;
    event.preventDefault();
    const box = this.box.getBoundingClientRect();
    const place = (now) => [Math.min(Math.max(now.clientX - box.left - this.left, 0), this.x.length), Math.min(Math.max(now.clientY - box.top - this.top, 0), this.y.length)];
    const begin = place(event);
    let end = begin;
    this.box.setPointerCapture(event.pointerId);
    const wide = (i) => Math.abs(end[i] - begin[i]) >= LEAST_ZOOM;
    const move = (now) => {
      end = place(now);
      const tall = wide(1);
      const shown = { x: this.left + Math.min(begin[0], end[0]), y: this.top + (tall ? Math.min(begin[1], end[1]) : 0), width: Math.abs(end[0] - begin[0]), height: tall ? Math.abs(end[1] - begin[1]) : this.y.length };
      for (const [key, value] of Object.entries(shown)) this.frameBox.setAttribute(key, value);
      this.frameBox.toggleAttribute("hidden", !wide(0));
    };
    const over = () => {
      this.box.removeEventListener("pointermove", move);
      this.frameBox.setAttribute("hidden", "");
      if (!wide(0)) return;
      const part = (scale, i) => [begin[i], end[i]].map((pixel) => scale.p2l(pixel)).sort((a, b) => a - b);
      this.zoom = { x: part(this.x, 0), y: wide(1) ? part(this.y, 1) : this.y.range };
      this.redraw();
      this.zoomed?.();
    };
    this.box.addEventListener("pointermove", move);
    this.box.addEventListener("pointerup", over, { once: true });
    this.box.addEventListener("pointercancel", over, { once: true });
  }

  /** The sampled point of a curve at or before a step. */
  sample(curve, step) {
    let low = 0, high = curve.steps.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (curve.steps[middle] <= step) low = middle; else high = middle - 1;
    }
    return low;
  }

  /** How high a curve is drawn at a step: between two drawn points, on the line that is drawn. */
  height(curve, step) {
    const i = this.sample(curve, step);
    const next = Math.min(i + 1, curve.values.length - 1);
    const span = curve.steps[next] - curve.steps[i];
    const share = span > 0 ? (step - curve.steps[i]) / span : 0;
    return this.yOf(curve.values[i]) * (1 - share) + this.yOf(curve.values[next]) * share;
  }

  /** Moves the cursor line, with a dot on each curve where it is drawn. */
  place(step = this.cursorStep) {
    this.cursorStep = step;
    const frame = this.frame();
    const cursor = $("cursor");
    const x = frame && step !== null ? frame.of(step) : -1;
    if (!frame || step === null || step > this.last || x < frame.left - 1 || x > frame.left + frame.width + 1) { cursor.hidden = true; return; }
    cursor.hidden = false;
    Object.assign(cursor.style, { transform: `translateX(${x}px)`, top: `${this.top}px`, height: `${this.y.length}px` });
    while (cursor.children.length > this.curves.length) cursor.lastChild.remove();
    while (cursor.children.length < this.curves.length) cursor.append(h("i"));
    this.curves.forEach((curve, i) => {
      const y = this.height(curve, step);
      const dot = cursor.children[i];
      dot.hidden = y < this.top - 6 || y > this.top + this.y.length + 6;
      Object.assign(dot.style, { transform: `translateY(${y - this.top}px)`, background: colour(curve.slot) });
    });
  }
}

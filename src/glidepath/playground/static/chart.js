// The chart of the schedules: drawn here as SVG, because the page begins with it and it follows the hand.

import { $, h, short } from "./dom.js";
import { colour, DASHES } from "./style.js";
import { across, powers, Scale, ticks, upward } from "./axes.js";

const LABELS = { step: "step (updates done)", epoch: "epoch", sample: "samples seen", token: "tokens seen", percent: "percent of the run" };
const MARGIN = { left: 62, right: 26, top: 24, bottom: 42 };
const LEAST_ZOOM = 8; // pixels: a shorter drag is a slip of the hand
const MOST_ZEROS = 600;

/** An element of the drawing. */
function draw(tag, attributes = {}, ...children) {
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
    this.cursorStep = null;
    this.onCursor = onCursor;
    this.grid = draw("g", { class: "grid" });
    this.clip = draw("rect", {});
    this.lines = draw("g", { "clip-path": "url(#inside)" });
    this.zeros = draw("g", { class: "zeros" });
    this.frameBox = draw("rect", { class: "selection", hidden: "" });
    this.svg = draw("svg", { "aria-hidden": "true" }, draw("defs", {}, draw("clipPath", { id: "inside" }, this.clip)), this.grid, this.lines, this.zeros, this.frameBox);
    $("chart").append(this.svg);
    box.addEventListener("pointermove", (event) => this.hover(event));
    box.addEventListener("pointerdown", (event) => (event.pointerType === "mouse" ? this.select(event) : this.hover(event)));
    box.addEventListener("dblclick", () => { this.zoom = null; this.redraw(); });
    new ResizeObserver(() => { if (this.curves.length) this.redraw(); }).observe(box);
  }

  position(step) {
    return (step * this.axis.up) / this.axis.down;
  }

  /** Shows curves: the first is the one being worked on. */
  show(curves, last, options) {
    const { axis } = this;
    const moved = options.axis.name !== axis.name || options.log !== this.log || options.axis.down !== axis.down || options.axis.up !== axis.up;
    if (moved) this.zoom = null;
    Object.assign(this, { axis: options.axis, log: options.log, unit: options.unit, last, curves });
    const positive = curves.map((curve) => curve.least).filter((value) => value !== null);
    const most = Math.max(...curves.map((curve) => curve.most));
    this.floor = options.floor ?? (positive.length ? Math.max(Math.min(...positive), most * 1e-6) / 1.5 : 0.1);
    const negative = Math.min(0, ...curves.map((curve) => curve.low));
    if (this.log) {
      this.range = [Math.log10(this.floor), Math.log10(Math.max(most, this.floor * 10)) + 0.06];
    } else {
      const high = most > 0 ? most * 1.06 : 0.06 * (Math.abs(negative) || 1);
      this.range = [negative < 0 ? negative * 1.08 : -0.012 * high, high];
    }
    const zeros = curves.some((curve) => curve.zeros);
    $("stated").textContent = this.log ? `logarithmic from ${short(this.floor, 3)}${zeros ? "; × marks values of exactly 0" : ""}` : "";
    this.redraw();
  }

  redraw() {
    const width = this.box.clientWidth, height = this.box.clientHeight;
    if (!width || !this.curves.length) return;
    this.left = MARGIN.left;
    this.top = MARGIN.top;
    this.x = new Scale(this.zoom?.x ?? [0, this.position(this.last)], width - MARGIN.left - MARGIN.right);
    this.y = new Scale(this.zoom?.y ?? this.range, height - MARGIN.top - MARGIN.bottom, true);
    const seen = [width, height, ...this.x.range, ...this.y.range, this.log, this.unit, this.axis.name].join();
    if (seen !== this.seen) this.axes(width, height);
    this.seen = seen;
    this.paths();
    this.crosses();
    this.ends();
    this.place();
  }

  /** The numbers, the lines behind the curves, and what the axes are called. */
  axes(width, height) {
    const { left, top, x, y } = this;
    const bottom = top + y.length;
    for (const [key, value] of Object.entries({ width, height, viewBox: `0 0 ${width} ${height}` })) this.svg.setAttribute(key, value);
    for (const [key, value] of Object.entries({ x: left, y: top - 4, width: x.length + 2, height: y.length + 6 })) this.clip.setAttribute(key, value);
    const parts = [];
    const written = this.log ? powers(y.range, y.length / 36) : ticks(y.range, y.length / 46);
    for (const value of written) {
      const at = top + y.l2p(value);
      parts.push(draw("line", { x1: left, x2: left + x.length, y1: at, y2: at }), draw("text", { class: "ytick", x: left - 8, y: at + 4, "text-anchor": "end" }, upward(this.log ? 10 ** value : value)));
    }
    const percent = this.axis.name === "percent";
    const longest = across(x.range[1] > 1e6 ? 1e6 : Math.round(x.range[1]), percent).length;
    for (const value of ticks(x.range, x.length / (26 + 9 * longest))) {
      const at = left + x.l2p(value);
      parts.push(draw("line", { x1: at, x2: at, y1: top, y2: bottom }), draw("text", { class: "xtick", x: at, y: bottom + 17, "text-anchor": "middle" }, across(value, percent)));
    }
    parts.push(
      draw("line", { class: "edge-line", x1: left, x2: left, y1: top, y2: bottom }),
      draw("text", { class: "xtitle", x: left + x.length / 2, y: bottom + 37, "text-anchor": "middle" }, LABELS[this.axis.name]),
      draw("text", { class: "unit", x: 14, y: 13 }, this.unit));
    this.grid.replaceChildren(...parts);
  }

  /** The lines; the one being worked on lies above the others. */
  paths() {
    const { left, top, x, y } = this;
    const ordered = [...this.curves].reverse();
    while (this.lines.children.length > ordered.length) this.lines.lastChild.remove();
    while (this.lines.children.length < ordered.length) this.lines.append(draw("path", { class: "curve" }));
    ordered.forEach((curve, i) => {
      const path = this.lines.children[i];
      const points = new Array(curve.values.length);
      for (let k = 0; k < points.length; k++) {
        const value = this.log ? Math.log10(Math.max(curve.values[k], this.floor)) : curve.values[k];
        points[k] = `${(left + x.l2p(curve.x[k])).toFixed(2)},${(top + y.l2p(value)).toFixed(2)}`;
      }
      path.setAttribute("d", `M${points.join("L")}`);
      path.dataset.slot = curve.slot;
      const dash = DASHES[curve.slot];
      Object.assign(path.style, { stroke: colour(curve.slot), strokeWidth: curve.slot ? 2 : 3, strokeDasharray: dash === "solid" ? "none" : dash });
    });
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

  /** The place of the plot inside the box: the phases below line up with it. */
  frame() {
    if (!this.x) return null;
    const of = (step) => this.left + this.x.l2p(this.position(step));
    return { left: this.left, width: this.x.length, of, step: (pixel) => (this.x.p2l(pixel - this.left) * this.axis.down) / this.axis.up };
  }

  yOf(value) {
    return this.top + this.y.l2p(this.log ? Math.log10(Math.max(value, this.floor)) : value);
  }

  /** The number of each pinned curve at its end, none upon another. */
  ends() {
    const inside = (y) => Math.min(Math.max(y, this.top), this.top + this.y.length);
    const labels = this.curves.filter((curve) => curve.slot).map((curve) => ({ curve, y: inside(this.yOf(curve.values[curve.values.length - 1])) }));
    labels.sort((a, b) => a.y - b.y);
    for (let i = labels.length - 2; i >= 0; i--) labels[i].y = Math.min(labels[i].y, labels[i + 1].y - 13);
    $("ends").replaceChildren(...labels.map(({ curve, y }) => h("b", { style: { left: `${this.left + this.x.length + 6}px`, top: `${y}px`, color: colour(curve.slot) } }, String(curve.slot))));
  }

  hover(event) {
    const frame = this.frame();
    if (!frame || event.buttons === 1) return;
    const x = event.clientX - this.box.getBoundingClientRect().left;
    if (x < frame.left - 4 || x > frame.left + frame.width + 4) return;
    this.onCursor(Math.round(Math.min(Math.max(frame.step(x), 0), this.last)));
  }

  /** A drag over the chart zooms into what it covers. */
  select(event) {
    if (event.button !== 0 || !this.x) return;
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

  /** Moves the cursor line, with a dot on each curve where it is drawn. */
  place(step = this.cursorStep) {
    this.cursorStep = step;
    const frame = this.frame();
    const cursor = $("cursor");
    const x = frame && step !== null ? frame.of(step) : -1;
    if (!frame || step === null || step > this.last || x < frame.left - 1 || x > frame.left + frame.width + 1) { cursor.hidden = true; return; }
    cursor.hidden = false;
    Object.assign(cursor.style, { left: `${x}px`, top: `${this.top}px`, height: `${this.y.length}px` });
    const dots = this.curves.map((curve) => {
      const i = this.sample(curve, step);
      const next = Math.min(i + 1, curve.values.length - 1);
      const span = curve.steps[next] - curve.steps[i];
      const share = span > 0 ? (step - curve.steps[i]) / span : 0; // between two drawn points: on the line that is drawn
      const y = this.yOf(curve.values[i]) * (1 - share) + this.yOf(curve.values[next]) * share;
      return h("i", { hidden: y < this.top - 6 || y > this.top + this.y.length + 6, style: { top: `${y - this.top}px`, background: colour(curve.slot) } });
    });
    cursor.replaceChildren(...dots);
  }
}

// The chart: plotly draws, this module says what. Positions on screen come from plotly's own axes.

import { $, h, later, short } from "./dom.js";
import { colour, css, DASHES } from "./style.js";

/* global Plotly */
const LABELS = { step: "step (updates done)", epoch: "epoch", sample: "samples seen", token: "tokens seen", percent: "percent of the run" };

export class Chart {
  constructor(box, onCursor) {
    this.box = box;
    this.node = $("chart");
    this.curves = []; // {slot, steps, values, x, data}
    this.axis = { name: "step", up: 1, down: 1 };
    this.log = false;
    this.floor = null;
    this.top = null;
    this.zoomed = false;
    this.drawn = false;
    this.cursorStep = null;
    this.onCursor = onCursor;
    this.settle = later(240, () => { if (this.drawn) this.update(true); });
  }

  position(step) {
    return (step * this.axis.up) / this.axis.down;
  }

  /** Shows curves: the first is the one being worked on. */
  show(curves, last, options) {
    const moved = options.axis.name !== this.axis.name || options.log !== this.log || options.axis.down !== this.axis.down || options.axis.up !== this.axis.up || options.unit !== this.unit;
    this.unit = options.unit;
    this.axis = options.axis;
    this.log = options.log;
    this.last = last;
    this.curves = curves;
    const positive = curves.map((curve) => curve.least).filter((value) => value !== null);
    const most = Math.max(...curves.map((curve) => curve.most));
    const least = Math.min(...positive);
    const auto = positive.length ? Math.max(least, most * 1e-6) / 1.5 : 0.1;
    this.floor = options.floor ?? auto;
    const negative = Math.min(0, ...curves.map((curve) => curve.low));
    if (moved) this.zoomed = false;
    if (this.log) {
      const top = Math.log10(Math.max(most, this.floor * 10)) + 0.06;
      this.range = [Math.log10(this.floor), top];
    } else {
      const high = most > 0 ? most * 1.06 : 0.06 * (Math.abs(negative) || 1);
      this.range = [negative < 0 ? negative * 1.08 : -0.012 * high, high];
    }
    if (!this.drawn || moved || this.slots !== curves.map((curve) => curve.slot).join()) this.whole();
    else this.update();
    this.stated();
    this.ends();
    this.place();
  }

  traces() {
    const traces = this.curves.map((curve) => ({
      x: curve.x,
      y: this.log ? curve.values.map((value) => (value > this.floor ? value : this.floor)) : curve.values,
      mode: "lines",
      line: { color: colour(curve.slot), width: curve.slot ? 2 : 3, dash: DASHES[curve.slot], simplify: false },
      hoverinfo: "skip",
      name: `curve-${curve.slot}`,
    })).reverse();
    traces.push({ ...this.zeros(), mode: "markers", hoverinfo: "skip", name: "zeros", cliponaxis: false });
    return traces;
  }

  /** Exact zeros on a logarithmic axis: crosses on its floor. */
  zeros() {
    const x = [], y = [], colours = [];
    if (this.log) {
      for (const curve of this.curves) {
        const { values } = curve;
        for (let i = 0; i < values.length && x.length < 600; i++) {
          if (values[i] === 0 && (values[i - 1] !== 0 || values[i + 1] !== 0)) { // where a stretch of zeros begins and ends
            x.push(curve.x[i]); y.push(this.floor); colours.push(colour(curve.slot));
          }
        }
      }
    }
    return { x, y, marker: { symbol: "x-thin", size: 8, line: { width: 2, color: colours } } };
  }

  layout() {
    const quiet = css("--quiet"), line = css("--line");
    const grid = { gridcolor: line, zerolinecolor: line, linecolor: line, tickfont: { color: quiet, size: 12 }, fixedrange: false };
    return {
      margin: { l: 62, r: 26, t: 24, b: 42 },
      annotations: [{ x: 0, y: 1, xref: "paper", yref: "paper", xanchor: "left", yanchor: "bottom", xshift: -34, text: this.unit, showarrow: false, font: { size: 12.5, color: quiet } }],
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: css("--sans"), color: quiet },
      showlegend: false,
      hovermode: false,
      dragmode: matchMedia("(pointer: coarse)").matches ? false : "zoom",
      xaxis: { ...grid, range: [0, this.position(this.last)], title: { text: LABELS[this.axis.name], font: { size: 12.5 }, standoff: 6 }, tickformat: this.axis.name === "percent" ? "~r" : ",~f", ticksuffix: this.axis.name === "percent" ? " %" : "", exponentformat: "power" },
      yaxis: { ...grid, type: this.log ? "log" : "linear", range: this.range, exponentformat: "power", dtick: this.log && this.range[1] - this.range[0] > 2 ? 1 : undefined, tickformat: this.log ? "~g" : "~g", automargin: false },
    };
  }

  whole() {
    this.slots = this.curves.map((curve) => curve.slot).join();
    if (this.axis.name !== "step" && this.position(this.last) < 20) { /* epochs of a short run need decimals */ }
    Plotly.react(this.node, this.traces(), this.layout(), { displayModeBar: false, responsive: true, doubleClick: false });
    if (!this.drawn) {
      this.drawn = true;
      this.node.on("plotly_relayout", (change) => {
        if (change["xaxis.range[0]"] !== undefined) this.zoomed = true;
        this.ends();
        this.place();
      });
      this.node.on("plotly_doubleclick", () => { this.zoomed = false; this.whole(); this.ends(); this.place(); });
      this.box.addEventListener("pointermove", (event) => this.hover(event));
      this.box.addEventListener("pointerdown", (event) => { if (event.pointerType !== "mouse") this.hover(event); });
      new ResizeObserver(() => { this.ends(); this.place(); }).observe(this.box);
    }
    this.seen = [this.position(this.last), ...this.range].join();
  }

  /** Redraws after a change of values: the lines alone while the hand moves, everything once it rests. */
  update(rested = false) {
    const seen = [this.position(this.last), ...this.range].join();
    if (!rested && (seen === this.seen || this.zoomed) && this.lines()) return this.settle();
    const traces = this.traces();
    const changed = { x: traces.map((trace) => trace.x), y: traces.map((trace) => trace.y) };
    const colours = traces[traces.length - 1].marker.line.color;
    if (colours.length || this.hadZeros) changed["marker.line.color"] = [...traces.slice(0, -1).map(() => undefined), colours];
    this.hadZeros = colours.length > 0;
    if (seen === this.seen || this.zoomed) {
      Plotly.restyle(this.node, changed);
    } else {
      this.seen = seen;
      Plotly.update(this.node, changed, { "xaxis.range": [0, this.position(this.last)], "yaxis.range": this.range });
    }
  }

  /** Moves the lines that plotly has drawn, on plotly's own axes: a tenth of a millisecond instead of ten. */
  lines() {
    const paths = this.node.querySelectorAll(".scatterlayer .trace path.js-line");
    if (paths.length !== this.curves.length) return false;
    const { x: across, y: up } = this.pixels();
    this.curves.forEach((curve, i) => {
      const path = paths[this.curves.length - 1 - i];
      if (path.glidepath === curve.values) return;
      path.glidepath = curve.values;
      const points = [];
      for (let k = 0; k < curve.values.length; k++) {
        const value = this.log ? Math.log10(Math.max(curve.values[k], this.floor)) : curve.values[k];
        points.push(`${across.l2p(curve.x[k]).toFixed(2)},${up.l2p(value).toFixed(2)}`);
      }
      path.setAttribute("d", `M${points.join("L")}`);
    });
    return true;
  }

  stated() {
    const zeros = this.curves.some((curve) => curve.zeros);
    $("stated").textContent = this.log ? `logarithmic from ${short(this.floor, 3)}${zeros ? "; × marks values of exactly 0" : ""}` : "";
  }

  pixels() {
    const full = this.node._fullLayout;
    if (!full?.xaxis?._length) return null;
    return { x: full.xaxis, y: full.yaxis, left: full.xaxis._offset, top: full.yaxis._offset };
  }

  /** The place of the plot inside the box: the phases below line up with it. */
  frame() {
    const pixels = this.pixels();
    if (!pixels) return null;
    const of = (step) => pixels.left + pixels.x.l2p(this.position(step));
    return { left: pixels.left, width: pixels.x._length, of, step: (x) => (pixels.x.p2l(x - pixels.left) * this.axis.down) / this.axis.up };
  }

  yOf(value) {
    const pixels = this.pixels();
    const kept = this.log ? Math.log10(Math.max(value, this.floor)) : value;
    return pixels.top + pixels.y.l2p(kept);
  }

  /** The number of each pinned curve at its end, none upon another. */
  ends() {
    const pixels = this.pixels();
    if (!pixels) return;
    const labels = this.curves.filter((curve) => curve.slot).map((curve) => ({ curve, y: this.yOf(curve.values[curve.values.length - 1]) }));
    labels.sort((a, b) => a.y - b.y);
    for (let i = labels.length - 2; i >= 0; i--) labels[i].y = Math.min(labels[i].y, labels[i + 1].y - 13);
    $("ends").replaceChildren(...labels.map(({ curve, y }) => h("b", { style: { left: `${pixels.left + pixels.x._length + 6}px`, top: `${y}px`, color: colour(curve.slot) } }, String(curve.slot))));
  }

  hover(event) {
    const frame = this.frame();
    if (!frame || event.buttons === 1) return;
    const x = event.clientX - this.box.getBoundingClientRect().left;
    if (x < frame.left - 4 || x > frame.left + frame.width + 4) return;
    this.onCursor(Math.round(Math.min(Math.max(frame.step(x), 0), this.last)));
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
    if (!frame || step === null || step > this.last) { cursor.hidden = true; return; }
    cursor.hidden = false;
    cursor.style.left = `${frame.of(step)}px`;
    cursor.style.top = `${this.pixels().top}px`;
    cursor.style.height = `${this.pixels().y._length}px`;
    const dots = this.curves.map((curve) => {
      const i = this.sample(curve, step);
      const next = Math.min(i + 1, curve.values.length - 1);
      const span = curve.steps[next] - curve.steps[i];
      const share = span > 0 ? (step - curve.steps[i]) / span : 0; // between two drawn points: on the line that is drawn
      const y = this.yOf(curve.values[i]) * (1 - share) + this.yOf(curve.values[next]) * share;
      return h("i", { style: { top: `${y - this.pixels().top}px`, background: colour(curve.slot) } });
    });
    cursor.replaceChildren(...dots);
  }
}

/** What the charts in the panes share: no background of their own, quiet axes. */
export function bare() {
  const quiet = css("--quiet"), line = css("--line");
  return {
    grid: { gridcolor: line, zeroline: false, linecolor: line, tickfont: { color: quiet, size: 11 }, exponentformat: "power" },
    layout: {
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: css("--sans"), color: quiet, size: 12 },
      showlegend: false,
      hovermode: false,
      dragmode: false,
    },
  };
}

/** A small chart of lines and bands, for the panes below. */
export function small(node, traces, titles) {
  const { layout, grid } = bare();
  const axis = { ...grid, tickformat: "~g", fixedrange: true };
  Plotly.react(node, traces.map((trace) => ({ hoverinfo: "skip", ...trace })), {
    ...layout,
    margin: { l: 52, r: titles.y2 ? 66 : 12, t: 26, b: 36 },
    title: { text: titles.title, font: { size: 13, color: css("--ink") }, x: 0.01, y: 0.98, xanchor: "left" },
    xaxis: { ...axis, title: { text: titles.x, standoff: 4 }, range: titles.range },
    yaxis: { ...axis, type: titles.log ? "log" : "linear" },
    ...(titles.y2 ? { yaxis2: { ...axis, tickmode: "auto", rangemode: "tozero", overlaying: "y", side: "right", showgrid: false, title: { text: titles.y2 } } } : {}),
  }, { displayModeBar: false, responsive: true });
}

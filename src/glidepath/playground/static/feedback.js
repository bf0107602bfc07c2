// Reduce on plateau, fed with a metric: drawn by hand, typed, from a CSV file, or from a finished run. Shows when it cuts, and why.

import { h, short, whole } from "./dom.js";
import { ask, latest } from "./ask.js";
import { ticks, Scale } from "./axes.js";
import { draw } from "./chart.js";
import { accept, controlsOf, refuse } from "./controls.js";
import { colour } from "./style.js";
import { pieces, refusal, t, told } from "./words.js";

const SAMPLE = "2.31, 1.84, 1.52, 1.37, 1.30, 1.28, 1.29, 1.28, 1.285, 1.28, 1.12, 1.06, 1.05, 1.052, 1.051, 1.05, 1.052, 1.05, 0.99, 0.985, 0.986, 0.985, 0.985, 0.986, 0.985";
const MOST_FILE = 2000000;
const MOST_DRAWN = 400; // points that are drawn as dots
const BOX = { left: 50, right: 62, top: 26, bottom: 34, height: 340 };

export class Feedback {
  constructor(app) {
    this.app = app;
    this.ask = latest((request) => this.load(request));
    this.tree = { t: "call", lib: "", word: "plateau", args: [{ name: "patience", value: 3 }] };
    this.text = SAMPLE;
  }

  build(body) {
    this.values = h("textarea", { "aria-label": t("feedback.values"), spellcheck: false });
    this.values.value = this.text;
    this.values.addEventListener("input", () => { this.text = this.values.value; this.refresh(); });
    this.upload = h("input", { type: "file", accept: ".csv,.txt,text/csv,text/plain", "aria-label": t("feedback.file") });
    this.upload.addEventListener("change", async () => {
      const newest = this.app.turn();
      const file = this.upload.files[0];
      if (!file) return;
      if (file.size > MOST_FILE) { this.problem.textContent = t("feedback.large", { most: MOST_FILE }); return; }
      const text = await file.text();
      if (!newest()) return;
      this.column = "";
      this.give(text);
    });
    this.columns = h("select", { "aria-label": t("feedback.column"), hidden: true, onchange: () => { this.column = this.columns.value; this.refresh(); } });
    this.runs = h("select", { "aria-label": t("feedback.run"), hidden: true });
    this.runs.addEventListener("change", () => { if (this.runs.value) this.give(this.runs.value); });
    const context = {
      catalogue: { words: { plateau: { args: this.app.catalogue.plateau } }, curves: [] },
      tree: () => this.tree, total: () => 50,
      set: (tree) => { this.tree = tree; this.refresh(); },
    };
    this.controls = controlsOf(context, this.tree, "").flatMap((row) => (row.classList.contains("control") ? [row] : [...row.querySelectorAll(".control")]));
    this.problem = h("p", { class: "problem", role: "alert" });
    this.chart = h("div", { class: "metric", role: "img", "aria-label": t("feedback.picture") });
    this.cuts = h("ul", { class: "sentences", "aria-label": t("feedback.cuts"), "aria-live": "polite" });
    this.every = h("div", { class: "scroll every", tabindex: "0", role: "group", "aria-label": t("feedback.every") });
    const left = h("div", {}, h("div", { class: "grid" }, ...this.controls), h("label", { class: "mini" }, t("feedback.metric")), this.values, h("div", { class: "row" }, this.upload, this.columns, this.runs));
    const right = h("div", { class: "fed" }, this.problem, this.chart, h("p", { class: "hint" }, t("feedback.hand")), this.cuts, h("details", {}, h("summary", {}, t("feedback.every")), this.every));
    body.append(h("p", {}, ...pieces("feedback.about", { name: h("code", {}, "ReduceLROnPlateau") })), h("div", { class: "feed" }, right, left));
    this.chart.addEventListener("pointerdown", (event) => this.hand(event));
    new ResizeObserver(() => { if (this.found && this.chart.clientWidth) this.paint(); }).observe(this.chart);
    if (this.known) this.offer();
  }

  give(text) {
    this.text = text;
    this.values.value = text;
    this.refresh();
  }

  refresh() {
    if (!this.known) {
      this.known = true;
      this.offer();
    }
    const options = Object.fromEntries(this.tree.args.map((arg) => [arg.name, typeof arg.value === "object" && arg.value !== null ? Number(arg.value.raw || NaN) : arg.value]));
    const wrong = this.tree.args.find((arg) => typeof options[arg.name] === "number" && !Number.isFinite(options[arg.name]));
    if (wrong) {
      refuse(this.controls.find((row) => row.dataset.field === wrong.name), t("feedback.finite", { field: wrong.name, value: wrong.value.raw || t("nothing") }));
      return;
    }
    this.ask({ values: this.text, column: this.column ?? "", options, base: this.app.state.base });
  }

  /** Validations of finished runs, to choose from. */
  async offer() {
    let tasks = [];
    try { ({ tasks } = await ask("records")); } catch { return; }
    const options = tasks.flatMap((task) => task.rows.filter((row) => row.validations.length).map((row) => h("option", { value: row.validations[0].filter((value) => value !== null).join(", ") }, `${task.task}, ${row.name}`)));
    if (!options.length) return;
    this.runs.hidden = false;
    this.runs.replaceChildren(h("option", { value: "" }, t("feedback.runs")), ...options);
  }

  async load(request) {
    let found = null;
    try {
      found = await ask("plateau", request);
      this.problem.textContent = "";
      for (const row of this.controls) accept(row);
    } catch (error) {
      this.problem.textContent = "";
      for (const problem of error.problems ?? [{ field: "", message: error.message }]) {
        const row = this.controls.find((each) => each.dataset.field === problem.field);
        if (row) refuse(row, refusal(problem)); else this.problem.textContent = refusal(problem);
      }
      return; // the last good picture stays
    }
    for (const row of this.controls) row.refresh();
    this.found = found;
    this.base = request.base;
    this.columns.hidden = found.columns.length < 2;
    if (found.columns.length > 1 && this.columns.options.length !== found.columns.length) this.columns.replaceChildren(...found.columns.map((name) => h("option", { value: name, selected: name === (this.column || found.columns[found.columns.length - 1]) }, name)));
    this.paint();
    this.cuts.replaceChildren(...(found.cuts.length
      ? found.cuts.slice(0, 12).map((i) => h("li", {}, h("span", { class: "tagcut" }, t("feedback.cut", { n: whole(i) })), t("feedback.to", { why: told(found.decisions[i], "reason"), rate: short(found.multipliers[i]) })))
      : [h("li", {}, t("feedback.nocut"))]));
    this.every.replaceChildren(h("table", {}, h("thead", {}, h("tr", {}, ["evaluation", "metric", "rate", "decision", "why"].map((head) => h("th", { scope: "col" }, t(`feedback.head.${head}`))))), h("tbody", {}, found.decisions.slice(0, 500).map((d, i) => h("tr", {}, h("td", {}, String(i)), h("td", { class: "num" }, String(found.values[i] ?? t("feedback.infinite"))), h("td", { class: "num" }, String(found.multipliers[i])), h("td", {}, t(`feedback.action.${d.action}`)), h("td", { class: "words" }, told(d, "reason")))))));
  }

  /** The metric as it was fed, the rate that it leads to, and a mark at every cut. */
  paint() {
    const { values, multipliers, cuts } = this.found;
    const width = this.chart.clientWidth || 640, { height } = BOX;
    const seen = values.filter((value) => value !== null);
    const count = Math.max(values.length - 1, 1);
    const low = Math.min(0, ...seen), high = Math.max(...seen, low + 1e-12) * 1.06;
    const x = new Scale([0, count], width - BOX.left - BOX.right);
    const y = this.scale ?? new Scale([low, high], height - BOX.top - BOX.bottom, true);
    const rate = new Scale([0, Math.max(...multipliers) * 1.06], y.length, true);
    const at = (i) => BOX.left + x.l2p(i), up = (scale, value) => BOX.top + scale.l2p(value);
    this.axes = { x, y };
    const svg = draw("svg", { width, height, viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" });
    const text = (place, words) => { const node = draw("text", place); node.textContent = words; svg.append(node); };
    for (const value of ticks(y.range, 5)) {
      svg.append(draw("line", { class: "line", x1: BOX.left, x2: width - BOX.right, y1: up(y, value), y2: up(y, value) }));
      text({ x: BOX.left - 6, y: up(y, value) + 4, "text-anchor": "end" }, short(value));
    }
    for (const value of ticks(rate.range, 5)) text({ x: width - BOX.right + 6, y: up(rate, value) + 4, fill: colour(0), class: "rate" }, short(value));
    for (const value of ticks([0, count], 8)) if (Number.isInteger(value)) text({ x: at(value), y: height - 12, "text-anchor": "middle" }, whole(value));
    text({ x: BOX.left, y: 15 }, t("feedback.legend"));
    const steps = multipliers.flatMap((value, i) => [[at(i), up(rate, value)], ...(i + 1 < multipliers.length ? [[at(i + 1), up(rate, value)]] : [])]);
    svg.append(draw("path", { class: "rate", d: `M${steps.map((point) => point.join()).join("L")}`, stroke: colour(0) }));
    const points = values.map((value, i) => (value === null ? null : [at(i), up(y, value)])).filter(Boolean);
    svg.append(draw("path", { class: "metric", d: `M${points.map((point) => point.map((n) => n.toFixed(1)).join()).join("L")}` }));
    if (points.length <= MOST_DRAWN) for (const [cx, cy] of points) svg.append(draw("circle", { class: "metric", cx, cy, r: 3 }));
    for (const i of cuts) svg.append(draw("path", { class: "cut", d: `M${at(i) - 6},${BOX.top - 4}h12l-6,9z` }));
    this.chart.replaceChildren(svg);
  }

  /** Draws the metric by hand: where the pointer goes, the values follow. */
  hand(event) {
    if (event.button !== 0 || !this.found) return;
    event.preventDefault();
    const { chart } = this;
    chart.setPointerCapture(event.pointerId);
    const values = this.found.values.map((value) => value ?? 0);
    while (values.length < 25) values.push(values[values.length - 1]);
    this.scale = this.axes.y; // the axis stays while the hand draws
    let before = null;
    const move = (now) => {
      const box = chart.getBoundingClientRect();
      const x = new Scale([0, values.length - 1], this.axes.x.length);
      const i = Math.round(Math.min(Math.max(x.p2l(now.clientX - box.left - BOX.left), 0), values.length - 1));
      const value = Number(Math.max(this.scale.p2l(Math.min(Math.max(now.clientY - box.top - BOX.top, 0), this.scale.length)), this.scale.range[0]).toPrecision(4));
      const from = before ?? [i, value];
      for (let k = Math.min(from[0], i); k <= Math.max(from[0], i); k++) values[k] = i === from[0] ? value : Number((from[1] + ((value - from[1]) * (k - from[0])) / (i - from[0])).toPrecision(4));
      before = [i, value];
      this.column = "";
      this.give(values.join(", "));
    };
    const over = () => {
      chart.removeEventListener("pointermove", move);
      this.scale = null;
      this.refresh();
    };
    move(event);
    chart.addEventListener("pointermove", move);
    chart.addEventListener("pointerup", over, { once: true });
    chart.addEventListener("pointercancel", over, { once: true });
  }
}

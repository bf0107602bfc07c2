// Range tests: traces and verdicts, from a file, made here, or with a known answer. What is drawn comes from the server ready to be drawn.

import { $, h, marked, say, short, toast } from "./dom.js";
import { ask, latest, machine } from "./ask.js";
import { bare, plot } from "./plotly.js";
import { colour, css } from "./style.js";
import { Work } from "./job.js";
import { pieces, refusal, t, told } from "./words.js";

const MAX_FILE = 2000000;
const MAX_DOTS = 2400; // raw points drawn; of more, every so many-th
const tint = (paint, share) => `color-mix(in srgb, ${paint} ${share}%, transparent)`;

export class RangeTest {
  constructor(app) {
    this.app = app;
    this.sweeps = [];
    this.ask = latest((request) => this.load(request));
  }

  build(body) {
    if (!machine) {
      body.append(h("p", {}, t("range.about")), h("p", { class: "hint" }, ...pieces("machine.needed", { command: h("code", {}, "glidepath open") })));
      return;
    }
    const { sweeps } = this;
    this.known = h("select", { "aria-label": t("range.known"), onchange: () => { if (this.known.value) this.ask({ known: this.known.value }); } }, h("option", { value: "" }, t("range.here")), sweeps.map((one) => h("option", { value: one.key, selected: one === sweeps[0] }, told(one, "name"))));
    this.file = h("input", { type: "file", accept: ".json,application/json", "aria-label": t("range.file"), "aria-describedby": "range-problem" });
    this.file.addEventListener("change", () => this.take(this.file.files[0]));
    this.problem = h("p", { class: "problem", id: "range-problem", role: "alert" });
    this.verdict = h("div", { class: "verdict" });
    this.chart = h("div", { class: "rangechart", role: "img", "aria-label": t("range.picture") });
    this.key = h("ul", { class: "keys", "aria-label": t("range.lines") });
    this.rules = h("div", { class: "scroll" });
    const drop = h("div", { class: "drop" },
      h("label", { class: "mini" }, t("range.show"), " ", this.known),
      h("label", { class: "mini" }, t("range.open"), " ", this.file),
      h("p", { class: "hint" }, pieces("range.drop", { command: h("code", {}, "glidepath find TASK -o found.json"), call: h("code", {}, "Found.to_json()") })));
    for (const kind of ["dragover", "dragenter"]) body.addEventListener(kind, (event) => { event.preventDefault(); drop.classList.add("over"); });
    body.addEventListener("dragleave", (event) => { if (!body.contains(event.relatedTarget)) drop.classList.remove("over"); });
    body.addEventListener("drop", (event) => { event.preventDefault(); drop.classList.remove("over"); this.take(event.dataTransfer.files[0]); });
    body.append(
      h("p", {}, t("range.about")),
      h("div", { class: "sources" }, drop, this.here()),
      this.problem, this.verdict, this.chart, this.key, this.rules);
  }

  /** The fields and the button of a sweep made here. */
  here() {
    const field = (name, label, value) => {
      const input = h("input", { type: "text", inputmode: "decimal", size: "7", value, id: `sweep-${name}`, "aria-describedby": "sweep-problem" });
      return [h("label", { class: "mini" }, `${label} `, input), input];
    };
    this.task = h("select", { "aria-label": t("range.task") }, h("option", { value: "mnist1d" }, t("task.mnist1d")), h("option", { value: "text" }, t("task.text")));
    const fields = [["low", t("range.from"), "1e-6"], ["high", t("range.to"), "10"], ["steps", t("range.updates"), "240"], ["repeats", t("range.sweeps"), "3"]].map((each) => [each[0], ...field(...each)]);
    this.fields = Object.fromEntries(fields.map(([name, , input]) => [name, input]));
    this.refusal = h("p", { class: "problem", id: "sweep-problem", role: "alert" });
    this.work = new Work(t("range.sweep"), t("view.range"), {
      request: () => ["sweep", { task: this.task.value, ...Object.fromEntries(Object.entries(this.fields).map(([name, input]) => [name, input.value.trim() === "" ? null : Number.isNaN(Number(input.value)) ? input.value : Number(input.value)])) }],
      begin: () => { this.refused([]); this.known.value = ""; },
      hear: (event) => this.show(event),
      refused: (problems) => this.refused(problems),
      ended: (event) => t("range.ended", { n: event.drawn?.repeats.length ?? 0, s: short(event.seconds, 3) }),
    });
    this.work.button.id = "sweep";
    return h("section", { class: "sweep", "aria-label": t("range.sweep") }, h("p", { class: "hint" }, t("range.fresh")), h("div", { class: "row" }, this.task, fields.map(([, label]) => label)), h("div", { class: "row" }, this.work.button, this.work.stop, this.work.bar), this.refusal, this.work.said);
  }

  refused(problems) {
    for (const [name, input] of Object.entries(this.fields)) {
      const bad = problems.some((problem) => problem.field === name);
      input.classList.toggle("bad", bad);
      input.setAttribute("aria-invalid", String(bad));
    }
    this.refusal.textContent = problems.map(refusal).join("  ·  ");
  }

  /** What is shown first is asked for when the view is first opened. */
  async refresh() {
    if (!machine) return;
    if (!this.sweeps.length) {
      const { sweeps } = await ask("catalogue");
      this.sweeps = sweeps;
      $("pane-range").replaceChildren();
      this.build($("pane-range"));
    }
    if (this.found) this.draw();
    else this.ask({ known: this.sweeps[0].key });
  }

  async take(file) {
    if (!file) return;
    if (file.size > MAX_FILE) {
      this.problem.textContent = t("range.large", { most: MAX_FILE, size: file.size });
      return;
    }
    this.known.value = "";
    const mine = (this.taken = (this.taken ?? 0) + 1);
    const text = await file.text();
    if (mine === this.taken) this.ask({ text });
  }

  async load(request) {
    let found = null;
    try {
      found = await ask("range", request);
    } catch (error) { // the last good picture stays
      this.problem.textContent = (error.problems ?? [error]).slice(0, 4).map(refusal).join("  ·  ");
      return;
    }
    this.show(found);
  }

  show(found) {
    this.problem.textContent = "";
    this.found = found;
    this.tell();
    this.draw();
    say(`${told(found, "title")} ${t(found.usable ? "range.usable" : "range.unusable")}${t("colon")}${told(found.result, "sentence")}`);
  }

  /** The answer in words. */
  tell() {
    const { found } = this;
    const { result } = found;
    const made = [h("p", { class: "from" }, [told(found, "title"), told(found, "known")].filter(Boolean).join(t("colon")))];
    if (found.type === "sweep") {
      made.push(h("p", { class: "answer" }, t("range.some", { n: found.stops.length })), h("p", {}, t("range.last")));
    } else if (found.usable) {
      made.push(
        h("p", { class: "answer good" }, t("range.try", { low: short(result.low, 2), high: short(result.high, 2) })),
        h("p", {}, t("range.edge", { edge: short(result.edge, 2), spread: short(result.spread, 2) })),
        h("button", { type: "button", id: "usemiddle", onclick: () => this.use(result.middle) }, t("range.use", { rate: short(result.middle, 2) })));
    } else {
      made.push(h("p", { class: "answer bad" }, t("range.none", { verdict: told(result, "verdict") })), h("p", {}, result.evidence ? t("range.stop", { text: capital(told(result, "evidence")) }) : ""), h("p", { class: "remedy" }, h("b", {}, t("range.remedy")), t("range.stop", { text: told(result, "remedy") })));
    }
    if (found.verification) made.push(h("p", {}, t("range.whole", { found: told(found.verification, "sentence") })));
    this.verdict.className = `verdict ${found.type === "sweep" ? "" : found.usable ? "good" : "bad"}`;
    this.verdict.replaceChildren(...made);
    this.rules.replaceChildren(table(found));
  }

  use(rate) {
    const base = Number(rate.toPrecision(2));
    this.app.change({ base });
    this.app.toggles();
    toast(t("range.used", { base }));
  }

  draw() {
    const { drawn } = this.found;
    this.chart.hidden = this.key.hidden = !drawn;
    if (!drawn) return;
    const every = Math.ceil(drawn.repeats.reduce((sum, one) => sum + one.rates.length, 0) / MAX_DOTS);
    const names = drawn.ticks.map((tick) => tick.name);
    const traces = drawn.repeats.flatMap((one, k) => [
      { x: one.rates.filter((_, i) => i % every === 0), y: one.losses.filter((_, i) => i % every === 0), mode: "markers", marker: { size: 3.5, color: colour(k), opacity: 0.4 }, name: `raw ${k}` },
      { x: one.rates, y: one.smooth, mode: "lines", line: { color: colour(k), width: 1.6 }, name: `smooth ${k}` },
    ]);
    traces.push({ x: drawn.rates, y: drawn.median, mode: "lines", line: { color: css("--ink"), width: 3.4 }, name: "median" });
    const rows = drawn.ticks.map((_, i) => i);
    for (const [i, tick] of drawn.ticks.entries()) {
      traces.push({ x: [tick.low, tick.high], y: [i, i], yaxis: "y2", mode: "lines", line: { color: css("--quiet"), width: 2 }, name: `span ${tick.name}` });
    }
    traces.push({ x: drawn.ticks.map((tick) => tick.middle), y: rows, yaxis: "y2", mode: "markers", marker: { symbol: "line-ns", size: 13, line: { width: 2.6, color: css("--ink") } }, name: "rules" });
    const whole = this.found.verification;
    if (whole) {
      const points = whole.rates.flatMap((rate, i) => whole.losses[i].filter((loss) => loss !== null).map((loss) => [rate, loss]));
      traces.push({ x: points.map((point) => point[0]), y: points.map((point) => point[1]), yaxis: "y3", mode: "markers", marker: { symbol: "x-thin", size: 9, line: { width: 2.2, color: colour(3) } }, name: "whole trainings" });
    }
    const shapes = [];
    const notes = drawn.ticks.map((tick, i) => ({ x: Math.log10(tick.high), y: i, yref: "y2", xanchor: "left", xshift: 8, text: short(tick.middle, 2), showarrow: false, font: { size: 11.5, color: css("--ink") } }));
    if (drawn.band) {
      shapes.push({ type: "rect", xref: "x", yref: "paper", x0: drawn.band[0], x1: drawn.band[1], y0: 0, y1: 1, line: { width: 0 }, fillcolor: colour(2), opacity: 0.16, layer: "below" });
      notes.push({ x: Math.log10(drawn.band[0] * drawn.band[1]) / 2, y: 1, yref: "paper", yanchor: "bottom", text: t("range.band"), showarrow: false, font: { size: 12, color: colour(2) } });
    }
    if (drawn.edge) {
      shapes.push({ type: "line", xref: "x", yref: "paper", x0: drawn.edge, x1: drawn.edge, y0: 0, y1: 1, line: { width: 1.6, dash: "5px,4px", color: css("--bad") } });
      notes.push({ x: Math.log10(drawn.edge), y: 0.99, yref: "paper", yanchor: "top", xanchor: "right", textangle: -90, text: t("range.diverges"), showarrow: false, font: { size: 12, color: css("--bad") } });
    }
    const rates = drawn.repeats.flatMap((one) => [one.rates[0], one.rates[one.rates.length - 1]]);
    const span = [Math.log10(Math.min(...rates)) - 0.05, Math.log10(Math.max(...rates)) + 0.25];
    const split = names.length ? 0.05 + 0.052 * names.length : 0;
    const { layout, grid } = bare();
    plot(this.chart, traces, {
      ...layout,
      margin: { l: 88, r: whole ? 66 : 18, t: 26, b: 44 },
      xaxis: { ...grid, type: "log", ...decades(span), anchor: names.length ? "y2" : "y", title: { text: t("range.x"), standoff: 6 }, range: span, fixedrange: true },
      yaxis: { ...grid, tickformat: "~g", domain: [split, 1], range: [drawn.bottom, drawn.top], title: { text: t("range.y"), font: { size: 12 } }, fixedrange: true },
      ...(names.length ? { yaxis2: { ...grid, domain: [0, split - 0.04], showgrid: false, tickvals: rows, ticktext: names, tickfont: { color: css("--ink"), size: 12 }, range: [names.length - 0.4, -0.6], fixedrange: true, zeroline: false } } : {}),
      ...(whole ? { yaxis3: { ...grid, overlaying: "y", side: "right", showgrid: false, fixedrange: true, title: { text: t("range.y3") } } } : {}),
      shapes, annotations: notes,
    });
    this.chart.setAttribute("aria-label", `${t("range.picture")}. ${this.verdict.textContent}`);
    const line = (paint, label, thick) => h("li", {}, h("i", { class: "dash", style: { background: paint, height: `${thick}px` } }), h("span", { class: "label" }, label));
    this.key.replaceChildren(
      ...drawn.repeats.map((one, k) => line(colour(k), one.label, 2)),
      line(css("--ink"), t("range.median"), 4),
      ...(drawn.band ? [line(tint(colour(2), 35), t("range.band"), 12)] : []),
      ...(whole ? [h("li", {}, h("span", { style: { color: colour(3) } }, "×"), h("span", { class: "label" }, t("range.trainings")))] : []),
      h("li", {}, h("span", { class: "label quiet" }, every > 1 ? t("range.dots.some", { every }) : t("range.dots"))));
  }
}

/** Where a logarithmic axis has its numbers: at the powers of ten, and between them where there are few. */
function decades([low, high]) {
  if (high - low > 2.5) return { dtick: 1 };
  const tickvals = [];
  for (let power = Math.floor(low); power <= high; power++) for (const k of [1, 2, 5]) tickvals.push(Number(`${k}e${power}`));
  return { tickvals, ticktext: tickvals.map((value) => short(value, 1)) };
}

const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

/** What each rule reads, what it looks for, and where it comes from: the picture in words. */
function table(found) {
  const ticks = found.drawn?.ticks ?? [];
  if (!ticks.length) return "";
  const rows = ticks.map((tick) => h("tr", {},
    h("td", {}, tick.name),
    h("td", { class: "num" }, short(tick.middle, 2)),
    h("td", { class: "num" }, tick.low === tick.high ? "–" : t("range.span", { low: short(tick.low, 2), high: short(tick.high, 2) })),
    h("td", { class: "words" }, marked(told(tick, "about")), h("span", { class: "sub" }, marked(tick.source)))));
  return h("details", { open: false }, h("summary", {}, t("range.rules")), h("table", {}, h("caption", { class: "sr" }, t("range.rules.caption")), h("thead", {}, h("tr", {}, ["rule", "reads", "repeats", "about"].map((name) => t(`range.head.${name}`)).map((head, i) => h("th", { scope: "col", class: i > 2 ? "words" : null }, head)))), h("tbody", {}, rows)));
}

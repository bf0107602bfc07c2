// "Does it matter?": rate, loss and error of real runs, and a button that trains here.

import { $, h, short, whole } from "./dom.js";
import { draw as svgOf } from "./chart.js";
import { ask, latest } from "./ask.js";
import { bare, plot } from "./plotly.js";
import { colour, css } from "./style.js";
import { Work } from "./job.js";
import { pieces, refusal, t } from "./words.js";

const CONSTANT = ["constant", "the constant rate"];
const METRIC = [1, 2, 3], LOSS = [4, 5, 6]; // columns of a band: mean, lowest, highest

export class Matter {
  constructor(app) {
    this.app = app;
    this.id = "matter";
    this.ask = latest((request) => this.match(request));
    this.near = {};
    this.chosen = {}; // by task: what a person picked instead of the nearest
  }

  build(body) {
    this.head = h("p", {}, t("matter.looking"));
    this.tasks = h("div", {});
    this.trainer = new Trainer(this.app);
    body.append(this.head, this.tasks, this.trainer.node);
  }

  async refresh() {
    if (!this.records) {
      try { this.records = (await ask("records")).tasks; } catch { this.records = []; }
    }
    this.head.replaceChildren(...(this.records.length
      ? [t("matter.about")]
      : pieces("matter.none", { command: h("code", {}, "glidepath demo") })));
    if (this.records.length) this.ask({ text: this.app.state.text, last: this.app.last, budget: this.app.state.budget });
    this.trainer.draw();
  }

  /** Whether the nearest run is to be seen right under the curve. */
  under(on) {
    this.wanted = on;
    this.trace();
  }

  /** The nearest real run under the curve, on the axis of the curve: what its rate did to the loss. */
  trace() {
    const box = $("run");
    const task = this.records?.find((each) => this.near[each.task]);
    const near = task && (this.chosen[task.task] ?? this.near[task.task].name);
    const rows = task?.rows.filter((row) => row.curves.length && (row.name === near || CONSTANT.includes(row.name))) ?? [];
    const frame = this.app.chart.frame();
    box.hidden = !this.wanted || !rows.length || !frame;
    if (box.hidden) return;
    const height = 110, top = 18;
    const all = rows.flatMap((row) => row.curves.flatMap((point) => [point[5], point[6]])).filter((value) => value > 0);
    const low = Math.log(Math.min(...all)), high = Math.log(Math.max(...all));
    const x = (update) => frame.of((update / task.budget) * this.app.last);
    const y = (loss) => top + ((high - Math.log(loss)) / (high - low || 1)) * (height - top - 6);
    const svg = svgOf("svg", { height, width: box.clientWidth || frame.left + frame.width + 90, "aria-hidden": "true" });
    for (const row of rows) {
      const paint = row.name === near ? colour(0) : css("--quiet");
      const line = (column) => row.curves.map((point) => `${x(point[0]).toFixed(1)},${y(point[column]).toFixed(1)}`);
      svg.append(svgOf("path", { d: `M${line(5).join("L")}L${line(6).reverse().join("L")}Z`, fill: paint, opacity: 0.15 }), svgOf("path", { d: `M${line(4).join("L")}`, fill: "none", stroke: paint, "stroke-width": row.name === near ? 2.4 : 1.4 }));
      const at = row.curves[row.curves.length - 1];
      const word = svgOf("text", { x: x(at[0]) + 8, y: y(at[4]) + 4, fill: paint });
      word.textContent = short(at[4], 3);
      svg.append(word);
    }
    const title = svgOf("text", { x: frame.left, y: 12 });
    title.textContent = t("matter.under", { task: task.task, name: near });
    svg.append(title);
    box.replaceChildren(svg);
  }

  async match(request) {
    let near = null;
    try { near = (await ask("matter", request)).nearest; } catch { return; }
    if (request.text !== this.app.state.text) return;
    this.near = near;
    this.show();
  }

  show() {
    this.trace();
    this.tasks.replaceChildren(...this.records.map((task) => this.task(task)));
  }

  task(task) {
    const near = this.near[task.task];
    const name = this.chosen[task.task] ?? near?.name;
    const rows = task.rows.filter((row) => row.curves.length);
    const picture = h("div", { class: "runs", role: "img" });
    const paint = (row) => (row.name === name ? colour(0) : CONSTANT.includes(row.name) ? css("--quiet") : null);
    const own = task.sentences.filter((text) => text.startsWith(`${name} `));
    picture.setAttribute("aria-label", `${t("matter.picture", { metric: task.metric, n: rows.length, task: task.task })} ${own.join(" ")}`);
    draw(picture, rows.map((row) => ({ name: row.name, paint: paint(row), curves: row.curves, rates: row.rates })), task, { last: task.budget });
    const mine = rows.find((row) => row.name === name);
    const which = !mine ? "" : this.chosen[task.task] ? t("matter.chosen", { name, seeds: mine.seeds, updates: whole(task.budget) })
      : near.same ? t("matter.same", { name, seeds: mine.seeds, updates: whole(task.budget) })
        : t("matter.near", { name, apart: short(100 * near.apart, 2) });
    const rest = task.sentences.filter((text) => !own.includes(text));
    return h("section", { class: "study", "aria-label": task.task },
      h("h3", {}, task.task, " ", h("span", { class: "quiet" }, task.about)),
      own.length ? h("p", { class: "finding" }, own[0]) : null,
      h("p", { class: "hint" }, `${which} ${t("matter.grey")}${task.rate === null ? "" : ` ${t("matter.rate", { rate: short(task.rate) })}`}`),
      h("div", { class: "results" }, picture, finals(rows, task, name, (picked) => { this.chosen[task.task] = picked; this.show(); })),
      h("details", {}, h("summary", {}, t("matter.else")), list(rest, task.caveats)));
  }
}

/** The sentence that a result is honest with, and the quiet ones below it. */
function list(sentences, quiet) {
  return h("ul", { class: "sentences" }, sentences.map((text) => h("li", {}, text)), quiet.map((text) => h("li", { class: "quiet" }, text)));
}

/** Means with intervals of the test metric after the last update, one row a schedule; a row can be picked. */
function finals(rows, task, name, pick) {
  const measured = rows.filter((row) => row.test);
  if (!measured.length) return null;
  const low = Math.min(...measured.map((row) => row.test[1])), high = Math.max(...measured.map((row) => row.test[2]));
  const place = (value) => `${(100 * (value - low)) / (high - low || 1)}%`;
  const lines = [...measured].sort((a, b) => a.test[0] - b.test[0]).map((row) => {
    const [mean, from, to] = row.test;
    const paint = row.name === name ? colour(0) : css("--quiet");
    const whisker = h("span", { class: "whisker", "aria-hidden": "true" },
      h("i", { style: { left: place(from), width: `calc(${place(to)} - ${place(from)})`, background: paint } }), h("b", { style: { left: place(mean), background: paint } }));
    const words = t("matter.row", { name: row.name, mean: short(mean, 4), unit: task.unit, from: short(from, 4), to: short(to, 4) }); // begins as what is seen, so that it can be spoken
    return h("li", {}, h("button", { type: "button", "aria-pressed": String(row.name === name), "aria-label": words, title: words, onclick: () => pick?.(row.name), disabled: !pick }, h("span", { class: "who" }, row.name), whisker, " ", h("span", { class: "num" }, short(mean, 4))));
  });
  return h("div", { class: "finals" }, h("p", { class: "hint" }, t("matter.test", { metric: task.metric, unit: task.unit })), h("ul", {}, lines));
}

/** Rate, loss and metric below one another on one axis of updates. Rows without a paint stay faint. */
function draw(node, rows, task, { last, raw = [] }) {
  const faint = { color: css("--quiet"), width: 1.2 };
  const panels = task.metric === "loss" ? [["validation loss", LOSS]] : [["validation loss", LOSS], [`${task.metric}, ${task.unit}`, METRIC]];
  const traces = [];
  const ordered = [...rows].sort((a, b) => (a.paint ? 1 : 0) - (b.paint ? 1 : 0) || (a.paint === colour(0) ? 1 : -1));
  for (const row of ordered) {
    const look = row.paint ? { line: { color: row.paint, width: 2.6 } } : { line: faint, opacity: 0.3 };
    traces.push({ x: row.rates.map((point) => point[0]), y: row.rates.map((point) => point[1]), mode: "lines", ...look, name: `rate ${row.name}` });
    panels.forEach(([title, [mean, low, high]], k) => {
      const x = row.curves.map((point) => point[0]), yaxis = `y${k + 2}`;
      if (row.paint) traces.push({ x: [...x, ...[...x].reverse()], y: [...row.curves.map((point) => point[low]), ...row.curves.map((point) => point[high]).reverse()], yaxis, mode: "lines", fill: "toself", fillcolor: row.paint, opacity: 0.16, line: { width: 0 }, name: `band ${row.name}` });
      traces.push({ x, y: row.curves.map((point) => point[mean]), yaxis, mode: "lines", ...look, name: `${title} ${row.name}` });
    });
  }
  for (const run of raw) panels.forEach(([, [mean]], k) => traces.push({ x: run.evaluations.map((e) => e[0]), y: run.evaluations.map((e) => e[mean === 1 ? 1 : 2]), yaxis: `y${k + 2}`, mode: "lines", opacity: 0.5, line: { color: run.paint, width: 1.1 }, name: "run" }));
  const { layout, grid } = bare();
  const axis = { ...grid, tickformat: "~g", fixedrange: true, nticks: 5 };
  const domains = panels.length === 2 ? [[0.8, 1], [0.41, 0.73], [0, 0.34]] : [[0.74, 1], [0, 0.66]];
  const titles = ["learning rate", ...panels.map(([title]) => title)];
  plot(node, traces, {
    ...layout,
    margin: { l: 50, r: 10, t: 20, b: 38 },
    xaxis: { ...grid, fixedrange: true, anchor: `y${panels.length + 1}`, range: [0, last], title: { text: "updates", standoff: 4 } },
    ...Object.fromEntries(domains.map((domain, k) => [k ? `yaxis${k + 1}` : "yaxis", { ...axis, domain, rangemode: k ? "normal" : "tozero", nticks: k ? 5 : 3 }])),
    annotations: titles.map((text, k) => ({ text, x: 0, xref: "paper", xanchor: "left", y: domains[k][1], yref: "paper", yanchor: "bottom", showarrow: false, font: { size: 12, color: css("--ink") } })),
  });
}

/** Trains the shape on the page and a constant rate beside it, with the same seeds. */
class Trainer {
  constructor(app) {
    this.app = app;
    this.task = h("select", { "aria-label": t("task.label") }, h("option", { value: "mnist1d" }, t("task.mnist1d")), h("option", { value: "text" }, t("task.text")));
    this.seeds = h("select", { "aria-label": t("matter.seeds") }, [3, 5, 8].map((n) => h("option", { value: n }, t("matter.seeds.n", { n }))));
    this.updates = h("select", { "aria-label": t("matter.updates") }, [200, 400, 800, 2000].map((n) => h("option", { value: n, selected: n === 400 }, t("updates", { n: whole(n) }))));
    this.problem = h("p", { class: "problem", role: "alert" });
    this.picture = h("div", { class: "runs", role: "img", "aria-label": t("matter.here.picture") });
    this.results = h("div", { class: "results", hidden: true }, this.picture);
    this.end = h("div", {});
    this.runs = [];
    this.work = new Work(t("matter.train"), t("matter.training"), {
      request: () => ["train", { text: app.state.text, last: app.last, task: this.task.value, seeds: Number(this.seeds.value), updates: Number(this.updates.value), budget: app.state.budget }],
      begin: () => this.begin(),
      hear: (event) => this.hear(event),
      refused: (problems) => { this.problem.textContent = problems.map(refusal).join("  ·  "); },
      ended: () => t("matter.ended", { runs: this.runs.length, updates: whole(this.last) }),
    });
    this.work.button.id = "train";
    this.node = h("section", { class: "study", "aria-label": t("matter.train") },
      h("h3", {}, t("matter.here")),
      h("p", { class: "hint" }, t("matter.here.about")),
      h("div", { class: "row" }, this.task, this.seeds, this.updates, this.work.button, this.work.stop, this.work.bar), this.problem, this.work.said, this.results, this.end);
  }

  begin() {
    this.runs = [];
    this.bands = this.plan = null;
    this.last = Number(this.updates.value);
    this.problem.textContent = "";
    this.end.replaceChildren();
    this.results.replaceChildren(this.picture);
    this.results.hidden = true;
  }

  hear(event) {
    if (event.type === "plan") this.plan = event;
    else if (event.type === "run") this.runs.push(event);
    else {
      this.bands = event.bands;
      const rows = Object.entries(event.tests).map(([name, test]) => ({ name, test }));
      this.results.replaceChildren(this.picture, finals(rows, this.plan, "this shape") ?? "");
      this.end.replaceChildren(h("p", { class: "finding" }, event.sentences[0]), list([], event.sentences.slice(1)));
    }
    this.draw();
  }

  draw() {
    if (!this.plan) return;
    this.results.hidden = false;
    const paint = (name) => (CONSTANT.includes(name) ? css("--quiet") : colour(0));
    const rows = Object.entries(this.plan.rates).map(([name, rates]) => ({ name, rates, paint: paint(name), curves: this.bands?.[name] ?? [] }));
    draw(this.picture, rows, this.plan, { last: this.last, raw: this.runs.map((run) => ({ ...run, paint: paint(run.name) })) });
  }
}

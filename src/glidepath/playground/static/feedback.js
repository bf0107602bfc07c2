// Reduce on plateau, fed with a metric: typed, from a CSV file, or from a finished run. Shows when it cuts, and why.

import { h, short, whole } from "./dom.js";
import { get, latest, post } from "./api.js";
import { controlsOf } from "./controls.js";
import { small } from "./plotly.js";
import { colour, css } from "./style.js";

const SAMPLE = "2.31, 1.84, 1.52, 1.37, 1.30, 1.28, 1.29, 1.28, 1.285, 1.28, 1.12, 1.06, 1.05, 1.052, 1.051, 1.05, 1.052, 1.05, 0.99, 0.985, 0.986, 0.985, 0.985, 0.986, 0.985";

export class Feedback {
  constructor(app) {
    this.app = app;
    this.id = "feedback";
    this.title = "Feedback";
    this.ask = latest((request) => this.load(request));
    this.tree = { t: "call", lib: "", word: "plateau", args: [{ name: "patience", value: 3 }] };
  }

  build(body) {
    this.values = h("textarea", { "aria-label": "Metric, one number an evaluation; or CSV with a header", spellcheck: false, value: SAMPLE });
    this.values.value = SAMPLE;
    this.values.addEventListener("input", () => this.refresh());
    this.upload = h("input", { type: "file", accept: ".csv,.txt,text/csv,text/plain", "aria-label": "CSV file" });
    this.upload.addEventListener("change", async () => {
      const file = this.upload.files[0];
      if (!file) return;
      if (file.size > 2000000) { this.problem.textContent = "feedback: file must be of at most 2000000 bytes"; return; }
      this.values.value = await file.text();
      this.column = "";
      this.refresh();
    });
    this.columns = h("select", { "aria-label": "Column", hidden: true, onchange: () => { this.column = this.columns.value; this.refresh(); } });
    this.runs = h("select", { "aria-label": "A finished run", hidden: true });
    this.runs.addEventListener("change", () => { if (this.runs.value) { this.values.value = this.runs.value; this.refresh(); } });
    const context = {
      catalogue: { words: { plateau: { args: this.app.catalogue.plateau } }, curves: [] },
      tree: () => this.tree, total: () => 50,
      set: (tree) => { this.tree = tree; this.refresh(); },
    };
    this.controls = controlsOf(context, this.tree, "");
    this.problem = h("p", { class: "problem", role: "alert" });
    this.chart = h("div", { class: "small", style: { height: "300px" }, role: "img", "aria-label": "The metric and what the controller makes of it" });
    this.cuts = h("ul", { class: "sentences", "aria-label": "Cuts, with reasons", "aria-live": "polite" });
    this.every = h("div", { class: "scroll", style: { maxHeight: "260px", overflowY: "auto" }, tabindex: "0", role: "group", "aria-label": "Every decision" });
    const left = h("div", {}, h("label", { class: "mini" }, "metric of each evaluation"), this.values, h("div", { class: "row" }, this.upload, this.columns, this.runs), h("div", { class: "two" }, ...this.controls));
    const right = h("div", { style: { minWidth: 0 } }, this.problem, this.chart, this.cuts, h("details", {}, h("summary", {}, "Every decision"), this.every));
    body.append(h("p", {}, "A plateau controller watches a metric and cuts the rate when it has stopped improving. Feed it and see when and why."), h("div", { class: "feed" }, left, right));
  }

  async refresh() {
    if (!this.known) {
      this.known = true;
      this.offer();
    }
    const options = Object.fromEntries(this.tree.args.map((arg) => [arg.name, typeof arg.value === "object" && arg.value !== null ? Number(arg.value.raw) : arg.value]));
    if (Object.values(options).some((value) => typeof value === "number" && !Number.isFinite(value))) { this.problem.textContent = "feedback: every number must be finite"; return; }
    this.ask({ values: this.values.value, column: this.column ?? "", options, base: this.app.state.base });
  }

  /** Validations of finished runs, to choose from. */
  async offer() {
    let tasks = [];
    try { ({ tasks } = await get("/api/records")); } catch { return; }
    const options = tasks.flatMap((task) => task.rows.filter((row) => row.validations.length).map((row) => h("option", { value: row.validations[0].filter((value) => value !== null).join(", ") }, `${task.task}, ${row.name}`)));
    if (!options.length) return;
    this.runs.hidden = false;
    this.runs.replaceChildren(h("option", { value: "" }, "from a finished run …"), ...options);
  }

  async load(request) {
    let found = null;
    try {
      found = await post("/api/plateau", request);
      this.problem.textContent = "";
      this.controls.forEach((row) => { row.classList.remove("bad"); row.querySelector(".error").textContent = ""; });
    } catch (error) {
      this.problem.textContent = "";
      for (const problem of error.problems ?? [{ field: "", message: error.message }]) {
        const row = this.controls.find((each) => each.dataset.field === problem.field);
        if (row) { row.classList.add("bad"); row.querySelector(".error").textContent = problem.message; } else this.problem.textContent = problem.message;
      }
      return; // the last good picture stays
    }
    this.controls.forEach((row) => row.refresh());
    this.columns.hidden = found.columns.length < 2;
    if (found.columns.length > 1 && this.columns.options.length !== found.columns.length) this.columns.replaceChildren(...found.columns.map((name) => h("option", { value: name, selected: name === (this.column || found.columns[found.columns.length - 1]) }, name)));
    const x = found.values.map((_, i) => i);
    const top = Math.max(...found.values.filter((value) => value !== null));
    small(this.chart, [
      { x, y: found.values, mode: "lines+markers", line: { color: css("--quiet"), width: 1.5 }, marker: { size: 5, color: css("--quiet") } },
      { x, y: found.multipliers, mode: "lines", yaxis: "y2", line: { color: colour(0), width: 2.6, shape: "hv" } },
      { x: found.cuts, y: found.cuts.map((i) => found.values[i] ?? top), mode: "markers", marker: { symbol: "triangle-down", size: 12, color: css("--bad") } },
    ], { title: "metric (grey) and rate (blue); ▼ a cut", x: "evaluation", y2: request.base === 1 ? "multiplier" : "rate" });
    this.cuts.replaceChildren(...(found.cuts.length
      ? found.cuts.slice(0, 12).map((i) => h("li", {}, h("span", { class: "tagcut" }, `evaluation ${whole(i)}: `), `${found.decisions[i].reason}, to ${short(found.multipliers[i])}`))
      : [h("li", {}, "No cut: the metric never stayed without improvement for longer than the patience.")]));
    this.every.replaceChildren(h("table", {}, h("thead", {}, h("tr", {}, ["evaluation", "metric", "rate", "decision", "why"].map((head) => h("th", { scope: "col" }, head)))), h("tbody", {}, found.decisions.slice(0, 500).map((d, i) => h("tr", {}, h("td", {}, String(i)), h("td", { class: "num" }, String(found.values[i] ?? "not finite")), h("td", { class: "num" }, String(found.multipliers[i])), h("td", {}, d.action), h("td", { style: { textAlign: "left" } }, d.reason))))));
  }
}

// "Does it matter?": loss and error of real runs, and a button that trains here.

import { $, h, say, short, whole } from "./dom.js";
import { get, latest, post } from "./api.js";
import { small } from "./plotly.js";
import { colour, css } from "./style.js";

const token = () => document.querySelector("meta[name=glidepath-token]").content;

export class Matter {
  constructor(app) {
    this.app = app;
    this.id = "matter";
    this.title = "Does it matter?";
    this.ask = latest((request) => this.match(request));
    this.near = {};
  }

  build(body) {
    this.head = h("p", {}, "Looking for finished runs …");
    this.tasks = h("div", {});
    this.trainer = new Trainer(this.app);
    body.append(this.head, this.tasks, this.trainer.node);
  }

  async refresh() {
    if (!this.records) {
      try { this.records = (await get("/api/records")).tasks; } catch { this.records = []; }
    }
    this.head.replaceChildren(...(this.records.length
      ? ["Real networks, trained under several schedules at one shared peak rate. A line is the mean over the seeds, a band reaches from the lowest to the highest."]
      : ["There are no finished runs here yet: ", h("code", {}, "glidepath demo"), " makes some in about three minutes. Or train this schedule here, below."]));
    if (this.records.length) this.ask({ text: this.app.state.text, last: this.app.last, budget: this.app.state.budget });
    this.trainer.redraw();
  }

  async match(request) {
    try { this.near = (await post("/api/matter", request)).nearest; } catch { return; }
    this.tasks.replaceChildren(...this.records.map((task) => this.task(task)));
  }

  task(task) {
    const near = this.near[task.task];
    const loss = h("div", { class: "small", role: "img", "aria-label": `Validation loss on ${task.task}` });
    const error = h("div", { class: "small", role: "img", "aria-label": `Validation ${task.metric} on ${task.task}` });
    const rows = task.rows.filter((row) => row.curves.length);
    const lines = (column) => rows.flatMap((row) => {
      const mine = near && row.name === near.name;
      return mine || row.name === "constant" ? drawn(row.curves, column, mine ? colour(0) : css("--quiet"), mine) : [{ ...line(row.curves, column, css("--line")), line: { color: css("--line"), width: 1.5 } }];
    });
    queueMicrotask(() => {
      small(loss, lines(4), { title: "validation loss, nats", x: "updates" });
      small(error, lines(1), { title: `validation ${task.metric}, ${task.unit}`, x: "updates" });
    });
    const sentence = near?.same
      ? `The blue line is ${near.name}: the shape on this page, trained ${rows.find((row) => row.name === near.name)?.seeds ?? 0} times for ${whole(task.budget)} updates. Grey is the constant rate.`
      : near ? `None of the trained schedules has this very shape; the nearest is ${near.name}, the blue line, on average ${short(100 * near.apart, 2)} % of the peak away. Grey is the constant rate.` : "";
    const about = task.sentences.filter((text) => near && text.split(/[ ,;:]/).includes(near.name)).slice(0, 1);
    return h("section", { "aria-label": task.task }, h("h3", { style: { fontSize: "15px", margin: "14px 0 2px" } }, task.task), h("p", { class: "hint" }, task.about, " ", sentence), h("div", { class: "cols" }, loss, error), list([...about, ...task.sentences.filter((text) => !about.includes(text)).slice(-1)], task.caveats.slice(0, 2)));
  }
}

function list(sentences, quiet) {
  return h("ul", { class: "sentences" }, sentences.map((text) => h("li", {}, text)), quiet.map((text) => h("li", { class: "quiet" }, text)));
}

const line = (curves, column, paint) => ({ x: curves.map((row) => row[0]), y: curves.map((row) => row[column]), mode: "lines", line: { color: paint, width: 2.5 } });

function drawn(curves, column, paint, thick) {
  const traces = [];
  if (column === 1) {
    const x = curves.map((row) => row[0]);
    traces.push({ x: [...x, ...[...x].reverse()], y: [...curves.map((row) => row[2]), ...curves.map((row) => row[3]).reverse()], mode: "lines", fill: "toself", fillcolor: paint, opacity: 0.18, line: { width: 0 } });
  }
  traces.push({ ...line(curves, column, paint), line: { color: paint, width: thick ? 3 : 2 } });
  return traces;
}

/** Trains the shape on the page and a constant rate beside it, with the same seeds. */
class Trainer {
  constructor(app) {
    this.app = app;
    this.task = h("select", { "aria-label": "Task" }, h("option", { value: "mnist1d" }, "MNIST-1D, a perceptron"), h("option", { value: "text" }, "English text, a transformer"));
    this.seeds = h("select", { "aria-label": "Seeds" }, [3, 5, 8].map((n) => h("option", { value: n }, `${n} seeds`)));
    this.updates = h("select", { "aria-label": "Updates" }, [200, 400, 800, 2000].map((n) => h("option", { value: n, selected: n === 400 }, `${whole(n)} updates`)));
    this.start = h("button", { type: "button", class: "main", id: "train", onclick: () => this.train() }, "Train here");
    this.stop = h("button", { type: "button", hidden: true, onclick: () => this.cancel() }, "Cancel");
    this.bar = h("progress", { max: 1, value: 0, hidden: true, "aria-label": "Training" });
    this.said = h("p", { class: "hint", "aria-live": "polite" });
    this.plots = h("div", { class: "cols", hidden: true });
    this.loss = h("div", { class: "small", role: "img", "aria-label": "Validation loss of the runs made here" });
    this.error = h("div", { class: "small", role: "img", "aria-label": "Validation metric of the runs made here" });
    this.plots.append(this.loss, this.error);
    this.end = h("div", {});
    this.node = h("section", { "aria-label": "Train here" }, h("h3", { style: { fontSize: "15px", margin: "20px 0 2px" } }, "Train this shape here"), h("p", { class: "hint" }, "The shape on this page, stretched to the number of updates, against a constant rate: same data, same seeds, same peak rate."), h("div", { class: "row" }, this.task, this.seeds, this.updates, this.start, this.stop, this.bar), this.said, this.plots, this.end);
    this.runs = [];
  }

  async train() {
    const { state } = this.app;
    this.runs = [];
    this.bands = null;
    this.end.replaceChildren();
    this.said.textContent = "Starting …";
    this.start.disabled = true;
    try {
      const request = { text: state.text, last: this.app.last, task: this.task.value, seeds: Number(this.seeds.value), updates: Number(this.updates.value), budget: state.budget };
      this.job = (await post("/api/train", request, { "x-glidepath-token": token() })).job;
    } catch (error) {
      this.said.textContent = error.message;
      this.start.disabled = false;
      return;
    }
    this.stop.hidden = this.bar.hidden = false;
    this.bar.value = 0;
    const events = new EventSource(`/api/train/${this.job}/events`);
    events.onmessage = (event) => this.hear(JSON.parse(event.data), events);
    events.onerror = () => { events.close(); this.over("The connection ended."); };
  }

  hear(event, events) {
    if (event.type === "progress") {
      this.bar.value = event.done / event.total;
      this.said.textContent = `${whole(event.done)} of ${whole(event.total)} updates${event.left === null ? "" : `, about ${Math.ceil(event.left)} s left`}`;
    } else if (event.type === "run") {
      this.runs.push(event);
      this.redraw();
    } else {
      events.close();
      if (event.type === "end") {
        this.bands = event;
        this.end.replaceChildren(list(event.sentences.slice(0, -2), event.sentences.slice(-2)));
        this.redraw();
        this.over(`${this.runs.length} runs. Blue: this shape. Grey: the constant rate.`);
      } else this.over(event.type === "cancelled" ? "Cancelled. Nothing was kept." : event.message);
    }
  }

  over(message) {
    this.said.textContent = message;
    this.start.disabled = false;
    this.stop.hidden = this.bar.hidden = true;
    say(message);
  }

  async cancel() {
    this.said.textContent = "Cancelling …";
    try { await post(`/api/train/${this.job}/cancel`, {}, { "x-glidepath-token": token() }); } catch { /* it has ended */ }
  }

  redraw() {
    if (!this.runs.length) return;
    this.plots.hidden = false;
    const paint = (name) => (name === "this shape" ? colour(0) : css("--quiet"));
    const each = (column) => this.runs.map((run) => ({ x: run.evaluations.map((e) => e[0]), y: run.evaluations.map((e) => e[column]), mode: "lines", opacity: this.bands ? 0.3 : 0.8, line: { color: paint(run.name), width: 1.2 } }));
    const bands = (column) => (this.bands ? Object.entries(this.bands.bands).flatMap(([name, curves]) => drawn(curves, column, paint(name), name === "this shape")) : []);
    small(this.loss, [...each(2), ...bands(4)], { title: "validation loss, nats", x: "updates" });
    small(this.error, [...each(1), ...bands(1)], { title: this.bands ? `validation ${this.bands.metric}, ${this.bands.unit}` : "validation metric", x: "updates" });
  }
}

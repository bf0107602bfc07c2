// The page: one state, one question to the server at every change, everything else follows from the answer.

import { $, copy, h, later, say, short, toast, whole } from "./dom.js";
import { get, latest, numbers, post } from "./api.js";
import { asked, AXES, first, freeSlot, History, link, unlink } from "./state.js";
import { colour, swatch, theme } from "./style.js";
import { Chart } from "./chart.js";
import { structure, wordOf } from "./controls.js";
import { Panel } from "./panel.js";
import { Strip } from "./blocks.js";
import { Budget } from "./budget.js";
import { Player } from "./player.js";
import { Tabs } from "./tabs.js";
import { Compare, Values } from "./compare.js";
import { Code, Files, Formula } from "./take.js";
import { Matter } from "./matter.js";
import { Feedback } from "./feedback.js";
import { RangeTest } from "./range.js";

const UNITS = { step: "step", epoch: "epoch", sample: "samples", token: "tokens", percent: "%" };

class App {
  constructor(catalogue) {
    this.catalogue = catalogue;
    this.state = first();
    this.tree = null;
    this.blocks = [];
    this.selected = 0;
    this.last = 10000;
    this.budget = { updates: 10000, per_epoch: 400, samples: 128, tokens: 128 };
    this.pinned = [];
    this.have = null;
    this.details = null;
    this.painter = theme();
    this.chart = new Chart($("chartbox"), (step) => { if (!this.player.playing) this.player.go(step); });
    this.player = new Player({ last: () => this.last, moved: (step) => this.moved(step) });
    this.strip = new Strip({
      frame: () => this.chart.frame(), last: () => this.last,
      select: (i) => this.panel.select(i), move: (from, to) => this.panel.move(from, to), stretch: (i, steps) => this.panel.stretch(i, steps),
      remove: (i) => this.panel.remove(i),
    });
    this.chart.zoomed = () => this.strip.lay();
    this.panel = new Panel(this);
    this.bar = new Budget((budget) => this.change({ budget }), () => this.panel.fit());
    this.look = latest((request) => this.ask(request));
    this.values = latest((request) => this.askValues(request));
    this.settle = later(220, () => this.settled());
    this.controls = [];
    this.redraws = 0; // counted for the measurements
  }

  // Changing ----------------------------------------------------------------------------------------------------------

  /** The person changed something that is not the schedule itself, or gave it as text. */
  change(patch) {
    const redraw = "pins" in patch || "base" in patch || "budget" in patch;
    Object.assign(this.state, patch);
    if (redraw) this.have = null;
    this.request({ text: this.state.text });
  }

  /** The person moved a control: the tree is what is asked for. */
  set(tree) {
    this.tree = tree;
    this.request({ tree });
  }

  request(what) {
    const { state } = this;
    this.look({ ...what, pins: state.pins.map((pin) => pin.text), bases: state.pins.map((pin) => pin.base), budget: state.budget, base: state.base, have: this.have });
  }

  async ask(request) {
    let answer = null;
    try {
      answer = await post("/api/look", request);
    } catch (error) {
      this.problems(error.problems ?? [{ path: "", field: "", message: "the server does not answer: is it still running?" }], request);
      return;
    }
    this.bar.show(this.state.budget, answer.budget.updates, answer.budget.lines);
    this.budget = answer.budget;
    if (!answer.ok) { this.problems(answer.problems, request); return; }
    this.problems([], request);
    this.state.text = answer.text;
    this.canonical = answer.canonical;
    this.last = answer.last;
    this.absolute = answer.absolute;
    this.blocks = answer.blocks;
    this.active = { slot: 0, ...this.curve(answer.curve) };
    if (answer.pins) {
      this.pinned = answer.pins.map((pin, i) => (pin ? { slot: this.state.pins[i]?.slot ?? i + 1, ...this.curve(pin) } : null)).filter(Boolean);
      this.have = answer.last;
    }
    this.adopt(answer.tree, request);
    this.draw();
    this.redraws += 1;
    this.settle();
  }

  curve(packed) {
    const values = numbers(packed.values);
    let low = Infinity;
    for (const value of values) if (value < low) low = value;
    return { steps: numbers(packed.steps), values, least: packed.least, most: packed.most, zeros: packed.zeros, unit: packed.unit, low };
  }

  /** Takes over the tree: makes the controls anew where other words came, else sets them to their values. */
  adopt(tree, request) {
    const before = this.shape;
    this.tree = tree;
    this.shape = structure(tree);
    if (this.shape !== before) {
      this.selected = Math.min(this.selected, Math.max(this.blocks.length - 1, 0));
      this.panel.build();
    } else {
      for (const row of this.controls) row.refresh?.();
      this.panel.lengths();
    }
    const line = $("line");
    if (document.activeElement !== line || !("text" in request)) line.value = this.state.text;
    this.grow();
  }

  problems(problems, request) {
    const byText = !("tree" in request);
    const rows = [...document.querySelectorAll("#controls .control")];
    for (const row of rows) {
      row.classList.remove("bad");
      const box = row.querySelector(":scope > .error");
      if (box) box.textContent = "";
    }
    const left = problems.filter((problem) => {
      const row = problem.field && rows.find((each) => each.dataset.path === problem.path && each.dataset.field === problem.field);
      if (!row) return true;
      row.classList.add("bad");
      row.querySelector(":scope > .error").textContent = problem.message;
      return byText;
    });
    $("problem").textContent = left.slice(0, 4).map((problem) => problem.message).join("  ·  ");
    $("line").classList.toggle("bad", byText && problems.length > 0);
    $("line").setAttribute("aria-invalid", String(byText && problems.length > 0));
    $("chartbox").classList.toggle("dim", problems.length > 0);
  }

  // Showing -----------------------------------------------------------------------------------------------------------

  axisOf(name) {
    const { per_epoch: epoch, samples, tokens, updates } = this.budget;
    return { step: { name, up: 1, down: 1 }, epoch: { name, up: 1, down: epoch }, sample: { name, up: samples, down: 1 }, token: { name, up: tokens, down: 1 }, percent: { name, up: 100, down: updates } }[name];
  }

  draw() {
    const axis = this.axisOf(this.state.axis);
    const curves = [this.active, ...this.pinned];
    for (const curve of curves) curve.x = axis.up === 1 && axis.down === 1 ? curve.steps : curve.steps.map((step) => (step * axis.up) / axis.down);
    this.chart.show(curves, this.last, { axis, log: this.state.log, floor: this.state.floor, unit: unitOf(curves) });
    this.strip.show(this.blocks, this.selected);
    this.player.range(this.last);
  }

  /** What follows once the hand rests: link, undo, remarks, formula, tables. */
  async settled() {
    const now = link(this.state);
    this.history.add(now);
    history.replaceState(null, "", `#${now}`);
    $("undo").disabled = !this.history.past.length;
    $("redo").disabled = !this.history.future.length;
    this.legend();
    this.moved(this.player.step);
    this.tabs.refresh();
    const text = this.state.text;
    try {
      const found = await post("/api/details", { text, budget: this.state.budget, base: this.state.base });
      if (text !== this.state.text) return;
      this.details = found;
    } catch { return; }
    $("warnings").replaceChildren(...(this.details.warnings ?? []).map((note) => h("li", {}, note)));
    this.tabs.refresh();
    const end = this.active.values[this.active.values.length - 1];
    const summary = `${this.state.text}: up to ${short(this.active.most)}, ${short(end)} at step ${whole(this.last)}. ${(this.details.warnings ?? []).join(" ")}`;
    $("chart").setAttribute("aria-label", summary);
    say(summary);
  }

  legend() {
    const { pins, name } = this.state;
    const item = (slot, text, name, base, i) => h("li", { "data-slot": String(slot) },
      swatch(slot), slot ? h("b", { style: { color: colour(slot) }, "aria-hidden": "true" }, String(slot)) : null,
      h("span", { class: "label", title: text }, name || text, base ? h("span", { class: "quiet" }, ` × ${short(base)}`) : null),
      h("output", { class: "value" }, ""),
      i === null ? null : h("button", { type: "button", title: "Remove this curve", "aria-label": `Remove curve ${slot}: ${name || text}`, onclick: () => this.unpin(i) }, "×"));
    $("legend").replaceChildren(item(0, this.state.text, name || (pins.length ? "this one" : "value"), null, null), ...pins.map((pin, i) => item(pin.slot, pin.text, pin.name, pin.base, i)));
    $("legend").classList.toggle("many", pins.length > 0);
    this.showValues();
  }

  moved(step) {
    this.chart.place(step);
    const axis = this.axisOf(this.state.axis);
    const place = (step * axis.up) / axis.down;
    const block = this.blocks.find((each) => step >= each.begin && (each.end === null || step < each.end));
    const position = this.state.axis === "step" ? `step ${whole(step)}` : `${UNITS[this.state.axis] === "%" ? `${short(place, 4)} %` : `${UNITS[this.state.axis]} ${short(place, 6)}`} · step ${whole(step)}`;
    $("where").textContent = `${position}${block?.name ? ` · ${block.name}` : ""}`;
    $("scrub").setAttribute("aria-valuetext", $("where").textContent);
    this.values({ ...asked(this.state), step });
  }

  async askValues(request) {
    try { this.under = await post("/api/at", request); } catch { return; }
    this.showValues();
  }

  showValues() {
    const boxes = $("legend").querySelectorAll(".value");
    (this.under?.values ?? []).forEach((value, i) => {
      if (!boxes[i]) return;
      boxes[i].textContent = short(value, 5);
      boxes[i].title = value === null ? "" : `schedule(${this.under.step}) = ${value}`;
    });
  }

  /** What the catalogue says of the schedule, where it is a single word. */
  entry() {
    return this.tree?.t === "call" ? this.catalogue.words[wordOf(this.tree)] : null;
  }

  // Pins, link, undo --------------------------------------------------------------------------------------------------

  pin() {
    const slot = freeSlot(this.state.pins);
    if (slot === null) { toast("Eight curves are pinned already: remove one first"); return; }
    this.change({ pins: [...this.state.pins, { text: this.state.text, name: this.state.name, slot, base: null }] });
    say("pinned");
  }

  unpin(i) { this.change({ pins: this.state.pins.filter((_, k) => k !== i) }); }

  /** Names a pin, or the curve being worked on (-1). */
  rename(i, name) {
    if (i < 0) {
      this.state.name = name;
      this.settle();
    } else this.change({ pins: this.state.pins.map((pin, k) => (k === i ? { ...pin, name: name === pin.text ? "" : name } : pin)) });
  }

  /** Gives a pin a base rate of its own, as a parameter group has; null takes it away. */
  rebase(i, base) { this.change({ pins: this.state.pins.map((pin, k) => (k === i ? { ...pin, base } : pin)) }); }

  /** Works on a pin; the current curve takes its place. Every curve keeps its base rate. */
  swap(i) {
    const { state } = this;
    const pin = state.pins[i];
    const base = pin.base ?? state.base;
    const kept = (each) => (each.base === null && base !== state.base ? state.base : each.base);
    this.shape = null;
    const pins = state.pins.map((each, k) => (k === i ? { ...each, text: state.text, name: state.name, base: kept({ base: null }) } : { ...each, base: kept(each) }));
    this.change({ text: pin.text, name: pin.name, base, pins });
    this.toggles();
  }

  setAt(list) { this.state.at = list; this.settle(); }

  /** Takes the state of a link; a bad one says so and changes nothing. */
  open(fragment, quiet = false) {
    let state = null;
    try { state = unlink(fragment); } catch (error) {
      if (!quiet) toast(`Link: ${error.message}`);
      return false;
    }
    this.state = state;
    this.have = null;
    this.shape = null;
    this.toggles();
    $("line").value = state.text;
    this.request({ text: state.text });
    return true;
  }

  travel(fragment) {
    if (fragment !== null) this.open(fragment);
  }

  toggles() {
    document.querySelector(`#axis input[value="${this.state.axis}"]`).checked = true;
    document.querySelector(`#scale input[value="${this.state.log ? "log" : "linear"}"]`).checked = true;
    $("floorbox").hidden = !this.state.log;
    $("floor").value = this.state.floor ?? "";
    $("base").value = String(this.state.base);
  }

  grow() {
    const line = $("line");
    line.style.height = "auto";
    line.style.height = `${Math.min(line.scrollHeight + 2, 220)}px`;
  }

  // Wiring ------------------------------------------------------------------------------------------------------------

  start() {
    const choice = (box, name, options, pick) => {
      for (const [value, label] of options) box.append(h("label", {}, h("input", { type: "radio", name, value, onchange: () => pick(value) }), label));
    };
    const scaleTo = (log) => { this.state.log = log; this.toggles(); this.draw(); this.settle(); };
    choice($("axis"), "axis", AXES.map((name) => [name, UNITS[name]]), (axis) => { this.state.axis = axis; this.draw(); this.settle(); });
    choice($("scale"), "scale", [["linear", "linear"], ["log", "log"]], (value) => scaleTo(value === "log"));
    $("floor").addEventListener("input", () => {
      const value = Number($("floor").value);
      this.state.floor = $("floor").value.trim() && value > 0 && Number.isFinite(value) ? value : null;
      this.draw();
      this.settle();
    });
    $("base").addEventListener("input", () => { const value = Number($("base").value); if (value > 0 && value <= 1e6) this.change({ base: value }); });
    $("chooser").addEventListener("change", () => this.panel.choose($("chooser").value));
    const typed = later(90, () => { this.request({ text: $("line").value }); });
    $("line").addEventListener("input", () => { this.grow(); typed(); });
    $("line").addEventListener("keydown", (event) => { if (event.key === "Enter") { event.preventDefault(); this.request({ text: $("line").value }); } });
    $("unfold").addEventListener("click", () => { this.selected = 0; this.change({ text: this.canonical }); });
    $("pin").addEventListener("click", () => this.pin());
    $("undo").addEventListener("click", () => this.travel(this.history.undo()));
    $("redo").addEventListener("click", () => this.travel(this.history.redo()));
    $("share").addEventListener("click", () => copy(`${location.origin}/#${link(this.state)}`, "Link"));
    $("help").addEventListener("click", () => $("helpbox").showModal());
    const repaint = () => { this.draw(); this.legend(); this.tabs.refresh(); };
    $("theme").addEventListener("click", () => { this.painter.toggle(); repaint(); });
    this.painter.watch(repaint);
    addEventListener("resize", later(60, () => { this.strip.lay(); this.grow(); }));
    addEventListener("hashchange", () => { const now = location.hash.slice(1); if (now && now !== link(this.state)) this.open(now); });
    document.addEventListener("keydown", (event) => this.keys(event));
    this.tabs = new Tabs([new Compare(this), new Formula(this), new Code(this), new Files(this), new Values(this), new Matter(this), new RangeTest(this), new Feedback(this)]);
    this.toggles();
    this.history = new History(link(this.state));
    if (location.hash.length > 1 && this.open(location.hash.slice(1))) this.history = new History(link(this.state));
    else this.request({ text: this.state.text });
  }

  keys(event) {
    const typing = event.target.matches("input[type=text], textarea, select");
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z" && !typing) {
      event.preventDefault();
      this.travel(event.shiftKey ? this.history.redo() : this.history.undo());
    } else if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "y" && !typing) {
      event.preventDefault();
      this.travel(this.history.redo());
    } else if (typing || event.ctrlKey || event.metaKey || event.altKey || $("helpbox").open) {
      return;
    } else if (event.key === "/") {
      event.preventDefault();
      $("line").focus();
    } else if (event.key === "?") {
      $("helpbox").showModal();
    } else if (event.key === "p") {
      this.pin();
    } else if (event.key === "l") {
      this.state.log = !this.state.log;
      this.toggles();
      this.draw();
      this.settle();
    } else if (event.key === " " && event.target === document.body) {
      event.preventDefault();
      this.player.toggle();
    }
  }
}

/** What stands at the vertical axis. */
function unitOf(curves) {
  const units = new Set(curves.map((curve) => curve.unit));
  return units.size > 1 ? "factor or learning rate" : [...units][0];
}

async function begin() {
  try {
    const app = new App(await get("/api/catalogue"));
    window.glidepath = app; // for the tests and for the curious
    app.start();
  } catch (error) {
    $("problem").textContent = `The page could not start: ${error.message}`;
    throw error;
  }
}

begin();

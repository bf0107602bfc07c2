// The page: one state, one question at every change, everything else follows from the answer.

import { $, copy, due, h, later, say, short, slug, toast, whole } from "./dom.js";
import { ask, latest, machine, numbers, ready, start } from "./ask.js";
import { compile } from "./program.js";
import { sampled } from "./sample.js";
import { mark, numberOf, watch } from "./fields.js";
import { asked, AXES, BUDGET, first, freeSlot, History, isBase, link, unlink, VIEWS } from "./state.js";
import { colour, swatch, theme } from "./style.js";
import { Chart } from "./chart.js";
import { accept, refuse, structure, wordOf } from "./controls.js";
import { core, Handles } from "./handles.js";
import { Gestures } from "./gestures.js";
import { Panel } from "./panel.js";
import { Strip } from "./blocks.js";
import { Shapes } from "./shapes.js";
import { Budget } from "./budget.js";
import { Player } from "./player.js";
import { Valley } from "./valley.js";
import { Tabs } from "./tabs.js";
import { Compare } from "./compare.js";
import { Code, Files, Formula } from "./take.js";
import { Matter } from "./matter.js";
import { Feedback } from "./feedback.js";
import { RangeTest } from "./range.js";
import { takeLogs } from "./logs.js";
import { keep, language, preferred, refusal, speak, t, translate } from "./words.js";

const TYPING = 700; // milliseconds without a key after which what was typed is one undo

class App {
  constructor({ catalogue, shapes }) {
    this.catalogue = catalogue;
    this.first = shapes; // twelve shapes with what is drawn of them, before anything was asked
    this.state = first();
    this.tree = null;
    this.good = null; // the tree of the curve that is shown: what is refused never stays in it
    this.blocks = [];
    this.selected = 0;
    this.last = 10000;
    this.budget = { updates: 10000, per_epoch: 400, samples: 128, tokens: 128 };
    this.pinned = [];
    this.have = null;
    this.details = null;
    this.top = null; // what the axis of rates reaches, as long as the curve is near it
    this.limits = new Map(); // what each number may be: lowest and highest that are not refused
    this.turns = 0;
    this.painter = theme();
    this.gestures = new Gestures({ begin: () => { this.chart.hold(); }, end: () => { this.chart.release(); this.draw(); this.settle(); } });
    this.chart = new Chart($("chartbox"), (step) => { if (!this.player.playing) this.player.go(step); });
    this.player = new Player({ last: () => this.last, moved: (step) => this.moved(step) });
    this.valley = new Valley();
    this.panel = new Panel(this);
    this.handles = new Handles(this);
    this.strip = new Strip({
      frame: () => this.chart.frame(), last: () => this.last, gestures: this.gestures,
      select: (i) => this.panel.select(i), move: (from, to) => this.panel.move(from, to), boundary: (i, steps, total) => this.panel.boundary(i, steps, total),
      remove: (i) => this.panel.remove(i),
    });
    this.chart.zoomed = () => { this.strip.lay(); this.tabs.refresh(); };
    this.chart.drawn = () => { this.strip.lay(); this.handles.lay(); };
    this.bar = new Budget({ change: (budget) => this.change({ budget }), preset: (name, budget) => this.preset(name, budget), fit: () => this.panel.fit() });
    this.shapes = new Shapes(this);
    this.formula = new Formula(this);
    this.look = latest((request) => this.ask(request));
    this.values = latest((request) => this.askValues(request));
    this.bounds = latest((request) => this.askLimits(request));
    this.settle = later(220, () => this.settled());
    this.remember = later(TYPING, () => this.remembered());
    this.controls = [];
    this.redraws = 0; // counted for the measurements
    this.due = due;
  }

  // Changing ----------------------------------------------------------------------------------------------------------

  /** Takes a turn: the answer of an older question is not applied once a newer turn has been taken. */
  turn() {
    const mine = ++this.turns;
    return () => mine === this.turns;
  }

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
    this.turns += 1;
    this.look({ ...what, sampled: machine, pins: state.pins.map((pin) => pin.text), bases: state.pins.map((pin) => pin.base), budget: state.budget, base: state.base, have: this.have });
  }

  async ask({ instead, ...request }) {
    let answer = null;
    try {
      answer = await ask("look", request);
    } catch (error) {
      this.problems(error.problems ?? [{ path: "", field: "", message: t("no.answer") }], request);
      return;
    }
    this.bar.show(this.state.budget, answer.budget.updates, answer.budget.lines);
    this.budget = answer.budget;
    if (!answer.ok) {
      this.problems(answer.problems, request);
      if ("tree" in request && this.tree === request.tree) this.tree = this.good;
      if (!this.active && !instead) this.look({ ...request, text: (this.state.text = first().text), instead: true }); // a link that cannot be read: its error, and a curve
      return;
    }
    this.apply(answer, request, instead);
  }

  /** Takes over what was answered: everything on the page follows from it. */
  apply(answer, request, instead = false) {
    this.bar.show(this.state.budget, answer.budget.updates, answer.budget.lines);
    this.budget = answer.budget;
    if (!instead) this.problems([], request);
    this.state.text = answer.text;
    this.canonical = answer.canonical;
    this.last = answer.last;
    this.absolute = answer.absolute;
    this.companions = answer.companions ?? {};
    this.blocks = answer.blocks;
    this.active = { slot: 0, absolute: answer.absolute, ...this.curve(answer.curve, answer.last) };
    if (answer.pins) {
      this.pinned = answer.pins.map((pin, i) => (pin ? { slot: this.state.pins[i]?.slot ?? i + 1, ...this.curve(pin, answer.last) } : null)).filter(Boolean);
      this.have = answer.last;
    }
    this.adopt(answer.tree, request);
    this.draw();
    this.redraws += 1;
    this.settle();
  }

  /** A curve as it is drawn, and `at`, its value at a step: at once where there is a program, else asked for. */
  curve(packed, last) {
    const { program, factor, unit } = packed;
    const drawn = packed.values === undefined ? sampled(program, factor, last, packed.until, packed.knots) : { steps: numbers(packed.steps), values: numbers(packed.values), least: packed.least, most: packed.most, zeros: packed.zeros };
    let low = Infinity;
    for (const value of drawn.values) if (value < low) low = value;
    const value = program ? compile(program) : null;
    return { ...drawn, unit, low, at: value && ((step) => value(step) * factor) };
  }

  /** What factors are multiplied by in the picture. */
  get scale() {
    return this.absolute ? 1 : this.state.base;
  }

  /** Takes over the tree: makes the controls anew where other words came, else sets them to their values. */
  adopt(tree, request) {
    const before = this.shape;
    this.good = tree;
    if (!("tree" in request) || this.tree === request.tree || !this.tree) this.tree = tree; // a newer move of the hand is not taken back
    this.shape = structure(tree);
    if (this.shape !== before) {
      this.limits.clear();
      this.top = null;
      this.selected = Math.min(this.selected, Math.max(this.blocks.length - 1, 0));
      this.panel.build();
      this.shapes.mark();
      this.formula.show();
    } else {
      for (const row of this.controls) row.refresh?.();
      this.panel.lengths();
    }
    const line = $("line");
    if (document.activeElement !== line || !("text" in request)) line.value = this.state.text;
    $("texted").textContent = this.state.text;
    this.grow();
  }

  problems(problems, request) {
    const byText = !("tree" in request);
    const rows = [...document.querySelectorAll("#controls .control")];
    for (const row of rows) if (row.classList.contains("bad") && !(row.refused !== undefined && row.box?.value === row.refused)) accept(row);
    const left = problems.filter((problem) => {
      const row = problem.field && rows.find((each) => each.dataset.path === problem.path && each.dataset.field === problem.field);
      if (!row) return true;
      refuse(row, refusal(problem));
      row.refused = row.box?.value;
      return byText;
    });
    const bad = byText && problems.length > 0;
    $("problem").textContent = left.slice(0, 4).map(refusal).join("  ·  ");
    mark($("line"), bad ? $("problem").textContent : "");
    $("textchip").classList.toggle("bad", bad);
    $("chartbox").classList.toggle("dim", problems.length > 0);
  }

  // Showing -----------------------------------------------------------------------------------------------------------

  axisOf(name) {
    const { per_epoch: epoch, samples, tokens, updates } = this.budget;
    return { step: { name, up: 1, down: 1 }, epoch: { name, up: 1, down: epoch }, sample: { name, up: samples, down: 1 }, token: { name, up: tokens, down: 1 }, percent: { name, up: 100, down: updates } }[name];
  }

  draw() {
    if (!this.active) return;
    const axis = this.axisOf(this.state.axis);
    const curves = [this.active, ...this.pinned];
    for (const curve of curves) curve.x = axis.up === 1 && axis.down === 1 ? curve.steps : curve.steps.map((step) => (step * axis.up) / axis.down);
    // factors are seen against 1, so that a height can be felt; rates against the highest they had here
    const most = Math.max(...curves.map((curve) => curve.most));
    if (!this.top || most > this.top || most < 0.3 * this.top) this.top = most;
    const top = this.absolute ? this.top : this.state.base;
    this.legend();
    this.chart.show(curves, this.last, { axis, log: this.state.log, floor: this.state.floor, unit: unitOf(curves), top });
    this.strip.show(this.blocks, this.selected);
    this.handles.show();
    this.player.range(this.last);
    this.valley.curve(this.active.at ?? ((step) => this.active.values[this.chart.sample(this.active, step)]), this.last, top);
    this.moved(this.player.step);
  }

  /** What follows once the hand rests: link, undo, remarks, formula, tables. */
  async settled() {
    const typing = document.activeElement?.matches("input[type=text], textarea");
    this.remember.cancel();
    this.pending = true;
    if (typing || this.gestures.on) this.remember(); else this.remembered();
    this.tabs.refresh();
    const { text } = this.state;
    this.bounds({ tree: this.good, budget: this.state.budget });
    try {
      const found = await ask("details", { text, budget: this.state.budget });
      if (text !== this.state.text) return;
      this.details = found;
    } catch { return; }
    $("warnings").replaceChildren(...(this.details.warnings ?? []).map((note) => h("li", {}, refusal(note))));
    this.formula.refresh();
    this.tabs.refresh();
    const end = this.active.values[this.active.values.length - 1];
    const summary = `${t("summary", { text, most: short(this.active.most), end: short(end), last: whole(this.last) })} ${(this.details.warnings ?? []).map(refusal).join(" ")}`;
    $("chart").setAttribute("aria-label", summary);
    say(summary);
  }

  /** The state becomes the address, and one undo. */
  remembered() {
    if (this.gestures.on || !this.active) return; // its end does it
    this.remember.cancel();
    this.pending = false;
    const now = link(this.state);
    this.history.add(now);
    history.replaceState(null, "", `#${now}`);
    $("undo").disabled = !this.history.past.length;
    $("redo").disabled = !this.history.future.length;
  }

  /** Asks how far each slider may go, so that none reaches what is refused. */
  async askLimits({ tree, budget }) {
    const rows = this.controls.filter((row) => row.range && row.current && typeof row.current() === "number").map((row) => ({ path: row.dataset.path, field: row.dataset.field, value: row.current(), low: row.bounds()[0], high: row.bounds()[1], whole: row.whole }));
    if (!rows.length || !tree) return;
    let found = null;
    try { found = await ask("limits", { tree, budget, rows }); } catch { return; }
    if (tree !== this.good) return;
    found.limits.forEach((limit, i) => this.limits.set(`${rows[i].path}:${rows[i].field}`, limit));
    for (const row of this.controls) row.refresh?.();
  }

  /** What each curve is called, at its end, with the value under the cursor. */
  legend() {
    const { pins, name, text } = this.state;
    const seen = JSON.stringify([pins, name, pins.length ? text : "", language(), document.documentElement.dataset.theme]);
    if (seen === this.legended) return;
    this.legended = seen;
    const item = (slot, text, name, base, i) => h("li", { "data-slot": String(slot) },
      swatch(slot), slot ? h("b", { style: { color: colour(slot) }, "aria-hidden": "true" }, String(slot)) : null,
      h("output", { class: "value", style: { color: colour(slot) } }, ""),
      h("span", { class: "label", title: text }, name || text, base ? h("span", { class: "quiet" }, ` × ${short(base)}`) : null),
      i === null ? null : h("button", { type: "button", title: t("curve.remove"), "aria-label": t("curve.remove.named", { slot, name: name || text }), onclick: () => this.unpin(i) }, "×"));
    $("legend").replaceChildren(item(0, text, name || (pins.length ? t("this.one") : t("value")), null, null), ...pins.map((pin, i) => item(pin.slot, pin.text, pin.name, pin.base, i)));
    $("legend").classList.toggle("many", pins.length > 0);
  }

  moved(step) {
    this.chart.place(step);
    this.valley.show(step);
    const axis = this.axisOf(this.state.axis);
    const place = (step * axis.up) / axis.down;
    const block = this.blocks.find((each) => step >= each.begin && (each.end === null || step < each.end));
    const at = t("where.step", { n: whole(step) });
    const position = this.state.axis === "step" ? at : `${this.state.axis === "percent" ? `${short(place, 4)} %` : `${t(`axis.${this.state.axis}`)} ${short(place, 6)}`} · ${at}`;
    $("where").textContent = `${position}${block?.name ? ` · ${block.name}` : ""}`;
    $("scrub").setAttribute("aria-valuetext", $("where").textContent);
    this.showValues();
  }

  /** The value of each curve under the cursor, in the frame in which the cursor moves. */
  showValues() {
    const { step } = this.player;
    const boxes = $("legend").children;
    const { under } = this;
    for (const curve of this.active ? [this.active, ...this.pinned] : []) {
      const i = curve.slot ? this.state.pins.findIndex((pin) => pin.slot === curve.slot) + 1 : 0;
      const value = curve.at ? curve.at(step) : under?.step === step ? under.values[i] : undefined;
      const box = boxes[i]?.querySelector(".value");
      if (!box || value === undefined) continue;
      box.textContent = short(value, this.chart.box.classList.contains("narrow") ? 3 : 4);
      box.title = value === null ? "" : `schedule(${step}) = ${value}`;
    }
    if (this.active && [this.active, ...this.pinned].some((curve) => !curve.at) && under?.step !== step) this.values({ ...asked(this.state), step });
  }

  async askValues(request) {
    try { this.under = await ask("at", request); } catch { return; }
    if (this.under.step === this.player.step) this.showValues();
  }

  /** The call that the sentences under the chart are of. */
  call() {
    if (this.tree?.t === "op" && this.tree.op === ">>") return this.tree.parts[this.selected]?.t === "call" ? this.tree.parts[this.selected] : null;
    return core(this.tree)?.call ?? null;
  }

  /** What the catalogue says of the schedule, where it is a single word. */
  entry() {
    const found = core(this.tree);
    return found ? this.catalogue.words[wordOf(found.call)] : null;
  }

  /** Lights a number everywhere: its sentence, its symbol in the formula, its handle. */
  light(field, path, on) {
    for (const node of document.querySelectorAll("#saying [data-field]")) node.classList.toggle("lit", on && node.dataset.field === field);
    for (const row of this.controls) if (row.dataset.field === field && row.dataset.path === path) row.classList.toggle("lit", on);
    for (const one of $("handles").children) one.classList.toggle("lit", on && one.dataset.key.startsWith(`${path}:${field}`));
  }

  // Pins, link, undo --------------------------------------------------------------------------------------------------

  pin() {
    const slot = freeSlot(this.state.pins);
    if (slot === null) { toast(t("pins.full")); return; }
    this.change({ pins: [...this.state.pins, { text: this.state.text, name: this.state.name, slot, base: null }] });
    toast(t("pinned"));
  }

  unpin(i) { this.change({ pins: this.state.pins.filter((_, k) => k !== i) }); }

  /** Names a pin, or the curve being worked on (-1). */
  rename(i, name) {
    if (i < 0) {
      this.state.name = name;
      this.draw();
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

  /** Another budget, and the schedule as long in proportion to it. */
  preset(name, budget) {
    const before = this.budget.updates;
    const newest = this.turn();
    this.state.budget = budget;
    this.have = null;
    this.limits.clear();
    ask("look", { text: this.state.text, budget }).then((plain) => {
      if (!newest()) return;
      const ratio = plain.budget.updates / before;
      this.state.axis = "step";
      this.toggles();
      if (!this.good || plain.budget.updates === before) return void this.change({ budget });
      const whole = plain.duration !== null && plain.duration === before;
      const tree = this.panel.stretched(this.good, ratio);
      if (!whole) return void this.set(tree);
      ask("fit", { text: this.state.text, budget }).then(({ text }) => { if (newest()) this.change({ text }); }, () => { if (newest()) this.set(tree); });
    }, (error) => toast(error.message));
  }

  /** Takes the state of a link; a bad one says so and changes nothing. */
  open(fragment, quiet = false) {
    let state = null;
    try { state = unlink(fragment); } catch (error) {
      if (!quiet) {
        toast(t("link.bad", { why: error.message }));
        $("problem").textContent = t("link.bad", { why: error.message });
      }
      return false;
    }
    this.state = state;
    this.have = null;
    this.shape = null;
    if (state.lang) this.talk(state.lang);
    this.toggles();
    this.view(state.view);
    $("line").value = state.text;
    this.request({ text: state.text });
    return true;
  }

  /** Undoes the last gesture, be it just over. */
  back() {
    this.gestures.end();
    if (this.pending) this.remembered();
    this.travel(this.history.undo());
  }

  travel(fragment) {
    if (fragment !== null) this.open(fragment);
  }

  toggles() {
    $("axis").value = this.state.axis;
    $("log").setAttribute("aria-pressed", String(this.state.log));
    $("floorbox").hidden = !this.state.log;
    $("floor").value = this.state.floor ?? "";
    $("base").value = String(this.state.base);
    mark($("base"), "", $("base-error"));
    mark($("floor"), "", $("floor-error"));
  }

  /** Shows the schedule, or one of the views of their own. */
  view(name) {
    this.state.view = name;
    for (const each of VIEWS) {
      $(`view-${each}`).hidden = each !== name;
      if (each === name) $(`to-${each}`).setAttribute("aria-current", "page"); else $(`to-${each}`).removeAttribute("aria-current");
    }
    this.pages[name]?.refresh();
    if (name === "schedule") this.draw();
  }

  /** Speaks another language, everywhere and at once. */
  talk(name) {
    if (name !== language()) {
      speak(name);
      this.retell();
    }
  }

  retell() {
    translate();
    $("tongue").textContent = language() === "zh" ? "English" : "中文";
    $("tongue").lang = language() === "zh" ? "en" : "zh-CN";
    $("axis").replaceChildren(...AXES.map((name) => h("option", { value: name }, t(`axis.${name}`))));
    $("gallery").href = language() === "zh" ? "gallery/zh.html" : "gallery/";
    $("foot").textContent = t("foot");
    this.bar.build();
    if (this.state) this.toggles();
    this.player.show();
    if (!this.tabs) return;
    this.tabs.build();
    for (const [name, page] of Object.entries(this.pages)) {
      $(`pane-${name}`).replaceChildren();
      page.build($(`pane-${name}`));
      if (this.state.view === name) page.refresh();
    }
    this.shapes.show();
    if (!this.tree) return;
    this.bar.show(this.state.budget, this.budget.updates, this.budget.lines);
    this.panel.build();
    this.formula.show();
    this.formula.refresh();
    this.draw();
  }

  grow() {
    const line = $("line");
    line.style.height = "auto";
    line.style.height = `${Math.min(line.scrollHeight + 2, 220)}px`;
  }

  /** Opens the schedule as text, or closes it. */
  write(on) {
    $("lineedit").hidden = !on;
    $("textchip").setAttribute("aria-expanded", String(on));
    if (!on) return;
    this.grow();
    $("line").focus();
  }

  /** What files of this schedule are called: by its text, or by the name it was given. */
  get fileName() {
    return slug(this.state.name || this.state.text);
  }

  // Wiring ------------------------------------------------------------------------------------------------------------

  start() {
    const redrawn = () => { this.toggles(); this.draw(); this.settle(); };
    $("axis").addEventListener("change", () => { this.state.axis = $("axis").value; redrawn(); });
    $("log").addEventListener("click", () => { this.state.log = !this.state.log; redrawn(); });
    $("unzoom").addEventListener("click", () => this.chart.unzoom());
    const empty = (text) => text.trim() === "";
    watch($("floor"), {
      error: $("floor-error"), read: (text) => (empty(text) ? null : numberOf(text)), right: (value) => value === null || (value > 0 && Number.isFinite(value)),
      rule: (value) => t("floor.rule", { value }), take: (value) => { this.state.floor = value; this.draw(); this.settle(); },
    });
    watch($("base"), { error: $("base-error"), right: isBase, rule: (value) => t("base.rule", { value: value || t("nothing") }), take: (base) => this.change({ base }) });
    const typed = later(90, () => { this.request({ text: $("line").value }); });
    $("line").addEventListener("input", () => { this.turns += 1; this.grow(); typed(); });
    $("line").addEventListener("keydown", (event) => {
      if (event.key === "Enter") { event.preventDefault(); this.request({ text: $("line").value }); }
      if (event.key === "Escape") { this.write(false); $("textchip").focus(); }
    });
    $("textchip").addEventListener("click", () => this.write($("lineedit").hidden));
    $("unfold").addEventListener("click", () => { this.selected = 0; this.change({ text: this.canonical }); });
    $("pin").addEventListener("click", () => this.pin());
    $("undo").addEventListener("click", () => this.back());
    $("redo").addEventListener("click", () => this.travel(this.history.redo()));
    $("share").addEventListener("click", () => copy(`${location.href.split("#")[0]}#${link(this.state)}`, t("copied.link")));
    $("tongue").addEventListener("click", () => {
      const name = language() === "zh" ? "en" : "zh";
      this.state.lang = name;
      keep(name);
      this.talk(name);
      this.settle();
    });
    $("views").addEventListener("click", (event) => {
      const { view } = event.target.dataset;
      if (!view) return;
      this.view(view);
      this.settle();
    });
    $("help").addEventListener("click", () => $("helpbox").showModal());
    const repaint = () => { this.draw(); this.formula.show(); this.panel.build(); this.tabs.refresh(); this.pages[this.state.view]?.refresh(); };
    $("theme").addEventListener("click", () => { this.painter.toggle(); repaint(); });
    this.painter.watch(repaint);
    addEventListener("resize", later(60, () => { this.strip.lay(); this.grow(); }));
    addEventListener("hashchange", () => { const now = location.hash.slice(1); if (now && now !== link(this.state)) this.open(now); });
    document.addEventListener("keydown", (event) => this.keys(event));
    document.addEventListener("focusout", () => setTimeout(() => { if (this.pending) this.remembered(); }));
    this.matter = new Matter(this);
    this.tabs = new Tabs([new Code(this), new Compare(this), this.matter, new Files(this)], (id) => this.matter.under(id === "matter"));
    this.pages = { range: new RangeTest(this), feedback: new Feedback(this) };
    for (const [name, page] of Object.entries(this.pages)) page.build($(`pane-${name}`));
    this.toggles();
    this.shapes.show();
    this.history = new History(link(this.state));
    if (location.hash.length > 1 && this.open(location.hash.slice(1))) this.history = new History(link(this.state));
    else this.begin(location.hash.length > 1);
    $("moment").hidden = machine;
    ready.then(() => { $("moment").hidden = true; }, (error) => { $("moment").hidden = true; $("problem").textContent = error.message; });
  }

  /** The first curve, which the page came with; `instead` of a link that cannot be read, whose error stays. */
  begin(instead) {
    const given = this.given(this.state.text);
    if (given) this.apply(given, { text: this.state.text }, instead);
    else this.request({ text: this.state.text, instead });
  }

  /** What is known of a text without asking: the twelve shapes, at the budget that the page begins with, beside no other curves. */
  given(text) {
    const found = this.first.find((shape) => shape.text === text);
    const plain = found && !this.state.pins.length && this.state.base === 1 && JSON.stringify(this.state.budget) === JSON.stringify(BUDGET);
    return plain ? structuredClone(found.look) : null;
  }

  keys(event) {
    const typing = event.target.matches("input[type=text], textarea, select");
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z" && !typing) {
      event.preventDefault();
      if (event.shiftKey) this.travel(this.history.redo());
      else this.back();
    } else if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "y" && !typing) {
      event.preventDefault();
      this.travel(this.history.redo());
    } else if (typing || event.ctrlKey || event.metaKey || event.altKey || $("helpbox").open || this.state.view !== "schedule") {
      return;
    } else if (event.key === "/") {
      event.preventDefault();
      this.write(true);
    } else if (event.key === "?") {
      $("helpbox").showModal();
    } else if (event.key === "p") {
      this.pin();
    } else if (event.key === "l") {
      $("log").click();
    } else if (event.key === " " && event.target === document.body) {
      event.preventDefault();
      this.player.toggle();
    }
  }
}

/** What stands at the vertical axis. */
function unitOf(curves) {
  const units = new Set(curves.map((curve) => curve.unit));
  return t(units.size > 1 ? "axis.either" : [...units][0] === "factor" ? "axis.factor" : "axis.rate");
}

async function begin() {
  try {
    speak(preferred());
    translate();
    const app = new App(await start);
    window.glidepath = app; // for the tests and for the curious
    app.retell();
    app.start();
    takeLogs((text) => app.change({ text }));
  } catch (error) {
    $("problem").textContent = `${t("no.start")} ${error.message}`;
    throw error;
  }
}

begin();

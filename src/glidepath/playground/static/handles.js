// Handles on the curve: each moves one number of the schedule, by hand, by finger and by the arrow keys. What a number does to the curve is
// read from its declaration: a length is a place along the axis, a peak, a floor or a base rate is a height.

import { $, h, short, whole } from "./dom.js";
import { at, changed, wordOf } from "./controls.js";
import { known, t } from "./words.js";

const PEAKS = ["peak", "base_lr", "max_lr", "learning_rate", "initial_learning_rate", "init_value", "value"];
const FLOORS = ["floor", "end", "eta_min", "end_learning_rate", "end_value", "low", "alpha_f", "min_lr"];
const DROPS = ["factor", "gamma"];
const SHARES = ["peak_fraction", "pct_start"];
const NEAR = 44; // pixels: no two handles nearer than a finger is wide
const MOST = 12;

const nameOf = (field) => (known(`arg.${field}`) ? t(`arg.${field}`) : field.replaceAll("_", " "));

/** The call inside a product with a number, with its place: `0.5 * cosine(…)` is a cosine at half its height. */
export function core(tree) {
  if (tree?.t === "op" && tree.op === "*" && tree.parts.length === 2) {
    const number = tree.parts.findIndex((part) => part.t === "num");
    if (number >= 0 && tree.parts[1 - number].t === "call") return { call: tree.parts[1 - number], path: `parts.${1 - number}`, factor: `parts.${number}.value`, times: tree.parts[number].value };
  }
  return tree?.t === "call" ? { call: tree, path: "", factor: null, times: 1 } : null;
}

/** The handles that a tree asks for: {key, field, path, along | up, read, write}. */
export function handlesOf(app) {
  const { good: tree, blocks, last } = app;
  const made = [];
  if (tree?.t === "op" && tree.op === ">>") {
    blocks.forEach((block, i) => {
      const next = blocks[i + 1];
      if (block.length === null || block.end === null || !next) return;
      made.push({ key: `b${i}`, name: t("handle.boundary", { a: block.name, b: next.name }), step: block.end, low: block.begin + 1, high: next.length === null || next.end === null ? undefined : next.end - 1, along: (step, total) => app.panel.boundary(i, step - block.begin, total), said: t("steps", { n: whole(block.end - block.begin) }) });
    });
    const only = blocks.findIndex((block, i) => i === app.selected && tree.parts[i]?.t === "call");
    if (only >= 0) made.push(...heights(app, tree.parts[only], `parts.${only}`, blocks[only]));
    return made.slice(0, MOST);
  }
  const found = core(tree);
  if (!found) return made;
  made.push(...lengths(app, found.call, found.path, last), ...heights(app, found.call, found.path, { begin: 0, end: last }, found));
  return made.slice(0, MOST);
}

const specsOf = (app, call) => app.catalogue.words[wordOf(call)]?.args ?? [];
const valueOf = (call, spec) => call.args.find((arg) => arg.name === spec.name)?.value ?? spec.default;
const setter = (app, path, name) => (value) => app.panel.put(path, name, value);

function lengths(app, call, path, last, begin = 0) {
  const made = [];
  const specs = specsOf(app, call);
  const get = (name) => { const spec = specs.find((each) => each.name === name); return spec ? valueOf(call, spec) : undefined; };
  const total = get("steps") ?? get("total_steps") ?? get("total_iters");
  for (const spec of specs) {
    const value = valueOf(call, spec);
    const key = `${path}:${spec.name}`;
    const put = setter(app, path, spec.name);
    const row = { key, name: nameOf(spec.name), path, field: spec.name };
    if (spec.type === "length" && typeof value === "number") {
      const back = spec.name === "cooldown" && typeof total === "number";
      const after = spec.name === "hold" ? get("warmup") ?? 0 : 0;
      const step = back ? total - value : begin + after + value;
      if (step < 0 || step > last || (step === last && !back) || (spec.name === "steps" && step >= last)) continue;
      const grows = typeof total === "number" && spec.name !== "steps" && specs.some((each) => each.name === "steps");
      made.push({ ...row, step, back, offset: begin + after, along: (to, stretch) => {
        const next = Math.max(spec.min ?? 1, back ? total - to : to - begin - after);
        if (stretch && grows) app.panel.putAll(path, { [spec.name]: next, steps: Math.max(1, total + next - value) });
        else put(next);
      }, said: t("steps", { n: whole(value) }) });
    } else if (spec.type === "lengths" && Array.isArray(value) && value.every((each) => typeof each === "number")) {
      value.forEach((step, i) => {
        if (step <= 0 || step >= last) return;
        const low = (value[i - 1] ?? 0) + 1, high = (value[i + 1] ?? last + 1) - 1;
        made.push({ ...row, key: `${key}.${i}`, name: `${row.name} ${i + 1}`, step, low, high, along: (to) => {
          const now = currently(app, path, spec);
          put((Array.isArray(now) && now.length === value.length ? now : value).map((each, k) => (k === i ? to : each)));
        }, said: t("steps", { n: whole(step) }) });
      });
    } else if (SHARES.includes(spec.name) && typeof value === "number" && typeof total === "number") {
      made.push({ ...row, step: Math.round(total * value), along: (to) => put(Number(Math.min(0.99, Math.max(0.01, to / total)).toPrecision(3))), said: `${short(100 * value, 3)} %` });
    } else if (spec.type === "schedule" && value?.t === "call") {
      const i = call.args.findIndex((arg) => arg.name === spec.name);
      if (i >= 0) made.push(...lengths(app, value, `${path ? `${path}.` : ""}args.${i}.value`, last).map((each) => ({ ...each, name: `${each.name}` })));
    }
  }
  return made;
}

const currently = (app, path, spec) => { const call = at(app.tree, path); return call ? valueOf(call, spec) : spec.default; };

/** Handles that go up and down: the peak, the floor, what a drop leaves. */
function heights(app, call, path, { begin, end }, found = null) {
  const made = [];
  const { active, last } = app;
  const specs = specsOf(app, call);
  const until = Math.min(end ?? last, last);
  const values = (step) => active.values[app.chart.sample(active, Math.min(step, last))];
  let top = begin;
  for (let i = 0; i < active.steps.length; i++) if (active.steps[i] >= begin && active.steps[i] < until && active.values[i] > values(top)) top = active.steps[i];
  const scale = app.scale;
  const peak = specs.find((spec) => PEAKS.includes(spec.name) && typeof valueOf(call, spec) === "number");
  if (peak) {
    const was = valueOf(call, peak);
    made.push({ key: `${path}:${peak.name}`, path, field: peak.name, name: nameOf(peak.name), step: top, aside: 1, up: (value, level) => setter(app, path, peak.name)(tidy(level ? (was * value) / level : value / scale)), level: values(top), value: was });
  } else if (found && !app.absolute) {
    const was = found.times;
    made.push({ key: "factor", path: "", field: "value", name: t("arg.peak"), step: top, aside: 1, up: (value, level) => app.panel.multiply(tidy(level ? (was * value) / level : value / scale)), level: values(top), value: was });
  }
  const drop = specs.find((spec) => DROPS.includes(spec.name) && typeof valueOf(call, spec) === "number");
  if (drop) {
    const first = active.steps.findIndex((step, i) => i > 0 && active.values[i] !== active.values[0]);
    const was = valueOf(call, drop);
    if (first > 0) {
      const next = active.steps.find((step, i) => i > first && active.values[i] !== active.values[first]) ?? last;
      made.push({ key: `${path}:${drop.name}`, path, field: drop.name, name: nameOf(drop.name), step: Math.round((active.steps[first] + next) / 2), up: (value, level) => { if (level > 0) setter(app, path, drop.name)(tidy(Math.min(1, Math.max(0.01, (was * value) / level)))); }, level: active.values[first], value: was });
    }
  }
  const floor = specs.find((spec) => FLOORS.includes(spec.name) && typeof valueOf(call, spec) === "number");
  if (floor) {
    const unit = app.absolute ? 1 : scale * (found?.times || 1);
    let low = until;
    for (let i = 0; i < active.steps.length; i++) if (active.steps[i] >= begin && active.steps[i] <= until && active.values[i] < 0.98 * values(low)) low = active.steps[i];
    made.push({ key: `${path}:${floor.name}`, path, field: floor.name, name: nameOf(floor.name), step: low, up: (value) => setter(app, path, floor.name)(tidy(Math.max(0, value / unit))), level: values(low), value: valueOf(call, floor) });
  }
  return made;
}

const tidy = (value) => (Math.abs(value) < 5e-4 ? 0 : Number(value.toPrecision(3)));

export class Handles {
  constructor(app) {
    this.app = app;
    this.node = $("handles");
    this.shown = [];
    this.busy = null;
  }

  /** Makes the handles anew, or moves those that are there. */
  show() {
    const { app } = this;
    const frame = app.chart.frame();
    if (!frame || !app.active) return;
    const wanted = handlesOf(app);
    const keys = wanted.map((one) => one.key).join();
    if (this.busy && keys !== this.keys) { // what a hand holds is not taken from it
      for (const one of this.shown) Object.assign(one, wanted.find((each) => each.key === one.key));
      this.lay();
      return;
    }
    if (keys !== this.keys || document.documentElement.lang !== this.lang) {
      const focused = this.node.contains(document.activeElement) ? document.activeElement.dataset.key : null;
      this.node.replaceChildren(...wanted.map((one) => this.make(one)));
      if (focused) this.node.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
    }
    this.keys = keys;
    this.lang = document.documentElement.lang;
    this.shown = wanted;
    this.lay();
  }

  lay() {
    const { chart, active, last } = this.app;
    const frame = chart.frame();
    if (!frame || !active) return;
    const taken = [];
    this.shown.forEach((one, i) => {
      const node = this.node.children[i];
      if (!node) return;
      let step = Math.min(one.step, last);
      let x = frame.of(step);
      if (one.aside) {
        const room = frame.left + frame.width;
        while (x + NEAR <= room && this.shown.some((other) => other !== one && Math.abs(frame.of(Math.min(other.step, last)) - x) < NEAR)) x += NEAR;
        step = Math.max(0, Math.min(last, frame.step(x)));
      }
      one.place = step;
      one.seen = active.values[chart.sample(active, step)];
      const y = Math.min(Math.max(chart.height(active, step), chart.top), chart.top + chart.y.length);
      const inside = x >= frame.left - 2 && x <= frame.left + frame.width + 2;
      const crowded = taken.some(([a, b]) => Math.abs(a - x) < 14 && Math.abs(b - y) < 14);
      node.hidden = !inside;
      node.classList.toggle("crowded", crowded);
      taken.push([x, y]);
      Object.assign(node.style, { left: `${x}px`, top: `${y}px` });
      this.tell(node, one);
    });
  }

  tell(node, one) {
    const value = one.along ? one.step : one.value;
    node.setAttribute("aria-valuenow", String(value));
    node.setAttribute("aria-valuetext", one.along ? one.said : short(value, 4));
    node.setAttribute("aria-valuemin", String(one.low ?? 0));
    node.setAttribute("aria-valuemax", String(one.high ?? (one.along ? this.app.last : Math.max(1, value))));
    node.querySelector("b").textContent = `${one.name}: ${one.along ? one.said : short(value, 3)}`;
  }

  make(one) {
    const node = h("div", { class: `handle ${one.along ? "along" : "up"}`, role: "slider", tabindex: "0", "aria-label": one.name, "aria-orientation": one.along ? "horizontal" : "vertical" }, h("i"), h("b", { "aria-hidden": "true" }, one.name));
    node.dataset.key = one.key;
    const lit = (on) => this.app.light(one.field, one.path, on);
    node.addEventListener("pointerenter", () => lit(true));
    node.addEventListener("pointerleave", () => lit(false));
    node.addEventListener("focus", () => lit(true));
    node.addEventListener("blur", () => lit(false));
    node.addEventListener("pointerdown", (event) => this.grab(event, node));
    node.addEventListener("keydown", (event) => this.key(event, node));
    return node;
  }

  of(node) {
    return this.shown.find((one) => one.key === node.dataset.key);
  }

  /** A place that is not refused; the total may grow beyond it. */
  clamp(one, step, grows) {
    const bound = one.back || !one.field ? null : this.app.limits.get(`${one.path}:${one.field}`);
    const low = one.low ?? 0, high = grows ? Infinity : one.high ?? (bound ? one.offset + bound[1] : Infinity);
    return Math.round(Math.min(Math.max(step, low), high));
  }

  key(event, node) {
    const one = this.of(node);
    const { app } = this;
    const far = event.key === "PageUp" || event.key === "PageDown" ? 10 : 1;
    const sign = { ArrowRight: 1, ArrowUp: 1, PageUp: 1, ArrowLeft: -1, ArrowDown: -1, PageDown: -1 }[event.key];
    if (!sign || !one || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    app.gestures.begin();
    if (one.along) one.along(this.clamp(one, one.step + sign * far * Math.max(1, Math.round(app.last / 100)), event.shiftKey), event.shiftKey);
    else {
      const { value } = one;
      const by = far * (value > 0.2 || app.chart.y.range[1] > 0.5 ? 0.01 : Math.max(10 ** Math.floor(Math.log10(value || app.chart.y.range[1])) / 10, 1e-9)) ;
      const next = tidy(Math.max(0, value + sign * by));
      app.panel.direct(one, next);
    }
  }

  grab(event, node) {
    if (event.button !== 0) return;
    const one = { ...this.of(node) }; // as it was when the hand took hold of it
    event.preventDefault();
    event.stopPropagation();
    node.focus({ preventScroll: true });
    node.setPointerCapture(event.pointerId);
    node.classList.add("held");
    const { app } = this;
    app.gestures.begin(true);
    this.busy = { key: one.key, one };
    const box = app.chart.box.getBoundingClientRect();
    const grip = [event.clientX - box.left - frameX(app, one), event.clientY - box.top - app.chart.yOf(one.seen)];
    const level = one.seen;
    const move = (now) => {
      const frame = app.chart.frame();
      if (one.along) {
        const step = frame.step(now.clientX - box.left - grip[0]);
        const grain = Math.max(1, 10 ** Math.floor(Math.log10(Math.max((app.last / frame.width) * 2, 1))));
        one.along(this.clamp(one, Math.round(step / grain) * grain, now.shiftKey), now.shiftKey);
      } else {
        const y = Math.min(Math.max(now.clientY - box.top - grip[1], chartTop(app)), app.chart.top + app.chart.y.length);
        one.up(Math.max(0, app.chart.valueAt(y)), level);
      }
    };
    const over = () => {
      node.removeEventListener("pointermove", move);
      node.classList.remove("held");
      this.busy = null;
      app.handles.show();
    };
    node.addEventListener("pointermove", move);
    node.addEventListener("pointerup", over, { once: true });
    node.addEventListener("pointercancel", over, { once: true });
  }
}

const frameX = (app, one) => app.chart.frame().of(one.place);
const chartTop = (app) => app.chart.top;

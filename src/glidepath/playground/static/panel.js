// What is under the chart: the sentences of a schedule or of one of its phases, and what is done to phases.

import { $, h, marked, say, toast, whole } from "./dom.js";
import { ask, machine } from "./ask.js";
import { at, changed, controlsOf, partsOf, put, titleOf, wordOf } from "./controls.js";
import { core } from "./handles.js";
import { pieces, t, told } from "./words.js";

export class Panel {
  constructor(app) {
    this.app = app;
  }

  get context() {
    const { app } = this;
    return {
      catalogue: app.catalogue,
      tree: () => app.tree,
      set: (tree) => app.set(tree),
      total: () => app.budget.updates,
      budget: () => app.budget,
      gestures: app.gestures,
      limits: app.limits,
      light: (field, path, on) => app.light(field, path, on),
      fresh: (word, use) => this.fresh(word, use),
    };
  }

  /** The tree of a word, given to `use` unless something newer was asked for meanwhile. */
  async fresh(word, use) {
    const newest = this.app.turn();
    const { tree } = await ask("look", { text: this.app.catalogue.words[word].text, budget: this.app.state.budget });
    if (newest()) use(tree);
  }

  build() {
    const { app } = this;
    const entry = app.entry();
    $("about").replaceChildren(...(entry ? marked(told(entry, "about")) : [t(app.tree?.t === "many" ? "about.many" : "about.phases")]));
    for (const [value, text] of Object.entries(app.companions ?? {})) $("about").append(" ", ...pieces("about.companion", { value: value.replace("_", " "), text: h("code", {}, text) }));
    const box = $("controls");
    const inside = app.tree?.t === "call" && app.blocks.length > 1 && app.canonical.includes(">>") && !app.absolute;
    $("unfold").hidden = !inside;
    const found = core(app.tree);
    if (app.tree?.t === "call") box.replaceChildren(...controlsOf(this.context, app.tree, ""));
    else if (found) box.replaceChildren(...partsOf(this.context, { ...app.tree, parts: [] }, ""), ...this.scaled(found));
    else if (app.tree?.t === "op" && app.tree.op === ">>") box.replaceChildren(this.heading(), ...this.phase(), this.adder());
    else if (app.tree?.t === "op") box.replaceChildren(...partsOf(this.context, app.tree, ""));
    else box.replaceChildren();
    app.controls = [...box.querySelectorAll(".control")];
  }

  /** A product with a number: its peak, then the controls of what is multiplied. */
  scaled(found) {
    const number = Number(found.factor.split(".")[1]);
    const rows = partsOf(this.context, this.app.tree, "");
    return [rows[number], ...controlsOf(this.context, found.call, found.path)];
  }

  /** Which phase the sentences are of, with what can be done to it. */
  heading() {
    const { app } = this;
    const i = app.selected = Math.min(Math.max(app.selected, 0), app.tree.parts.length - 1);
    const block = app.blocks[i];
    const count = app.tree.parts.length;
    const button = (label, sign, work) => h("button", { type: "button", class: "tiny", "aria-label": label, title: label, onclick: work }, sign);
    return h("div", { class: "phase" }, h("h3", {}, t("phase.heading", { i: i + 1, n: count, name: block?.name ?? app.tree.parts[i].word ?? "" }), h("span", { class: "len" }, "")),
      i > 0 && button(t("phase.earlier", { i: i + 1 }), "←", () => this.move(i, i - 1)),
      i < count - 1 && button(t("phase.later", { i: i + 1 }), "→", () => this.move(i, i + 1)),
      count > 1 && button(t("phase.remove", { i: i + 1 }), "×", () => this.remove(i)));
  }

  phase() {
    const part = this.app.tree.parts[this.app.selected];
    const path = `parts.${this.app.selected}`;
    this.lengths(true);
    if (part.t === "call") return controlsOf(this.context, part, path);
    return part.t === "op" ? partsOf(this.context, part, path) : [];
  }

  /** Writes how long the chosen phase is. */
  lengths(soon = false) {
    const write = () => {
      const box = document.querySelector("#controls .phase .len");
      const block = this.app.blocks[this.app.selected];
      if (box && block) box.textContent = block.end === null ? t("forever") : t("steps", { n: whole(block.end - block.begin) });
    };
    if (soon) queueMicrotask(write); else write();
  }

  adder() {
    const select = h("select", { "aria-label": t("phase.which") }, this.app.catalogue.phases.map((word) => h("option", { value: word }, titleOf(word))));
    return h("div", { class: "addphase" }, select, h("button", { type: "button", onclick: () => this.add(select.value) }, t("phase.add")));
  }

  /** Takes a word of the catalogue; a schedule of another length than the run is taken as long as the run where that can be done. */
  async choose(word) {
    const entry = this.app.catalogue.words[word];
    if (entry) await this.take(entry.text, entry.group !== "Phases" || null);
  }

  async take(text, fitted = true) {
    const { app } = this;
    const newest = app.turn();
    app.selected = 0;
    app.top = null;
    const given = app.given(text);
    if (given) {
      Object.assign(app.state, { text, name: "" });
      app.apply(given, { text });
      if (machine) app.change({ text });
      return;
    }
    const plain = await ask("look", { text, budget: app.state.budget });
    if (!newest()) return;
    let taken = text;
    if (plain.ok && plain.duration !== null && plain.duration > 1 && fitted) {
      try { taken = (await ask("fit", { text, budget: app.state.budget })).text; } catch { /* as it is */ }
    } else if (plain.ok && plain.duration === null && app.budget.updates !== 10000) {
      app.limits.clear();
      if (newest()) app.set(this.stretched(plain.tree, app.budget.updates / 10000));
      return;
    }
    if (newest()) app.change({ text: taken, name: "" });
  }

  /** A tree with every length multiplied, as its declarations say which numbers are lengths. */
  stretched(tree, ratio) {
    const copy = structuredClone(tree);
    const walk = (node) => {
      if (node?.t === "op") node.parts.forEach(walk);
      if (node?.t !== "call") return;
      const specs = this.app.catalogue.words[wordOf(node)]?.args ?? [];
      for (const arg of node.args) {
        const spec = specs.find((each) => each.name === arg.name);
        const scale = (value, least) => Math.max(least, Math.round(value * ratio));
        if (spec?.type === "length" && typeof arg.value === "number") arg.value = scale(arg.value, arg.value === 0 ? 0 : spec.min || 1);
        else if (spec?.type === "lengths" && Array.isArray(arg.value)) {
          let before = -1;
          arg.value = arg.value.map((value) => (before = Math.max(before + 1, scale(value, value ? 1 : 0))));
        } else (Array.isArray(arg.value) ? arg.value : [arg.value]).forEach(walk);
      }
    };
    walk(copy);
    return copy;
  }

  select(i, quiet = false) {
    this.app.selected = i;
    this.build();
    this.app.strip.show(this.app.blocks, i);
    this.app.handles.show();
    if (!quiet && i >= 0) $("controls").scrollIntoView({ block: "nearest" });
  }

  /** Adds a phase inside: the last phase that has a length makes room for it. */
  async add(word) {
    await this.fresh(word, (piece) => {
      const { app } = this;
      const parts = structuredClone(app.tree.t === "op" && app.tree.op === ">>" ? app.tree.parts : [app.tree]);
      const length = piece.args?.find((arg) => arg.name === "steps" && typeof arg.value === "number");
      const end = app.blocks[app.blocks.length - 1]?.end;
      let want = Math.max(1, Math.round(app.budget.updates / 5));
      const giver = end !== null && end < app.last ? -1 : app.blocks.reduce((best, block, i) => (block.length !== null && block.path !== null && block.end - block.begin > (best < 0 ? 1 : app.blocks[best].end - app.blocks[best].begin) ? i : best), -1);
      if (length && giver >= 0 && parts.length === app.blocks.length) {
        const block = app.blocks[giver];
        want = Math.min(want, Math.max(1, Math.floor((block.end - block.begin) / 2)));
        parts[giver].args[block.length].value -= want;
      } else if (length && end !== null && end < app.last) want = Math.min(want, app.last - end);
      if (length) length.value = want;
      const endless = app.blocks.length && end === null;
      parts.splice(endless ? parts.length - 1 : parts.length, 0, piece);
      app.selected = endless ? parts.length - 2 : parts.length - 1;
      app.set({ t: "op", op: ">>", parts });
    });
  }

  move(from, to) {
    const parts = [...this.app.tree.parts];
    const [part] = parts.splice(from, 1);
    parts.splice(to, 0, part);
    this.app.selected = to;
    this.app.shape = null; // same words, perhaps, at other places
    this.app.set({ t: "op", op: ">>", parts });
  }

  remove(i) {
    const parts = this.app.tree.parts.filter((_, k) => k !== i);
    this.app.selected = Math.max(0, i - 1);
    this.app.shape = null;
    this.app.set(parts.length === 1 ? parts[0] : { t: "op", op: ">>", parts });
  }

  /** Sets an argument of the call at a path. */
  put(path, name, value) {
    this.putAll(path, { [name]: value });
  }

  putAll(path, values) {
    const { app } = this;
    let tree = app.tree;
    const call = at(tree, path);
    if (!call?.args) return;
    const order = (app.catalogue.words[wordOf(call)]?.args ?? []).map((each) => each.name);
    for (const [name, value] of Object.entries(values)) tree = put(tree, path, name, value, order);
    app.set(tree);
  }

  /** Multiplies the whole schedule by a number instead of the one that stands there. */
  multiply(times) {
    const { app } = this;
    const found = core(app.tree);
    if (!found) return;
    if (found.factor) app.set(changed(app.tree, found.factor, times));
    else if (times !== 1) app.set({ t: "op", op: "*", parts: [{ t: "num", value: times }, app.tree] });
  }

  /** What an arrow key on a handle sets. */
  direct(handle, value) {
    if (handle.key === "factor") this.multiply(value);
    else this.put(handle.path, handle.field, value);
  }

  /** Moves the end of a phase: its neighbour gives or takes the steps, or, with `total`, the whole grows or shrinks. */
  boundary(i, steps, total = false) {
    const { app } = this;
    const [mine, next] = [app.blocks[i], app.blocks[i + 1]];
    if (!mine || mine.length === null) return;
    const place = (block) => `${block.path ? `${block.path}.` : ""}args.${block.length}.value`;
    const now = at(app.tree, place(mine));
    const trades = !total && next && next.length !== null && next.end !== null;
    const room = trades ? now + at(app.tree, place(next)) - 1 : Infinity;
    const length = Math.max(1, Math.min(Math.round(steps), room));
    if (length === now) return;
    let tree = changed(app.tree, place(mine), length);
    if (trades) tree = changed(tree, place(next), at(tree, place(next)) + now - length);
    app.set(tree);
  }

  async fit() {
    const { app } = this;
    const newest = app.turn();
    try {
      const { text } = await ask("fit", { text: app.state.text, budget: app.state.budget });
      if (newest()) app.change({ text });
    } catch (error) { toast(error.message); }
    say(t("fitted"));
  }
}

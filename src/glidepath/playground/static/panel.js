// The panel at the left: the chooser, the controls of a schedule or of each of its phases, and what is done to phases.

import { $, h, marked, toast, whole } from "./dom.js";
import { post } from "./api.js";
import { at, changed, controlsOf, fill, partsOf, wordOf } from "./controls.js";

export class Panel {
  constructor(app) {
    this.app = app;
  }

  get context() {
    return {
      catalogue: this.app.catalogue,
      tree: () => this.app.tree,
      set: (tree) => this.app.set(tree),
      total: () => this.app.budget.updates,
      fresh: async (word) => (await post("/api/look", { text: this.app.catalogue.words[word].text })).tree,
    };
  }

  build() {
    const now = this.app.tree?.t === "call" ? wordOf(this.app.tree) : "";
    fill($("chooser"), this.app.catalogue, now);
    const entry = this.app.entry();
    $("about").replaceChildren(...(entry ? marked(entry.about) : [this.app.tree?.t === "many" ? "Too many parts for controls: change it as text." : "Several phases. Drag them under the curve, or open one here."]));
    const box = $("controls");
    const inside = this.app.tree?.t === "call" && this.app.blocks.length > 1 && this.app.canonical.includes(">>") && !this.app.absolute;
    $("unfold").hidden = !inside;
    if (this.app.tree?.t === "call") box.replaceChildren(...controlsOf(this.context, this.app.tree, ""));
    else if (this.app.tree?.t === "op" && this.app.tree.op === ">>") box.replaceChildren(...this.phases(), this.adder());
    else if (this.app.tree?.t === "op") box.replaceChildren(...partsOf(this.context, this.app.tree, ""));
    else box.replaceChildren();
    this.app.controls = [...box.querySelectorAll(".control")];
  }

  phases() {
    return this.app.tree.parts.map((part, i) => {
      const open = i === this.app.selected;
      const block = this.app.blocks[i];
      const head = h("button", { type: "button", class: "head", "aria-expanded": String(open), onclick: () => this.select(open ? -1 : i, true) }, h("span", {}, block?.name ?? part.word ?? "group"), h("span", { class: "len" }, ""));
      const up = i > 0 && h("button", { type: "button", class: "tiny", "aria-label": `Move phase ${i + 1} earlier`, onclick: () => this.move(i, i - 1) }, "↑");
      const gone = this.app.tree.parts.length > 1 && h("button", { type: "button", class: "tiny", "aria-label": `Remove phase ${i + 1}`, onclick: () => this.remove(i) }, "×");
      const body = open && h("div", { class: "body" }, part.t === "call" ? controlsOf(this.context, part, `parts.${i}`) : part.t === "op" ? partsOf(this.context, part, `parts.${i}`) : []);
      return h("div", { class: open ? "phase open" : "phase" }, h("h3", {}, head, up || null, gone || null), body || null);
    }).concat(this.lengths(true));
  }

  /** Writes the length of each phase beside its name. */
  lengths(soon = false) {
    const write = () => document.querySelectorAll("#controls .len").forEach((box, i) => {
      const block = this.app.blocks[i];
      if (block) box.textContent = block.end === null ? "for ever" : whole(block.end - block.begin);
    });
    if (soon) queueMicrotask(write); else write();
    return [];
  }

  adder() {
    const select = h("select", { "aria-label": "Phase to add" }, this.app.catalogue.phases.map((word) => h("option", { value: word }, word.replaceAll("_", " "))));
    return h("div", { class: "addphase" }, select, h("button", { type: "button", onclick: () => this.add(select.value) }, "Add phase"));
  }

  async choose(word) {
    if (!word) return;
    this.app.selected = 0;
    const text = this.app.catalogue.words[word].text;
    const plain = await post("/api/look", { text, budget: this.app.state.budget });
    // a schedule of another length than the run is taken as long as the run where that can be done
    if (plain.ok && plain.duration !== null && plain.duration > 1 && !["Phases"].includes(this.app.catalogue.words[word].group)) {
      try { return this.app.change({ text: (await post("/api/fit", { text, budget: this.app.state.budget })).text }); } catch { /* as it is */ }
    }
    this.app.change({ text });
  }

  select(i, quiet = false) {
    this.app.selected = i;
    this.build();
    this.app.strip.show(this.app.blocks, i);
    if (!quiet && i >= 0) document.querySelectorAll("#controls .phase")[i]?.scrollIntoView({ block: "nearest" });
  }

  async add(word) {
    const piece = (await post("/api/look", { text: this.app.catalogue.words[word].text })).tree;
    const length = piece.args?.find((arg) => arg.name === "steps" && typeof arg.value === "number");
    if (length) length.value = Math.max(1, Math.round(this.app.budget.updates / 5));
    const parts = this.app.tree.t === "op" && this.app.tree.op === ">>" ? [...this.app.tree.parts] : [this.app.tree];
    const endless = this.app.blocks.length && this.app.blocks[this.app.blocks.length - 1].end === null;
    parts.splice(endless ? parts.length - 1 : parts.length, 0, piece);
    this.app.selected = endless ? parts.length - 2 : parts.length - 1;
    this.app.set({ t: "op", op: ">>", parts });
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

  stretch(i, steps) {
    const block = this.app.blocks[i];
    if (!block || block.length === null) return;
    const path = `${block.path ? `${block.path}.` : ""}args.${block.length}.value`;
    if (at(this.app.tree, path) === steps) return;
    this.app.set(changed(this.app.tree, path, steps));
  }

  async fit() {
    try {
      this.app.change({ text: (await post("/api/fit", { text: this.app.state.text, budget: this.app.state.budget })).text });
    } catch (error) { toast(error.message); }
  }
}

// The table of curves: peak, end, warmup, mean, largest jump, values at chosen steps.

import { exact, h, short, toast, whole } from "./dom.js";
import { latest, post } from "./api.js";
import { asked, isBase } from "./state.js";
import { colour, swatch } from "./style.js";

export class Compare {
  /** @param app the page: state, curves(), last, unpin(i), swap(i), rename(i, name), setAt(list) */
  constructor(app) {
    this.app = app;
    this.id = "compare";
    this.title = "Compare";
    this.ask = latest((request) => this.load(request));
  }

  build(body) {
    this.body = body;
    this.at = h("input", { type: "text", inputmode: "numeric", size: "26", "aria-label": "Steps whose values the table shows" });
    this.at.addEventListener("change", () => {
      const steps = this.at.value.split(/[\s,;]+/).filter(Boolean).map(Number).filter((step) => Number.isInteger(step) && step >= 0 && step <= 2 ** 53);
      this.app.setAt(steps.slice(0, 8));
    });
    this.holder = h("div", { class: "scroll" });
    this.hint = h("p", { class: "hint" });
    body.append(h("div", { class: "row" }, h("label", { class: "mini" }, "values at steps ", this.at)), this.holder, this.hint);
  }

  refresh() {
    if (document.activeElement !== this.at) this.at.value = this.app.state.at.join(", ");
    const { state } = this.app;
    this.ask({ ...asked(state), last: this.app.last, at: state.at });
  }

  async load(request) {
    let rows = [];
    try { ({ rows } = await post("/api/measures", request)); } catch { return; }
    const heads = ["curve", "base rate", "peak", "final", "warmup", "mean", "largest jump", ...request.at.map((step) => `at ${whole(step)}`), ""];
    const { state } = this.app;
    const lines = rows.map((row, i) => this.row(row, i, state.pins[i - 1], request.last));
    const table = h("table", {}, h("caption", { class: "sr" }, "The curves in numbers"), h("thead", {}, h("tr", {}, heads.map((head) => h("th", { scope: "col" }, head)))), h("tbody", {}, lines));
    if (this.holder.contains(document.activeElement) && document.activeElement.tagName === "INPUT") return;
    this.holder.replaceChildren(table);
    this.hint.textContent = rows.some((row) => row?.sampled) ? "Longer than 500,000 steps: mean and jump are from sampled points; peaks and restarts are all there." : state.pins.length ? "" : "Pin curves to compare up to eight of them.";
  }

  row(row, i, pin, last) {
    const name = h("input", { type: "text", value: pin ? pin.name || pin.text : this.app.state.name, placeholder: pin ? null : "this one", title: pin?.text ?? "A name for the curve being worked on", "aria-label": pin ? `Name of curve ${i}` : "Name of this curve", maxlength: "80", onchange: (event) => this.app.rename(i - 1, event.target.value.trim()) });
    const label = h("td", {}, h("span", { style: { display: "inline-flex", gap: "8px", alignItems: "center" } }, swatch(pin ? pin.slot : 0), pin ? h("b", { class: "slot", style: { color: colour(pin.slot) } }, String(pin.slot)) : h("b", { class: "slot" }), name));
    if (!row) return h("tr", {}, label, h("td", { colspan: "10" }, "cannot be read"));
    const number = (value, sub) => h("td", { class: "num", title: exact(value) }, short(value, 5), sub ? h("span", { class: "sub" }, sub) : null);
    const buttons = pin
      ? h("td", {}, h("button", { type: "button", title: "Work on this curve; the current one takes its place", onclick: () => this.app.swap(i - 1) }, "Edit"), " ", h("button", { type: "button", "aria-label": `Remove curve ${pin.slot}`, title: "Remove this curve", onclick: () => this.app.unpin(i - 1) }, "×"))
      : h("td", {});
    return h("tr", {}, label, this.base(row, i, pin), number(row.peak, `at ${whole(row.peak_step)}`), number(row.final), h("td", {}, `${short(100 * row.warmup, 3)} %`), number(row.area), number(row.jump, row.jump ? `at ${whole(row.jump_step)}` : ""), ...row.at.map((value) => number(value)), buttons);
  }

  /** The base rate of a curve: its own, or the page's. */
  base(row, i, pin) {
    if (row.absolute) return h("td", { title: "Its values are rates: no base multiplies them" }, "–");
    if (!pin) return h("td", { style: { fontFamily: "var(--mono)" } }, short(this.app.state.base));
    const box = h("input", { type: "text", inputmode: "decimal", class: "num", size: "7", value: pin.base === null ? "" : String(pin.base), placeholder: String(this.app.state.base), "aria-label": `Base rate of curve ${i}`, title: "A base rate of its own, as a parameter group has; empty for the page's" });
    box.addEventListener("change", () => {
      const value = box.value.trim() === "" ? null : Number(box.value);
      const good = value === null || isBase(value);
      box.classList.toggle("bad", !good);
      box.setAttribute("aria-invalid", String(!good));
      if (good) this.app.rebase(i - 1, value);
      else toast(`base rate of curve ${i}: must be above 0 and at most 1,000,000, got ${box.value}`);
    });
    return h("td", {}, box);
  }
}

/** Every curve as a table: what the picture shows, in numbers, with every digit. */
export class Values {
  constructor(app) {
    this.app = app;
    this.id = "values";
    this.title = "Values";
    this.ask = latest((request) => this.load(request));
  }

  build(body) {
    this.holder = h("div", { class: "scroll" });
    body.append(h("p", {}, "The curve in numbers: evenly spread steps and every beginning of a phase, each value with every digit."), this.holder);
  }

  refresh() {
    this.ask({ ...asked(this.app.state), last: this.app.last, at: [] });
  }

  async load(request) {
    let rows = [];
    try { ({ rows } = await post("/api/measures", request)); } catch { return; }
    const { pins } = this.app.state;
    const columns = rows.map((row) => new Map(row ? row.table : []));
    const steps = [...new Set(columns.flatMap((column) => [...column.keys()]))].sort((a, b) => a - b);
    const heads = ["step", ...rows.map((_, i) => (i ? pins[i - 1]?.name || `curve ${pins[i - 1]?.slot}` : this.app.state.name || "this one"))];
    const lines = steps.map((step) => h("tr", {}, h("td", {}, whole(step)), columns.map((column) => h("td", { class: "num" }, column.has(step) ? exact(column.get(step)) : "·"))));
    this.holder.replaceChildren(h("table", {}, h("caption", { class: "sr" }, "Values of the curves by step"), h("thead", {}, h("tr", {}, heads.map((head) => h("th", { scope: "col" }, head)))), h("tbody", {}, lines)));
  }
}

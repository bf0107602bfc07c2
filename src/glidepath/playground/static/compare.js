// The curves in numbers: peak, end, warmup, mean, largest jump, values at chosen steps; and below, every curve as a table.

import { exact, h, short, whole } from "./dom.js";
import { ask, latest } from "./ask.js";
import { mark, numberOf } from "./fields.js";
import { asked, isBase } from "./state.js";
import { colour, swatch } from "./style.js";
import { t } from "./words.js";

export class Compare {
  /** @param app the page: state, curves(), last, unpin(i), swap(i), rename(i, name), setAt(list) */
  constructor(app) {
    this.app = app;
    this.id = "compare";
    this.ask = latest((request) => this.load(request));
  }

  build(body) {
    this.error = h("p", { class: "problem", role: "alert", id: "compare-error" });
    this.at = h("input", { type: "text", inputmode: "numeric", size: "26", "aria-label": t("compare.at"), "aria-describedby": "compare-error" });
    this.at.addEventListener("change", () => this.steps());
    this.holder = h("div", { class: "scroll" });
    this.hint = h("p", { class: "hint" });
    this.values = h("div", { class: "scroll", id: "values" });
    const fold = h("details", { id: "every", ontoggle: () => { if (fold.open) this.refresh(); } }, h("summary", {}, t("values.title")), h("p", { class: "hint" }, t("values.about")), this.values);
    this.fold = fold;
    body.append(h("div", { class: "row" }, h("label", { class: "mini" }, t("compare.steps"), " ", this.at)), this.error, this.holder, this.hint, fold);
  }

  steps() {
    const given = this.at.value.normalize("NFKC").split(/[\s;]+|,(?!\d{3}\b)|(?<=\d{4}),/).filter(Boolean);
    const steps = given.map(numberOf);
    const wrong = given.find((_, i) => !(Number.isInteger(steps[i]) && steps[i] >= 0 && steps[i] <= 2 ** 53));
    mark(this.at, wrong === undefined && steps.length <= 8 ? "" : t("compare.rule", { value: wrong ?? t("compare.many", { n: steps.length }) }), this.error);
    if (!this.at.classList.contains("bad")) this.app.setAt(steps);
  }

  refresh() {
    if (document.activeElement !== this.at && !this.at.classList.contains("bad")) this.at.value = this.app.state.at.join(", ");
    const { state } = this.app;
    this.ask({ ...asked(state), last: this.app.last, at: state.at });
  }

  async load(request) {
    let rows = [];
    try { ({ rows } = await ask("measures", request)); } catch { return; }
    const { state } = this.app;
    const heads = [...["curve", "base", "peak", "final", "warmup", "mean", "jump"].map((name) => t(`compare.${name}`)), ...request.at.map((step) => t("compare.value", { n: whole(step) })), ""];
    const lines = rows.map((row, i) => this.row(row, i, state.pins[i - 1]));
    const table = h("table", {}, h("caption", { class: "sr" }, t("compare.caption")), h("thead", {}, h("tr", {}, heads.map((head, i) => h(i && head === "" ? "td" : "th", head === "" ? {} : { scope: "col" }, head)))), h("tbody", {}, lines));
    if (this.fold.open) this.every(rows);
    if (this.holder.contains(document.activeElement) && document.activeElement.tagName === "INPUT") return;
    this.holder.replaceChildren(table);
    this.hint.textContent = rows.some((row) => row?.sampled) ? t("compare.sampled") : state.pins.length ? "" : t("compare.hint");
  }

  row(row, i, pin) {
    const name = h("input", { type: "text", value: pin ? pin.name || pin.text : this.app.state.name, placeholder: pin ? null : t("this.one"), title: pin?.text ?? t("compare.name.own"), "aria-label": pin ? t("compare.name", { i }) : t("compare.name.this"), maxlength: "80", onchange: (event) => this.app.rename(i - 1, event.target.value.trim()) });
    const label = h("td", {}, h("span", { class: "who" }, swatch(pin ? pin.slot : 0), pin ? h("b", { class: "slot", style: { color: colour(pin.slot) } }, String(pin.slot)) : h("b", { class: "slot" }), name));
    if (!row) return h("tr", {}, label, h("td", { colspan: "10" }, t("compare.unread")));
    const number = (value, sub) => h("td", { class: "num", title: exact(value) }, short(value, 5), sub ? h("span", { class: "sub" }, sub) : null);
    const buttons = pin
      ? h("td", {}, h("button", { type: "button", title: t("compare.edit.title"), onclick: () => this.app.swap(i - 1) }, t("compare.edit")), " ", h("button", { type: "button", "aria-label": t("compare.remove", { slot: pin.slot }), title: t("curve.remove"), onclick: () => this.app.unpin(i - 1) }, "×"))
      : h("td", {});
    const at = (step) => t("compare.value", { n: whole(step) });
    return h("tr", {}, label, this.base(row, i, pin), number(row.peak, at(row.peak_step)), number(row.final), h("td", {}, `${short(100 * row.warmup, 3)} %`), number(row.area), number(row.jump, row.jump ? at(row.jump_step) : ""), ...row.at.map((value) => number(value)), buttons);
  }

  /** The base rate of a curve: its own, or the page's. */
  base(row, i, pin) {
    if (row.absolute) return h("td", { title: t("compare.absolute") }, "–");
    if (!pin) return h("td", { class: "num-plain" }, short(this.app.state.base));
    const box = h("input", { type: "text", inputmode: "decimal", class: "num", size: "7", value: pin.base === null ? "" : String(pin.base), placeholder: String(this.app.state.base), "aria-label": t("compare.base.of", { i }), title: t("compare.base.title"), "aria-describedby": "compare-error" });
    box.addEventListener("change", () => {
      const value = box.value.trim() === "" ? null : numberOf(box.value);
      const good = value === null || isBase(value);
      mark(box, good ? "" : t("compare.base.rule", { i, value: box.value }), this.error);
      if (good) this.app.rebase(i - 1, value);
    });
    return h("td", {}, box);
  }

  /** What the picture shows, in numbers, with every digit. */
  every(rows) {
    const { pins } = this.app.state;
    const columns = rows.map((row) => new Map(row ? row.table : []));
    const steps = [...new Set(columns.flatMap((column) => [...column.keys()]))].sort((a, b) => a - b);
    const heads = [t("axis.step"), ...rows.map((_, i) => (i ? pins[i - 1]?.name || t("curve.n", { slot: pins[i - 1]?.slot }) : this.app.state.name || t("this.one")))];
    const lines = steps.map((step) => h("tr", {}, h("td", {}, whole(step)), columns.map((column) => h("td", { class: "num" }, column.has(step) ? exact(column.get(step)) : "·"))));
    this.values.replaceChildren(h("table", {}, h("caption", { class: "sr" }, t("values.caption")), h("thead", {}, h("tr", {}, heads.map((head) => h("th", { scope: "col" }, head)))), h("tbody", {}, lines)));
  }
}

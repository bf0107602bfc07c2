// The budget as a chip: what the run comes to, with presets, and behind it the equation
// samples × epochs ÷ (batch × accumulation × processes) = updates.

import { $, h, short, whole } from "./dom.js";
import { mark, numberOf } from "./fields.js";
import { BUDGET } from "./state.js";
import { t } from "./words.js";

const FIELDS = ["samples", "epochs", "batch", "accumulation", "processes"];

/** What people speak of: a run by epochs, with one step an epoch as in the articles' examples; by updates; by tokens. */
export const PRESETS = {
  epochs: { ...BUDGET, samples: 128, epochs: 50 },
  updates: { ...BUDGET },
  tokens: { ...BUDGET, batch: 512, tokens_per_sample: 1024, epochs: null, tokens: 1e9 },
};

export class Budget {
  /** @param context {change(budget), preset(name, budget), fit()} */
  constructor(context) {
    this.context = context;
    this.build();
    document.addEventListener("pointerdown", (event) => { if (!$("budgetbox").contains(event.target)) this.open(false); });
    $("budgetbox").addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || this.node.hidden) return;
      event.stopPropagation();
      this.open(false);
      this.chip.focus();
    });
  }

  build() {
    this.inputs = {};
    this.total = h("output", { "aria-live": "off" }, "");
    this.error = h("p", { class: "problem", id: "budget-error", role: "alert" });
    const field = (key, size = "") => {
      const input = h("input", { type: "text", inputmode: "decimal", class: size, title: t(`budget.${key}.title`), autocomplete: "off", "aria-describedby": "budget-error" });
      input.addEventListener("input", () => this.typed(key, input));
      input.addEventListener("blur", () => { if (!input.classList.contains("bad")) this.show(this.state, this.updates); });
      this.inputs[key] = input;
      return h("label", {}, t(`budget.${key}`), input);
    };
    const [samples, epochs, ...rest] = FIELDS.map((key) => field(key, key === "samples" ? "" : "short"));
    const op = (sign) => h("span", { class: "op", "aria-hidden": "true" }, sign);
    const open = this.node ? !this.node.hidden : false;
    this.chip = h("button", { type: "button", class: "chip strong", id: "budgetchip", "aria-expanded": String(open), "aria-controls": "budget", title: t("budget.chip.title"), onclick: () => this.open(this.node.hidden) });
    const presets = Object.entries(PRESETS).map(([name, budget]) => h("button", { type: "button", "data-preset": name, onclick: () => { this.open(false); this.chip.focus(); this.context.preset(name, { ...budget }); } }, t(`preset.${name}`)));
    this.node = h("form", { class: "budget", id: "budget", "aria-label": t("budget.label"), autocomplete: "off", hidden: !open },
      h("div", { class: "presets", role: "group", "aria-label": t("presets.label") }, presets),
      h("div", { class: "equation" }, samples, op("×"), epochs, op("÷ ("), rest[0], op("×"), rest[1], op("×"), rest[2], op(") ="), h("label", {}, t("budget.updates"), this.total)),
      h("div", { class: "equation" }, field("tokens"), field("tokens_per_sample", "short"), h("button", { type: "button", id: "fit", title: t("fit.title"), onclick: () => this.context.fit() }, t("fit"))),
      this.error);
    this.node.addEventListener("submit", (event) => event.preventDefault());
    $("budgetbox").replaceChildren(this.chip, this.node);
  }

  open(on) {
    this.node.hidden = !on;
    this.chip.setAttribute("aria-expanded", String(on));
    if (!on) for (const input of Object.values(this.inputs)) mark(input, "", this.error);
    if (this.state) this.show(this.state, this.updates);
  }

  typed(key, input) {
    const empty = input.value.trim() === "";
    const value = empty ? null : numberOf(input.value);
    const either = key === "tokens" || key === "epochs";
    const valid = value === null ? either : Number.isFinite(value) && value > 0 && value <= 1e15 && (either || Number.isInteger(value));
    mark(input, valid ? "" : t(either ? "budget.rule.any" : "budget.rule.whole", { field: t(`budget.${key}`), value: input.value || t("nothing") }), this.error);
    if (!valid) return;
    const next = { ...this.state, [key]: value };
    if (key === "tokens") next.epochs = value === null ? 25 : null;
    if (key === "epochs") next.tokens = value === null ? this.state.tokens ?? 1e6 : null;
    this.context.change(next);
  }

  show(state, updates, lines) {
    this.state = state;
    this.updates = updates;
    if (lines) this.total.title = lines.join("\n");
    for (const [key, input] of Object.entries(this.inputs)) {
      if (document.activeElement === input || input.classList.contains("bad")) continue;
      const value = state[key];
      input.value = value === null || value === undefined ? "" : value >= 10000 ? whole(value) : String(value);
    }
    if (!updates) return;
    this.total.textContent = whole(updates);
    const each = state.tokens === null && state.samples === state.batch * state.accumulation * state.processes; // a step an epoch
    this.chip.textContent = `${each ? t("epochs", { n: short(state.epochs) }) : t("updates", { n: whole(updates) })}${state.tokens !== null ? ` · ${t("tokens", { n: short(state.tokens, 3) })}` : ""} ▾`;
  }
}

// The budget as a small equation: samples × epochs ÷ (batch × accumulation × processes) = updates.

import { $, h, whole } from "./dom.js";

const FIELDS = [
  ["samples", "samples", "", "Examples in the data"],
  ["epochs", "epochs", "short", "How often the data are gone through"],
  ["batch", "batch", "short", "Examples of one forward pass"],
  ["accumulation", "accumulation", "short", "Passes that one update collects"],
  ["processes", "processes", "short", "Processes that work side by side"],
];

export class Budget {
  constructor(change, fit) {
    this.change = change;
    this.inputs = {};
    this.node = $("budget");
    this.total = h("output", { "aria-live": "off" }, "");
    const field = ([key, label, size, title]) => {
      const input = h("input", { type: "text", inputmode: "decimal", class: size, title, autocomplete: "off" });
      input.addEventListener("input", () => this.typed(key, input));
      input.addEventListener("blur", () => this.show(this.state, this.updates));
      this.inputs[key] = input;
      return h("label", {}, label, input);
    };
    const [samples, epochs, ...rest] = FIELDS.map(field);
    const tokens = field(["tokens", "or tokens", "", "Tokens in all, instead of epochs"]);
    const per = field(["tokens_per_sample", "tokens/sample", "short", "Tokens of one example"]);
    const op = (sign) => h("span", { class: "op", "aria-hidden": "true" }, sign);
    this.node.append(samples, op("×"), epochs, op("÷ ("), rest[0], op("×"), rest[1], op("×"), rest[2], op(") ="), h("label", {}, "updates", this.total), h("button", { type: "button", id: "fit", title: "Stretch the schedule so that it lasts as long as the budget", onclick: fit }, "Fit schedule"), h("span", { style: { flex: "1" } }), tokens, per);
    this.node.addEventListener("submit", (event) => event.preventDefault());
  }

  typed(key, input) {
    const text = input.value.replaceAll(",", "").trim();
    const value = text === "" ? null : Number(text);
    const wholeOnly = key !== "epochs" && key !== "tokens";
    const valid = value === null ? key === "tokens" || key === "epochs" : Number.isFinite(value) && value > 0 && value <= 1e15 && (!wholeOnly || Number.isInteger(value));
    input.setAttribute("aria-invalid", String(!valid));
    input.style.borderColor = valid ? "" : "var(--bad)";
    if (!valid) return;
    const next = { ...this.state, [key]: value };
    if (key === "tokens") next.epochs = value === null ? 25 : null;
    if (key === "epochs") next.tokens = value === null ? this.state.tokens ?? 1e6 : null;
    this.change(next);
  }

  show(state, updates, lines) {
    this.state = state;
    this.updates = updates;
    if (lines) this.total.title = lines.join("\n");
    for (const [key, input] of Object.entries(this.inputs)) {
      if (document.activeElement === input) continue;
      const value = state[key];
      input.value = value === null || value === undefined ? "" : value >= 10000 ? whole(value) : String(value);
      input.style.borderColor = "";
      input.removeAttribute("aria-invalid");
    }
    if (updates) this.total.textContent = whole(updates);
  }
}

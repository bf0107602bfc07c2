// The whole state of the page, its link, and undo.

import { LANGUAGES, t } from "./words.js";

export const MAX_PINS = 8;
const MAX_TEXT = 20000;
const MAX_LINK = 60000;
export const VIEWS = ["schedule", "range", "feedback"];
export const AXES = ["step", "epoch", "sample", "token", "percent"];
export const BUDGET = { samples: 51200, batch: 128, accumulation: 1, processes: 1, epochs: 25, tokens: null, tokens_per_sample: 1 };

export function first() {
  return {
    text: "warmup_cosine(10000, warmup=500)",
    name: "",
    pins: [],
    log: false,
    floor: null,
    axis: "step",
    base: 1,
    budget: { ...BUDGET },
    at: [0, 500, 5000, 9999],
    view: "schedule",
    lang: null, // what the person chose here or what the link brought; else the browser's
  };
}

/** The state as the part of the address after `#`: readable, with a version, and never sent to any server. */
export function link(state) {
  const parts = new URLSearchParams();
  parts.append("v", "1");
  parts.append("s", state.text);
  if (state.name) parts.append("n", state.name);
  for (const pin of state.pins) parts.append("p", JSON.stringify([pin.text, pin.name, pin.slot, ...(pin.base === null ? [] : [pin.base])]));
  if (state.log) parts.append("log", "1");
  if (state.floor !== null) parts.append("floor", String(state.floor));
  if (state.axis !== "step") parts.append("axis", state.axis);
  if (state.base !== 1) parts.append("base", String(state.base));
  const budget = Object.keys(BUDGET).filter((key) => state.budget[key] !== BUDGET[key]);
  if (budget.length) parts.append("budget", budget.map((key) => `${key}:${state.budget[key] ?? ""}`).join(","));
  parts.append("at", state.at.join(","));
  if (state.view !== "schedule") parts.append("view", state.view);
  if (state.lang) parts.append("lang", state.lang);
  return parts.toString();
}

/** The state that a link holds; throws an Error with a sentence if it is no link of this page. */
export function unlink(fragment) {
  if (fragment.length > MAX_LINK) throw new Error(t("link.long", { most: MAX_LINK }));
  const parts = new URLSearchParams(fragment);
  if (parts.get("v") !== "1") throw new Error(t("link.version"));
  const text = parts.get("s") ?? "";
  if (!text || text.length > MAX_TEXT) throw new Error(t("link.empty"));
  const state = { ...first(), text, name: (parts.get("n") ?? "").slice(0, 80), pins: [] };
  for (const item of parts.getAll("p").slice(0, MAX_PINS)) {
    let pin = null;
    try { pin = JSON.parse(item); } catch { continue; }
    if (!Array.isArray(pin) || typeof pin[0] !== "string" || pin[0].length > MAX_TEXT) continue;
    const slot = Number.isInteger(pin[2]) && pin[2] >= 1 && pin[2] <= MAX_PINS ? pin[2] : state.pins.length + 1;
    state.pins.push({ text: pin[0], name: String(pin[1] ?? "").slice(0, 80), slot, base: isBase(pin[3]) ? pin[3] : null });
  }
  state.log = parts.get("log") === "1";
  const floor = Number(parts.get("floor"));
  state.floor = parts.has("floor") && floor > 0 && Number.isFinite(floor) ? floor : null;
  state.axis = AXES.includes(parts.get("axis")) ? parts.get("axis") : "step";
  const base = Number(parts.get("base") ?? 1);
  state.base = base > 0 && base <= 1e6 ? base : 1;
  for (const pair of (parts.get("budget") ?? "").split(",")) {
    const [key, value] = pair.split(":");
    if (!(key in BUDGET)) continue;
    const number = value === "" ? null : Number(value);
    if (number === null ? key === "epochs" || key === "tokens" : number > 0 && number <= 1e15) state.budget[key] = number;
  }
  if (state.budget.epochs === null && state.budget.tokens === null) state.budget.epochs = BUDGET.epochs;
  const at = (parts.get("at") ?? "").split(",").filter(Boolean).map(Number);
  state.at = at.filter((step) => Number.isInteger(step) && step >= 0 && step <= 2 ** 53).slice(0, 8);
  if (VIEWS.includes(parts.get("view"))) state.view = parts.get("view");
  if (LANGUAGES.includes(parts.get("lang"))) state.lang = parts.get("lang");
  return state;
}

export const isBase = (value) => typeof value === "number" && value > 0 && value <= 1e6;

/** What every question about all curves says: the one being worked on, then the pins, each with its own base rate where it has one. */
export const asked = (state, most = MAX_PINS) => {
  const pins = state.pins.slice(0, most);
  return { texts: [state.text, ...pins.map((pin) => pin.text)], base: state.base, bases: [null, ...pins.map((pin) => pin.base)], budget: state.budget };
};

/** Undo and redo of links. */
export class History {
  constructor(begin) {
    this.past = [];
    this.now = begin;
    this.future = [];
  }

  add(now) {
    if (now === this.now) return;
    this.past.push(this.now);
    if (this.past.length > 300) this.past.shift();
    this.now = now;
    this.future = [];
  }

  undo() {
    if (!this.past.length) return null;
    this.future.push(this.now);
    this.now = this.past.pop();
    return this.now;
  }

  redo() {
    if (!this.future.length) return null;
    this.past.push(this.now);
    this.now = this.future.pop();
    return this.now;
  }
}

/** The smallest free slot: a curve keeps its colour and dash while others come and go. */
export function freeSlot(pins) {
  for (let slot = 1; slot <= MAX_PINS; slot++) if (!pins.some((pin) => pin.slot === slot)) return slot;
  return null;
}

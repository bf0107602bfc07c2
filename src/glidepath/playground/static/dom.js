// Small helpers: elements, numbers, messages.

import { t } from "./words.js";

export const $ = (id) => document.getElementById(id);

/** An element. Text is always set as text: nothing typed by anybody becomes markup. */
export function h(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (key === "class") node.className = value;
    else if (key === "style") Object.assign(node.style, value);
    else if (key in node && key !== "list" && typeof value !== "string") node[key] = value;
    else node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** A sentence of a docstring: what stands between backticks is code. */
export const marked = (text) => text.split("`").map((part, i) => (i % 2 ? h("code", {}, part) : part));

/** A number with some significant digits: never 0.000. */
export function short(value, digits = 4) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  const round = Number(value.toPrecision(digits));
  const size = Math.abs(round);
  if (round !== 0 && (size < 1e-4 || size >= 1e15)) return round.toExponential().replace(/e([+-])(\d)$/, "e$10$2"); // as Python has it
  return size >= 10000 ? round.toLocaleString("en-US") : String(round);
}

/** A whole number with separators. */
export const whole = (value) => Math.round(value).toLocaleString("en-US");

/** A number with every digit: what Python's repr gives, in JavaScript's writing. */
export const exact = (value) => (value === null || value === undefined ? "–" : String(value));

let fading = 0;
export function toast(message) {
  const box = $("toast");
  box.textContent = message;
  box.classList.add("on");
  clearTimeout(fading);
  fading = setTimeout(() => box.classList.remove("on"), 2200);
  say(message);
}

/** Tells screen readers. */
export function say(message) {
  $("live").textContent = message;
}

export async function copy(text, what) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = h("textarea", { class: "sr", value: text });
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  toast(t("copied", { what }));
}

/** What is still to come after a change: work that is put off, and questions without an answer yet. */
export const due = { count: 0 };

/** Does something once nothing has asked for it for a while. */
export function later(wait, work) {
  let timer = 0;
  const cancel = () => {
    if (timer) due.count -= 1;
    clearTimeout(timer);
    timer = 0;
  };
  const start = (...given) => {
    cancel();
    due.count += 1;
    timer = setTimeout(() => { cancel(); work(...given); }, wait);
  };
  start.cancel = cancel;
  return start;
}

/** A text as the name of a file. */
export const slug = (text) => text.normalize("NFKC").toLowerCase().replace(/[^\p{L}\p{N}_.]+/gu, "-").replace(/^[-.]+|[-.]+$/g, "").slice(0, 60).replace(/[-.]+$/, "") || "schedule";

export const still = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

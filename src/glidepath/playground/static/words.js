// Every visible sentence comes from one table, in the language that the person reads.

import { STRINGS } from "./strings.js";

export const LANGUAGES = ["en", "zh"];
let now = 0;

export const language = () => LANGUAGES[now];

/** What the browser asks for, unless the person has chosen. */
export function preferred() {
  let chosen = null;
  try { chosen = localStorage.getItem("glidepath-language"); } catch { /* private windows may refuse */ }
  if (LANGUAGES.includes(chosen)) return chosen;
  const first = (navigator.languages ?? [navigator.language]).find((each) => /^(zh|en)\b/i.test(each));
  return /^zh/i.test(first ?? "") ? "zh" : "en";
}

export function speak(name) {
  now = Math.max(0, LANGUAGES.indexOf(name));
  document.documentElement.lang = ["en", "zh-CN"][now];
}

/** Remembers what the person has chosen. */
export function keep(name) {
  try { localStorage.setItem("glidepath-language", name); } catch { /* it holds for this visit */ }
}

export const known = (key) => key in STRINGS;

/** A sentence; `{name}` stands for a value. */
export function t(key, values = {}) {
  const said = STRINGS[key];
  if (said === undefined) throw new Error(`no sentence for ${key}`);
  return said[now].replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ""));
}

/** A sentence as pieces: `{name}` stands for a value, which may be an element. */
export function pieces(key, values) {
  return STRINGS[key][now].split(/\{(\w+)\}/).map((piece, i) => (i % 2 ? values[piece] ?? "" : piece)).filter((piece) => piece !== "");
}

/** Text of the catalogue: Python's own words, in Chinese where its table has them. */
export function told(thing, field) {
  return (now === 1 && thing?.zh?.[field]) || thing?.[field] || "";
}

/** What was refused, in the reader's language. */
export const refusal = (problem) => told(problem, "message");

/** Says what stands in the page itself. */
export function translate(root = document) {
  for (const node of root.querySelectorAll("[data-t]")) node.textContent = t(node.dataset.t);
  for (const [mark, attribute] of [["tLabel", "aria-label"], ["tTitle", "title"], ["tPlaceholder", "placeholder"]]) {
    for (const node of root.querySelectorAll(`[data-${mark.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)}]`)) node.setAttribute(attribute, t(node.dataset[mark]));
  }
}

// To take away: the formula, code, files.

import { $, copy, h, toast } from "./dom.js";
import { ask, file, latest } from "./ask.js";
import { wordOf } from "./controls.js";
import { asked } from "./state.js";
import { tint } from "./style.js";
import { t } from "./words.js";

const MATHML = new Set("math mrow mi mo mn ms mtext mspace msup msub msubsup mfrac msqrt mroot mover munder munderover mtable mtr mtd mstyle mpadded mphantom menclose".split(" "));

/** MathML from the server as elements: only MathML's own, without any attribute that could do something. */
export function formula(text) {
  if (!text) return null;
  const source = new DOMParser().parseFromString(text, "text/html").querySelector("math");
  const build = (node) => {
    if (node.nodeType === Node.TEXT_NODE) return document.createTextNode(node.data);
    if (node.nodeType !== Node.ELEMENT_NODE || !MATHML.has(node.localName)) return document.createTextNode("");
    const made = document.createElementNS("http://www.w3.org/1998/Math/MathML", node.localName);
    for (const name of ["display", "stretchy", "fence", "form", "columnalign", "displaystyle", "mathvariant", "minsize", "maxsize", "width", "lspace", "rspace"]) {
      if (node.hasAttribute(name)) made.setAttribute(name, node.getAttribute(name));
    }
    made.append(...[...node.childNodes].map(build));
    return made;
  };
  return source ? build(source) : null;
}

/** A formula as pieces, between which its line may break: before what is equal or added outside of brackets, and after a wide space. */
function pieces(math) {
  const row = math?.firstElementChild;
  if (row?.localName !== "mrow") return math ? [math] : [];
  const made = [[]];
  let depth = 0;
  let before = "";
  for (const node of [...row.children]) {
    const sign = node.localName === "mo" ? node.textContent : "";
    if (sign && "=+−".includes(sign) && depth === 0 && before && before !== "mo") { made.push([]); node.setAttribute("form", "infix"); }
    if (sign) depth += "([{".includes(sign) ? 1 : ")]}".includes(sign) ? -1 : 0;
    if (depth === 0 && node.localName === "mspace" && parseFloat(node.getAttribute("width")) >= 1) made.push(" ", []);
    else made.at(-1).push(node);
    before = node.localName;
  }
  return made.filter((nodes) => nodes.length).map((nodes) => {
    if (nodes === " ") return nodes;
    const piece = math.cloneNode(false);
    piece.append(...nodes);
    return piece;
  });
}

/** The formula beside the sentences: in general, each symbol in the colour of its sentence; and with the current numbers. */
export class Formula {
  constructor(app) {
    this.app = app;
    this.node = $("saying");
    this.latex = "";
  }

  /** Other words came: the general formula is another one. */
  show() {
    const call = this.app.call();
    const entry = call ? this.app.catalogue.words[wordOf(call)] : null;
    const math = formula(entry?.formula);
    if (math) this.paint(math, entry.args);
    const open = this.fold?.open ?? false;
    this.general = h("div", { class: "formula", tabindex: "0", role: "group", "aria-label": t("formula.general") }, math ? pieces(math) : h("p", { class: "hint" }, t(entry ? "formula.none" : "formula.composed")));
    this.numbers = h("div", { class: "formula", tabindex: "0", role: "group", "aria-label": t("formula.numbers") });
    this.button = h("button", { type: "button", onclick: () => copy(this.latex, "LaTeX") }, t("formula.copy"));
    this.fold = h("details", { open }, h("summary", {}, t("formula.numbers")), this.numbers, this.button, entry?.source ? h("p", { class: "hint" }, t("formula.source", { source: entry.source })) : null);
    this.node.replaceChildren(this.general, this.fold);
    this.refresh();
  }

  paint(math, specs) {
    specs.forEach((spec, i) => {
      if (!spec.symbol) return;
      for (const node of math.querySelectorAll("mi, msub")) {
        if (node.textContent !== spec.symbol || node.parentElement.closest("[data-field], [mathvariant], mtext") || node.hasAttribute("mathvariant")) continue;
        node.dataset.field = spec.name;
        node.style.color = tint(i);
      }
    });
  }

  refresh() {
    const found = this.app.details;
    if (!found?.ok || !this.numbers) return;
    this.latex = found.latex;
    const math = formula(found.formula);
    this.numbers.replaceChildren(...(math ? pieces(math) : [t(found.latex ? "formula.long" : "formula.replayed")]));
    this.button.disabled = !found.latex;
  }
}

export class Code {
  constructor(app) {
    this.app = app;
    this.id = "code";
    this.ask = latest((request) => this.load(request));
    this.chosen = "pytorch";
  }

  build(body) {
    const targets = Object.entries(this.app.catalogue.targets).sort(([a], [b]) => (b === "pytorch") - (a === "pytorch"));
    this.target = h("select", { "aria-label": t("code.target"), onchange: () => { this.chosen = this.target.value; this.refresh(); } }, targets.map(([key, name]) => h("option", { value: key, selected: key === this.chosen }, key === "python" ? t("code.python") : name)));
    this.text = h("pre", { tabindex: "0", role: "region", "aria-label": t("tab.code") });
    body.append(h("div", { class: "row" }, this.target, h("button", { type: "button", id: "copycode", class: "main", onclick: () => copy(this.text.textContent, t("copied.code")) }, t("code.copy"))), this.text);
  }

  refresh() {
    const { state } = this.app;
    this.ask({ text: state.text, target: this.chosen, base: state.base, budget: state.budget });
  }

  async load(request) {
    let said = "";
    try { said = (await ask("code", request)).code; } catch (error) { said = error.message; }
    if (request.target === this.chosen && request.text === this.app.state.text) this.text.textContent = said;
  }
}

const FILES = ["svg", "png", "gif", "csv", "json"];

export class Files {
  constructor(app) {
    this.app = app;
    this.id = "files";
  }

  build(body) {
    this.all = h("input", { type: "checkbox", checked: true });
    const buttons = FILES.map((format) => h("button", { type: "button", "data-format": format, onclick: (event) => this.save(format, event.currentTarget) }, h("b", {}, format.toUpperCase()), h("span", {}, t(`files.${format}`))));
    this.problem = h("p", { class: "problem", role: "alert" });
    body.append(h("p", {}, t("files.about")), h("div", { class: "row files" }, buttons), h("label", { class: "mini" }, this.all, t("files.pins")), this.problem);
  }

  async save(format, button) {
    const { state } = this.app;
    const most = this.all.checked ? 7 : 0;
    const name = `${this.app.fileName}.${format}`;
    button.disabled = true;
    this.problem.textContent = "";
    try {
      const blob = await file("export", {
        ...asked(state, most), format, names: [state.name, ...state.pins.slice(0, most).map((pin) => pin.name)], last: this.app.last,
        axis: state.axis, log: state.log, floor: state.floor,
      });
      const address = URL.createObjectURL(blob);
      const link = h("a", { href: address, download: name });
      document.body.append(link);
      link.click();
      link.remove();
      setTimeout(() => URL.revokeObjectURL(address), 10000);
      toast(t("files.saved", { name }));
    } catch (error) {
      this.problem.textContent = error.message;
    } finally {
      button.disabled = false;
    }
  }
}

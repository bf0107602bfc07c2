// To take away: the formula, code, files.

import { copy, h, toast } from "./dom.js";
import { file, latest, post } from "./api.js";
import { asked } from "./state.js";

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

export class Formula {
  constructor(app) {
    this.app = app;
    this.id = "formula";
    this.title = "Formula";
  }

  build(body) {
    this.general = h("div", { class: "formula", tabindex: "0", role: "group", "aria-label": "General formula" });
    this.numbers = h("div", { class: "formula", tabindex: "0", role: "group", "aria-label": "Formula with the current numbers" });
    this.source = h("p", { class: "hint" });
    this.button = h("button", { type: "button", onclick: () => copy(this.latex, "LaTeX") }, "Copy LaTeX");
    body.append(h("p", { class: "hint" }, "In general"), this.general, h("p", { class: "hint" }, "With the current numbers, read from the very function that computes the curve"), this.numbers, h("div", { class: "row" }, this.button), this.source);
  }

  refresh() {
    const found = this.app.details;
    if (!found?.ok) return;
    const entry = this.app.entry();
    this.general.replaceChildren(formula(entry?.formula) ?? document.createTextNode(entry ? "–" : "A composition: each phase has its own."));
    this.latex = found.latex;
    this.numbers.replaceChildren(formula(found.formula) ?? document.createTextNode(found.latex ? "Too long to be drawn; copy it as LaTeX." : "This schedule is replayed step by step and has no closed form."));
    this.button.disabled = !found.latex;
    this.source.textContent = entry?.source ? `Source: ${entry.source}` : "";
  }
}

export class Code {
  constructor(app) {
    this.app = app;
    this.id = "code";
    this.title = "Code";
    this.ask = latest((request) => this.load(request));
  }

  build(body) {
    this.target = h("select", { "aria-label": "Language or library", onchange: () => this.refresh() }, Object.entries(this.app.catalogue.targets).map(([key, name]) => h("option", { value: key }, name)));
    this.text = h("pre", { tabindex: "0", "aria-label": "Code" });
    body.append(h("div", { class: "row" }, this.target, h("button", { type: "button", id: "copycode", onclick: () => copy(this.text.textContent, "Code") }, "Copy code")), this.text);
  }

  refresh() {
    const { state } = this.app;
    this.ask({ text: state.text, target: this.target.value, base: state.base, budget: state.budget });
  }

  async load(request) {
    try { this.text.textContent = (await post("/api/code", request)).code; } catch (error) { this.text.textContent = error.message; }
  }
}

const FILES = [["svg", "SVG", "a picture that stays sharp"], ["png", "PNG", "a picture"], ["gif", "GIF", "the animation"], ["csv", "CSV", "every step with every digit"], ["json", "JSON", "the schedule as data, and its points"]];

export class Files {
  constructor(app) {
    this.app = app;
    this.id = "files";
    this.title = "Download";
  }

  build(body) {
    this.all = h("input", { type: "checkbox", checked: true });
    const buttons = FILES.map(([format, name, about]) => h("button", { type: "button", title: about, "data-format": format, onclick: (event) => this.save(format, event.currentTarget) }, name));
    this.problem = h("p", { class: "problem", role: "alert" });
    body.append(h("p", {}, "All files are made by the function that trains, not from this picture."), h("div", { class: "row" }, buttons, h("label", { class: "mini" }, this.all, "with the pinned curves")), this.problem);
  }

  async save(format, button) {
    const { state } = this.app;
    const most = this.all.checked ? 7 : 0;
    button.disabled = true;
    this.problem.textContent = "";
    try {
      const blob = await file("/api/export", {
        ...asked(state, most), format, names: [state.name, ...state.pins.slice(0, most).map((pin) => pin.name)], last: this.app.last,
        axis: state.axis, log: state.log, floor: state.floor,
      });
      const address = URL.createObjectURL(blob);
      const link = h("a", { href: address, download: `schedule.${format}` });
      document.body.append(link);
      link.click();
      link.remove();
      setTimeout(() => URL.revokeObjectURL(address), 10000);
      toast(`schedule.${format} saved`);
    } catch (error) {
      this.problem.textContent = error.message;
    } finally {
      button.disabled = false;
    }
  }
}

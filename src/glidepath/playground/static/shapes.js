// Twelve shapes to begin with, as small pictures, and a box that finds every schedule of every library.

import { $, h } from "./dom.js";
import { draw } from "./chart.js";
import { groupOf, titleOf, wordOf } from "./controls.js";
import { core } from "./handles.js";
import { known, t, told } from "./words.js";

const BOX = { width: 84, height: 44, pad: 5 };
const MOST = 400;

export class Shapes {
  /** @param app the page: catalogue, panel, tree, open views */
  constructor(app) {
    this.app = app;
    this.pictures = new Map(app.first.map(({ name, look }) => {
      const { steps, values } = app.curve(look.curve, look.last);
      return [name, { d: path(steps, values), word: core(look.tree) ? wordOf(core(look.tree).call) : "" }];
    }));
  }

  show() {
    $("shapes").replaceChildren(...this.app.first.map(({ name, text }) => {
      const picture = this.pictures.get(name);
      const svg = draw("svg", { viewBox: `0 0 ${BOX.width} ${BOX.height}`, "aria-hidden": "true" });
      if (picture) svg.append(draw("path", { d: picture.d }));
      return h("li", {}, h("button", { type: "button", "data-shape": name, "aria-pressed": "false", onclick: () => this.app.panel.take(text) }, svg, h("span", {}, t(`shape.${name}`))));
    }));
    this.mark();
    this.search();
  }

  /** Shows which of them is being worked on. */
  mark() {
    const now = core(this.app.tree) ? wordOf(core(this.app.tree).call) : "";
    const strip = $("shapes");
    for (const button of strip.querySelectorAll("button")) {
      const chosen = Boolean(now) && this.pictures.get(button.dataset.shape)?.word === now;
      button.setAttribute("aria-pressed", String(chosen));
      if (!chosen || strip.scrollWidth <= strip.clientWidth) continue;
      const [at, all] = [button.getBoundingClientRect(), strip.getBoundingClientRect()];
      strip.scrollLeft += at.left - all.left - (all.width - at.width) / 2;  // on a phone the strip is longer than the page is wide
    }
  }

  // The box --------------------------------------------------------------------------------------------------------------

  search() {
    const box = $("search");
    const count = Object.keys(this.app.catalogue.words).length + 1;
    box.placeholder = t("search.placeholder", { n: count });
    if (this.wired) return;
    this.wired = true;
    box.addEventListener("focus", () => this.list(box.value));
    box.addEventListener("input", () => this.list(box.value));
    box.addEventListener("blur", () => setTimeout(() => { if (document.activeElement !== box) this.close(); }, 150));
    box.addEventListener("keydown", (event) => {
      const options = [...$("found").querySelectorAll("[role=option]")];
      const move = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (move) {
        event.preventDefault();
        if ($("found").hidden) return void this.list(box.value);
        const now = options.findIndex((option) => option.getAttribute("aria-selected") === "true");
        this.pick(options, (now + move + options.length) % options.length);
      } else if (event.key === "Enter") {
        event.preventDefault();
        (options.find((option) => option.getAttribute("aria-selected") === "true") ?? options[0])?.click();
      } else if (event.key === "Escape") {
        box.value = "";
        this.close();
      }
    });
  }

  pick(options, i) {
    options.forEach((option, k) => option.setAttribute("aria-selected", String(k === i)));
    options[i]?.scrollIntoView({ block: "nearest" });
    if (options[i]) $("search").setAttribute("aria-activedescendant", options[i].id);
  }

  /** What fits the words typed, group by group. */
  list(typed) {
    const { catalogue } = this.app;
    const wanted = typed.normalize("NFKC").toLowerCase().split(/[\s_.]+/).filter(Boolean);
    const fits = (word, group) => {
      const text = [word, titleOf(word), groupOf(group), told(catalogue.words[word], "about"), known(`shape.${word}`) ? t(`shape.${word}`) : ""].join(" ").toLowerCase();
      return wanted.every((piece) => text.includes(piece) || text.replaceAll("_", "").includes(piece));
    };
    const rows = [];
    let count = 0;
    const option = (word, title, about, work) => h("li", { role: "option", id: `found-${count++}`, "aria-selected": "false", "data-word": word, onclick: () => this.done(work) }, h("b", {}, title), h("span", {}, about));
    for (const group of catalogue.groups) {
      const words = group.words.filter((word) => fits(word, group.name));
      const own = group.name === "PyTorch" && wanted.every((piece) => "pytorch reducelronplateau reduce on plateau".includes(piece)) ? [["pytorch.ReduceLROnPlateau", "ReduceLROnPlateau"]] : [];
      if (!words.length && !own.length) continue;
      rows.push(h("li", { role: "presentation", class: "group" }, groupOf(group.name)));
      for (const word of words.slice(0, MOST)) rows.push(option(word, titleOf(word), told(catalogue.words[word], "about").replaceAll("`", ""), () => this.app.panel.choose(word)));
      for (const [word, title] of own) rows.push(option(word, title, t("plateau.about"), () => this.app.view("feedback")));
    }
    if (!rows.length) rows.push(h("li", { role: "presentation", class: "group" }, t("search.nothing")));
    $("found").replaceChildren(...rows);
    $("found").hidden = false;
    $("search").setAttribute("aria-expanded", "true");
    if (wanted.length) this.pick([...$("found").querySelectorAll("[role=option]")], 0);
    else $("search").removeAttribute("aria-activedescendant");
  }

  close() {
    $("found").hidden = true;
    $("search").setAttribute("aria-expanded", "false");
    $("search").removeAttribute("aria-activedescendant");
  }

  done(work) {
    $("search").value = "";
    this.close();
    work();
  }
}

/** A curve as a path in the small box; heights count from 0 to 1. */
function path(steps, values) {
  const last = steps[steps.length - 1] || 1;
  const most = Math.max(1, ...values);
  const points = [];
  for (let i = 0; i < steps.length; i++) points.push(`${(BOX.pad + ((BOX.width - 2 * BOX.pad) * steps[i]) / last).toFixed(1)},${(BOX.height - BOX.pad - ((BOX.height - 2 * BOX.pad) * values[i]) / most).toFixed(1)}`);
  return `M${points.join("L")}`;
}

// Tabs as assistive technology expects them: one stop, arrows between, a panel each that is filled when it is first seen.

import { $, h } from "./dom.js";

export class Tabs {
  constructor(panes) {
    this.panes = panes;
    this.now = 0;
    const list = $("tabs");
    this.buttons = panes.map((pane, i) => h("button", {
      type: "button", role: "tab", id: `tab-${pane.id}`, "aria-controls": `pane-${pane.id}`, "aria-selected": "false", tabindex: "-1",
      onclick: () => this.show(i),
    }, pane.title));
    this.bodies = panes.map((pane) => h("div", { role: "tabpanel", id: `pane-${pane.id}`, class: "pane", "aria-labelledby": `tab-${pane.id}`, tabindex: "0", hidden: true }));
    list.append(...this.buttons);
    $("panes").append(...this.bodies);
    list.addEventListener("keydown", (event) => {
      const move = { ArrowRight: 1, ArrowLeft: -1, Home: -99, End: 99 }[event.key];
      if (!move) return;
      event.preventDefault();
      this.show(Math.min(Math.max(this.now + move, 0), panes.length - 1));
      this.buttons[this.now].focus();
    });
    panes.forEach((pane, i) => pane.build?.(this.bodies[i]));
    this.show(0);
  }

  show(i) {
    this.now = i;
    this.buttons.forEach((button, k) => {
      button.setAttribute("aria-selected", String(k === i));
      button.tabIndex = k === i ? 0 : -1;
      this.bodies[k].hidden = k !== i;
    });
    this.panes[i].refresh?.();
  }

  /** Something changed: the pane in sight is made anew, the others when they are next seen. */
  refresh() {
    this.panes[this.now].refresh?.();
  }
}

// The drawer: tabs as assistive technology expects them, one stop, arrows between, a panel each that is filled when it is first seen.

import { $, h } from "./dom.js";
import { t } from "./words.js";

export class Tabs {
  constructor(panes, seen) {
    this.panes = panes;
    this.seen = seen; // is told which pane is in sight
    this.now = 0;
    $("tabs").addEventListener("keydown", (event) => {
      const move = { ArrowRight: 1, ArrowLeft: -1, Home: -99, End: 99 }[event.key];
      if (!move) return;
      event.preventDefault();
      this.show(Math.min(Math.max(this.now + move, 0), panes.length - 1));
      this.buttons[this.now].focus();
    });
    this.build();
  }

  /** Makes tabs and panes; anew where the language has changed. */
  build() {
    const { panes } = this;
    this.buttons = panes.map((pane, i) => h("button", {
      type: "button", role: "tab", id: `tab-${pane.id}`, "aria-controls": `pane-${pane.id}`, "aria-selected": "false", tabindex: "-1",
      onclick: () => { this.show(i); this.reveal(); },
    }, t(`tab.${pane.id}`)));
    this.bodies = panes.map((pane) => h("div", { role: "tabpanel", id: `pane-${pane.id}`, class: "pane", "aria-labelledby": `tab-${pane.id}`, tabindex: "0", hidden: true }));
    $("tabs").replaceChildren(...this.buttons);
    $("panes").replaceChildren(...this.bodies);
    panes.forEach((pane, i) => pane.build?.(this.bodies[i]));
    this.show(this.now);
  }

  show(i) {
    this.now = i;
    this.buttons.forEach((button, k) => {
      button.setAttribute("aria-selected", String(k === i));
      button.tabIndex = k === i ? 0 : -1;
      this.bodies[k].hidden = k !== i;
    });
    this.seen?.(this.panes[i].id);
    this.panes[i].refresh?.();
  }

  /** Brings what was opened into sight where little of it is. */
  reveal() {
    const body = this.bodies[this.now];
    if (body.getBoundingClientRect().top > innerHeight - 160) $("drawer").scrollIntoView({ block: "start", behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
  }

  /** Something changed: the pane in sight is made anew, the others when they are next seen. */
  refresh() {
    this.panes[this.now].refresh?.();
  }
}

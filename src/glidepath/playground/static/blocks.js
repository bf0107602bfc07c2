// The phases as blocks under the curve: choose, drag, stretch, all of it by keyboard too.

import { $, h, say, whole } from "./dom.js";
import { t } from "./words.js";

/** Draws the strip and answers to hands and keys. */
export class Strip {
  /**
   * @param context {frame(), last(), gestures, select(i), move(from, to), boundary(i, steps, total), remove(i)}
   */
  constructor(context) {
    this.context = context;
    this.node = $("strip");
    this.blocks = [];
    this.busy = false;
  }

  show(blocks, selected) {
    this.blocks = blocks;
    this.selected = selected;
    if (!this.busy) this.draw();
    else this.lay();
  }

  get editable() {
    return this.blocks.length > 0 && this.blocks[0].path !== null && this.blocks[0].path !== "";
  }

  draw() {
    const focused = this.node.contains(document.activeElement) ? document.activeElement.dataset.key : null;
    const children = [];
    this.blocks.forEach((block, i) => {
      children.push(this.editable ? this.button(block, i) : h("div", { class: "block fixed", title: block.name }, block.name));
    });
    this.blocks.forEach((block, i) => {
      if (block.length !== null && block.end !== null) children.push(this.edge(block, i));
    });
    this.node.replaceChildren(...children);
    this.lay();
    if (focused) this.node.querySelector(`[data-key="${focused}"]`)?.focus();
  }

  /** Puts blocks and edges where the curve has them. */
  lay() {
    const frame = this.context.frame();
    if (!frame) return;
    this.node.hidden = !this.editable;
    const inside = (x) => Math.min(Math.max(x, frame.left), frame.left + frame.width);
    const blocks = this.node.querySelectorAll(".block");
    this.blocks.forEach((block, i) => {
      const left = inside(frame.of(block.begin));
      const right = inside(frame.of(block.end ?? this.context.last()));
      const node = blocks[i];
      if (!node) return;
      node.style.left = `${left + 1}px`;
      node.style.width = `${Math.max(right - left - 2, 3)}px`;
      node.classList.toggle("tight", right - left < 20 + 7 * Math.min(block.name.length, 8)); // no room for the name: none rather than a stump
      node.classList.toggle("endless", block.end === null);
    });
    for (const edge of this.node.querySelectorAll(".edge")) {
      const block = this.blocks[Number(edge.dataset.i)];
      if (block) edge.style.left = `${frame.of(block.end)}px`;
    }
  }

  button(block, i) {
    const length = block.end === null ? t("forever") : t("steps", { n: whole(block.end - block.begin) });
    const node = h("button", {
      type: "button", class: "block", title: `${block.name}, ${length}`, "aria-pressed": String(i === this.selected),
      "aria-label": t("strip.block", { i: i + 1, name: block.name, length }),
      onclick: () => { if (!this.dragged) this.context.select(i); },
    }, block.name);
    node.dataset.key = `b${i}`;
    node.addEventListener("keydown", (event) => this.keys(event, i));
    node.addEventListener("pointerdown", (event) => this.grab(event, node, i));
    return node;
  }

  keys(event, i) {
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (step && event.altKey) {
      event.preventDefault();
      const to = i + step;
      if (to < 0 || to >= this.blocks.length) return;
      this.context.move(i, to);
      say(t("strip.moved", { name: this.blocks[i].name, i: to + 1 }));
      setTimeout(() => this.node.querySelector(`[data-key="b${to}"]`)?.focus(), 150);
    } else if (step) {
      event.preventDefault();
      this.node.querySelector(`[data-key="b${i + step}"]`)?.focus();
    } else if (event.key === "Delete" || event.key === "Backspace") {
      event.preventDefault();
      this.context.remove(i);
    }
  }

  grab(event, node, i) {
    if (event.button !== 0) return;
    const begin = event.clientX;
    let to = null;
    node.setPointerCapture(event.pointerId);
    this.dragged = false;
    const mark = h("div", { class: "mark" });
    const move = (now) => {
      if (!this.dragged && Math.abs(now.clientX - begin) < 7) return;
      this.dragged = this.busy = true;
      node.classList.add("moving");
      const boxes = [...this.node.querySelectorAll("button.block")].map((each) => each.getBoundingClientRect());
      to = boxes.filter((box, k) => k !== i && now.clientX > box.left + box.width / 2).length;
      const others = boxes.filter((_, k) => k !== i);
      const x = to === 0 ? others[0]?.left ?? 0 : others[to - 1].right;
      mark.style.left = `${x - this.node.getBoundingClientRect().left - 1}px`;
      if (!mark.isConnected) this.node.append(mark);
    };
    const end = () => {
      node.removeEventListener("pointermove", move);
      mark.remove();
      node.classList.remove("moving");
      this.busy = false;
      if (this.dragged && to !== null && to !== i) this.context.move(i, to);
      setTimeout(() => { this.dragged = false; }, 0);
    };
    node.addEventListener("pointermove", move);
    node.addEventListener("pointerup", end, { once: true });
    node.addEventListener("pointercancel", end, { once: true });
  }

  edge(block, i) {
    const node = h("div", {
      class: "edge", role: "slider", tabindex: "0", "aria-label": t("strip.edge", { i: i + 1, name: block.name }),
      "aria-valuemin": "1", "aria-valuemax": String(this.context.last() * 4), "aria-valuenow": String(block.end - block.begin),
      "aria-valuetext": t("steps", { n: whole(block.end - block.begin) }), title: t("strip.edge.title"),
    });
    node.dataset.i = String(i);
    node.dataset.key = `e${i}`;
    node.addEventListener("keydown", (event) => {
      const direction = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
      if (!direction) return;
      event.preventDefault();
      const length = this.blocks[i].end - this.blocks[i].begin;
      this.context.gestures.begin();
      this.context.boundary(i, Math.max(1, length + direction * Math.max(1, Math.round(this.context.last() * 0.01))), event.shiftKey);
    });
    node.addEventListener("pointerdown", (event) => this.stretch(event, node, i));
    return node;
  }

  stretch(event, node, i) {
    if (event.button !== 0) return;
    event.preventDefault();
    node.setPointerCapture(event.pointerId);
    node.focus({ preventScroll: true });
    this.busy = true;
    this.context.gestures.begin(true); // the scale stays that of the beginning, or the curve would run away from the hand
    const frame = this.context.frame();
    const begin = event.clientX;
    const length = this.blocks[i].end - this.blocks[i].begin;
    const perPixel = (frame.step(frame.left + frame.width) - frame.step(frame.left)) / frame.width;
    const move = (now) => {
      const by = (now.clientX - begin) * perPixel;
      const unit = Math.max(1, 10 ** Math.floor(Math.log10(Math.max(perPixel, 1) * 2)));
      this.context.boundary(i, Math.max(1, Math.round((length + by) / unit) * unit), now.shiftKey);
    };
    node.addEventListener("pointermove", move);
    const end = () => { node.removeEventListener("pointermove", move); this.busy = false; this.draw(); };
    node.addEventListener("pointerup", end, { once: true });
    node.addEventListener("pointercancel", end, { once: true });
  }
}

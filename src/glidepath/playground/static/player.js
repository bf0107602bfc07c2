// The cursor through time: a slider, the pointer over the chart, and the animation.

import { $, still } from "./dom.js";
import { t } from "./words.js";

const SECONDS = 9; // from the first step to the last, at speed 1

export class Player {
  /** @param context {last(), moved(step)} */
  constructor(context) {
    this.context = context;
    this.step = 0;
    this.playing = false;
    $("play").addEventListener("click", () => this.toggle());
    $("scrub").addEventListener("input", () => { this.pause(); this.go(Number($("scrub").value), false); });
  }

  range(last) {
    const scrub = $("scrub");
    scrub.max = String(last);
    scrub.step = String(Math.max(1, 10 ** Math.floor(Math.log10(Math.max(last / 500, 1)))));
    if (this.step > last) this.go(last);
  }

  go(step, slide = true) {
    this.step = Math.min(Math.max(0, Math.round(step)), this.context.last());
    if (slide) $("scrub").value = String(this.step);
    this.context.moved(this.step);
  }

  toggle() {
    if (this.playing) this.pause();
    else this.play();
  }

  /** Says on the button what it does now. */
  show() {
    const button = $("play");
    button.textContent = this.playing ? "❚❚" : "▶";
    button.dataset.tLabel = this.playing ? "pause" : "play";
    button.setAttribute("aria-label", t(button.dataset.tLabel));
  }

  play() {
    if (this.step >= this.context.last()) this.go(0);
    this.playing = true;
    this.show();
    let before = performance.now();
    let place = this.step;
    const calm = still();
    const tick = (now) => {
      if (!this.playing) return;
      const wait = calm ? 500 : 0; // who asked for less motion sees a few pictures instead of a film
      if (now - before >= wait) {
        place += ((now - before) / 1000 / SECONDS) * Number($("speed").value) * this.context.last();
        before = now;
        this.go(place);
        if (this.step >= this.context.last()) return this.pause();
      }
      requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
  }

  pause() {
    this.playing = false;
    this.show();
  }
}

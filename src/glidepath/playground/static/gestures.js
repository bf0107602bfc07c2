// A gesture: from the moment a hand or a key takes hold of something until it lets go. While it lasts the axes stay, the curve as it was
// stays as a ghost, and nothing is added to the history; all that it changed is one undo.

const IDLE = 700; // milliseconds without a key after which a gesture of the keyboard is over

export class Gestures {
  /** @param context {begin(), end()} */
  constructor(context) {
    this.context = context;
    this.on = false;
    this.held = false;
    this.timer = 0;
    for (const name of ["pointerup", "pointercancel"]) addEventListener(name, () => { this.held = false; if (this.on) this.later(60); }, true);
    addEventListener("blur", () => { this.held = false; this.end(); });
  }

  /** Something took hold; `held` where a pointer is down, which says itself when it is over. */
  begin(held = false) {
    clearTimeout(this.timer);
    if (held) this.held = true;
    if (!this.on) {
      this.on = true;
      this.context.begin();
    }
    if (!this.held) this.later(IDLE);
  }

  later(wait) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => { if (!this.held) this.end(); }, wait);
  }

  end() {
    clearTimeout(this.timer);
    if (!this.on) return;
    this.on = this.held = false;
    this.context.end();
  }

  /** Makes the moves of a slider one gesture. */
  watch(range) {
    range.addEventListener("pointerdown", () => { this.pressed = true; this.begin(true); });
    range.addEventListener("input", () => this.begin());
  }
}

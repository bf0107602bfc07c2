// A ball descends a small valley by gradient descent, at the rate of the curve: high rates jump about, low ones settle. It is a picture and
// no experiment; the same curve always gives the same way.

import { $ } from "./dom.js";
import { draw } from "./chart.js";

const UPDATES = 400; // of the ball, over the whole curve
const WIDE = 2.6; // half the width of the valley
const BOX = { width: 150, height: 58 };
const HIGHEST = 0.9; // the ball's own rate where the curve is at its top

const depth = (x) => 0.5 * x * x + 0.16 * (1 - Math.cos(7 * x));
const slope = (x) => x + 1.12 * Math.sin(7 * x);

export class Valley {
  constructor() {
    this.svg = draw("svg", { viewBox: `0 0 ${BOX.width} ${BOX.height}`, "aria-hidden": "true" });
    const points = [];
    for (let i = 0; i <= 120; i++) {
      const x = -WIDE + (2 * WIDE * i) / 120;
      points.push(this.place(x).map((n) => n.toFixed(1)).join());
    }
    this.ball = draw("circle", { r: 5, class: "ball" });
    this.svg.append(draw("path", { class: "ground", d: `M${points.join("L")}L${BOX.width},${BOX.height}L0,${BOX.height}Z` }), this.ball);
    $("valley").append(this.svg);
    this.way = null;
  }

  place(x) {
    return [(BOX.width * (x + WIDE)) / (2 * WIDE), BOX.height - 6 - (46 * depth(x)) / depth(WIDE)];
  }

  /** Forgets the way: the curve is another one now. `value` gives it at a step, `top` is what counts as a rate of one. */
  curve(value, last, top) {
    this.given = { value, last, top: top || 1 };
    this.way = null;
  }

  walk() {
    const { value, last, top } = this.given;
    const way = new Float64Array(UPDATES + 1);
    let x = -2.2, seed = 7;
    for (let i = 0; i <= UPDATES; i++) {
      way[i] = x;
      seed = (seed * 1103515245 + 12345) % 2147483648; // the noise of a minibatch
      const rate = (HIGHEST * Math.max(0, value((last * i) / UPDATES))) / top;
      x -= 0.16 * rate * (slope(x) + 9 * (seed / 1073741824 - 1));
      x = Math.min(Math.max(x, -WIDE + 0.1), WIDE - 0.1);
    }
    return way;
  }

  show(step) {
    if (!this.given) return;
    this.way ??= this.walk();
    const at = Math.min(UPDATES, (UPDATES * step) / this.given.last);
    const i = Math.min(Math.floor(at), UPDATES - 1);
    const [cx, cy] = this.place(this.way[i] + (at - i) * (this.way[i + 1] - this.way[i]));
    this.ball.setAttribute("cx", cx.toFixed(2));
    this.ball.setAttribute("cy", (cy - 5).toFixed(2));
  }
}

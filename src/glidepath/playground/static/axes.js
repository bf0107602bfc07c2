// The axes of the chart: how values become pixels, and where the numbers stand.

import { short } from "./dom.js";

/** A scale from a range of numbers to pixels. `flip` for the vertical axis, whose pixels grow downwards. */
export class Scale {
  constructor(range, length, flip = false) {
    this.range = range;
    this.length = length;
    this.flip = flip;
  }

  l2p(value) {
    const share = (value - this.range[0]) / (this.range[1] - this.range[0]);
    return (this.flip ? 1 - share : share) * this.length;
  }

  p2l(pixel) {
    const share = pixel / this.length;
    return this.range[0] + (this.flip ? 1 - share : share) * (this.range[1] - this.range[0]);
  }
}

const NICE = [1, 2, 5, 10];

/** Round numbers in a range, about as many as asked for. */
export function ticks([low, high], count) {
  const rough = (high - low) / Math.max(count, 1);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = NICE.map((k) => k * power).find((k) => k >= rough * 0.999);
  const found = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k++) found.push(Number((k * step).toPrecision(12)) + 0);
  return found;
}

/** The same on a logarithmic axis, given and returned as powers of ten: whole powers, and 2 and 5 between where there are few. */
export function powers([low, high], count) {
  const every = Math.max(1, Math.ceil((high - low) / Math.max(count, 1)));
  const found = [];
  for (let power = Math.floor(low); power <= high; power++) {
    const between = high - low > 2.5 ? [1] : high - low > 0.7 ? [1, 2, 5] : [1, 1.5, 2, 3, 4, 5, 6, 7, 8, 9];
    if (power % every === 0 || between.length > 1) found.push(...between.map((k) => power + Math.log10(k)));
  }
  return found.filter((place) => place >= low - 1e-9 && place <= high + 1e-9);
}

/** What a number of the vertical axis reads as. */
export const upward = (value) => (Math.abs(value) >= 1e5 ? value.toLocaleString("en-US", { notation: "compact", maximumFractionDigits: 2 }) : short(value, 6));

/** What a number of the horizontal axis reads as: whole ones with separators, large ones short. */
export function across(value, percent) {
  if (percent) return `${short(value, 6)} %`;
  if (Math.abs(value) >= 1e6) return value.toLocaleString("en-US", { notation: "compact", maximumFractionDigits: 2 });
  return Number.isInteger(value) ? value.toLocaleString("en-US") : short(value, 6);
}

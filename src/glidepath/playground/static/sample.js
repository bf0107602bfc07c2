// The points of a curve from its program: every whole step, or as many as the picture can show, with every beginning of a phase and every extreme.

import { compile } from "./program.js";

const FINE = 1000; // points between which a short curve is filled in
const WHOLE = 100000; // steps that are all looked at; a longer curve is sampled evenly, with its knots
const COLUMNS = 600;

/** The places a picture of a curve up to `last` needs. */
function places(last, knots) {
  if (last <= FINE) {
    const per = Math.max(1, Math.floor(FINE / Math.max(last, 1)));
    return Float64Array.from({ length: last * per + 1 }, (_, i) => i / per);
  }
  if (last <= WHOLE) return Float64Array.from({ length: last + 1 }, (_, i) => i);
  const even = Array.from({ length: 20001 }, (_, i) => Math.round((last * i) / 20000));
  const near = knots.flatMap((knot) => [knot - 1, knot]).filter((step) => step >= 0 && step <= last);
  return Float64Array.from(new Set([...even, ...near])).sort();
}

/** Of every column of the picture the first, the lowest, the highest and the last point, in their order. */
function thinned(steps, values) {
  if (steps.length <= 4 * COLUMNS) return [steps, values];
  const kept = [];
  const wide = Math.ceil(steps.length / COLUMNS);
  for (let begin = 0; begin < steps.length; begin += wide) {
    const end = Math.min(begin + wide, steps.length);
    let low = begin, high = begin;
    for (let i = begin; i < end; i++) {
      if (values[i] < values[low]) low = i;
      if (values[i] > values[high]) high = i;
    }
    kept.push(...new Set([begin, Math.min(low, high), Math.max(low, high), end - 1]));
  }
  return [Float64Array.from(kept, (i) => steps[i]), Float64Array.from(kept, (i) => values[i])];
}

/** What is drawn of a program, as `look` packs it where it has points itself: steps, values, least, most, zeros. */
export function sampled(program, factor, last, until, knots) {
  const value = compile(program);
  const steps = places(Math.min(last, until), knots);
  const values = Float64Array.from(steps, (step) => value(step) * factor);
  let least = Infinity, most = -Infinity, zeros = false;
  for (let i = 0; i < steps.length; i++) {
    if (values[i] > most) most = values[i];
    if (!Number.isInteger(steps[i])) continue;
    if (values[i] === 0) zeros = true;
    else if (values[i] > 0 && values[i] < least) least = values[i];
  }
  const [x, y] = thinned(steps, values);
  return { steps: x, values: y, least: least === Infinity ? null : least, most, zeros };
}

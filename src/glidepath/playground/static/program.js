// Evaluates the programs that the tracer writes (glidepath.core.program). It knows operations, each as Python has it, and no formula:
// every number of a curve comes from the schedule's own expression. Closures, not generated code, so that the strictest policy will do.

const { sin, cos, tanh, exp, expm1, log, log1p, sqrt, floor } = Math;
const NAMED = { inf: Infinity, "-inf": -Infinity, nan: NaN };

/** The index of the phase or knot after the last bound at or before x; NaN comes last, as in Python's bisect_right. */
function after(bounds, x) {
  let low = 0;
  let high = bounds.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (x < bounds[middle]) high = middle; else low = middle + 1;
  }
  return low;
}

function remainder(x, y) {
  if (y === 0) return NaN;
  const rest = x % y;
  return rest !== 0 && rest < 0 !== y < 0 ? rest + y : rest;
}

function quotient(x, y) {
  if (y === 0) return NaN;
  let rest = x % y;
  let whole = (x - rest) / y;
  if (rest !== 0 && rest < 0 !== y < 0) { rest += y; whole -= 1; }
  const below = floor(whole);
  return whole - below > 0.5 ? below + 1 : below;
}

function power(x, y) {
  const base = x < 0 && y % 1 !== 0 ? 0 : x + 0; // no sign of zero: Python's pole is positive
  return base === 1 ? 1 : base ** y;
}

const UNARY = { neg: (x) => -x, sin, cos, tanh, exp, expm1, log, log1p, sqrt };
const BINARY = {
  "+": (f, g) => (t) => f(t) + g(t),
  "-": (f, g) => (t) => f(t) - g(t),
  "*": (f, g) => (t) => f(t) * g(t),
  "/": (f, g) => (t) => { const x = f(t), y = g(t); return y === 0 ? x * Infinity : x / y; },
  "//": (f, g) => (t) => quotient(f(t), g(t)),
  "%": (f, g) => (t) => remainder(f(t), g(t)),
  "**": (f, g) => (t) => power(f(t), g(t)),
  min: (f, g) => (t) => { const x = f(t), y = g(t); return x < y || x !== x ? x : y; },
  max: (f, g) => (t) => { const x = f(t), y = g(t); return x > y || x !== x ? x : y; },
  held: (f, g) => (t) => { const x = f(t); return x === x ? g(t) : x; },
};

/** A part that several others use is evaluated once a step. */
function once(f) {
  let at = NaN;
  let value = 0;
  return (t) => {
    if (t === at) return value;
    value = f(t);
    at = t;
    return value;
  };
}

/**
 * Returns a program as a function of the step.
 * @param {Array} program What `look` answers under `program`.
 * @returns {(step: number) => number}
 */
export function compile(program) {
  const parts = [];
  const made = (form) => {
    if (typeof form === "number") return () => form;
    if (form === "t") return (t) => t;
    if (typeof form === "string") { const value = NAMED[form]; return () => value; }
    if (form.length === 1) return parts[form[0]];
    const [op, ...rest] = form;
    if (op === "phases") {
      const at = made(rest[0]);
      const bounds = Float64Array.from(rest[1], number);
      const branches = rest[2].map(made);
      if (bounds.length === 1) { const [bound] = bounds, [one, other] = branches; return (t) => (at(t) < bound ? one(t) : other(t)); }
      return (t) => branches[after(bounds, at(t))](t);
    }
    if (op === "locate") { const at = made(rest[1]); const table = parts[rest[0][0]]; return (t) => after(table, at(t)) - 1; }
    if (op === "take") { const at = made(rest[1]); const table = parts[rest[0][0]]; return (t) => table[at(t)]; }
    if (op in UNARY) { const f = made(rest[0]); const apply = UNARY[op]; return (t) => apply(f(t)); }
    const combine = BINARY[op];
    if (combine === undefined) throw new Error(`program: operation must be known, got ${op}`);
    return combine(made(rest[0]), made(rest[1]));
  };
  for (const form of program.slice(0, -1)) parts.push(form[0] === "table" ? Float64Array.from(form[1], number) : once(made(form)));
  const value = made(program[program.length - 1]);
  return (step) => value(step + 0);
}

function number(form) { return typeof form === "string" ? NAMED[form] : form; }

/**
 * Returns the values of a program at many steps.
 * @param {Array} program What `look` answers under `program`.
 * @param {Float64Array} steps
 * @returns {Float64Array}
 */
export function many(program, steps) {
  const value = compile(program);
  const values = new Float64Array(steps.length);
  for (let i = 0; i < steps.length; i++) values[i] = value(steps[i]);
  return values;
}

"""Everything that the language can say, drawn from a seed: formulas, trees of every kind, and steps where things go wrong.

Plain random numbers, not hypothesis: a hundred thousand cases are drawn in minutes, and a case is told by its seed.
"""

import math
from collections.abc import Callable
from random import Random
from typing import Any

import glidepath as gp
from glidepath.core.fields import MAX_STEPS
from glidepath.core.trace import Expr

EDGES = (2**24, 2**31, 2**53)
NUMBERS = (
    "0",
    "1",
    "2",
    "3",
    "10",
    "0.5",
    "0.1",
    "0.001",
    "1e-8",
    "pi",
    "e",
    "100",
    "1000",
    "77777.0",
    "16777216",
    "2147483648",
)
NUMBERS += ("9007199254740992", "9007199254740993", "1e30", "1e100", "1e-100", "7.5", "0.97")
FUNCTIONS = ("sin", "cos", "tanh", "exp", "expm1", "log", "log1p", "sqrt", "square", "floor", "ceil", "abs", "int")
# Formulas that people write, with places for numbers: most random ones are nonsense, and nonsense meets few edges.
FORMS = (
    "{a} ** (step / {n})",
    "(-{a}) ** (step / {k})",
    "{a} * 0.5 * (1 + cos(pi * step / {n}))",
    "(step * {a}) % {b}",
    "step / {k} % {a}",
    "(step - {n}) // {k} * {a}",
    "min(1, (step + 1) / {n}) * {a} ** (step // {k})",
    "min(1, 1 / abs(step - {n}))",
    "{a} / sqrt(1 + step / {n})",
    "max({a}, 1 - step / {n}) ** {b}",
    "{a} if step % {k} < {n} else {b}",
    "exp(-step / {n}) * (1 + sin(step / {k})) / 2",
    "log1p(step) / (1 + step)",
    "{a} / (1 + {b} * floor(step / {k}))",
    "where(step < {n}, step / {n}, {a})",
    "1 / (step % {k} + {a})",
    "min(step ** -0.5, step * {n} ** -1.5)",
)


def formula(r: Random, depth: int = 4) -> str:
    """Return the text of a formula of the step."""
    if depth == 4 and r.random() < 0.4:
        numbers = {
            "a": r.uniform(0.001, 2),
            "b": r.uniform(0.01, 1.5),
            "n": r.randrange(1, 5000),
            "k": r.randrange(1, 60),
        }
        return r.choice(FORMS).format(**numbers)
    if depth == 0 or r.random() < 0.15:
        return "step" if r.random() < 0.5 else r.choice(NUMBERS)

    def part() -> str:
        return formula(r, depth - 1)

    shape = r.randrange(10)
    if shape < 5:
        return f"({part()} {r.choice(['+', '-', '*', '/', '//', '%', '**', '+', '*'])} {part()})"
    if shape == 5:
        return f"{r.choice(FUNCTIONS)}({part()})"
    if shape == 6:
        return f"{r.choice(['min', 'max'])}({part()}, {part()})"
    if shape == 7:
        return f"({part()} {r.choice(['<', '<=', '>', '>=', '==', '!='])} {part()})"
    if shape == 8:
        return r.choice([f"(-{part()})", f"(not {part()})", f"({part()} and {part()})", f"({part()} or {part()})"])
    return r.choice(
        [
            f"({part()} if {part()} else {part()})",
            f"clip({part()}, 0, {part()})",
            f"where({part()}, {part()}, {part()})",
        ]
    )


def expression(r: Random) -> gp.Schedule:
    """Return a formula that is accepted; most that are drawn have no finite value at step 0, or a pole."""
    while True:
        try:
            return gp.Expression(formula(r))
        except gp.GlidepathError:
            pass


# Trees ----------------------------------------------------------------------------------------------------


def length(r: Random) -> int:
    return r.choice(
        [
            1,
            2,
            3,
            r.randrange(1, 50),
            r.randrange(1, 5000),
            r.randrange(1, 10**7),
            *(e + r.randrange(-2, 3) for e in EDGES[:2]),
        ]
    )


def value(r: Random) -> float:
    return r.choice([0.0, 1.0, -1.0, 0.5, 0.1, r.uniform(-10, 10), r.uniform(1e-8, 1e-3), 10 ** r.uniform(-9, 2)])


def positive(r: Random) -> float:
    return r.choice([1.0, 0.1, 0.5, r.uniform(1e-8, 10), r.uniform(0.9, 1.0)])


def curve(r: Random) -> str:
    plain = r.choice(
        [
            "linear",
            "cosine",
            f"polynomial({r.uniform(0.2, 8):.3f})",
            "polynomial(2)",
            "sqrt",
            "one_minus_sqrt",
            "exponential",
            "rex",
        ]
    )
    return r.choice([plain, plain, f"reverse({plain})"])


def _ramp(r: Random) -> gp.Schedule:
    if r.random() < 0.15:
        return gp.Ramp(positive(r), positive(r), length(r), "geometric")
    return gp.Ramp(value(r), value(r), length(r), curve(r))


def _table(r: Random) -> gp.Schedule:
    steps = [0, *sorted({length(r) for _ in range(r.randrange(5))})]
    return gp.Table(steps, [value(r) for _ in steps], r.choice(["linear", "previous"]))


def _profile(r: Random) -> gp.Schedule:
    at = sorted({r.randrange(-20, 10**5) / 4 for _ in range(r.randrange(2, 6))} | {0.25, 9.0})
    return gp.Profile(at, [value(r) for _ in at], r.choice(["linear", "cosine", "rex", "polynomial(1.7)"]))


@gp.register("ripple", replace=True)
def ripple(step: Any, xp: Any, *, period: float = 100.0, depth: float = 0.5) -> Any:
    """A formula of the tests with remainders, powers and a choice."""
    wave = xp.square(xp.sin(step / period)) * depth + xp.power(depth, step / period)
    return xp.phases(xp.remainder(step, period), [period / 2], [lambda: wave, lambda: xp.sqrt(wave + 1.0)])


LEAVES: dict[str, Callable[[Random], gp.Schedule]] = {
    "hold": lambda r: gp.Hold(r.choice([None, length(r)]), value(r)),
    "ramp": _ramp,
    "exponential": lambda r: gp.Exponential(r.uniform(0.01, 1.5), length(r), value(r), r.random() < 0.3),
    "natural_exponential": lambda r: gp.NaturalExponential(
        10 ** r.uniform(-6, 8), length(r), value(r), r.random() < 0.3
    ),
    "inverse_time": lambda r: gp.InverseTime(positive(r), length(r), value(r), r.random() < 0.3),
    "inverse_sqrt": lambda r: gp.InverseSqrt(length(r), value(r)),
    "step": lambda r: gp.Step(length(r), r.uniform(0.01, 1.5), value(r)),
    "multistep": lambda r: gp.MultiStep(sorted({length(r) for _ in range(r.randrange(1, 6))}), positive(r), value(r)),
    "triangle": lambda r: gp.Triangle(length(r), r.choice([None, length(r)]), value(r), value(r)),
    "table": _table,
    "profile": _profile,
    "polynomial_cycle": lambda r: gp.PolynomialCycle(length(r), value(r), value(r), r.choice([1.0, 2.0, 0.5, 1.7])),
    "damped_cosine": lambda r: gp.DampedCosine(length(r), r.choice([0.5, r.uniform(0, 5)]), r.random(), r.random()),
    "expression": expression,
    "custom": lambda r: ripple(period=r.choice([7.0, r.uniform(1, 1e5)]), depth=r.random()),
}


def _cut(r: Random, schedule: gp.Schedule) -> gp.Schedule:
    return (
        schedule.until(r.randrange(1, 2000)) if schedule.duration == math.inf or schedule.duration > 2**40 else schedule
    )


def _chain(r: Random, parts: list[gp.Schedule]) -> gp.Schedule:
    return gp.Chain([*(_cut(r, part) for part in parts[:-1]), parts[-1]])


def _repeat(r: Random, parts: list[gp.Schedule]) -> gp.Schedule:
    cycles, growth = r.choice([None, None, r.randrange(1, 9)]), r.choice([1.0, 1.0, 2.0, 1.5, 1.1, 4 / 3])
    return gp.Repeat(_cut(r, parts[0]), cycles, growth, r.choice([1.0, r.uniform(0.1, 1)]), r.choice([0.0, value(r)]))


def _clip(r: Random, parts: list[gp.Schedule]) -> gp.Schedule:
    low, high = sorted([value(r), value(r)])
    return gp.Clip(parts[0], *r.choice([(low, high), (low, None), (None, high)]))


# How many parts a combinator takes, and how it is made of them.
COMBINATORS: dict[str, tuple[int, Callable[[Random, list[gp.Schedule]], gp.Schedule]]] = {
    "chain": (4, _chain),
    "product": (3, lambda r, parts: gp.Product(parts, value(r))),
    "sum": (3, lambda r, parts: gp.Sum(parts, value(r))),
    "minimum": (3, lambda r, parts: gp.Minimum(parts)),
    "maximum": (3, lambda r, parts: gp.Maximum(parts)),
    "clip": (1, _clip),
    "stretch": (
        1,
        lambda r, parts: gp.Stretch(
            parts[0], r.choice([2.0, 0.5, 0.1, 1.1, 1 / 3, 1.5, math.pi, r.uniform(0.01, 100)])
        ),
    ),
    "shift": (
        1,
        lambda r, parts: gp.Shift(
            parts[0], r.choice([r.randrange(20), -r.randrange(0, min(9, int(min(parts[0].duration, 9))))])
        ),
    ),
    "until": (1, lambda r, parts: gp.Until(parts[0], length(r))),
    "repeat": (1, _repeat),
    "restarts": (
        1,
        lambda r, parts: gp.Restarts(
            _cut(r, parts[0]), r.choice([1.0, 2.0, 1.5]), r.uniform(0.1, 1), r.choice([0.0, value(r)])
        ),
    ),
    "rate": (1, lambda r, parts: gp.Rate(parts[0], "somewhere", r.choice([None, value(r)]))),
}
ELSEWHERE = {"recurrence"}  # not a formula of the step: replayed, one look-up a step on every kind of step


def tree(r: Random, nodes: int = 12) -> gp.Schedule:
    """Return a schedule of at most about `nodes` nodes."""
    while True:
        if nodes <= 1 or r.random() < 0.25:
            return LEAVES[r.choice(["expression", "expression", *LEAVES])](r)
        most, make = COMBINATORS[r.choice(list(COMBINATORS))]
        count = r.randrange(1, most + 1)
        try:
            return make(r, [tree(r, (nodes - 1) // count) for _ in range(count)])
        except gp.GlidepathError:  # too long, or of too many cycles
            nodes -= 1


def wide(r: Random) -> gp.Schedule:
    """Return a tree of more nodes than are compiled at once."""
    parts = [tree(r, 5) for _ in range(4)]
    return r.choice([gp.Sum, gp.Minimum, gp.Maximum])(parts + [gp.Hold(None, value(r))] * 600)


# Steps ----------------------------------------------------------------------------------------------------


def steps_of(r: Random, schedule: gp.Schedule, most: float = MAX_STEPS, count: int = 12) -> list[float]:
    """Return steps at the ends, at the bounds of phases and cycles, near poles, at the edges of the kinds of numbers, and anywhere."""
    marks = [0, int(min(schedule.duration, MAX_STEPS)), *EDGES, *_bounds(schedule.expression)]
    whole = [mark + near for mark in marks for near in (-1, 0, 1)]
    anywhere = [r.randrange(0, 60), r.randrange(0, 10**6), int(2 ** r.uniform(0, 53))]
    chosen = [*r.sample(whole, min(count - 5, len(whole))), *anywhere, 0]
    broken = [r.uniform(0, 100), math.nextafter(float(r.choice(marks)), r.choice([-1.0, math.inf]))]
    return [int(step) if step % 1 == 0 else step for step in (*chosen, *broken) if 0 <= step <= most]


def _bounds(root: Expr) -> list[int]:
    """Return the whole numbers that the formula compares with, divides by, and their first multiples."""
    found, seen, stack = set[int](), set[Expr](), [root]
    while stack and len(seen) < 500:
        node = stack.pop()
        if node not in seen:
            seen.add(node)
            stack.extend(node.args)
            numbers = node.data[:8] if node.op in ("phases", "locate") else [node.data] if node.op == "const" else []
            found |= {int(x) for x in numbers if 0 < x < MAX_STEPS}
    some = sorted(found)[:40]
    return [*some, *(k * mark for mark in some for k in (2, 3, 7, 1000) if k * mark < MAX_STEPS)]

"""What Keras, TensorFlow, Paddle and OneFlow's kernel read alike, as functions of the checked arguments of a row."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ..core.classics import DampedCosine, PolynomialCycle
from ..core.schedule import Schedule
from ..core.segments import Hold, InverseTime, NaturalExponential, Ramp
from . import pieces

__all__ = [
    "cosine_restarts",
    "exponential",
    "inverse_time",
    "levels",
    "linear_cosine",
    "logarithmic_restarts",
    "natural_exponential",
    "piecewise",
    "polynomial",
]


def _span(a: Any) -> float:
    """Returns the length, which OneFlow's kernel calls otherwise."""
    return a.decay_steps if hasattr(a, "decay_steps") else a.decay_batches


def _scaled(a: Any, make: Callable[[int], Schedule]) -> Schedule:
    return pieces.scaled(pieces.lasting(_span(a), make), a.lr)


def exponential(a: Any) -> Schedule:
    """Returns `decay_rate` to the power of the step over the length."""
    return pieces.scaled(pieces.exponential(a.decay_rate, _span(a), a.staircase), a.lr)


def inverse_time(a: Any) -> Schedule:
    """Returns the reciprocal of the step over the length."""
    if not a.decay_rate:
        return Hold(value=a.lr)
    return _scaled(a, lambda n: InverseTime(a.decay_rate, n, staircase=a.staircase))


def natural_exponential(a: Any) -> Schedule:
    """Returns the natural exponential of the step over the length."""
    if a.decay_rate <= 0:  # it grows
        return pieces.scaled(pieces.exponential(math.exp(min(-a.decay_rate, 200.0)), _span(a), a.staircase), a.lr)
    return _scaled(a, lambda n: NaturalExponential(a.decay_rate, n, staircase=a.staircase))


def polynomial(a: Any, end: float) -> Schedule:
    """Returns a power of what is left, down to the end; with `cycle` again and again, from lower each time."""
    if not a.power:
        return Hold(value=a.lr)
    if a.cycle:
        return pieces.lasting(a.decay_steps, lambda n: PolynomialCycle(n, a.lr, end, a.power))
    return pieces.lasting(a.decay_steps, lambda n: Ramp(a.lr, end, n, pieces.curve_of_power(a.power)))


def cosine_restarts(a: Any) -> Schedule:
    """Returns half a cosine again and again, each cycle `t_mul` times as long, exactly, and `m_mul` times as high.

    Restarts are found by comparison; the libraries take a logarithm in float32, which misses some.
    """
    a.at.require(a.t_mul >= 1, "t_mul", "a finite number from 1", a.t_mul, "shorter and shorter cycles end in NaN")

    def make(n: int) -> Schedule:
        return pieces.restarts(Ramp(1.0, a.alpha, n, pieces.COSINE), a.t_mul, a.m_mul, a.alpha)

    return pieces.scaled(pieces.lasting(a.first_decay_steps, make), a.lr)


def linear_cosine(a: Any) -> Schedule:
    """Returns a cosine whose height falls in a straight line."""
    return _scaled(a, lambda n: DampedCosine(n, a.num_periods, a.alpha, a.beta))


def levels(a: Any, field: str, values: Any, marks: list[int], late: bool) -> Schedule:
    """Returns one value after another, each from its boundary on, or from one step later (`late`)."""
    count = len(marks) + 1
    a.at.require(len(values) == count, field, f"one more than the boundaries, {count}", values)
    return pieces.levels([mark + late for mark in marks], values)


def piecewise(a: Any, late: bool) -> Schedule:
    """Returns one value after another, each from its boundary on, or from one step later (`late`)."""
    checks, given = a.at.checks(), a.boundaries
    if late and isinstance(given, list | tuple):  # TensorFlow compares them with a whole step
        given = [math.floor(b) if isinstance(b, float) and math.isfinite(b) else b for b in given]
    values = checks.reals("values", a.values, 1)
    if late and not a.at.strict:
        marks = [checks.length(f"boundaries[{i}]", b, 0) for i, b in enumerate(checks.items("boundaries", given, 1))]
    else:
        marks = checks.milestones("boundaries", given, least=1)
    checks.require(len(values) == len(marks) + 1, "values", f"one more than the boundaries, {len(marks) + 1}", a.values)
    checks.done()
    return _summed(marks, values) if late and not a.at.strict else levels(a, "values", values, marks, late)


def _summed(marks: list[int], levels: list[float]) -> Schedule:
    """Returns what TensorFlow makes of boundaries in any order: the sum of the values whose interval holds the step."""

    def value(step: int) -> float:
        inner = zip(marks, marks[1:], levels[1:-1], strict=False)
        total = levels[0] * (step <= marks[0]) + levels[-1] * (step > marks[-1])
        return total + sum(level for low, high, level in inner if low < step <= high)

    places = sorted({mark + 1 for mark in marks})
    return pieces.levels(places, [value(0), *map(value, places)])


def logarithmic_restarts(base: str, floor: float, steps: int, growth: int, decay: float, limit: int) -> str:
    """Returns the formula of warm restarts as it is computed where the cycle is found by a logarithm."""
    k = f"floor(log(1 - step / {steps} * (1 - {growth})) / log({growth}))"
    peak = base if decay == 1.0 else f"({base} * {decay!r} ** {k})"
    begun = f"(1 - {growth} ** {k}) / (1 - {growth}) * {steps}"
    wave = f"0.5 * (1 + cos(pi * (step - {begun}) / ({growth} ** {k} * {steps})))"
    formula = f"({floor!r}) + ({peak} - ({floor!r})) * {wave}"
    return f"{formula} if {k} < {limit} else {floor!r}" if limit else formula

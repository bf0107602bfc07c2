"""What Keras, TensorFlow, Paddle and OneFlow read alike."""

from __future__ import annotations

import math
from typing import Any

from ..core.classics import DampedCosine, PolynomialCycle
from ..core.schedule import Schedule
from ..core.segments import Hold, InverseTime, NaturalExponential, Ramp
from . import pieces
from .reading import At

__all__ = [
    "cosine_restarts",
    "exponential_decay",
    "inverse_time_decay",
    "linear_cosine_decay",
    "logarithmic_restarts",
    "natural_exp_decay",
    "piecewise",
    "polynomial_decay",
]


def exponential_decay(at: At, decay_steps: Any, decay_rate: Any, staircase: Any) -> Schedule:
    """Returns `decay_rate` to the power of the step over `decay_steps`."""
    checks = at.checks()
    span, rate = checks.span("decay_steps", decay_steps), checks.real("decay_rate", decay_rate, above=0)
    stairs = checks.flag("staircase", staircase)
    checks.done()
    return pieces.scaled(pieces.exponential(rate, span, stairs), at.base)


def inverse_time_decay(at: At, decay_steps: Any, decay_rate: Any, staircase: Any) -> Schedule:
    """Returns the reciprocal of the step over `decay_steps`."""
    checks = at.checks()
    span, rate = checks.span("decay_steps", decay_steps), checks.real("decay_rate", decay_rate, 0)
    stairs = checks.flag("staircase", staircase)
    checks.done()
    if rate == 0:
        return Hold(value=at.base)
    return pieces.scaled(pieces.lasting(span, lambda n: InverseTime(rate, n, staircase=stairs)), at.base)


def natural_exp_decay(at: At, decay_steps: Any, decay_rate: Any, staircase: Any) -> Schedule:
    """Returns the natural exponential of the step over `decay_steps`."""
    checks = at.checks()
    span, rate = checks.span("decay_steps", decay_steps), checks.real("decay_rate", decay_rate)
    stairs = checks.flag("staircase", staircase)
    checks.done()
    if rate <= 0:  # it grows
        return pieces.scaled(pieces.exponential(math.exp(min(-rate, 200.0)), span, stairs), at.base)
    return pieces.scaled(pieces.lasting(span, lambda n: NaturalExponential(rate, n, staircase=stairs)), at.base)


def polynomial_decay(
    at: At, decay_steps: Any, end: tuple[str, Any], power: Any, cycle: Any, whole: bool = False
) -> Schedule:
    """Returns a power of what is left, down to the end; with `cycle` again and again, from lower each time."""
    checks = at.checks()
    span = checks.length("decay_steps", decay_steps) if whole else checks.span("decay_steps", decay_steps)
    last, exponent = checks.real(*end), checks.real("power", power, 0)
    cycles = checks.flag("cycle", cycle)
    checks.done()
    if exponent == 0:
        return Hold(value=at.base)
    if cycles:
        return pieces.lasting(span, lambda n: PolynomialCycle(n, at.base, last, exponent))
    return pieces.lasting(span, lambda n: Ramp(at.base, last, n, pieces.curve_of_power(exponent)))


def cosine_restarts(at: At, first_decay_steps: Any, t_mul: Any, m_mul: Any, alpha: Any) -> Schedule:
    """Returns half a cosine again and again, each cycle `t_mul` times as long, exactly, and `m_mul` times as high.

    Restarts are found by comparison; the libraries take a logarithm in float32, which misses some.
    """
    checks = at.checks()
    span = checks.span("first_decay_steps", first_decay_steps)
    growth = checks.real("t_mul", t_mul, 1, remedy="shorter and shorter cycles end in NaN")
    decay, floor = checks.real("m_mul", m_mul, above=0), checks.real("alpha", alpha)
    checks.done()
    wave = pieces.lasting(span, lambda n: pieces.restarts(Ramp(1.0, floor, n, pieces.COSINE), growth, decay, floor))
    return pieces.scaled(wave, at.base)


def linear_cosine_decay(at: At, decay_steps: Any, num_periods: Any, alpha: Any, beta: Any) -> Schedule:
    """Returns a cosine whose height falls in a straight line."""
    checks = at.checks()
    span, periods = checks.span("decay_steps", decay_steps), checks.real("num_periods", num_periods)
    height, shift = checks.real("alpha", alpha), checks.real("beta", beta)
    checks.done()
    return pieces.scaled(pieces.lasting(span, lambda n: DampedCosine(n, periods, height, shift)), at.base)


def piecewise(at: At, boundaries: Any, values: Any, late: bool) -> Schedule:
    """Returns one value after another, each from its boundary on, or from one step later (`late`)."""
    checks = at.checks()
    marks = _whole(boundaries) if late else boundaries
    if not at.strict and late:
        return _summed(at, marks, values)
    places = checks.milestones("boundaries", marks, least=1)
    levels = checks.reals("values", values, 1)
    checks.require(len(levels) == len(places) + 1, "values", f"one more than the boundaries, {len(places) + 1}", values)
    checks.done()
    return pieces.levels([place + 1 if late else place for place in places], levels)


def _whole(boundaries: Any) -> Any:
    """Returns boundaries as TensorFlow compares them with a whole step: without their fractions."""
    if not isinstance(boundaries, list | tuple):
        return boundaries
    return [math.floor(b) if isinstance(b, float) and math.isfinite(b) else b for b in boundaries]


def _summed(at: At, boundaries: Any, values: Any) -> Schedule:
    """Returns what TensorFlow makes of boundaries in any order: the sum of the values whose interval holds the step."""
    checks = at.checks()
    marks = [checks.length(f"boundaries[{i}]", b, 0) for i, b in enumerate(checks.items("boundaries", boundaries, 1))]
    levels = checks.reals("values", values, 1)
    checks.require(len(levels) == len(marks) + 1, "values", f"one more than the boundaries, {len(marks) + 1}", values)
    checks.done()

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

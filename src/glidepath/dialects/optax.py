"""optax (everything in `optax.schedules`, as of 0.2.8) and MLX (0.32): a schedule has at step t the value at count t, in float64."""

from __future__ import annotations

import math
from itertools import accumulate, pairwise
from typing import Any

from ..core import Exponential, Hold, Maximum, Minimum, Ramp, Schedule
from . import pieces
from .calls import Call
from .table import dialect

OPTAX = dialect("optax")


def _polynomial(a: Any, power: float = 1.0) -> Schedule:
    if a.transition_steps <= 0 or not power:
        return Hold(value=a.init_value)
    decay = Ramp(a.init_value, a.end_value, a.transition_steps, pieces.curve_of_power(power))
    return pieces.held(a.init_value, max(a.transition_begin, 0), decay)


def piecewise_constant_schedule(a: Any) -> Schedule:
    scales = a.boundaries_and_scales or {}
    values, marks = [*accumulate(scales.values(), lambda x, y: x * y, initial=a.init_value)], list(scales)
    passed = sum(mark <= 0 for mark in marks)
    return pieces.levels(marks[passed:], values[passed:])


def _exponential(a: Any, start: float) -> Schedule:
    if a.transition_steps <= 0 or a.decay_rate == 0:
        return Hold(value=start)
    decay = pieces.scaled(pieces.exponential(a.decay_rate, a.transition_steps, a.staircase), start)
    whole = pieces.held(start, max(a.transition_begin, 0), decay)
    bound = () if a.end_value is None else (Hold(value=a.end_value),)
    return whole if not bound else (Maximum if a.decay_rate < 1.0 else Minimum)((whole, *bound))


def _cosine(start: float, steps: int, alpha: float, exponent: float) -> Schedule:
    if exponent == 1.0:
        return Ramp(start, start * alpha, steps, pieces.COSINE)
    text = "a + b * (0.5 * (1 + cos(pi * step / n))) ** k"
    powered = pieces.formula(text, a=start * alpha, b=start * (1 - alpha), n=steps, k=exponent)
    return pieces.in_sequence([powered, Hold(value=start * alpha)], [steps])


def _through(a: Any, kind: str, start: float, scales: dict[int, float]) -> Schedule:
    """Returns what goes through the products of the scales at their boundaries."""
    ordered = dict(sorted(scales.items()))
    a.at.require(all(mark >= 0 for mark in ordered), "boundaries_and_scales", "of steps from 0 on", scales)
    values, marks = [*accumulate(ordered.values(), lambda x, y: x * y, initial=start)], [0, *ordered]
    spans = zip(pairwise(values), pairwise(marks), strict=True)
    parts = [Ramp(*ends, end - begin, pieces.CURVES[kind]) for ends, (begin, end) in spans if end > begin]
    return pieces.in_sequence([*parts, Hold(value=values[-1])], sorted({mark for mark in marks if mark > 0}))


def linear_onecycle_schedule(a: Any) -> Schedule:
    n, div = a.transition_steps, a.div_factor
    scales = {int(a.pct_start * n): div, int(a.pct_final * n): 1.0 / div, n: 1.0 / a.final_div_factor}
    return _through(a, "linear", a.peak_value / div, scales)


def cosine_onecycle_schedule(a: Any) -> Schedule:
    n, div = a.transition_steps, a.div_factor
    return _through(a, "cosine", a.peak_value / div, {int(a.pct_start * n): div, n: 1.0 / (div * a.final_div_factor)})


def warmup_cosine_decay_schedule(a: Any) -> Schedule:
    a.require(a.decay_steps > a.warmup_steps, "decay_steps", f"above the {a.warmup_steps} steps of warmup")
    alpha = 0.0 if a.peak_value == 0.0 else a.end_value / a.peak_value
    a.require(math.isfinite(alpha), "peak_value", "0, or large enough that end_value / peak_value is finite")
    decay = _cosine(a.peak_value, a.decay_steps - a.warmup_steps, alpha, a.exponent)
    return pieces.warmed(a.init_value, a.peak_value, a.warmup_steps, decay)


def sgdr_schedule(a: Any) -> Schedule:
    calls = [Call("warmup_cosine_decay_schedule", dict(cycle)) for cycle in a.cosine_kwargs]
    return pieces.each([(OPTAX.inside(a.at, call), int(call.arguments["decay_steps"])) for call in calls])


def _joined(a: Any) -> Schedule:
    marks, more = a.boundaries, len(a.schedules) - 1
    if a.at.strict:
        a.require(all(x < y for x, y in pairwise(marks)), "boundaries", "strictly increasing")
        a.require(len(marks) == more, "boundaries", f"one fewer than the schedules, {more}")
    parts, edges = [a.schedules[0]], list[int]()
    for mark, part in zip(marks, a.schedules[1:], strict=False):
        while edges and edges[-1] >= mark:  # a later one wins
            edges.pop()
            parts.pop()
        parts, edges = ([*parts, part], [*edges, mark]) if mark > 0 else ([pieces.after(part, -mark)], [])
    return pieces.in_sequence(parts, edges)


OPTAX.rows(
    globals(),
    constant_schedule=lambda a: Hold(value=a.value),
    polynomial_schedule=lambda a: _polynomial(a, a.power),
    linear_schedule=_polynomial,
    exponential_decay=lambda a: _exponential(a, a.init_value),
    cosine_decay_schedule=lambda a: _cosine(a.init_value, a.decay_steps, a.alpha, a.exponent),
    piecewise_interpolate_schedule=lambda a: _through(
        a, a.interpolate_type, a.init_value, a.boundaries_and_scales or {}
    ),
    warmup_constant_schedule=lambda a: (
        pieces.warmed(a.init_value, a.peak_value, a.warmup_steps, Hold(value=a.peak_value))
        if a.warmup_steps
        else Hold(value=a.init_value)
    ),
    warmup_exponential_decay_schedule=lambda a: pieces.warmed(
        a.init_value, a.peak_value, a.warmup_steps, _exponential(a, a.peak_value)
    ),
    join_schedules=_joined,
)


# MLX ---------------------------------------------------------------------------------------------------------------------------------------

MLX = dialect("mlx")


def _mlx_joined(a: Any) -> Schedule:
    checks, more = a.at.checks(), len(a.schedules) - 1
    marks = checks.milestones("boundaries", a.boundaries, 1)
    checks.done()
    a.require(len(marks) == more, "boundaries", f"one fewer than the schedules, {more}")
    return pieces.in_sequence(a.schedules, marks)


MLX.rows(
    {},
    exponential_decay=lambda a: Exponential(a.decay_rate, 1, a.init),
    step_decay=lambda a: pieces.scaled(pieces.stairs(a.decay_rate, a.step_size), a.init),
    cosine_decay=lambda a: Ramp(a.init, a.end, a.decay_steps, pieces.COSINE),
    linear_schedule=lambda a: Ramp(a.init, a.end, a.steps),
    join_schedules=_mlx_joined,
)

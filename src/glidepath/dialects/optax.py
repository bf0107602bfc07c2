"""optax: everything in `optax.schedules`, as of 0.2.8. A schedule has at step t the value at count t, in float64 instead of float32."""

from __future__ import annotations

from itertools import accumulate, pairwise
from typing import Any

from ..core.combinators import Maximum, Minimum
from ..core.schedule import Schedule
from ..core.segments import Hold, Ramp
from . import pieces
from .calls import Call
from .reading import dialect

__all__ = ["OPTAX"]

OPTAX = dialect(
    "optax", title="optax", follows="0.2.8", modules=("optax.schedules", "optax"), leading=(), absolute=True
)
OPTAX.elsewhere["reduce_on_plateau"] = "it follows a metric: use glidepath.feedback, or glidepath replay on a log"


def _polynomial(a: Any, power: float = 1.0) -> Schedule:
    if a.transition_steps <= 0 or not power:
        return Hold(value=a.init_value)
    decay = Ramp(a.init_value, a.end_value, a.transition_steps, pieces.curve_of_power(power))
    return pieces.in_sequence([Hold(value=a.init_value), decay], [max(a.transition_begin, 0)])


def _scaled(a: Any) -> Schedule:
    scales = a.boundaries_and_scales or {}
    values, marks = [*accumulate(scales.values(), lambda x, y: x * y, initial=a.init_value)], list(scales)
    passed = sum(mark <= 0 for mark in marks)
    return pieces.levels(marks[passed:], values[passed:])


def _exponential(a: Any, start: float) -> Schedule:
    if a.transition_steps <= 0 or a.decay_rate == 0:
        return Hold(value=start)
    decay = pieces.scaled(pieces.exponential(a.decay_rate, a.transition_steps, a.staircase), start)
    whole = pieces.in_sequence([Hold(value=start), decay], [max(a.transition_begin, 0)])
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
    curve = pieces.LINEAR if kind == "linear" else pieces.COSINE
    spans = zip(pairwise(values), pairwise(marks), strict=True)
    parts = [Ramp(*ends, end - begin, curve) for ends, (begin, end) in spans if end > begin]
    return pieces.in_sequence([*parts, Hold(value=values[-1])], sorted({mark for mark in marks if mark > 0}))


def _linear_onecycle(a: Any) -> Schedule:
    n, div = a.transition_steps, a.div_factor
    scales = {int(a.pct_start * n): div, int(a.pct_final * n): 1.0 / div, n: 1.0 / a.final_div_factor}
    return _through(a, "linear", a.peak_value / div, scales)


def _cosine_onecycle(a: Any) -> Schedule:
    n, div = a.transition_steps, a.div_factor
    scales = {int(a.pct_start * n): div, n: 1.0 / (div * a.final_div_factor)}
    return _through(a, "cosine", a.peak_value / div, scales)


def _warmup_cosine(a: Any) -> Schedule:
    rule = f"above the {a.warmup_steps} steps of warmup"
    a.at.require(a.decay_steps > a.warmup_steps, "decay_steps", rule, a.decay_steps)
    alpha = 0.0 if a.peak_value == 0.0 else a.end_value / a.peak_value
    decay = _cosine(a.peak_value, a.decay_steps - a.warmup_steps, alpha, a.exponent)
    return pieces.warmed(a.init_value, a.peak_value, a.warmup_steps, decay)


def _sgdr(a: Any) -> Schedule:
    parts = [OPTAX.inside(a.at, Call("warmup_cosine_decay_schedule", dict(cycle))) for cycle in a.cosine_kwargs]
    return pieces.in_sequence(parts, [*accumulate(int(cycle["decay_steps"]) for cycle in a.cosine_kwargs)][:-1])


def _joined(a: Any) -> Schedule:
    checks, more = a.at.checks(), len(a.schedules) - 1
    marks = [
        checks.length(f"boundaries[{i}]", mark, -(2**53))
        for i, mark in enumerate(checks.items("boundaries", a.boundaries))
    ]
    if a.at.strict:
        ordered = all(x < y for x, y in pairwise(marks))
        checks.require(ordered, "boundaries", "strictly increasing", a.boundaries)
        checks.require(len(marks) == more, "boundaries", f"one fewer than the schedules, {more}", a.boundaries)
    checks.done()
    parts, edges = [a.schedules[0]], list[int]()
    for mark, part in zip(marks, a.schedules[1:], strict=False):
        while edges and edges[-1] >= mark:  # a later one wins
            edges.pop()
            parts.pop()
        parts, edges = ([*parts, part], [*edges, mark]) if mark > 0 else ([pieces.after(part, -mark)], [])
    return pieces.in_sequence(parts, edges)


_CHANGE = "init_value: real, end_value: real"
_BEGIN = "transition_steps: whole, transition_begin: whole = 0"
_DECAY = "decay_rate: least0, transition_begin: whole = 0, staircase: flag = False, end_value: real = None"
_CYCLE = "div_factor: positive = 25.0, final_div_factor: positive = 1e4"
OPTAX.row("constant_schedule(value: real)", "One value.", lambda a: Hold(value=a.value))
OPTAX.row(
    f"polynomial_schedule({_CHANGE}, power: least0, {_BEGIN})",
    "A power of what is left, from `init_value` to `end_value`; of no length, `init_value` for ever.",
    lambda a: _polynomial(a, a.power),
    example="init_value=0.1, end_value=0.001, power=2.0, transition_steps=10000",
)
OPTAX.row(
    f"linear_schedule({_CHANGE}, {_BEGIN})",
    "A straight line; of no length, `init_value` for ever.",
    _polynomial,
    example="init_value=0.1, end_value=0.001, transition_steps=10000",
)
OPTAX.row(
    "piecewise_constant_schedule(init_value: real, boundaries_and_scales: factors = None)",
    "Multiplied by one more scale from each boundary on.",
    _scaled,
    example="init_value=0.1, boundaries_and_scales={3000: 0.3, 6000: 0.3}",
)
OPTAX.row(
    f"exponential_decay(init_value: real, transition_steps: whole, {_DECAY})",
    "`decay_rate` to the power of the steps since `transition_begin` over `transition_steps`; `end_value` bounds all of it.",
    lambda a: _exponential(a, a.init_value),
    example="init_value=0.1, transition_steps=3000, decay_rate=0.5",
)
OPTAX.row(
    "cosine_decay_schedule(init_value: real, decay_steps: steps, alpha: real = 0.0, exponent: positive = 1.0)",
    "Half a cosine down to the share `alpha`, raised to `exponent` first.",
    lambda a: _cosine(a.init_value, a.decay_steps, a.alpha, a.exponent),
)
OPTAX.row(
    "piecewise_interpolate_schedule(interpolate_type: 'linear' | 'cosine', init_value: real,"
    "boundaries_and_scales: factors = None)",
    "A line or half a cosine from each product of the scales to the next, which it reaches at its boundary.",
    lambda a: _through(a, a.interpolate_type, a.init_value, a.boundaries_and_scales or {}),
    example="interpolate_type='linear', init_value=0.1, boundaries_and_scales={3000: 0.3, 10000: 0.1}",
)
OPTAX.row(
    "linear_onecycle_schedule(transition_steps: steps, peak_value: real, pct_start: share = 0.3, pct_final: share = 0.85,"
    f"{_CYCLE})",
    "Up to `peak_value`, back down to where it began, and on to `final_div_factor` less.",
    _linear_onecycle,
)
OPTAX.row(
    f"cosine_onecycle_schedule(transition_steps: steps, peak_value: real, pct_start: share = 0.3, {_CYCLE})",
    "Half a cosine up to `peak_value`, and one down to `div_factor * final_div_factor` less at `transition_steps`.",
    _cosine_onecycle,
)
OPTAX.row(
    "warmup_constant_schedule(init_value: real, peak_value: real, warmup_steps: steps0)",
    "A straight line, then constant; without a warmup, `init_value` for ever.",
    lambda a: (
        pieces.warmed(a.init_value, a.peak_value, a.warmup_steps, Hold(value=a.peak_value))
        if a.warmup_steps
        else Hold(value=a.init_value)
    ),
    example="init_value=0.0, peak_value=0.1, warmup_steps=1000",
)
OPTAX.row(
    "warmup_cosine_decay_schedule(init_value: real, peak_value: real, warmup_steps: steps0, decay_steps: steps,"
    "end_value: real = 0.0, exponent: positive = 1.0)",
    "A straight line up, then half a cosine down to `end_value` at `decay_steps`, which holds the warmup.",
    _warmup_cosine,
    example="init_value=0.0, peak_value=0.1, warmup_steps=1000, decay_steps=10000",
)
OPTAX.row(
    f"warmup_exponential_decay_schedule(init_value: real, peak_value: real, warmup_steps: steps0, transition_steps: whole, {_DECAY})",
    "A straight line up, then an exponential decay on its own clock.",
    lambda a: pieces.warmed(a.init_value, a.peak_value, a.warmup_steps, _exponential(a, a.peak_value)),
    example="init_value=0.0, peak_value=0.1, warmup_steps=1000, transition_steps=3000, decay_rate=0.5",
)
OPTAX.row(
    "sgdr_schedule(cosine_kwargs: dicts)",
    "One warmup and cosine after another, each with its own arguments.",
    _sgdr,
    example="cosine_kwargs=[{'init_value': 0, 'peak_value': 0.1, 'warmup_steps': 500, 'decay_steps': 10000}]",
)
OPTAX.row(
    "join_schedules(schedules: inners, boundaries: any)",
    "One schedule after another, each on its own clock from its boundary on.",
    _joined,
    example="schedules='[linear_schedule(0.0, 0.1, 1000), cosine_decay_schedule(0.1, 9000)]', boundaries=[1000]",
)

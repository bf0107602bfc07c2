"""optax: everything in `optax.schedules`, as of 0.2.8. A schedule has at step t the value at count t, in float64 instead of float32."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Any

from ..core.combinators import Maximum, Minimum
from ..core.schedule import Schedule
from ..core.segments import Hold, Ramp
from . import pieces
from .arguments import Factors, Flag, Inners, NotNegative, Positive, Real, Share, Steps, Steps0, Whole, choice
from .calls import Call, read_value
from .reading import At, dialect

__all__ = ["OPTAX"]

OPTAX = dialect(
    "optax", title="optax", follows="0.2.8", modules=("optax.schedules", "optax"), leading=(), absolute=True
)
OPTAX.elsewhere["reduce_on_plateau"] = "it follows a metric: use glidepath.feedback, or glidepath replay on a log"


@OPTAX.reads("constant_schedule")
def constant(at: At, value: Real) -> Schedule:
    """One value."""
    return Hold(value=value)


@OPTAX.reads("polynomial_schedule", example="init_value=0.1, end_value=0.001, power=2.0, transition_steps=10000")
def polynomial(
    at: At, init_value: Real, end_value: Real, power: NotNegative, transition_steps: Whole, transition_begin: Whole = 0
) -> Schedule:
    """A power of what is left, from `init_value` to `end_value`; of no length, `init_value` for ever."""
    begin = max(transition_begin, 0)
    if transition_steps <= 0:
        return Hold(value=init_value)
    if not power:
        return Hold(value=init_value)
    decay = Ramp(init_value, end_value, transition_steps, pieces.curve_of_power(power))
    return pieces.in_sequence([Hold(value=init_value), decay], [begin])


@OPTAX.reads("linear_schedule", example="init_value=0.1, end_value=0.001, transition_steps=10000")
def linear(at: At, init_value: Real, end_value: Real, transition_steps: Whole, transition_begin: Whole = 0) -> Schedule:
    """A straight line; of no length, `init_value` for ever."""
    return polynomial(at, init_value, end_value, 1.0, transition_steps, transition_begin)


@OPTAX.reads("piecewise_constant_schedule", example="init_value=0.1, boundaries_and_scales={3000: 0.3, 6000: 0.3}")
def piecewise_constant(at: At, init_value: Real, boundaries_and_scales: Factors | None = None) -> Schedule:
    """Multiplied by one more scale from each boundary on."""
    values, marks = [init_value], list[int]()
    for mark, scale in (boundaries_and_scales or {}).items():
        values.append(values[-1] * scale)
        marks.append(mark)
    while marks and marks[0] <= 0:
        values, marks = values[1:], marks[1:]
    return pieces.levels(marks, values)


@OPTAX.reads("exponential_decay", example="init_value=0.1, transition_steps=3000, decay_rate=0.5")
def exponential(
    at: At,
    init_value: Real,
    transition_steps: Whole,
    decay_rate: NotNegative,
    transition_begin: Whole = 0,
    staircase: Flag = False,
    end_value: Real | None = None,
) -> Schedule:
    """`decay_rate` to the power of the steps since `transition_begin` over `transition_steps`; `end_value` bounds all of it."""
    if transition_steps <= 0 or decay_rate == 0:
        return Hold(value=init_value)
    decay = pieces.scaled(pieces.exponential(decay_rate, transition_steps, staircase), init_value)
    whole = pieces.in_sequence([Hold(value=init_value), decay], [max(transition_begin, 0)])
    if end_value is None:
        return whole
    bound = Hold(value=end_value)
    return Maximum((whole, bound)) if decay_rate < 1.0 else Minimum((whole, bound))


@OPTAX.reads("cosine_decay_schedule")
def cosine(at: At, init_value: Real, decay_steps: Steps, alpha: Real = 0.0, exponent: Positive = 1.0) -> Schedule:
    """Half a cosine down to the share `alpha`, raised to `exponent` first."""
    if exponent == 1.0:
        return Ramp(init_value, init_value * alpha, decay_steps, pieces.COSINE)
    powered = pieces.formula(
        "a + b * (0.5 * (1 + cos(pi * step / n))) ** k",
        a=init_value * alpha,
        b=init_value * (1 - alpha),
        n=decay_steps,
        k=exponent,
    )
    return pieces.in_sequence([powered, Hold(value=init_value * alpha)], [decay_steps])


def _through(kind: str, init_value: float, scales: dict[int, float]) -> Schedule:
    """Returns what goes through the products of the scales at their boundaries."""
    marks, values = [0], [init_value]
    for mark, scale in sorted(scales.items()):
        marks.append(mark)
        values.append(values[-1] * scale)
    parts = [
        Ramp(a, b, n, pieces.LINEAR if kind == "linear" else pieces.COSINE)
        for (a, b), n in zip(pairwise(values), (y - x for x, y in pairwise(marks)), strict=True)
        if n > 0
    ]
    edges = sorted({mark for mark in marks[1:] if mark > 0})
    return pieces.in_sequence([*parts, Hold(value=values[-1])], edges)


@OPTAX.reads(
    "piecewise_interpolate_schedule",
    example="interpolate_type='linear', init_value=0.1, boundaries_and_scales={3000: 0.3, 10000: 0.1}",
)
def piecewise_interpolate(
    at: At,
    interpolate_type: Annotated[str, choice("linear", "cosine")],
    init_value: Real,
    boundaries_and_scales: Factors | None = None,
) -> Schedule:
    """A line or half a cosine from each product of the scales to the next, which it reaches at its boundary."""
    scales = boundaries_and_scales or {}
    at.require(all(mark >= 0 for mark in scales), "boundaries_and_scales", "from steps on from 0", scales)
    return _through(interpolate_type, init_value, scales)


@OPTAX.reads("linear_onecycle_schedule")
def linear_onecycle(
    at: At,
    transition_steps: Steps,
    peak_value: Real,
    pct_start: Share = 0.3,
    pct_final: Share = 0.85,
    div_factor: Positive = 25.0,
    final_div_factor: Positive = 1e4,
) -> Schedule:
    """Up to `peak_value`, back down to where it began, and on to `final_div_factor` less."""
    steps, top = int(pct_start * transition_steps), transition_steps
    scales = {steps: div_factor, int(pct_final * top): 1.0 / div_factor, top: 1.0 / final_div_factor}
    return _through("linear", peak_value / div_factor, scales)


@OPTAX.reads("cosine_onecycle_schedule")
def cosine_onecycle(
    at: At,
    transition_steps: Steps,
    peak_value: Real,
    pct_start: Share = 0.3,
    div_factor: Positive = 25.0,
    final_div_factor: Positive = 1e4,
) -> Schedule:
    """Half a cosine up to `peak_value`, and one down to `div_factor * final_div_factor` less at `transition_steps`."""
    scales = {int(pct_start * transition_steps): div_factor, transition_steps: 1.0 / (div_factor * final_div_factor)}
    return _through("cosine", peak_value / div_factor, scales)


@OPTAX.reads("warmup_constant_schedule", example="init_value=0.0, peak_value=0.1, warmup_steps=1000")
def warmup_constant(at: At, init_value: Real, peak_value: Real, warmup_steps: Whole) -> Schedule:
    """A straight line, then constant; without a warmup, `init_value` for ever."""
    return linear(at, init_value, peak_value, warmup_steps)


@OPTAX.reads(
    "warmup_cosine_decay_schedule", example="init_value=0.0, peak_value=0.1, warmup_steps=1000, decay_steps=10000"
)
def warmup_cosine(
    at: At,
    init_value: Real,
    peak_value: Real,
    warmup_steps: Steps0,
    decay_steps: Steps,
    end_value: Real = 0.0,
    exponent: Positive = 1.0,
) -> Schedule:
    """A straight line up, then half a cosine down to `end_value` at `decay_steps`, which holds the warmup."""
    at.require(decay_steps > warmup_steps, "decay_steps", f"above the {warmup_steps} steps of warmup", decay_steps)
    alpha = 0.0 if peak_value == 0.0 else end_value / peak_value
    decay = cosine(at, peak_value, decay_steps - warmup_steps, alpha, exponent)
    return pieces.warmed(init_value, peak_value, warmup_steps, decay)


@OPTAX.reads(
    "warmup_exponential_decay_schedule",
    example="init_value=0.0, peak_value=0.1, warmup_steps=1000, transition_steps=3000, decay_rate=0.5",
)
def warmup_exponential(
    at: At,
    init_value: Real,
    peak_value: Real,
    warmup_steps: Steps0,
    transition_steps: Whole,
    decay_rate: NotNegative,
    transition_begin: Whole = 0,
    staircase: Flag = False,
    end_value: Real | None = None,
) -> Schedule:
    """A straight line up, then an exponential decay on its own clock."""
    decay = exponential(at, peak_value, transition_steps, decay_rate, transition_begin, staircase, end_value)
    return pieces.warmed(init_value, peak_value, warmup_steps, decay)


@OPTAX.reads(
    "sgdr_schedule",
    example="cosine_kwargs=[{'init_value': 0, 'peak_value': 0.1, 'warmup_steps': 500, 'decay_steps': 10000}]",
)
def sgdr(at: At, cosine_kwargs: Any) -> Schedule:
    """One warmup and cosine after another, each with its own arguments."""
    checks = at.checks()
    given = read_value(cosine_kwargs) if isinstance(cosine_kwargs, str) else cosine_kwargs
    cycles = checks.items("cosine_kwargs", given, 1)
    if not all(isinstance(cycle, dict) for cycle in cycles):
        checks.refuse("cosine_kwargs", "a list of dicts of arguments of warmup_cosine_decay_schedule", cosine_kwargs)
    checks.done()
    parts = [OPTAX.inside(at, Call("warmup_cosine_decay_schedule", dict(cycle))) for cycle in cycles]
    ends = [0]
    for cycle in cycles:
        ends.append(ends[-1] + int(cycle["decay_steps"]))
    return pieces.in_sequence(parts, ends[1:-1])


@OPTAX.reads(
    "join_schedules",
    example="schedules='[linear_schedule(0.0, 0.1, 1000), cosine_decay_schedule(0.1, 9000)]', boundaries=[1000]",
)
def join(at: At, schedules: Inners, boundaries: Any) -> Schedule:
    """One schedule after another, each on its own clock from its boundary on."""
    marks = [at.checks().length(f"boundaries[{i}]", mark, -(2**53)) for i, mark in enumerate(boundaries)]
    parts, edges = [schedules[0]], list[int]()
    for mark, part in zip(marks, schedules[1:], strict=False):
        if at.strict:
            at.require(not edges or mark > edges[-1], "boundaries", "strictly increasing", boundaries)
        while edges and edges[-1] >= mark:
            edges.pop()
            parts.pop()
        if mark <= 0:
            parts, edges = [pieces.after(part, -mark)], []
        else:
            parts.append(part)
            edges.append(mark)
    more = len(schedules) - 1
    at.require(not at.strict or len(marks) == more, "boundaries", f"one fewer than the schedules, {more}", boundaries)
    return pieces.in_sequence(parts, edges)

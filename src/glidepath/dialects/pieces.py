"""The pieces that several libraries share, said once in terms of the core."""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from itertools import accumulate
from typing import Any

from ..core import Expression, Profile, Restarts, Schedule, substituted
from ..core.combinators import Chain, Product, Repeat, Shift, Stretch, Sum, Until
from ..core.curves import Cosine, Curve, Linear, OneMinusSqrt, Polynomial
from ..core.fields import MAX_STEPS, simplest
from ..core.segments import Exponential, Hold, MultiStep, Ramp, Step, Table, Triangle

COSINE, LINEAR, ROOT = Cosine(), Linear(), OneMinusSqrt()
# What libraries call them.
CURVES: Mapping[str, Curve] = {"cos": COSINE, "cosine": COSINE, "linear": LINEAR, "1-sqrt": ROOT, "minus_sqrt": ROOT}


def scaled(factor: Schedule, base: float) -> Schedule:
    """Returns a factor times the base rate."""
    return factor if base == 1 else Product((factor,), base)


def by_epoch(schedule: Schedule, length: int, epochs: int | None) -> Schedule:
    """Returns a schedule of epochs by step: each epoch's value for `length` steps, at most 10,000 epochs where none are given."""
    count = int(min(schedule.duration if epochs is None else epochs, 10_000)) + 1
    return Table([i * length for i in range(count)], [schedule(i) for i in range(count)], "previous")


def times(parts: Sequence[Schedule]) -> Schedule:
    """Returns the product of several factors."""
    return parts[0] if len(parts) == 1 else Product(tuple(parts))


def lasting(span: float, make: Callable[[int], Schedule]) -> Schedule:
    """Returns `make(span)`, stretched where the span is not a whole number of steps."""
    if span == int(span):
        return make(int(span))
    fraction = simplest(span)
    return Stretch(make(fraction.numerator), 1 / fraction.denominator)


def constant_then(level: float, steps: int) -> Schedule:
    """Returns `level` for some steps, then 1."""
    return Chain((Hold(steps, level), Hold()))


def levels(boundaries: Sequence[int], values: Sequence[float]) -> Schedule:
    """Returns one value after another; each begins at its boundary."""
    if not boundaries:
        return Hold(value=values[0])
    return levels(boundaries[1:], values[1:]) if boundaries[0] == 0 else Table([0, *boundaries], values, "previous")


def drops(milestones: Sequence[int], gamma: float) -> Schedule:
    """Returns the product of one `gamma` for each milestone that has come; they may repeat and begin with 0."""
    counts = {mark: milestones.count(mark) for mark in sorted(set(milestones))}
    first = gamma ** counts.pop(0, 0)
    layers = [[m for m, n in counts.items() if n >= level] for level in range(1, max(counts.values(), default=0) + 1)]
    return scaled(times([MultiStep(layer, gamma) for layer in layers]), first) if layers else Hold(value=first)


def exponential(rate: float, span: float, staircase: bool) -> Schedule:
    """Returns `rate` to the power of the step over a span, in a staircase or not."""
    return Hold() if rate == 1.0 else lasting(span, lambda steps: Exponential(rate, steps, staircase=staircase))


def ramp(start: float, end: float, steps: int, curve: Curve = LINEAR) -> Schedule:
    """Returns the way from one value to another, held from then on; of no length, the end."""
    return Ramp(start, end, steps, curve) if steps > 0 else Hold(value=end)


def formula(text: str, **parts: float | str) -> Expression:
    """Returns a formula of `step` with numbers in the places of its other names, or formulas that hold such names themselves.

    Examples:
        >>> formula("a * b ** x", a=0.1, b=0.9, x="step / n", n=5)
        expression("0.1 * 0.9 ** (step / 5)")
    """
    for kind in (str, int | float):
        filled = {name: f"({part})" for name, part in parts.items() if isinstance(part, kind)}
        text = re.sub(r"\b[A-Za-z_]\w*", lambda found, filled=filled: filled.get(found[0], found[0]), text)
    return Expression(text)


def wave(start: float, end: float, span: float) -> Schedule:
    """Returns a cosine that falls in a span, which may be any number, climbs back in another, and so on."""
    if 0 < span <= MAX_STEPS and simplest(span).denominator <= 1000:
        return up_and_down(start, end, span)
    return formula("b + (a - b) * 0.5 * (1 + cos(pi / n * step))", a=start, b=end, n=span)


def stairs(gamma: float, span: float) -> Schedule:
    """Returns one more `gamma` every span."""
    return lasting(span, lambda steps: Step(steps, gamma))


def cosine(start: float, end: float, span: float) -> Schedule:
    """Returns half a cosine from one value to another, held from then on."""
    return lasting(span, lambda steps: Ramp(start, end, steps, COSINE))


def curve_of_power(power: float) -> Curve:
    """Returns the curve of a polynomial decay."""
    return LINEAR if power == 1.0 else Polynomial(power)


def up_and_down(start: float, end: float, span: float) -> Schedule:
    """Returns a cosine that falls in a span, climbs back in another, and so on for ever."""
    return lasting(
        span, lambda steps: Repeat(Chain((Ramp(start, end, steps, COSINE), Ramp(end, start, steps, COSINE))))
    )


def restarts(cycle: Schedule, growth: float, decay: float = 1.0, floor: float = 0.0) -> Schedule:
    """Returns a cycle again and again, growing and losing height."""
    if growth == int(growth) and decay <= 1.0:
        return Repeat(cycle, None, growth, decay, floor)
    return Restarts(cycle, growth, decay, floor)


def part(begin: Fraction, length: Fraction, start: float, end: float, curve: Curve = LINEAR) -> Schedule:
    """Returns the way from one value to another that begins and ends at places that need not be whole steps.

    Args:
        begin: Where it begins; the schedule's own clock begins with the first whole step from there on.
        length: How long it is.
        start: The first value.
        end: The last one.
        curve: Linear, cosine or a polynomial.
    """
    late = math.ceil(begin) - begin
    if late == 0 and length.denominator == 1:
        return ramp(start, end, int(length), curve)
    return Hold(value=end) if length < late else Profile([-float(late), float(length - late)], [start, end], curve)


def after(schedule: Schedule, steps: int) -> Schedule:
    """Returns a schedule from some step on, on its own clock from there."""
    if steps == 0:
        return schedule
    if schedule.duration <= steps:
        return Hold(value=schedule(steps))
    if isinstance(schedule, Chain) and schedule.phases[0].duration <= steps:
        first, *rest = schedule.phases
        return after(Chain(tuple(rest)) if len(rest) > 1 else rest[0], steps - int(first.duration))
    return Shift(schedule, -steps)


def until(schedule: Schedule, steps: int) -> Schedule:
    """Returns the first steps of a schedule."""
    if isinstance(schedule, Hold):
        return Hold(steps, schedule.value)
    return schedule if schedule.duration == steps else Until(schedule, steps)


def in_sequence(pieces: Sequence[Schedule], milestones: Sequence[int]) -> Schedule:
    """Returns pieces one after another, each from its milestone on its own clock; the last goes on."""
    lengths = [b - a for a, b in zip([0, *milestones], milestones, strict=False)]
    parts = [(piece, n) for piece, n in zip(pieces, lengths, strict=False) if n > 0]
    phases = [until(piece, n) for piece, n in parts]
    return Chain((*phases, pieces[-1])) if phases else pieces[-1]


def each(parts: Sequence[tuple[Schedule, int]], last: Schedule | None = None) -> Schedule:
    """Returns schedules one after another, each for its steps, then the last one; without that, the last of them goes on."""
    ends = [*accumulate(steps for _, steps in parts)]
    return in_sequence([*(part for part, _ in parts), *([] if last is None else [last])], ends[: None if last else -1])


def held(level: float, steps: int, then: Schedule) -> Schedule:
    """Returns a value for some steps, then a schedule."""
    return in_sequence([Hold(value=level), then], [steps])


def warmed(start: float, peak: float, steps: int, then: Schedule) -> Schedule:
    """Returns a straight line from `start` to `peak`, then another schedule."""
    return in_sequence([Ramp(start, peak, steps, LINEAR), then], [steps]) if steps else then


def cyclic(
    low: float, high: float, up: int, down: int, mode: str, gamma: float, scale: Any, by_cycle: bool
) -> Schedule:
    """Returns a triangular wave between two values, its height scaled by the mode or by a function of cycle or step."""
    if scale is None and (mode == "triangular" or (mode == "exp_range" and gamma == 1.0)):
        return Triangle(up, down, low, high)
    height: Schedule
    if scale is not None:
        height = Expression(substituted(scale.formula, f"step // {up + down} + 1")) if by_cycle else scale
    else:
        height = Step(up + down, 0.5) if mode == "triangular2" else Exponential(gamma)
    return Sum((Product((Triangle(up, down), height), high - low),), low)


def one_cycle(ends: Sequence[float], values: Sequence[float], curve: str, last: int) -> Schedule:
    """Returns the phases of a one-cycle policy, held from step `last` on.

    Args:
        ends: Where each phase ends; not whole steps in general, and below 0 for a phase that never runs.
        values: The value at the beginning of the first phase and at the end of each.
        curve: `cos` or `linear`.
        last: The step of the last value.
    """
    marks, levels_ = [0.0], [values[0]]
    for end, value in zip(ends, values[1:], strict=True):
        if end < 0 or not marks or end <= marks[0]:
            marks, levels_ = [end], [value]  # the phase never runs, and the next one has begun before step 0
        elif marks[-1] < last:
            marks.append(end)
            levels_.append(value)
    if len(marks) == 1:
        return Hold(value=levels_[0])
    profile = Profile(marks, levels_, CURVES[curve])
    return Until(profile, max(last, 1)) if profile.duration > max(last, 1) else profile


def phased(at: Any, field: str, share: float, total: int, values: Sequence[float], curve: str) -> Schedule:
    """Returns the one-cycle policy of PyTorch and Paddle: of two phases, or of three where four values are given.

    Args:
        at: The call; without `strict` the library's step past the end of the run is its own.
        field: The name of the share.
        share: Of the run, for the way up.
        total: Steps of the run, the last of which has the last value.
        values: The value at the beginning and at the end of each phase.
        curve: `cos` or `linear`.
    """
    rule, remedy = "such that the first phase has a length", f"{at.dialect.title} divides by it"
    at.require(share * total != 1, field, rule, share, remedy)
    ends = [share * total - 1, *([2 * share * total - 2] if len(values) == 4 else []), float(total - 1)]
    made = one_cycle(ends, values, curve, total - 1)
    if not at.strict:
        with contextlib.suppress(ZeroDivisionError):  # a last phase without a length
            return overshoot(made, ends, values, curve, total)
    return made


def overshoot(schedule: Schedule, ends: Sequence[float], values: Sequence[float], curve: str, total: int) -> Schedule:
    """Returns a one-cycle policy with the value that it takes one step past its end, then held.

    Raises:
        ZeroDivisionError: If the last phase has no length.
    """
    i = next((i for i, end in enumerate(ends[:-1]) if total <= end), len(ends) - 1)
    begin = ends[i - 1] if i else 0.0
    share = (total - begin) / (ends[i] - begin)
    rise = (1.0 - math.cos(math.pi * share)) / 2.0 if curve == "cos" else share
    return Chain((Until(schedule, total), Hold(value=values[i] + (values[i + 1] - values[i]) * rise)))

"""PyTorch-Ignite: `ignite.handlers.param_scheduler`, as of 0.5.5, on the clock of the events that a scheduler is attached to.

And the two warmup classes of PyPI that are installed most often, which go around a scheduler of another library as Ignite's warmup does.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import accumulate, pairwise
from typing import Any

from ..core import Chain, Exponential, Hold, Profile, Ramp, Schedule, Sum
from . import pieces
from .calls import Call, read_value
from .reading import child
from .table import dialect, whose

IGNITE = dialect("ignite")
_MOST = 128  # cycles of changing length


def _way(kind: str, start: float, end: float, steps: int) -> Schedule:
    if kind == "triangle":
        return Profile([0.0, steps / 2, float(steps)], [start, end, start])
    return Ramp(start, end, steps, pieces.CURVES[kind])


def _cycle(kind: str, ends: tuple[float, float], begin: float, steps: int, warmup: int) -> Schedule:
    """Returns one cycle and the way to where the next one begins."""
    whole = _way(kind, *ends, steps)
    return Chain((whole, Ramp(ends[1], begin, warmup))) if warmup else whole


def _cycles(a: Any, kind: str) -> Schedule:
    """Returns a cycle again and again, its length and its two values multiplied each time."""
    a.require(a.cycle_size > 1, "cycle_size", "above 1")
    a.require(not (a.warmup_duration and kind == "triangle"), "warmup_duration", "0 unless monotonic")
    start, end, size, warmup = a.start_value, a.end_value, a.cycle_size, a.warmup_duration
    more, less = a.start_value_mult, a.end_value_mult
    if a.cycle_mult == 1:
        if more == less == 1:
            return pieces.restarts(_cycle(kind, (start, end), start, size, warmup), 1.0)
        begins = pieces.restarts(_cycle(kind, (1.0, 0.0), more, size, warmup), 1.0, more)
        ends = pieces.restarts(_cycle(kind, (0.0, 1.0), 0.0, size, warmup), 1.0, less)
        return Sum((pieces.scaled(begins, start), pieces.scaled(ends, end)))
    parts = list[tuple[Schedule, int]]()
    while size > 0 and sum(n for _, n in parts) < 2**53 and len(parts) < _MOST:
        parts.append((_cycle(kind, (start, end), start * more, size, warmup), size + warmup))
        start, end, size, warmup = start * more, end * less, int(size * a.cycle_mult), int(warmup * a.cycle_mult)
    return pieces.each(parts, Hold(value=parts[-1][0](sum(n for _, n in parts))))


def PiecewiseLinear(a: Any) -> Schedule:
    pairs = [(0, a.milestones_values[0][1]), *a.milestones_values]
    a.require(all(x <= y for (x, _), (y, _) in pairwise(pairs)), "milestones_values", "in order of their steps")
    parts = [(Ramp(x[1], y[1], y[0] - x[0]), y[0] - x[0]) for x, y in pairwise(pairs) if y[0] > x[0]]
    return pieces.each(parts, Hold(value=pairs[-1][1]))


def ConcatScheduler(a: Any) -> Schedule:
    more = len(a.schedulers) - 1
    a.require(len(a.durations) == more, "durations", f"one fewer than the schedulers, {more}")
    return pieces.in_sequence(a.schedulers, [*accumulate(a.durations)])


def create_lr_scheduler_with_warmup(a: Any) -> Schedule:
    """Returns a warmup whose last event has the end value; a scheduler of PyTorch goes on from its second value."""
    given = read_value(a.lr_scheduler) if isinstance(a.lr_scheduler, str) else a.lr_scheduler
    inner, steps, start = child(a.at, "lr_scheduler", given), a.warmup_duration, a.warmup_start_value
    a.at.require(steps > 1, "warmup_duration", "above 1", steps)
    own = isinstance(given, Call) and whose(given)[0] is IGNITE
    first = inner(0)
    end = a.warmup_end_value if a.warmup_end_value is not None else a.lr if own else first
    rise = Ramp(start, end, steps - 1)
    if own:
        return pieces.in_sequence([rise, inner], [steps - 1 if first == end else steps])
    reached = [rise] if first == end else [rise, Hold(value=first)]
    edges = [steps] if first == end else [steps, steps + 1]
    return pieces.in_sequence([*reached, pieces.after(inner, 1)], edges)


IGNITE.rows(
    globals(),
    LinearCyclicalScheduler=lambda a: _cycles(a, "linear" if a.monotonic else "triangle"),
    CosineAnnealingScheduler=lambda a: _cycles(a, "cosine"),
    LRScheduler=lambda a: a.lr_scheduler,
    ExpStateScheduler=lambda a: Exponential(a.gamma, 1, a.initial_value),
    StepStateScheduler=lambda a: pieces.scaled(pieces.stairs(a.gamma, a.step_size), a.initial_value),
    MultiStepStateScheduler=lambda a: pieces.scaled(pieces.drops(list(a.milestones), a.gamma), a.initial_value),
)


# warmup-scheduler and cosine-annealing-warmup ----------------------------------------------------------------------------------------------

WARMUPS = dialect("warmups")


def GradualWarmupScheduler(a: Any) -> Schedule:
    """Returns the way to `multiplier` times the rate, and the other scheduler from there, one step after it is reached."""
    top = a.lr * a.multiplier
    a.require(a.multiplier >= 1, "multiplier", "at least 1")
    inner: Schedule = Hold(value=top)
    if a.after_scheduler is not None:
        inner = child(replace(a.at, base=top), "after_scheduler", a.after_scheduler)
    rise = Ramp(0.0 if a.multiplier == 1 else a.lr, top, a.total_epoch)
    return pieces.in_sequence([rise, inner], [a.total_epoch + 1])


def CosineAnnealingWarmupRestarts(a: Any) -> Schedule:
    """Returns cycles of a warmup and half a cosine; the very first step has `min_lr`."""
    length, warmup, parts, done = a.first_cycle_steps, a.warmup_steps, list[tuple[Schedule, int]](), 0
    a.require(warmup < length, "warmup_steps", f"below first_cycle_steps, {length}")
    while len(parts) < 128 and length > warmup and done < 2**53:
        peak = a.max_lr * a.gamma ** len(parts)
        fall = Ramp(peak, a.min_lr, length - warmup, pieces.COSINE)
        parts.append((pieces.warmed(a.min_lr, peak, warmup, fall), length))
        done, length = done + length, int((length - warmup) * a.cycle_mult) + warmup
        if a.cycle_mult == a.gamma == 1:
            break
    whole = pieces.restarts(parts[0][0], 1.0) if len(parts) == 1 else pieces.each(parts, Hold(value=a.min_lr))
    return whole if warmup else pieces.held(a.min_lr, 1, pieces.after(whole, 1))


WARMUPS.rows(globals())

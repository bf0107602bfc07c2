"""Schedules that logged rates might have come from: their parameters are read off the numbers, then built."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from ..core import curves
from ..core.combinators import Chain
from ..core.curves import Curve
from ..core.errors import GlidepathError
from ..core.namespace import namespace_of
from ..core.schedule import Schedule
from ..core.segments import Exponential, Hold, InverseSqrt, InverseTime, Ramp
from ..logs.log import Array
from .candidate import Candidate, between, nice
from .cycles import levels, restarts, triangles

__all__ = ["candidates"]

_CLOSE = 1e-6


class _Rise(NamedTuple):
    """How the rates get to their peak: from `start` to `peak` in `steps` steps, along `curve`."""

    steps: int
    start: float
    peak: float
    curve: str


_CURVES: tuple[Curve, ...] = (
    *(curves.Linear(), curves.Cosine(), curves.Sqrt(), curves.OneMinusSqrt(), curves.Rex()),
    *(curves.Polynomial(power) for power in (1.5, 2.0, 3.0, 4.0, 0.9, 0.75)),
)


def _fall(curve: Curve, u: Array) -> Array:
    """Returns how much of a decay is left where a share `u` of it is done."""
    return curve.fall(curves.Span(namespace_of(u)[1], u, 1 - u, 1))  # type: ignore[arg-type]


def candidates(t: Array, y: Array) -> Iterator[Candidate]:
    """Yields what might have made the rates `y` at the steps `t`, both rising from about 0 on.

    Args:
        t: Steps, strictly increasing, at least 5.
        y: Rates, at least 0.
    """
    for make in (_constant, levels, triangles, _restarts, _late, _phases):
        try:
            yield from make(t, y)
        except GlidepathError:  # numbers that make no schedule are no candidate
            continue


def _constant(t: Array, y: Array) -> Iterator[Candidate]:
    del t
    middle = float(np.median(y))
    yield Candidate("constant", middle, Hold(None, 1.0), 1)


def _restarts(t: Array, y: Array) -> Iterator[Candidate]:
    return restarts(t, y, [rise.steps for rise in _rises(t, y) if rise.start < rise.peak])


def _phases(t: Array, y: Array) -> Iterator[Candidate]:
    """A rise or none, a stretch at the peak or none, a decay of some shape to a floor, and the floor held."""
    for rise in _rises(t, y):
        peak, first = rise.peak, rise.steps
        top = np.nonzero(y >= peak * (1 - 1e-9))[0]
        flat = int(t[top[-1]]) if len(top) > 1 else first
        begun = rise.start / peak
        usual = bool(first) and abs(begun * (first + 1) - 1) < 0.05  # where a warmup begins if nobody says otherwise
        ahead = Ramp(1 / (first + 1) if usual else begun, 1.0, first, Curve.of(rise.curve)) if first else None
        cost = 1 + (2 - usual if first else 0) + (rise.curve != "linear")
        if flat >= t[-1]:
            if ahead is not None:
                yield Candidate("warmup, then constant", peak, Chain((ahead, Hold(None, 1.0))), cost)
            continue
        # Without a stretch at the peak the decay begins where the rise ends.
        for hold in dict.fromkeys((0, *_holds(t, y, first, flat))):
            begin = first + hold
            inside = t >= begin
            x, z = t[inside] - begin, y[inside] / peak
            if len(x) < 4:
                continue
            before = [phase for phase in (ahead, Hold(hold, 1.0) if hold else None) if phase is not None]
            for name, tail, price in _decays(x, z):
                names = [word for word, there in (("warmup", first), ("hold", hold), (name, True)) if there]
                yield Candidate(
                    ", ".join(names),
                    peak,
                    Chain((*before, tail)) if before else tail,
                    cost + (1 if hold else 0) + price,
                )


def _late(t: Array, y: Array) -> Iterator[Candidate]:
    """A decay from step 0 on whose beginning was not logged: its peak is found together with its floor."""
    if t[0] == 0 or y[0] < y.max():
        return
    grid = np.unique(np.geomspace(t[-1], 30 * t[-1], 60).astype(int))
    for curve in _CURVES:
        for floored in (False, True):

            def solved(n: int, curve: Curve = curve, floored: bool = floored) -> tuple[float, float, float]:
                c = _fall(curve, np.minimum(t / n, 1.0))
                if np.ptp(c) < 1e-9:
                    return math.inf, 0.0, 0.0
                slope, low = np.polyfit(c, y, 1) if floored else ((c * y).sum() / (c * c).sum(), 0.0)
                return float(((slope * c + low - y) ** 2).sum()), float(slope), float(low)

            best = int(np.argmin([solved(int(n))[0] for n in grid]))
            begin, end = int(grid[max(best - 1, 0)]), int(grid[min(best + 1, len(grid) - 1)])
            for n in _narrowed(lambda n, solved=solved: solved(n)[0], begin, end):
                _, slope, low = solved(n)
                peak = nice(slope + low)
                floor = nice(low / peak) if peak > 0 else 1.0
                if peak > 0 and -1e-6 <= floor < 1:
                    floor = max(floor, 0.0)
                    yield Candidate(str(curve), peak, Ramp(1.0, floor, n, curve), 2 + (floor > 0))
    if y.min() > 0:
        slope, begun = np.polyfit(t, np.log(y), 1)
        if slope < 0:
            yield Candidate("exponential", nice(math.exp(begun)), Exponential(nice(math.exp(slope))), 2)
        slope, begun = np.polyfit(t, y**-2.0, 1)
        if slope > 0 and begun > slope:
            yield Candidate("inverse square root", nice(begun**-0.5), InverseSqrt(round(begun / slope)), 2)
        slope, begun = np.polyfit(t, 1 / y, 1)
        if slope > 0 and begun > 0:
            yield Candidate("inverse time", nice(1 / begun), InverseTime(nice(slope / begun)), 2)


def _holds(t: Array, y: Array, first: int, flat: int) -> list[int]:
    """Returns how long the peak may have been held: the decay begins between the last step seen at it and the first one below."""
    if flat <= first:
        return []
    after = t[t > flat]
    end = int(after[0]) if len(after) else flat
    found = {flat - first, between(flat - 1, end) - first}
    below = [(step, value) for step, value in zip(t[t > flat][:2], y[t > flat][:2], strict=True)]
    if (
        len(below) == 2 and below[0][1] > below[1][1]
    ):  # the line through the first two steps below the peak meets it where it began
        slope = (below[1][1] - below[0][1]) / (below[1][0] - below[0][0])
        meets = round(float(below[0][0] - (below[0][1] - y.max()) / slope))
        if flat <= meets <= end:
            found.add(meets - first)
    return sorted(each for each in found if each > 0)


def _rises(t: Array, y: Array) -> Iterator[_Rise]:
    """Yields how the rates may have got to their peak; the peak of a log with gaps may lie between two entries."""
    top = int(y.argmax())
    peak = float(y[top])
    if top == 0 or y[0] >= peak * (1 - 1e-9):
        yield _Rise(0, peak, peak, "linear")
        if t[0] == 0:
            return
    if top == 0:
        return
    yield _Rise(int(t[top]), _start(t, y, top, "linear"), peak, "linear")
    yield _Rise(int(t[top]), _start(t, y, top, "cosine"), peak, "cosine")
    if top >= 2 and (t[top] - t[top - 1] > 1 or (top + 1 < len(t) and t[top + 1] - t[top] > 1)):
        # A straight rise goes on to where the decay begins, which is between entries.
        slope = (y[top - 1] - y[0]) / (t[top - 1] - t[0])
        end = int(t[top + 1]) if top + 1 < len(t) else int(t[top])
        steps = np.unique(np.linspace(int(t[top - 1]) + 1, end, 12).astype(int))
        round_ = [between(int(t[top - 1]), int(t[top])), between(int(t[top]), end)]
        for w in sorted({*steps.tolist(), *round_}):
            reached = float(y[0] + slope * (w - t[0]))
            if peak * (1 - 1e-9) <= reached <= 1.5 * peak:
                yield _Rise(w, float(y[0] - slope * t[0]), reached, "linear")


def _start(t: Array, y: Array, top: int, curve: str) -> float:
    """Returns the value at step 0 of a rise to the peak."""
    w = float(t[top])
    if t[0] == 0 or w == 0:
        return float(y[0])
    return max(float(y[top]) * _linear_floor_start(y[:top] / y[top], _fall(Curve.of(curve), t[:top] / w)), 0.0)


def _linear_floor_start(z: Array, c: Array) -> float:
    """Returns s of z = 1 + (s - 1) c by least squares."""
    return 1 + float((c * (z - 1)).sum() / max(float((c * c).sum()), 1e-300))


def _decays(x: Array, z: Array) -> Iterator[tuple[str, Schedule, int]]:
    """Yields (name, schedule, number of parameters) of the decays that may have made `z` at `x`, from 1 at 0."""
    last = float(x[-1])
    positive = bool((z > 0).all())
    held = np.nonzero(z > z[-1] + 1e-12)[0]
    ends = int(x[held[-1] + 1]) if len(held) and held[-1] + 2 < len(x) else None  # it seems to have come to rest there
    for curve in _CURVES:
        yield from _shaped(curve, x, z, ends)
    if not positive:
        return
    log = np.log(z)
    far = x > 0
    rate = float(np.exp((log[far] * x[far]).sum() / (x[far] ** 2).sum()))
    if 0 < rate < 1:
        yield "exponential", Exponential(nice(rate)), 1
        half = math.log(0.5) / math.log(rate)
        for steps in (10, 100, 1000, 10_000):
            if steps < 4 * half:
                yield "exponential", Exponential(nice(rate**steps), steps), 2
        end = float(z[-1])
        if ends is not None:
            for n in _lengths(x, ends):
                yield "geometric", Ramp(1.0, end, n, curves.Geometric()), 2
        yield "geometric", Ramp(1.0, end, max(int(last), 1), curves.Geometric()), 2
    # 1 / z^2 - 1 = x / T, and 1 / z - 1 = k x
    slope = float((x[far] * (1 / z[far] ** 2 - 1)).sum() / (x[far] ** 2).sum())
    if slope > 0 and 1 <= 1 / slope < 1e15:
        yield "inverse square root", InverseSqrt(max(1, round(1 / slope))), 1
    slope = float((x[far] * (1 / z[far] - 1)).sum() / (x[far] ** 2).sum())
    if slope > 0:
        yield "inverse time", InverseTime(nice(slope)), 1
        for steps in (10, 100, 1000, 10_000):
            yield "inverse time", InverseTime(nice(slope * steps), steps), 2


def _shaped(curve: Curve, x: Array, z: Array, ends: int | None) -> Iterator[tuple[str, Schedule, int]]:
    """Yields a decay of one shape with the lengths that fit best; its floor follows from each length by least squares."""
    last = max(int(x[-1]), 1)
    if ends is not None:  # rounded values come to rest before the schedule does
        lengths = [*_lengths(x, ends), *_narrowed(lambda n: _misfit(curve, x, z, n), ends, ends + ends // 4 + 1)]
    else:
        grid = np.unique(np.geomspace(last, 30 * last, 60).astype(int))
        errors = [_misfit(curve, x, z, int(n)) for n in grid]
        best = int(np.argmin(errors))
        low, high = int(grid[max(best - 1, 0)]), int(grid[min(best + 1, len(grid) - 1)])
        lengths = _narrowed(lambda n: _misfit(curve, x, z, n), low, high)
    for n in lengths:
        u = np.minimum(x / n, 1.0)
        floor = _linear_floor(z, _fall(curve, u))
        for low in dict.fromkeys((nice(floor), 0.0)):
            if -1e-6 <= low < 1:
                yield str(curve), Ramp(1.0, max(low, 0.0), n, curve), 1 + (low > 0)


def _lengths(x: Array, ends: int) -> list[int]:
    """Returns lengths that end between the entry before `ends` and `ends`: all of them if few, the roundest otherwise."""
    before = int(x[x < ends][-1]) if (x < ends).any() else 0
    if ends - before <= 4:
        return list(range(max(before, 1), ends + 1))
    return sorted({max(before, 1), between(before, ends), ends})


def _narrowed(error: Callable[[int], float], low: int, high: int) -> list[int]:
    """Returns the integers around the lowest error between two, by golden section, and the roundest near it."""
    while high - low > 6:
        a, b = low + (high - low) * 382 // 1000, low + (high - low) * 618 // 1000
        if error(a) <= error(b):
            high = b
        else:
            low = a
    best = min(range(low, high + 1), key=error)
    margin = max(best // 500, 1)
    return sorted({best, *range(max(low, 1), high + 1), between(max(best - margin, 1) - 1, best + margin)})


def _misfit(curve: Curve, x: Array, z: Array, n: int) -> float:
    c = _fall(curve, np.minimum(x / n, 1.0))
    floor = max(_linear_floor(z, c), 0.0)
    return float(((floor + (1 - floor) * c - z) ** 2).sum())


def _linear_floor(z: Array, c: Array) -> float:
    """Returns m of z = m + (1 - m) c by least squares."""
    d = 1 - c
    return float((d * (z - c)).sum() / max(float((d * d).sum()), 1e-300))

"""Rates in levels and in cycles: steps, milestones, triangles, cosines with restarts."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ..core.segments import MultiStep, Step, Triangle
from ..logs.log import Array
from ..recipes import exp_range, piecewise_constant, sgdr, triangular2
from .candidate import Candidate, between, nice

__all__ = ["levels", "restarts", "triangles"]

_CLOSE = 1e-6
Indices = NDArray[np.intp]


def levels(t: Array, y: Array) -> Iterator[Candidate]:
    """Rates that stay and drop: every so many steps, at milestones by one factor, or to any values."""
    edges = np.nonzero(np.abs(np.diff(y)) > _CLOSE * np.maximum(y[1:], y[:-1]))[0] + 1
    if not 1 <= len(edges) <= 100 or len(edges) * 3 > len(y):
        return
    values = [float(np.median(part)) for part in np.split(y, edges)]
    marks = [int(t[i]) for i in edges]  # the first step seen at the new level
    peak = values[0]
    if min(values) > 0:
        ratios = np.array(values[1:]) / np.array(values[:-1])
        if np.ptp(ratios) < 1e-3 * ratios.mean():
            factor = nice(float(np.exp(np.log(ratios).mean())))
            period = _period(t, edges)
            if period:
                yield Candidate("steps", peak, Step(period, factor), 3)
            drops = [between(int(t[i - 1]), int(t[i])) for i in edges]
            yield Candidate("milestones", peak, MultiStep(tuple(drops), factor), 2 + len(drops))
    if len(marks) <= 20:
        drops = [between(int(t[i - 1]), int(t[i])) for i in edges]
        yield Candidate("levels", peak, piecewise_constant(drops, [nice(v / peak) for v in values]), 1 + 2 * len(drops))


def _period(t: Array, edges: Indices) -> int | None:
    """Returns the one period that puts drop k between the steps seen before and after it, or None; the roundest of several."""
    k = np.arange(1, len(edges) + 1)
    low = int(np.floor((t[edges - 1] / k).max())) + 1
    high = int(np.floor((t[edges] / k).min()))
    return between(low - 1, high) if low <= high else None


def triangles(t: Array, y: Array) -> Iterator[Candidate]:
    """A wave of straight lines, its height the same, halved each time, or shrinking all along."""
    turns = _turns(y)
    if len(turns) < 2 or y[1] <= y[0]:
        return
    low, high = float(y.min()), float(y.max())
    floor = nice(low / high)
    up = round(float(t[turns[0]]))
    down = round(float(t[turns[1]] - t[turns[0]]))
    for a in range(max(up - 1, 1), up + 2):
        for b in range(max(down - 1, 1), down + 2):
            yield Candidate("triangles", high, Triangle(a, None if a == b else b, floor, 1.0), 4)
            if floor < 1:
                yield Candidate("triangles, halved", high, triangular2(a, None if a == b else b, floor), 4)
    if len(turns) > 2 and low == 0:
        first, second = int(turns[0]), int(turns[2])
        rate = float((y[second] / y[first]) ** (1 / (t[second] - t[first])))
        if 0 < rate < 1:
            yield Candidate("triangles, shrinking", nice(high / rate**up), exp_range(up, nice(rate), down), 4)


def _turns(y: Array) -> Indices:
    slope = np.sign(np.diff(y))
    kept = np.nonzero(slope)[0]
    change = np.nonzero(np.diff(slope[kept]))[0]
    return kept[change] + 1


def restarts(t: Array, y: Array, firsts: Iterable[int]) -> Iterator[Candidate]:
    """Cosines that begin again, longer or lower each time, perhaps after a warmup."""
    begins = np.nonzero(np.diff(y) > 0.2 * y.max())[0] + 1
    if not 1 <= len(begins) <= 1000:
        return
    for first in sorted({0, *firsts}):
        later = begins[t[begins] > first]
        if not len(later):
            continue
        # Restart k comes after a sum of k lengths: the first length lies where all the jumps allow it.
        gaps = np.diff(t[later])
        seen = nice(float(np.median(gaps[1:] / gaps[:-1]))) if len(gaps) > 1 else 1.0
        for growth in dict.fromkeys((1.0, 2.0, max(seen, 1.0))):
            sums = np.cumsum(growth ** np.arange(len(later)))
            low = int(np.floor(((t[later - 1] - first) / sums).max()))
            high = int(np.floor(((t[later] - first) / sums).min()))
            for length in dict.fromkeys((between(low, high), high) if 0 <= low < high else ()):
                yield from _cosines(t, y, first, length, growth)


def _cosines(t: Array, y: Array, first: int, length: int, growth: float) -> Iterator[Candidate]:
    """Restarts of known lengths: peak, decay and floor follow from straight lines through each cycle."""
    unit = sgdr(length, first, growth, start=1.0 if first else None)
    c = unit(t)
    starts, begin = [float(first)], float(first)
    while begin <= t[-1] and len(starts) < 1000:
        begin += math.floor(length * growth ** (len(starts) - 1))
        starts.append(begin)
    heights: list[float] = []
    floors: list[float] = []
    for a, b in pairwise(starts):
        inside = (t >= a) & (t < b)
        if inside.sum() >= 3 and np.ptp(c[inside]) > 0.1:
            slope, floor = np.polyfit(c[inside], y[inside], 1)
            heights.append(float(slope))
            floors.append(float(floor))
    if not heights or min(heights) <= 0:
        return
    decay = nice(float(np.median(np.array(heights[1:]) / np.array(heights[:-1])))) if len(heights) > 1 else 1.0
    peak = nice(heights[0] + floors[0])
    low = nice(max(floors[0] / peak, 0.0))
    start = None
    if first:
        begun = np.interp(0.0, t, y) / peak
        start = None if abs(begun - 1 / (first + 1)) < 1e-6 else nice(float(begun))
    decay = 1.0 if abs(decay - 1) < 1e-6 else decay
    cost = 3 + (growth != 1) + (decay != 1) + 2 * bool(first) + (low > 1e-9)
    yield Candidate(
        "cosine restarts", peak, sgdr(length, first, growth, decay, None, low if low > 1e-9 else 0.0, start), cost
    )

"""Rates in levels and in cycles: steps, milestones, triangles, cosines with restarts."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from itertools import pairwise, product

import numpy as np
from numpy.typing import NDArray

from ..core import Chain, Hold, MultiStep, Ramp, Repeat, Step, Triangle
from ..core.curves import Curve
from ..logs.log import Array
from ..recipes import exp_range, piecewise_constant, sgdr, triangular2
from .candidate import Candidate, Seen, between, narrowed, nice, scaled

WAVES = "cosine, down and up"  # what PyTorch's cosine is past its length
_CLOSE = 1e-6
COSINE = Curve.of("cosine")
Indices = NDArray[np.intp]


def levels(seen: Seen) -> Iterator[Candidate]:
    """Rates that stay and drop: every so many steps, at milestones by one factor, or to any values."""
    t, y, r = seen.t, seen.y, seen.r
    edges = np.nonzero(np.abs(np.diff(y)) > np.maximum(r[1:], r[:-1]) + _CLOSE * np.maximum(y[1:], y[:-1]))[0] + 1
    if not 1 <= len(edges) <= 100 or len(edges) * 3 > len(y):
        return
    values = np.array([float(np.median(part)) for part in np.split(y, edges)])
    errors = np.array([float(np.median(part)) for part in np.split(r, edges)])
    drops = [_mark(int(t[i - 1]), int(t[i]), seen.epoch) for i in edges]
    ranks, peak = np.arange(len(values)), float(values[0])
    if peak <= 0:
        return
    if values.min() > 0:
        measured = float(np.exp(np.polyfit(ranks, np.log(values), 1)[0]))
        for factor in (0.1, 0.5, 0.2, 0.3, 0.25, 0.9, nice(measured), nice(float(np.median(values[1:] / values[:-1])))):
            if 0 < factor < 1 and (np.abs(peak * factor**ranks - values) <= errors + 2 * _CLOSE * values).all():
                kind, several = _milestones(t, edges, drops, factor), len(drops) > 1
                marks = Candidate(kind, peak, MultiStep(tuple(drops), factor), 2 + len(drops) / 10)
                length = period(t, edges, seen.epoch or 1)
                steps = [Candidate("steps", peak, Step(length, factor), 2.05 if several else 3)] if length else []
                yield from (*steps, marks) if several else (marks, *steps)
                break
    if len(edges) <= 20:
        shares = [nice(float(v) / peak) for v in values]
        yield Candidate("levels", peak, piecewise_constant(drops, shares), 3 + 2 * len(drops))


def _mark(low: int, high: int, epoch: int | None) -> int:
    """Returns where between two entries a drop was: at the end of an epoch, or at the roundest step."""
    ends = high // epoch * epoch if epoch else low
    return ends if ends > low else between(low, high)


def _milestones(t: Array, edges: Indices, drops: list[int], factor: float) -> str:
    """Returns what a ladder of equal factors is: milestones that somebody chose are round, those of a plateau rule are not."""
    gaps = np.diff([0, *drops])
    exact = bool((t[edges] - t[edges - 1] == 1).all())
    if not exact or len(drops) < 2 or sum(mark % 5 == 0 for mark in drops) > len(drops) / 2:
        return "milestones"
    marks = ", ".join(str(mark) for mark in drops)
    return f"cut by {factor:g} at {marks}: reduce on plateau, patience about {int(gaps.min()) - 1} at most"


def period(t: Array, edges: Indices, epoch: int = 1) -> int | None:
    """Returns the one period that puts drop k between the steps seen before and after it, or None; of several whole epochs, the roundest."""
    k = np.arange(1, len(edges) + 1)
    low = int(np.floor((t[edges - 1] / k).max())) + 1
    high = int(np.floor((t[edges] / k).min()))
    epochs = range(-(-low // epoch), high // epoch + 1)
    return epoch * between(epochs[0] - 1, epochs[-1]) if epochs else between(low - 1, high) if low <= high else None


def triangles(t: Array, y: Array) -> Iterator[Candidate]:
    """A wave of straight lines, its height the same, halved each time, or shrinking all along."""
    turns = _turns(y)
    if len(turns) < 2 or y[1] <= y[0]:
        return
    low, high = float(y.min()), float(y.max())
    floor, up, down = nice(low / high), round(float(t[turns[0]])), round(float(t[turns[1]] - t[turns[0]]))
    for a, b in product(range(max(up - 1, 1), up + 2), range(max(down - 1, 1), down + 2)):
        yield Candidate("triangles", high, Triangle(a, None if a == b else b, floor, 1.0), 4)
        if floor < 1:
            yield Candidate("triangles, halved", high, triangular2(a, None if a == b else b, floor), 4)
    if len(turns) > 2 and low == 0:
        first, _, second = turns[:3]
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
    begins = np.nonzero(np.diff(y) > 0.3 * y.max())[0] + 1
    if not 1 <= len(begins) <= 1000:
        return
    for first in sorted({0, *firsts}):
        later = begins[t[begins] > first]
        # Restart k comes after a sum of k lengths: the first length lies where all the jumps allow it.
        gaps = np.diff(t[later])
        seen = nice(float(np.median(gaps[1:] / gaps[:-1]))) if len(gaps) > 1 else 1.0
        for growth in dict.fromkeys((1.0, 2.0, max(seen, 1.0))) if len(later) else ():
            sums = np.cumsum(growth ** np.arange(len(later)))
            low, high = math.floor(((t[later - 1] - first) / sums).max()), math.floor(((t[later] - first) / sums).min())
            for length in dict.fromkeys((between(low, high), high) if 0 <= low < high else ()):
                yield from _cosines(t, y, first, length, growth)


def waves(seen: Seen, firsts: Iterable[int]) -> Iterator[Candidate]:
    """A cosine that is longer run than it is, and goes up as it came down."""
    t, y = seen.t, seen.y
    for first in sorted({0, *firsts}):
        after = t >= first
        turns = t[after][_turns(y[after])]
        if not 1 <= len(turns) <= 1000:
            continue
        count, gap = len(turns), float(np.diff(t).max())
        low, high = ((float(turns[-1]) - first + side) / count for side in (-gap, gap))
        halves = np.arange(max(math.ceil(2 * low), 2), math.floor(2 * high) + 1)[:500]  # lengths in half steps
        shapes = 0.5 * (1 + np.cos(2 * np.pi * (t[after] - first) / halves[:, None]))
        level, height = shapes.mean(axis=1, keepdims=True), y[after].mean()
        bends = shapes - level
        slopes = (bends * (y[after] - height)).sum(axis=1) / np.maximum((bends**2).sum(axis=1), 1e-300)
        off = np.abs(height + slopes[:, None] * bends - y[after]).max(axis=1)
        for k in [k for k in np.argsort(off)[:3] if slopes[k] > 0]:
            n, bottom = int(halves[k]), float(height - slopes[k] * level[k, 0])
            for least in dict.fromkeys((0.0, nice(max(bottom / (bottom + float(slopes[k])), 0.0)))):
                peak = scaled(least + (1 - least) * shapes[k], y[after], seen.r[after])
                steps = n // 2 if n % 2 == 0 else n
                wave = Repeat(Chain((Ramp(1.0, least, steps, COSINE), Ramp(least, 1.0, steps, COSINE))))
                wave = wave.stretch(0.5) if n % 2 else wave
                made = Chain((Ramp(0.0, 1.0, first), wave)) if first else wave
                yield Candidate(f"{WAVES} in {n} steps", peak, made, 3 + bool(first) + (least > 0))


def rising(seen: Seen) -> Iterator[Candidate]:
    """A rise along half a cosine that the log does not show to its end, as one cycle begins."""
    t, y = seen.t, seen.y
    for start in (0.04, 0.0) if (np.diff(y) > 0).all() else ():

        def errors(steps: Array, start: float = start) -> Array:
            c = start + (1 - start) * 0.5 * (1 - np.cos(np.pi * t / steps[:, None]))
            scale = (c * y).sum(axis=1, keepdims=True) / (c * c).sum(axis=1, keepdims=True)
            return np.abs(scale * c - y).max(axis=1)

        low, _, high = narrowed(np.geomspace(t[-1], 20 * t[-1], 100), errors)
        for steps in range(low, high + 1):
            rise = Ramp(start, 1.0, steps, COSINE)
            yield Candidate("one cycle in its rise", scaled(rise(t), y, seen.r), rise, 3, open_end=True)


def cut_in_equal_parts(seen: Seen, firsts: Iterable[int]) -> Iterator[Candidate]:
    """Cosines to 0 over the whole run, in so many equal parts, whole steps or not, as transformers has them."""
    t, y = seen.t, seen.y
    begins = np.nonzero(np.diff(y) > 0.3 * y.max())[0] + 1
    last = int(t[-1])
    for first in sorted({0, *firsts}):
        parts = int((t[begins] > first).sum()) + 1
        ends = dict.fromkeys((seen.most or last, last, last + 1)) if 1 < parts <= 100 else ()
        for steps in [end - first for end in ends if end - first > 1]:
            falls = Repeat(Ramp(1.0, 0.0, steps, COSINE)).stretch(1 / parts).until(steps)
            made = Chain((*((Ramp(0.0, 1.0, first),) if first else ()), falls, Hold(None, 0.0)))
            c = made(t)
            yield Candidate("cosine restarts", nice(float((c * y).sum() / (c * c).sum())), made, 3.2 + bool(first))


def _cosines(t: Array, y: Array, first: int, length: int, growth: float) -> Iterator[Candidate]:
    """Restarts of known lengths: peak, decay and floor follow from straight lines through each cycle."""
    unit = sgdr(length, first, growth, start=1.0 if first else None)
    c = unit(t)
    starts, begin = [float(first)], float(first)
    while begin <= t[-1] and len(starts) < 1000:
        begin += math.floor(length * growth ** (len(starts) - 1))
        starts.append(begin)
    cycles = ((t >= a) & (t < b) for a, b in pairwise(starts))
    lines = [np.polyfit(c[each], y[each], 1) for each in cycles if each.sum() >= 3 and np.ptp(c[each]) > 0.1]
    heights = np.array([line[0] for line in lines])
    if not lines or heights.min() <= 0:
        return
    floor = float(lines[0][1])
    decay = nice(float(np.median(heights[1:] / heights[:-1]))) if len(heights) > 1 else 1.0
    decay = 1.0 if abs(decay - 1) < 1e-6 else decay
    peak = nice(float(heights[0]) + floor)
    low, begun = nice(max(floor / peak, 0.0)), float(np.interp(0.0, t, y)) / peak
    start = nice(begun) if first and abs(begun - 1 / (first + 1)) >= 1e-6 else None
    cost = 3 + (growth != 1) + (decay != 1) + 2 * bool(first) + (low > 0)
    yield Candidate("cosine restarts", peak, sgdr(length, first, growth, decay, None, low, start), cost)

"""Decays that rates might have come from: shape, length, peak and floor, the simplest first."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from ..core import Exponential, InverseSqrt, InverseTime, Ramp, Schedule, curves
from ..core.arrays import namespace_of
from ..core.curves import Curve
from ..logs import Array
from .candidate import Seen, between, narrowed, nice, scaled, short

Shape = Callable[[Array], Array]
_INVERSES: dict[Curve, Shape] = {
    curves.Linear(): lambda z: 1 - z,
    curves.Cosine(): lambda z: np.arccos(2 * z - 1) / np.pi,
    curves.Sqrt(): lambda z: 1 - z * z,
    curves.OneMinusSqrt(): lambda z: (1 - z) ** 2,
    curves.Rex(): lambda z: (1 - z) / (1 - z / 2),
    **{curves.Polynomial(p): lambda z, p=p: 1 - z ** (1 / p) for p in (2.0, 0.9, 3.0, 1.5, 4.0, 0.75)},
}


def _fall(curve: Curve) -> Shape:
    """Returns how much of a decay is left where a share of it is done."""
    return lambda u: curve.fall(curves.Span(namespace_of(u)[1], u, 1 - u, 1))  # type: ignore[arg-type]


# Falls from 1 to 0 over [0, 1], each with its inverse and its curve.
SHAPES = {str(curve): (_fall(curve), inverse, curve) for curve, inverse in _INVERSES.items()}
# Decays without an end, each with the scale on which it is a straight line, and back from it.
_SCALES: tuple[tuple[str, Shape, Shape], ...] = (
    ("exponential", np.log, np.exp),
    ("inverse square root", lambda v: v**-2.0, lambda z: np.maximum(z, 1e-300) ** -0.5),
    ("inverse time", lambda v: 1 / v, lambda z: 1 / np.maximum(z, 1e-300)),
)
_UNITS = (1, 10, 100, 1000, 10_000)


class Decay(NamedTuple):
    """A decay from `peak` at its own step 0: `floor` is a share of the peak, `steps` is infinite where it has no end."""

    name: str
    peak: float
    steps: float
    floor: float
    price: float
    schedule: Schedule


def decays(
    seen: Seen,
    begin: float,
    peak: float | None,
    inside: int = 1,
    names: tuple[str, ...] = (),
    floors: tuple[float | None, ...] = (0.0, None),
) -> Iterator[Decay]:
    """Yields the decays that pass through all that was seen, those that end at 0 before those with a floor.

    Args:
        seen: Rates after the decay began, at least 3.
        begin: The position at which it began.
        peak: The rate there, if it is known.
        inside: How many steps of its own a rate is the mean over.
        names: Of the shapes to try; all if empty.
        floors: Shares of the peak to try, in this order until one fits; None is whatever fits best.
    """
    x, y, r = seen.t - begin, seen.y, seen.r
    if len(x) < 3 or x[-1] < 1 or (np.diff(y) > r[1:] + r[:-1]).any():
        return
    if not names and inside == 1:
        yield from _endless(x, y, r, peak, round(begin))
    moved = replace(seen, t=x, most=round(seen.most - begin) if seen.most is not None else None)
    for name in names or SHAPES:
        shape, inverse, made = SHAPES[name]

        def curve(n: Array | float, where: slice = slice(None), shape: Shape = shape) -> Array:
            return shape(np.clip((x[where, None] + np.arange(inside) / inside) / n, 0.0, 1.0)).mean(axis=-1)

        for asked in (0.0, 0.01, 0.1, *floors) if seen.every else floors:
            found = False
            for n in _lengths(curve, inverse, moved, peak, asked, inside):
                if (fitted := _fitted(curve(n), y, r, peak, asked)) is not None:
                    (top, low), n, found = fitted, n * inside, True
                    yield Decay(name, top, n, low, 1 + (low > 0) + (peak is None) * 0.5, Ramp(1.0, low, n, made))
            if found and not seen.every:
                break


def _fitted(c: Array, y: Array, r: Array, peak: float | None, asked: float | None) -> tuple[float, float] | None:
    """Returns peak and floor, in short decimals, of the one decay of this length through all that was seen, or None."""
    sure = r.min() / r

    if asked is not None:
        flat = asked + (1 - asked) * c
        top = peak if peak is not None else scaled(flat, y, r)
        return (top, asked) if top > 0 and (np.abs(top * flat - y) <= r).all() else None
    d, falls = (1 - c) * sure, np.maximum(1 - c, 1e-200)

    def share(top: float) -> float | None:
        """Returns the floor in its shortest decimals, as a share of this peak or as a rate."""
        if top <= 0:
            return None
        low = max(float((d * (y / top - c) * sure).sum() / max(float((d * d).sum()), 1e-300)), 0.0)
        least, most = float((((y - r) / top - c) / falls).max()), float((((y + r) / top - c) / falls).min())

        def holds(v: float) -> bool:
            return least <= v <= most and v < 1

        near = (short(low, holds), short(low * top, lambda v: holds(v / top)) / top)
        return min((v for v in near if holds(v)), key=lambda v: (len(f"{v:.6g}"), abs(v - low)), default=None)

    if peak is None:
        if np.ptp(c) < 1e-9:
            return None
        slope, bottom = np.polyfit(c, y, 1, w=sure)
        peak = short(float(slope + bottom), lambda v: share(v) is not None)
    low = share(peak)
    return None if low is None else (peak, low)


def _lengths(
    curve: Callable[..., Array], inverse: Shape, seen: Seen, peak: float | None, asked: float | None, inside: int
) -> list[int]:
    """Returns the lengths that may be: those that the file says, the roundest that is possible, those nearest the best."""
    x, y, r = seen.t, seen.y, seen.r
    hints = [seen.most] if seen.most is not None and seen.most >= 1 else []
    if peak is not None and asked is not None and inside == 1:
        least, most = ((np.clip((y + sign * r) / peak, None, 1.0) - asked) / (1 - asked) for sign in (-1, 1))
        if (most < 0).any() or (least > 1).any():
            return []
        with np.errstate(divide="ignore", invalid="ignore"):
            lows = np.where(least > 0, x / inverse(np.clip(least, 0, 1)), 0.0)
            highs = np.where(most < 1 - 1e-12, x / inverse(np.clip(most, 0, 1)), math.inf)
        lows, highs = np.nan_to_num(lows, nan=0.0), np.nan_to_num(highs, nan=math.inf, posinf=1e15)
        a, b = math.ceil(min(max(lows.max() - 1e-7, 0.5), 2e9)), math.floor(min(highs.min() + 1e-7, 1e9))
        inner = [n for n in hints if a <= n <= b]
        return list(dict.fromkeys((*inner, between(a - 1, b), round((a + b) / 2)))) if a <= b else []
    thin = slice(None, None, max(1, len(x) // 100))
    z = y[thin]

    def errors(ns: Array) -> Array:
        """Returns what is left of the squares for each length, with the best floor, the best peak, or both."""
        c = curve(ns[:, None, None], thin)
        if asked is not None:
            c, left = asked + (1 - asked) * c, z
        elif peak is not None:
            c, left = 1 - c, z / peak - c
        else:
            c, left = c - c.mean(axis=1, keepdims=True), z - z.mean()
        scale = np.maximum((c * left).sum(axis=1) / np.maximum((c * c).sum(axis=1), 1e-300), 0.0)
        return ((left - scale[:, None] * c) ** 2).sum(axis=1)

    still = np.nonzero(np.abs(y - y[-1]) > r + r[-1])[0]
    rest = int(still[-1]) + 1 if len(still) else len(x) - 1  # it seems to have come to rest there
    grid = np.geomspace(max(x[-1], 1.0), 30 * max(x[-1], 1.0), 50)
    if rest < len(x) - 1:
        grid = np.linspace(max(float(x[rest - 1]), 1.0), float(x[rest]) * 1.3 + 1, 60)
    _, best, _ = narrowed(grid, errors)
    near = (round(best / unit) * unit for unit in (1000, 500, 100, 50, 10, 5))
    near = [each for each in near if abs(each - best) < best / 25]
    return [n for n in dict.fromkeys((*hints, *near, best, best - 1, best + 1)) if n >= 1]


def _endless(x: Array, y: Array, r: Array, peak: float | None, begin: int) -> Iterator[Decay]:
    """Yields the decays without an end, and the geometric one: straight lines after the right change of scale.

    The inverse square root is mostly that of the step, from a warmup's end on: its scale is then where it began.
    """
    for name, scale, back in _SCALES if (y > 0).all() else ():
        z = scale(y)
        slope, begun = (float(each) for each in np.polyfit(x, z, 1))
        if peak is not None:  # through it
            begun = float(scale(np.array(peak)))
            slope = float((x * (z - begun)).sum() / max(float((x * x).sum()), 1e-300))
        if not math.isfinite(slope) or not math.isfinite(begun) or abs(begun) > 1e290:
            continue
        first = float(back(np.array(begun)))
        top = peak if peak is not None else short(first, lambda v, first=first: abs(v / first - 1) < 1e-4)
        made: list[Schedule] = []
        if scale is np.log:
            for steps in [steps for steps in _UNITS if 0 < steps * -slope < 3]:

                def holds(f: float, steps: int = steps, top: float = top) -> bool:
                    return 0 < f < 1 and bool((np.abs(top * f ** (x / steps) - y) <= 2 * r + 1e-7 * top).all())

                if holds(factor := short(math.exp(slope * steps), holds, 10)):
                    made.append(Exponential(factor, steps))
        elif slope > 0 and begun > 0 and name == "inverse time":
            made += [InverseTime(nice(slope / begun * steps), steps) for steps in _UNITS]
        elif slope > 0 and begun > 0:
            made += [InverseSqrt(begin)] if begin and abs(begun / slope / begin - 1) < 0.1 else []
            made += [InverseSqrt(max(1, round(begun / slope)))]
        for schedule in made:
            bases = dict.fromkeys((top, scaled(schedule(x), y, r)))
            fits = [base for base in bases if (np.abs(base * schedule(x) - y) <= r).all()]
            yield from (Decay(name, base, math.inf, 0.0, 1.2, schedule) for base in fits[:1])

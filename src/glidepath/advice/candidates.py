"""Schedules that logged rates might have come from: a rise, a hold and a decay put together as tools do it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import product
from typing import NamedTuple

import numpy as np

from ..core import Chain, GlidepathError, Hold, Ramp
from ..core.curves import Curve
from ..logs import Array
from ..recipes import one_cycle
from .candidate import Candidate, Seen, between, nice, short
from .cycles import cut_in_equal_parts, levels, restarts, rising, triangles, waves
from .decays import Decay, decays

_BURN_INS = (2, 4)  # powers of what is done of a warmup: YOLOX's, Darknet's
_USUAL = ("linear", "cosine")


class _Rise(NamedTuple):
    """How the rates get to their peak: from `start`, a share of it, to `peak` in `steps` steps; `first` is the entry after."""

    steps: int
    start: float
    peak: float
    curve: str
    first: int

    @property
    def usual(self) -> bool:
        return abs(self.start * (self.steps + 1) - 1) < 1e-6

    @property
    def phase(self) -> Ramp:
        return Ramp(1 / (self.steps + 1) if self.usual else self.start, 1.0, self.steps, Curve.of(self.curve))

    @property
    def price(self) -> float:
        return (1 if self.start == 0 or self.usual else 1.5) + (self.curve != "linear")


def candidates(seen: Seen) -> Iterator[Candidate]:
    """Yields what might have made the rates, simple things first.

    Args:
        seen: At least 5 rates.
    """
    for make in (_constant, _drops, _cycles, _phases, _over, _means):
        try:
            yield from make(seen)
        except GlidepathError:  # numbers that make no schedule are no candidate
            continue


def _constant(seen: Seen) -> Iterator[Candidate]:
    yield Candidate("constant", float(np.median(seen.y)), Hold(None, 1.0), 1)


def _drops(seen: Seen) -> Iterator[Candidate]:
    """Levels, after a warmup that multiplies them or none."""
    yield from levels(seen)
    for rise in _rises(seen):
        if rise.first < len(seen.t) - 2:
            flat = np.abs(seen.y[rise.first :] - rise.peak) <= seen.r[rise.first :] + 1e-9 * rise.peak
            if flat.all():
                made = Chain((rise.phase, Hold(None, 1.0)))
                yield Candidate("warmup, then constant", rise.peak, made, 1 + rise.price)
            for found in levels(seen.after(rise.first)) if flat[0] and not flat.all() else ():
                made = rise.phase * found.schedule
                yield Candidate(f"warmup, {found.kind}", rise.peak, made, found.parameters + rise.price)


def _cycles(seen: Seen) -> Iterator[Candidate]:
    t, y = seen.t, seen.y
    yield from triangles(t, y)
    firsts = [rise.steps for rise in _rises(seen) if abs(rise.peak / y.max() - 1) < 0.01]
    yield from restarts(t, y, firsts)
    yield from cut_in_equal_parts(seen, firsts)
    yield from waves(seen, firsts)
    last, top = int(t[-1]), int(y.argmax())
    low, high = int(t[max(top - 1, 0)]), int(t[min(top + 1, len(t) - 1)])  # the peak is between
    whole = (seen.most or last, last, last + 1, between(last, last + 2 + last // 50))
    for share in (0.3, 0.1, 0.2, 0.25, 0.4, 0.5):
        lengths = dict.fromkeys((*whole, max(between(int(low / share), int(high / share)), last)))
        for steps, less in product(lengths, (0, 1)):  # torch's ends at its last update, its peak one update early
            peak = share * steps - less
            if steps - less > 2 and peak == int(peak):
                unit = one_cycle(steps - less, peak / (steps - less))
                c = unit(t)
                yield Candidate("one cycle", nice(float((c * y).sum() / (c * c).sum())), unit, 3.5)
    yield from rising(seen)


def _phases(seen: Seen) -> Iterator[Candidate]:
    """A rise or none, a stretch at the peak or none, a decay."""
    t, y, r = seen.t, seen.y, seen.r
    rises = list(_rises(seen))
    if y[0] >= y.max() - r[0]:
        rises.insert(0, _Rise(0, 1.0, float(y[0]) if t[0] == 0 else 0.0, "linear", 0))
    if len(t) > 4 and t[0] == 0 and 2 * y[0] < y[1] > y[2]:  # a warmup that no row tells the length of
        shares = (math.ceil(share * seen.most) for share in (0.01, 0.02, 0.03, 0.05, 0.06, 0.1)) if seen.most else ()
        known = dict.fromkeys((100, 50, 20, 10, 200, 500, 1000, *shares))
        rises += [_Rise(steps, 0.0, 0.0, "linear", 1) for steps in known if y[0] == 0 and steps < t[1]]
    for rise in rises:
        ahead = rise.phase if rise.steps else None
        cost = rise.price if ahead is not None else 0.0
        if rise.first >= len(t) - 1 and ahead is not None:
            yield Candidate("warmup", rise.peak, ahead, 1 + cost, open_end=True)
            continue
        peak = rise.peak or None
        top = peak if peak is not None else float(y.max())
        flat = np.nonzero(y[rise.first :] >= top - r[rise.first :] - 1e-9 * top)[0]
        if (len(flat) and flat[-1] - flat[0] >= len(flat)) or (y > top + r + 1e-6 * top).any():
            continue  # it comes back to the peak later, or goes above it
        held = rise.first + int(flat[-1]) if len(flat) else -1
        begins: list[tuple[int, int]] = [(rise.steps, rise.first)]  # position at which the decay begins, entry after it
        if ahead is not None:  # (s + 1) / W up to W - 1, and a decay that runs from W
            begins.append((rise.steps + 1, int(np.searchsorted(t, rise.steps + 1))))
        if held > rise.first or (held == rise.first and t[held] > rise.steps):
            if held >= len(t) - 1:
                continue
            begins += [(begin, held + 1) for begin in _holds(seen, held, top, held > rise.first)]
        names = _USUAL if rise.steps and not peak else ()
        for begin, first in begins:
            hold = begin - rise.steps
            before = [phase for phase in (ahead, Hold(hold, 1.0) if hold else None) if phase is not None]
            kind = "warmup, " * (ahead is not None) + "hold, " * bool(hold)
            for decay in decays(seen.after(first), begin, top if hold else peak, names=names):
                made = Chain((*before, decay.schedule)) if before else decay.schedule
                price = cost + decay.price + (1 if hold > 1 else 0.5 * hold)
                yield Candidate(f"{kind}{decay.name}", decay.peak, made, price)


def _holds(seen: Seen, held: int, top: float, long: bool) -> list[int]:
    """Returns where a decay may begin, from the last entry at the peak to the first one below: round places, and where lines meet.

    After a single entry at the peak (not `long`) only the latter.
    """
    low, high = int(seen.t[held]), int(seen.t[held + 1])
    found = {low, between(low - 1, high), between(low, high)} if high - low > 12 else set(range(low, high))
    below = seen.after(held + 1)
    for m in (1, 3):  # the line through entries below the peak meets it where it began
        if len(below.t) > m and below.y[0] > below.y[m]:
            slope = (below.y[m] - below.y[0]) / (below.t[m] - below.t[0])
            meets = float(below.t[0] + (top - below.y[0]) / slope)
            found |= {math.floor(meets), round(meets), math.ceil(meets)}
    for unit in (1000, 500, 250, 200, 100, 50, 25, 20, 10) if long else ():
        found |= {k * unit for k in range(low // unit, high // unit + 1)} if (high - low) // unit < 6 else set[int]()
    if seen.most is not None and long:
        found |= {seen.most - round(seen.most * share) for share in (0.1, 0.2, 0.15, 0.25, 0.3, 0.5)}
    return sorted(each for each in found if low <= each <= high)


def _over(seen: Seen) -> Iterator[Candidate]:
    """A decay that runs from step 0, with a warmup that multiplies it (Ultralytics, detection) or lies over it (timm)."""
    t, y, r = seen.t, seen.y, seen.r
    top = int(y.argmax())
    if top == 0 and y[0] >= y.max() and len(y) > 3 and y[1] < y[0] - r[0] - r[1]:
        return  # nothing rises
    for first, floor in product(range(top, min(top + 3, len(t) - 4)), (0.01, 0.0, 0.1, None)):
        for decay in decays(seen.after(first), 0, None, names=_USUAL, floors=(floor,)) if first else ():
            yield from _multiplied(seen, decay, first)
            yield from _laid_over(seen, decay, first)


def _multiplied(seen: Seen, decay: Decay, first: int) -> Iterator[Candidate]:
    t, y, r = seen.t[:first], seen.y[:first], seen.r[:first]
    below = decay.peak * decay.schedule(t)
    ratio = y / below
    kind = f"warmup times {decay.name}"
    # Ultralytics: the warmup goes by batch, at least 100 of them, and a row is the end of an epoch.
    batches = np.arange(1, 4001)
    for epochs in (3, 1, 2, 5, 4):
        warm = np.maximum(np.round(epochs * batches), 100)
        fits = np.arange(len(batches))
        for part in (slice(0, 1), slice(-1, None), slice(None)):  # nearly all are refused by one row
            c = np.minimum((batches[fits, None] * (t[part] + 1) - 1) / warm[fits, None], 1.0)
            fits = fits[(np.abs(c * below[part] - y[part]) <= r[part]).all(axis=1)]
        if len(fits):
            n = between(int(fits[0]), int(fits[-1]) + 1)
            n = n if n - 1 in fits else int(fits[0]) + 1
            w = max(round(epochs * n), 100)
            rows = max(math.ceil((w + 1) / n - 1), 1)
            up = Ramp((n - 1) / w, (n * (rows + 1) - 1) / w, rows).clip(0, 1)
            yield Candidate(f"{kind}, by batch, {n} batches an epoch", decay.peak, up * decay.schedule, 2 + decay.price)
            break
    if first >= 2 and ratio[-1] < 1:
        slope, begun = np.polyfit(t, ratio, 1)
        if slope > 0 and -1e-6 < begun < 1:
            rise = _Rise(round((1 - begun) / slope), nice(max(begun, 0.0)), 1.0, "linear", first)
            yield Candidate(kind, decay.peak, rise.phase * decay.schedule, 2 + decay.price)


def _laid_over(seen: Seen, decay: Decay, first: int) -> Iterator[Candidate]:
    t, y = seen.t[:first], seen.y[:first]
    if first < 2:
        return
    slope, begun = np.polyfit(t, y, 1)
    if slope <= 0:
        return
    begun = short(max(float(begun), 0.0), lambda v: abs(v - begun) <= 1e-6 * decay.peak)
    steps = round((decay.peak - begun) / slope)
    if t[-1] < steps <= seen.t[first]:
        rise = _Rise(steps, begun / decay.peak, decay.peak, "linear", first)
        made = Chain((rise.phase, decay.schedule.shift(-steps)))
        yield Candidate(f"warmup over {decay.name}", decay.peak, made, 1.5 + rise.price + decay.price)


def _means(seen: Seen) -> Iterator[Candidate]:
    """Rows that are means over an epoch of a schedule by step: its warmup from 0 tells how many steps an epoch has."""
    t, y = seen.t, seen.y
    top = int(y.argmax())
    head = int(np.argmin(np.diff(y[: top + 1]) >= 0.98 * (y[1] - y[0]))) if top > 1 else 0
    head = head or top
    if not seen.mean or head < 2 or t[0] != 0:
        return
    slope, begun = np.polyfit(t[:head], y[:head], 1)
    share = float(begun / slope)
    if not 0 < share < 0.5:
        return
    inside = round(1 / (1 - 2 * share)) if share < 0.4999 else 1000
    for warm, first in ((head, head), (head, head + 1), (head + 1, head + 1)):
        peak, rise = nice(float(slope * warm)), Ramp(0.0, 1.0, warm * inside)
        for decay in decays(seen.after(first), warm, peak, inside, ("cosine", "linear")):
            yield Candidate(f"warmup, {decay.name}", peak, Chain((rise, decay.schedule)), 2 + decay.price, inside)


def _rises(seen: Seen) -> Iterator[_Rise]:
    """Yields how the rates may have got to their peak, which in a log with gaps may lie between two entries."""
    t, y, r = seen.t, seen.y, seen.r
    fallen = np.nonzero(y < np.maximum.accumulate(y) - 2 * r)[0]
    top = int(y[: fallen[0] if len(fallen) else len(y)].argmax())
    if top == 0:
        return
    known = set[tuple[int, float]]()
    for k in [k for k in (top + 1, top, top - 1) if k > 0]:  # entries on the line
        lines = [_line(t[:k], y[:k], r[:k])] if k > 1 else []
        if t[0] > 0:
            lines.append((0.0, float((t[:k] * y[:k]).sum() / (t[:k] ** 2).sum())))
        for begun, slope in lines:
            off = np.abs(begun + slope * t[:k] - y[:k]) > r[:k]
            if slope <= 0 or off.any() or begun < -2 * r[0] - 1e-9 * y.max():
                continue
            begun = 0.0 if begun < 2 * r[0] + 1e-9 * y.max() else begun
            low, high = int(t[k - 1]), int(t[k]) if k < len(t) else int(t[-1])
            for steps in _tops(begun, slope, low, high):
                peak, start = _rounded(seen, k, begun, slope, steps)
                after = k if k < len(t) and t[k] >= steps else k - 1
                if (steps, peak) not in known:
                    yield _Rise(steps, start, peak, "linear", k - 1 if t[k - 1] == steps else after)
                known.add((steps, peak))
    yield _Rise(int(t[top]), nice(float(y[0] / y[top])) if t[0] == 0 else 0.0, float(y[top]), "cosine", top)
    for power in _BURN_INS if y[top - 1] > 0 else ():
        for peak in dict.fromkeys((float(y[top]), float(f"{1.0005 * y[top]:.1g}"), float(f"{1.0005 * y[top]:.2g}"))):
            steps = max(round(float(t[top - 1]) * (peak / float(y[top - 1])) ** (1 / power)), 1)
            if peak >= y[top] and t[top - 1] <= steps <= t[top]:
                yield _Rise(steps, 0.0, peak, f'reverse("polynomial({power})")', top)
    if t[0] == 0:
        yield _Rise(int(t[top]), nice(float(y[0] / y[top])), float(y[top]), "linear", top)


def _rounded(seen: Seen, k: int, begun: float, slope: float, steps: int) -> tuple[float, float]:
    """Returns peak and start, as a share of it, of a line through the first `k` entries, in the shortest decimals that keep to them."""
    t, y, r = seen.t[:k], seen.y[:k], seen.r[:k]
    exact, usual = begun + slope * steps, 1 / (steps + 1)
    peak = short(exact, lambda v: abs(v / exact - 1) * t[-1] / steps * y[-1] <= 2 * r[-1])
    start = short(begun / peak, lambda v: bool((np.abs(peak * (v + (1 - v) * t / steps) - y) <= r).all()))
    return peak, usual if abs(begun / peak - usual) * peak <= 2 * r[0] and len(f"{start:g}") > 6 else start


def _line(t: Array, y: Array, r: Array) -> tuple[float, float]:
    """Returns where a line begins and its slope: of least squares, drawn towards the numbers that it misses by more than their rounding."""
    weights, slope, begun = r.min() / r, 0.0, 0.0
    for _ in range(30):
        slope, begun = (float(each) for each in np.polyfit(t, y, 1, w=weights))
        off = np.abs(begun + slope * t - y) / r
        if off.max() <= 0.9 or off.max() > 100:
            break
        weights = weights * np.sqrt(0.1 + off / off.max())
        weights /= weights.max()
    return begun, slope


def _tops(begun: float, slope: float, low: int, high: int) -> list[int]:
    """Returns where a line may have ended: where the rate is round, where the step is round."""
    found: dict[int, None] = dict.fromkeys((low, high)) if high - low > 12 else dict.fromkeys(range(low, high + 1))
    for digits in (1, 2, 3):
        a, b = begun + slope * low, begun + slope * high
        unit = 10.0 ** (math.floor(math.log10(max(b, 1e-300))) - digits + 1)
        if (b - a) / unit < 12:
            for k in range(math.floor(a / unit), math.ceil(b / unit) + 1):
                at = (k * unit - begun) / slope
                if low <= round(at) <= high and abs(at - round(at)) < 0.02:
                    found[round(at)] = None
    for unit in (1000, 500, 100, 50, 25, 10):
        if (high - low) // unit < 5:
            found.update(dict.fromkeys(k * unit for k in range(-(-low // unit), high // unit + 1)))
    return [each for each in found if each >= 1][:24]

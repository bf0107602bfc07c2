"""The practitioner's rules on a curve of losses, held to what small real trainings at wrong rates look like (`make bench ARGS=advice`).

Over 400 lines: a rule is a paragraph, and all of them look at one curve.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cached_property
from typing import Any

import numpy as np

from ..core import Chain, Hold, Ramp, Schedule, text_for
from ..core.shorthand import cosine, warmup
from ..finder.smooth import running_median
from ..logs import Array, Log, Series
from .candidate import nice
from .finding import Evidence, Finding

_LEAST = 20
_LEVELLING = (
    0.1,
    0.3,
    0.7,
)  # of half the run, in which the most is won where a fall levels off: no reason for another rate
_STRAIGHT = 1.012  # how much farther those have to be from the losses than a straight line is


class Followed:
    """The schedule of the run, fitted or given, from which a remedy starts to change one thing.

    Args:
        schedule: A factor.
        base: The base rate; None if nobody knows it, and a remedy is a factor.
    """

    def __init__(self, schedule: Schedule | None, base: float | None) -> None:
        self.schedule = schedule if schedule is not None else Hold()
        self.base = base

    def times(self, factor: float) -> str:
        """Returns it at another rate."""
        return self._text(self.schedule, factor)

    def also(self, other: Schedule) -> str:
        """Returns it with another factor."""
        made = other if isinstance(self.schedule, Hold) else self.schedule * other
        return self._text(made)

    def _text(self, made: Schedule, factor: float = 1.0) -> str:
        return str(nice(factor) * made) if self.base is None else text_for(made, nice(factor * self.base))

    @property
    def warmup(self) -> int:
        """How many steps it warms up for."""
        first = self.schedule.phases[0] if isinstance(self.schedule, Chain) else self.schedule
        return int(first.steps) if isinstance(first, Ramp) and first.end > first.start else 0

    def warmed(self, steps: int) -> str:
        """Returns it with a warmup of so many steps, instead of its own if it has one."""
        made = warmup(steps) * self.schedule if not isinstance(self.schedule, Hold) else warmup(steps)
        if self.warmup and isinstance(self.schedule, Chain):
            first, *rest = self.schedule.phases
            made = Chain((Ramp(first.start, first.end, steps, first.curve), *rest))  # type: ignore[attr-defined]
        return self._text(made)


class _Curve:
    """A loss curve with what is often asked of it. Shares of the run are shares of the rate that was spent."""

    def __init__(self, series: Series, rate: Series | None) -> None:
        self.t, self.y = series.steps, series.values
        self.n = len(self.y)
        self.smooth = running_median(self.y, 2 * max(1, self.n // 80) + 1)
        self.begun = float(self.y[0])
        self.start = float(np.median(self.y[: max(3, self.n // 50)]))
        self.end = float(np.median(self.y[-max(3, self.n // 10) :]))
        self.low = float(self.smooth.min())
        # Neighbouring differences know nothing of the trend: what is left is noise.
        self.noise = self.spread(0.25, 0.75)
        self.early = self.spread(0.0, max(0.05, 10 / self.n))
        self.rate = None if rate is None or len(rate) < 2 else np.interp(self.t, rate.steps, rate.values)
        rates = self.rate if self.rate is not None and self.rate.any() else np.ones(self.n)
        spent = np.cumsum(np.maximum(rates, 1e-12 * rates.max()))
        self.spent = spent / spent[-1]
        self.fall = (self.begun - self.end) / abs(self.begun) if self.begun else 0.0

    def spread(self, a: float, b: float) -> float:
        """Returns the noise in a part of the run."""
        part = self.y[self.part(a, b)]
        return 1.4826 * float(np.median(np.abs(np.diff(part)))) / math.sqrt(2) if len(part) > 1 else 0.0

    @cached_property
    def _parts(self) -> list[tuple[Array, Array]]:
        """The medians of up to 40 parts, over time and over the rate that was spent, each from -1 to 1."""
        parts = np.array_split(np.arange(self.n), min(40, self.n // 4))
        y = np.array([np.median(self.y[part]) for part in parts])
        clocks = (np.array([np.mean(clock[part]) for part in parts]) for clock in (self.t, self.spent))
        return [(2 * (x - x[0]) / max(x[-1] - x[0], 1e-300) - 1, y) for x in clocks]

    @property
    def straight(self) -> bool:
        """Whether its fall looks more like a line than like one that is over."""
        return max(_straightness(x, y) for x, y in self._parts) > _STRAIGHT

    @cached_property
    def steady(self) -> float:
        """The share of the loss that a fall wins which is a straight line in time, or in the rate that was spent; 0 if it is none.

        The line is that of the medians of up to 40 parts; it is one if chance makes it once in 70 times, and it does not level off.
        """
        if self.n < _LEAST:
            return 0.0
        loud = [self.spread(a / 5, a / 5 + 0.2) for a in range(5)]
        if max(loud) > max(1.6, 1 + 8 / math.sqrt(self.n / 5)) * min(loud):
            return 0.0  # a rate that is too low has the same noise all along
        found: list[tuple[float, float]] = []
        for x, y in self._parts:
            if _straightness(x, y) < _STRAIGHT:
                continue
            (bend, slope, level), covered = np.polyfit(x, y, 2, cov=True)
            off = float(np.std(y - np.polyval((bend, slope, level), x)))
            sure = -slope / max(math.sqrt(covered[1, 1]), 1e-300)
            levels = bend > max(-0.3 * slope, 2 * math.sqrt(covered[0, 0]))
            sudden = self.begun - (bend - slope + level) > max(-slope, 3 * self.noise)  # won before the line begins
            if sure > 2.2 and not levels and not sudden:
                found.append((off, -2 * slope / max(float(level - slope), 1e-300)))
        return min(found)[1] if found else 0.0

    @property
    def slowly(self) -> bool:
        """Whether a small fall is steady."""
        return self.steady > 0.02 and max(self.steady, self.fall) < (0.2 if self.n < 200 else 0.3)

    def step(self, i: int) -> int:
        return int(self.t[i])

    def at(self, i: int, what: str = "loss") -> Evidence:
        return Evidence(self.step(i), what, float(self.y[i]))

    def rate_at(self, i: int) -> list[Evidence]:
        return [] if self.rate is None else [Evidence(self.step(i), "rate", float(self.rate[i]))]

    def story(self, *middle: Evidence, rate: int, start: str = "") -> tuple[Evidence, ...]:
        """Returns the first loss, or the level at the start, what came in between, the loss at the end, and the rate at an entry."""
        first = Evidence(self.step(0), start, self.start) if start else self.at(0, "first loss")
        return (first, *middle, Evidence(self.step(-1), "loss at the end", self.end), *self.rate_at(rate))

    def part(self, a: float, b: float) -> slice:
        return slice(int(a * self.n), max(int(b * self.n), int(a * self.n) + 2))

    def where(self, share: float) -> int:
        """Returns the entry by which so much of the whole fall was won."""
        below = np.nonzero(self.begun - self.smooth >= share * (self.begun - self.end))[0]
        return int(below[0]) if len(below) else self.n - 1

    def level(self, a: float, b: float) -> float:
        """Returns the loss while the spent rate was between two shares."""
        inside = (self.spent >= a) & (self.spent <= b)
        return float(np.median(self.y[inside])) if inside.any() else float(np.interp((a + b) / 2, self.spent, self.y))


def _straightness(x: Array, y: Array) -> float:
    """Returns how far falls that level off are from values, as a multiple of how far a line is."""

    def off(curve: Array) -> float:
        return float(np.std(y - np.polyval(np.polyfit(curve, y, 1), curve)))

    levelling = (*(np.exp(-(1 + x) / share) for share in _LEVELLING), 1 / (1.1 + x))
    return min(map(off, levelling)) / max(off(x), 1e-300)


def loss_findings(log: Log, run: Followed, complete: bool | None, planned: bool = True) -> Iterator[Finding | str]:
    """Yields what a log's training losses show, and in words what they are too few or too noisy to show.

    Args:
        log: With losses.
        run: The schedule of the run, to be changed in remedies.
        complete: Whether the run is over; None if nobody knows.
        planned: Whether the rates are what they should be; if not, no loss is judged by the rate that was spent.
    """
    series, rate = log.get("loss"), log.get("rate")
    if series is None:
        return
    series, rate = _unfiltered(series.last_pass()), None if rate is None else rate.last_pass().finite()
    bad = np.nonzero(~np.isfinite(series.values))[0]
    if len(bad):
        broken = _not_finite(series, rate, int(bad[0]), len(bad), run)
        yield broken
        if broken.rule == "not finite":
            return
    said = _shown(series.finite(), rate if planned else None, log.get("gradient_norm"), run, complete)
    if said is not None:
        yield said


def _shown(
    series: Series, rate: Series | None, gradients: Series | None, run: Followed, complete: bool | None
) -> Finding | str | None:
    """Returns the one thing that finite losses show, in words where they are too few or too noisy to."""
    if len(series) < 5:
        return f"{len(series)} losses are too few to judge"
    curve, over = _Curve(series, rate), complete is not False  # a run that is not may fall yet, and the rate with it
    diverged = _diverges(curve, run)
    if len(series) < _LEAST:
        few = f"{len(series)} losses are too few to judge the rate by: only whether they diverge was looked at"
        return diverged or few
    said = diverged or (_saddle(curve, gradients, run) if over else None) or _early(curve, run)
    return said or ((_slow(curve, run, complete) or _late(curve, run)) if over else None)


def _unfiltered(series: Series) -> Series:
    """Returns losses with NaN where a trainer wrote 0 for it: exact zeros to the end, and at once."""
    said = np.nonzero(series.values)[0]
    k = int(said[-1]) + 1 if len(said) else 0
    if k < 3 or len(series) - k < 2 or not abs(series.values[k - 1]) > 0.1 * np.nanmedian(np.abs(series.values[:k])):
        return series
    digits = max(len(repr(float(value)).partition(".")[2]) for value in series.values[max(k - 50, 0) : k])
    if abs(series.values[k - 1]) < 20 * 10.0**-digits:
        return series  # a small loss of few digits is rounded to 0
    return Series(series.steps, np.where(np.arange(len(series)) < k, series.values, np.nan))


def _not_finite(series: Series, rate: Series | None, k: int, count: int, run: Followed) -> Finding:
    t, y, at = series.steps, series.values, int(series.steps[k])
    evidence = [Evidence(int(t[k - 1]), "last finite loss", float(y[k - 1]))] if k else []
    evidence.append(Evidence(at, "loss", float(y[k])))
    if rate is not None and len(rate):
        evidence.append(Evidence(at, "rate", float(np.interp(at, rate.steps, rate.values))))
    recovered = bool(np.isfinite(y[k:]).mean() > 0.5)
    again = f" and {count - 1} times more." if count > 1 else ", once." if recovered else "."
    key = "not finite: for a while" if recovered else "not finite"
    return Finding.of(key, evidence, run.times(0.1), step=at, again=again)


def _diverges(c: _Curve, run: Followed) -> Finding | None:
    """The loss ends well above its start, or has lost again most of what it had won."""
    margin = 6 * max(c.noise, c.early)
    worse = c.end > c.start + max(0.3 * abs(c.start), margin)
    lost = c.start - c.low > max(margin, 0.1 * abs(c.start)) and c.end > c.low + max(0.6 * (c.start - c.low), margin)
    if c.slowly or not (worse or lost):
        return None
    limit = c.start if worse else (c.low + c.end) / 2
    below = np.nonzero(c.smooth <= limit)[0]
    i = min(int(below[-1]) + 1 if len(below) else 0, c.n - 1)
    early = c.t[i] <= c.t[0] + 0.2 * (c.t[-1] - c.t[0])
    best = int(c.smooth.argmin())
    key = "diverges: early" if early else "diverges"
    evidence = c.story(c.at(best, "loss near its lowest"), c.at(i), rate=i, start="loss at the start")
    return Finding.of(key, evidence, run.times(0.1), step=c.step(i), end=c.end, start=c.start)


def _too_high(c: _Curve, run: Followed) -> Finding | None:
    """It ends where it began after early spikes, or what was won was won at once and at a high loss: the rate is too high."""
    if c.slowly:
        return None
    head = running_median(c.y[: max(10, c.n // 5)], 3)
    top = int(head[1:].argmax()) + 1
    spike = float(head[top]) - c.begun
    noise = max(c.noise, 1e-12)
    scale = abs(c.begun)
    evidence = c.story(c.at(top, "loss at its highest"), rate=top)
    facts = {"top": head[top], "end": c.end, "begun": c.begun}
    back = c.end > c.begun - 0.05 * scale
    calm = c.spread(0.9, 1.0)
    moved = spike > max(0.04 * scale, 4 * noise) or c.end - c.low > max(0.06 * scale, 5 * noise)
    louder = max(1.6, 1 + 5 / math.sqrt(max(0.05 * c.n, 10)))  # what chance makes of so few rows
    if back and (moved or max(c.early, noise) > max(louder * min(calm, noise), 0.02 * scale)):
        return Finding.of("rate too high: swings", evidence, run.times(0.1), **facts)
    louder = max(1.0, scale / max(abs(c.level(0.25, 0.75)), 1e-300))  # noise is a share of the loss
    if c.begun > 1 and c.fall < 0.4 and spike > max(0.08 * scale, 5 * noise * louder):
        return Finding.of("rate too high: shoots", evidence, run.times(0.1), **facts)
    early = c.y[: max(8, c.n // 10)]
    many = len(early) >= 20
    calmer = np.delete(early, early.argmax()) if many else early  # of many batches one that is odd says nothing
    rise, later = (float((part - np.minimum.accumulate(part)).max()) for part in (calmer, c.y[c.n // 2 :]))
    lower = float(np.quantile(early, 0.2)) < c.end + max(0.1 * c.end, 2 * noise)
    if rise > max((6 if many else 8) * noise, 0.1 * c.end, 1.2 * later) and lower:
        facts |= {"low": early.min(), "top": early.max()}
        return Finding.of("rate too high: no lower", evidence, run.times(0.1), **facts)
    lost = float((c.smooth - np.minimum.accumulate(c.smooth)).max()) > 0.3 * scale
    first = float(np.median(c.y[:3]))
    fall = min((first - c.end) / max(abs(first), 1e-300), c.fall)
    if not (0.33 if not lost else 0.2) < fall <= 0.45 or min(c.begun, first) < 2.2 or c.n < 60 or c.rate is None:
        return None  # what was trained before starts lower, and wins less, and at once
    soon = c.where(0.9)
    a, b = c.level(0.28, 0.38), c.level(0.62, 0.72)
    sure = 10 * noise / math.sqrt(c.n / 10)
    if c.spent[soon] < 0.08 and c.begun - c.end > sure and a - b < 0.06 * scale and noise > 0.01 * scale:
        seen = c.story(c.at(soon), rate=soon)
        return Finding.of("rate too high: stands", seen, run.times(0.1), step=c.step(soon), fall=c.fall)
    return None


def _early(c: _Curve, run: Followed) -> Finding | None:
    """A peak within the first tenth that training recovers from, or elsewhere a rate that is too high.

    It is a fine-tuning's if the first loss is far below what knowing nothing costs, and the end hardly betters it.
    """
    first = min(float(np.median(c.y[:3])), c.begun)
    head = running_median(c.y[: max(5, c.n // 10)], 3)
    i, top = int(head.argmax()), float(head.max())
    # Second differences know nothing of the peak itself.
    bends = np.abs(np.diff(c.y[: max(10, c.n // 20)], 2))
    noise = max(c.noise, min(c.early / 2, 1.4826 * float(np.median(bends)) / math.sqrt(6)))
    peaked = i > 0 and top >= first + max(0.25 * abs(first), 6 * noise) and c.end < top
    seen = c.story(c.at(i, "loss at the peak"), rate=i)
    facts = {"first": first, "top": top, "end": c.end, "step": c.step(i), "own": run.warmup}
    if peaked and c.end > 0.6 * first and first < min(1.0, 0.6 * top):
        return Finding.of("fine-tuning too fast", seen, run.times(0.1), **facts)
    high = _too_high(c, run)
    if high is not None or not peaked:
        return high
    key = "unstable start: warmed up" if run.warmup else "unstable start"
    return Finding.of(key, seen, run.warmed(max(10, 2 * c.step(i), 2 * run.warmup)), **facts)


def _slow(c: _Curve, run: Followed, complete: bool | None) -> Finding | str | None:
    """A small fall that goes on as steadily at the end as at the beginning; or no fall at all, which may be either."""
    if c.begun <= 0 or c.n < 30:
        return None
    chance = 1.25 * c.noise / math.sqrt(max(c.n / 10, 1))  # of a median of a tenth of the rows
    first, last = float(np.median(c.y[c.part(0.0, 0.1)])), c.end
    fall = first - last
    evidence = c.story(rate=c.n // 2, start="loss at the start")
    halves = float(np.median(c.y[: c.n // 2]) - np.median(c.y[c.n // 2 :]))
    nowhere = abs(fall) <= max(2.5 * chance, 0.01 * c.begun) and abs(halves) <= max(1.4 * chance, 0.01 * c.begun)
    if not c.slowly and nowhere:
        if c.noise > 0.2 * c.begun or 4 * chance > 0.08 * c.begun:
            return "the losses are too noisy to judge the rate by"
        at_once = float(np.median(c.y[: max(c.n // 20, 3)]) - np.median(c.y[c.n // 2 :]))
        won = at_once > max(2.5 * c.noise / math.sqrt(max(c.n / 20, 3)), 0.02 * c.begun)
        if c.start - c.low > 10 * c.noise or won or complete is False:
            return None
        return Finding.of("does not fall", evidence, "glidepath find TASK", first=first, last=last)
    a, b, d = c.level(0.28, 0.38), c.level(0.62, 0.72), c.level(0.9, 1.0)
    steady = (b - d) / max(c.begun - a, 1e-300)
    share = max(fall / c.begun, c.fall)
    soon = (c.start - c.level(0.25, 0.31)) / max(c.start - last, 1e-300)  # how much of it was won early
    slow = share < (0.2 if c.n < 200 else 0.3) and soon < 0.55
    rise = float((c.smooth - np.minimum.accumulate(c.smooth)).max())
    if rise > max(0.15 * c.begun, 3 * c.noise):
        return None  # at a rate that is too low nothing is lost again
    high = max(c.begun, c.level(0.0, 0.02))
    tenth, quarter = ((high - c.level(at - 0.03, at + 0.03)) / max(high - c.end, 1e-300) for at in (0.1, 0.25))
    late = tenth < 0.11 and quarter < 0.32 and c.fall > 0.1 and high - c.end > 8 * c.noise
    # By the steps as well: a rate that is soon spent says little.
    late = late and high - float(np.median(c.y[c.part(0.07, 0.13)])) < 0.18 * (high - c.end)
    steadily = slow and fall >= 4 * chance and b - d >= max(chance, 0.15 * fall)
    if not c.straight or not (c.slowly or late or steadily):
        return None
    told = Evidence(None, "share of the fall in the first quarter of the rate", soon)
    evidence = (*evidence, told, Evidence(None, "fall late in the run, relative to that early", steady))
    key = "falls slowly: begins late" if late and not c.slowly and share >= 0.3 else "falls slowly"
    key = "falls slowly: in part" if key == "falls slowly" and share >= 0.15 else key
    return Finding.of(key, evidence, run.times(5), share=share, tenth=max(tenth, 0.0))


def _saddle(c: _Curve, gradients: Series | None, run: Followed) -> Finding | None:
    """A plateau at a high loss on which the gradients are gone."""
    if gradients is None or len(norms := gradients.last_pass().finite()) < _LEAST:
        return None
    g = running_median(norms.values, 5)
    early, late = float(g[: max(3, len(g) // 10)].max()), float(np.median(g[-len(g) // 5 :]))
    part = c.part(0.7, 1.0)
    flat = abs(float(c.smooth[part][0] - c.smooth[part][-1])) < max(0.02 * abs(c.start), 3 * c.noise)
    if not (flat and late < 0.02 * early and c.end > 0.5 * c.start > 0):
        return None
    begin = int(np.nonzero(g < 0.02 * early)[0][0])
    begun, at, last = (int(norms.steps[i]) for i in (0, begin, -1))
    seen = ((begun, ", early", early), (at, "", float(g[begin])), (last, ", late", late))
    evidence = (
        *(Evidence(i, f"gradient norm{when}", norm) for i, when, norm in seen),
        Evidence(c.step(-1), "loss", c.end),
    )
    raised = run.also(Hold(max(at, 1)) >> Hold(max(at // 5, 10), 5.0) >> Hold())
    facts = {"end": c.end, "early": early, "late": late, "step": at}
    return Finding.of("plateau without gradients", evidence, raised, **facts)


def _late(c: _Curve, run: Followed) -> Finding | str | None:
    """A plateau, or growing swings, at a rate that has not been lowered."""
    if c.rate is not None:
        tail = c.rate[c.part(0.6, 1.0)]
        if float(tail.min()) < 0.5 * float(c.rate.max()) or (np.diff(tail) > 0.1 * c.rate.max()).any():
            return None
    swings = _swings(c)
    if swings is not None:
        early, late, zigzag = swings
        evidence = (
            Evidence(c.step(c.n // 4), "relative swing before", early),
            Evidence(c.step(-c.n // 6), "relative swing in the last third", late),
            *c.rate_at(-1),
        )
        key = "oscillates late: up and down" if zigzag else "oscillates late"
        return Finding.of(key, evidence, _decay(c, run), late=late, early=early)
    fall = c.start - c.low
    a, b = c.part(0.35, 0.5), c.part(0.85, 1.0)
    change = float(np.median(c.y[a]) - np.median(c.y[b]))
    chance = 4 * c.noise / math.sqrt(max(c.n * 0.15, 1)) * 1.25
    least = max(8 * c.noise / math.sqrt(max(c.n / 20, 1)), 0.1 * abs(c.start))
    if fall < least or change > max(0.015 * fall, chance) or chance > 0.05 * fall:
        return None
    if c.rate is None:
        return f"the loss has not fallen since about step {c.step(a.start)}; whether the rate is to blame cannot be told without rates"
    ends = [Evidence(c.step(part), "loss", float(np.median(c.y[of]))) for part, of in ((a.start, a), (-1, b))]
    seen = (*ends, *c.rate_at(a.start), *c.rate_at(-1))
    return Finding.of("stalls", seen, _decay(c, run), step=c.step(a.start))


def _decay(c: _Curve, run: Followed) -> str:
    half = max(c.step(c.n // 2), 1)
    return run.also(Hold(half) >> cosine(max(int(c.t[-1]) - half, 1)))


def _swings(c: _Curve) -> tuple[float, float, bool] | None:
    """Returns the relative swings before and in the last third, if the later ones are large and have grown or alternate."""

    def around(part: slice) -> tuple[float, Array]:
        x, y = np.linspace(-1, 1, part.stop - part.start), c.y[part]
        rest: Any = y - np.polyval(np.polyfit(x, y, 2), x)
        return float(np.std(rest) / max(abs(float(np.median(y))), 1e-300)), rest

    before, _ = around(c.part(0.25, 0.5))
    late, rest = around(c.part(2 / 3, 1.0))
    varied = float((rest * rest).sum())
    alike = float((rest[1:] * rest[:-1]).sum()) / varied if varied > 0 else 0.0
    zigzag = late > 0.05 and alike < -0.6
    crossings = int((np.diff(np.sign(rest)) != 0).sum())
    wave = late > 0.1 and alike > 0.7 and crossings > 4
    grown = late > 0.1 and late > 2.5 * before
    return (before, late, zigzag) if zigzag or grown or wave else None

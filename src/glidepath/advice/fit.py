"""Recovering a schedule, kind and parameters, from rates that were logged.

Over 400 lines: one search over families of schedules, whose order and ties are one decision.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, ClassVar

import numpy as np

from ..core import Answer, Chain, GlidepathError, Ramp, Schedule, text_for
from ..core.curves import Curve
from ..logs import Array, Log, Series, read
from .candidate import Candidate, Seen, rounding
from .candidates import candidates
from .cycles import period
from .decays import SHAPES

_MOST_POINTS = 800
_TOLERANCE = 1e-7  # of the highest rate: what counts as the same beside the rounding


@dataclass(frozen=True)
class Fit(Answer):
    """A schedule that explains logged rates.

    Args:
        schedule: A factor; the rates are `base` times it.
        base: The base rate.
        kind: What it is, in a word or two.
        residual: The largest difference between a logged rate and this, relative to the highest logged rate.
        points: Rates looked at.
        shift: The step in the log that is the schedule's step 0.
        lag: Where updates were skipped: (step of the log, how many in all from there on).
        mean: How many steps of the schedule a logged rate is the mean over; 1 for rates as they are.
        unit: What a step of the log is: `update`, `epoch`, or a `row` of several updates.
        last: The last step that was logged.
        gap: Steps between two entries of the log.
        per: Steps of the log for one of the schedule, where it moves with the epochs, or the log counts fractions of them.
        end: Whence the end is known: `seen` in the log, `said` by the file, `extrapolated` from the curve, which fits no other of those
            tried, `open` where the log does not determine it, or `endless`.
        alternatives: Others that fit the log as well, and end elsewhere.
        guess: Updates in an epoch where the log says only how many it has at least, 0 elsewhere.
    """

    told: ClassVar[str] = (
        "kind base schedule text residual points shift lag mean per unit end determined alternatives notes"
    )
    schedule: Schedule
    base: float
    kind: str
    residual: float
    points: int
    shift: int = 0
    lag: tuple[tuple[int, int], ...] = ()
    mean: int = 1
    unit: str = "update"
    last: float = 0
    end: str = "seen"
    gap: int = 1
    alternatives: tuple[str, ...] = ()
    per: float = 1.0
    guess: int = 0

    @property
    def determined(self) -> bool:
        """Whether the log says where it ends."""
        return self.end != "open"

    @property
    def text(self) -> str:
        """The rates as one line to paste: `rate(…)`, which is taken for the rates themselves wherever it is driven."""
        return text_for(self.schedule, self.base)

    def at(self, steps: Array) -> Array:
        """Returns the rates at steps of the log: after the offset, the skipped updates and the means that it states."""
        behind = np.zeros(len(steps))
        for at, skipped in self.lag:
            behind[steps >= at] = skipped
        made = Candidate(self.kind, self.base, self.schedule, 0, self.mean)
        if self.per < 1:
            return made.at(np.maximum(_counted(steps, self.per) - self.shift, 0.0))
        return made.at(_counted(np.maximum(steps - self.shift - behind, 0.0), self.per))

    def notes(self) -> list[str]:
        """Returns what has to be said beside the text: offset, lag, means, and what is known of the end."""
        skipped = ", ".join(f"{count} by step {at}" for at, count in self.lag)
        total = max((count for _, count in self.lag), default=0)
        counts = "the log counts fractions of an epoch"
        clocks = (
            (self.mean > 1, f"each rate is the mean over an epoch of {self.mean} updates; the text counts updates"),
            (self.per > 1, f"the rate moves once an epoch of {self.per:g} updates; the text counts epochs"),
            (self.unit == "row", f"{counts}; the text counts updates, {self.gap} a row as the offset says"),
            (self.per < 1, f"{counts}, {self.per:g} a row; the text counts rows"),
            (self.unit == "epoch", "the text counts epochs, as the log does"),
        )
        away = f"a drop may be up to {self.gap - 1} steps away from where the text has it: "
        least = f"an epoch has at least {self.guess} updates, and is taken to have no more; "
        drops = self.kind.endswith(("milestones", "steps")) and self.gap > 1
        last = self.last if self.per == 1 else int(_counted(np.array([float(self.last)]), self.per)[0])
        at = f"{'row' if self.per < 1 else 'epoch' if self.unit == 'epoch' else 'step'} {last}"
        duration = self.schedule.duration / self.mean
        ends = {
            "open": f"what comes after {at} is not determined by the log",
            "extrapolated": f"the log ends at {at} of {duration:g}: the end is extrapolated",
            "said": f"the log ends at {at}; the file's own length, {duration:g}, decides the end",
        }
        said = (
            (self.shift, f"the rate of step s stands at s {'+-'[self.shift < 0]} {abs(self.shift)} in the log"),
            (self.lag, f"{total} updates were skipped, and the schedule with them: {skipped}"),
            next((each for each in clocks if each[0]), (False, "")),
            (self.guess, f"the steps are guessed: {least}what is so many epochs on may be later"),
            (drops and not self.guess, f"{away}the log has every {self.gap}th step"),
            (self.end in ends, ends.get(self.end, "")),
            (self.alternatives, "these fit as well: " + "; ".join(self.alternatives)),
        )
        return [text for holds, text in said if holds]

    def __str__(self) -> str:
        head = f"{self.text}  ({self.kind}; {self.points} rates, off by at most {self.residual:.2g} of the peak)"
        return "\n".join((head, *(f"  {note}" for note in self.notes())))


@dataclass(frozen=True)
class NoFit(Answer):
    """No known schedule explains the rates.

    Args:
        reason: Why.
        nearest: The nearest one tried, or an empty string.
        residual: Its residual, or None.
    """

    told: ClassVar[str] = "kind reason nearest residual"
    kind: ClassVar[None] = None
    reason: str
    nearest: str = ""
    residual: float | None = None

    def __str__(self) -> str:
        near = f" (nearest: {self.nearest}, off by {self.residual:.2g} of the peak)" if self.nearest else ""
        return f"no schedule fits: {self.reason}{near}"


def opened(where: str, log: Any, **columns: Any) -> Any:
    """Returns the log at a path, of these columns; what is none is returned as it is, and has no columns to choose from."""
    if isinstance(log, str | os.PathLike):
        return read(log, **columns)
    chosen = [name for name, column in columns.items() if column is not None]
    if chosen:
        raise GlidepathError.of(where, chosen[0], "given with a path only", columns[chosen[0]])
    return log


def fit(
    log: Log | Series | str | os.PathLike[str],
    *,
    step: str | None = None,
    rate: str | None = None,
    run: str | None = None,
) -> Fit | NoFit:
    """Recovers the schedule behind logged rates: a constant, a warmup and a decay of any of the named shapes, drops, cycles, restarts.

    Each candidate is built and compared with every logged rate; one that is off by more than the rounding of the numbers is none. Of the
    others the simplest is taken: no floor before a floor, round numbers before others, the file's own length before any other. An offset of
    the log of -1 to 3 steps is looked for, and updates that were skipped. What a run did not live to see is said to be so.

    Args:
        log: With a series of rates, or that series, or where to read one.
        step: The column that counts, where a path is given; so are the next two.
        rate: The column of the rate.
        run: Whose columns, in a file of several runs.

    Returns:
        The fit with its residual, or why there is none.

    Raises:
        GlidepathError: If there are no rates.

    Examples:
        >>> from glidepath import parse
        >>> schedule = parse("warmup(10) >> cosine(90, floor=0.1)")
        >>> found = fit(Log.of(rate=[0.3 * schedule(t) for t in range(101)]))
        >>> found.text, found.residual < 1e-12
        ('rate(0.3 * (warmup(10) >> cosine(90, floor=0.1)))', True)
    """
    read_log = opened("fit", log, step=step, rate=rate, run=run)
    given = read_log if isinstance(read_log, Log) else Log({"rate": read_log})
    series = given.get("rate")
    if series is None:
        raise GlidepathError.of("fit", "log", "one with rates", "none", "log the rate, or name its column: --rate")
    clean = series.last_pass().finite()
    rows, at = _fractions(series.steps)
    if rows:
        counted, last = Series(at, series.values).finite(), float(series.steps[-1])
        found = _as_counted(Log({}), counted)
        found = replace(found, unit="epoch", per=rows, last=last) if isinstance(found, Fit) else found
        for updates in (10, 5, 20, 25, 50, 100, 200, 500, 1000, 2, 4, 8) if _poor(found) else ():
            again = _as_counted(Log({}, position=1), Series(updates * counted.steps, counted.values))
            if isinstance(again, Fit) and not _poor(again) and again.shift == 1:
                return replace(again, unit="row", per=rows / updates, gap=updates, last=last)
        return found
    found = _as_counted(given, clean)
    if isinstance(found, Fit) and given.guessed:
        found = replace(found, guess=given.epoch or 0)
    stairs = _stairs(clean, given.epoch) if _poor(found) and given.unit == "update" else ()
    again = (_recounted(clean, length, first) for length, first in stairs)
    return next((each for each in again if isinstance(each, Fit)), found)


def _poor(found: Fit | NoFit) -> bool:
    """Whether nothing was found, or only that the rates are what they are."""
    return isinstance(found, NoFit) or found.kind.endswith("levels")


def _counted(position: Array, per: float) -> Array:
    """Returns where the schedule is at a position in the log: it moves once in more than one step, or with every row of fractions."""
    return position if per == 1 else np.floor(position / per + 1e-9) if per > 1 else np.round(position / per)


def _fractions(t: Array) -> tuple[float, Array]:
    """Returns how far apart the rows of a log are that has no counter but fractions of epochs, or 0, and the rows' numbers.

    Fractions that are rounded to more than a row are told by the line that they keep to.
    """
    if len(t) < 5 or (t == np.round(t)).all() or t[-1] <= t[0]:
        return 0.0, t
    k = np.arange(float(len(t)))
    gap = float(np.polyfit(k, t, 1)[0])
    written = max(len(f"{value:.6g}".partition(".")[2]) for value in t)
    near = np.abs(t - t.mean() - gap * (k - k.mean())).max() < max(0.5 * gap, 0.6 * 10.0**-written)
    return (gap, k + round(float(t.mean()) / gap - float(k.mean()))) if 0 < gap < 1 and near else (0.0, t)


def _stairs(series: Series, epoch: int | None) -> Iterator[tuple[float, float]]:
    """Yields lengths of epochs within which the rates do not move, each with the step at which the first begins."""
    t, y = series.steps, series.values
    edges = np.nonzero(np.diff(y))[0] + 1
    if len(edges) < 4:
        return
    gaps = np.diff(t)
    even = int(gaps[0]) if (gaps == gaps[0]).all() else 0  # a row an epoch
    for length in {epoch or 0, even if 2 * len(edges) > len(y) else period(t, edges) or 0} - {0, 1}:
        for first in (0, 1):
            at = np.floor((t - first) / length)
            if at[0] >= 0 and (np.diff(at)[np.diff(y) != 0] > 0).all():
                yield float(length), float(first)


def _recounted(series: Series, per: float, first: float) -> Fit | NoFit:
    """Returns the fit by epochs of a log that counts something finer."""
    at = _counted(series.steps - first, per)
    kept = np.append(True, np.diff(at) > 0)
    found = _as_counted(Log({}), Series(at[kept], series.values[kept]))
    if isinstance(found, NoFit):
        return found
    shift = int(found.shift * per + first)
    made = replace(found, unit="epoch", per=per, shift=shift, last=int(series.steps[-1]), points=len(series))
    off = np.abs(made.at(series.steps) - series.values) > rounding(series.values) + _TOLERANCE * series.values.max()
    return NoFit("no known schedule moves with its epochs") if off.any() else made


def _as_counted(log: Log, clean: Series) -> Fit | NoFit:
    """Returns the fit by the steps of the log."""
    t, y = clean.steps, clean.values
    if len(t) < 5:
        return NoFit(f"{len(t)} rates are too few to tell schedules apart")
    if (y < 0).any() or y.max() <= 0:
        return NoFit("rates below 0, or none above it")
    late = log.position if log.position is not None else int(t[0] == 1 == t[1] - 1)
    whole = Seen(t, y, rounding(y) + _TOLERANCE * float(y.max()), log.max_steps, log.mean, log.epoch, late)
    seen = _thinned(whole)
    offsets = sorted((0, 1, -1, 2, 3), key=lambda k: k != whole.late)
    tried: list[_Tried] = []
    for offset in offsets:
        for each in _tried(seen, offset) if offset <= t[0] else ():
            tried.append(each)
            shown = each.ends <= max(t[-1] + 2, seen.most or 0) or not math.isfinite(each.ends)
            if each.off <= 1 and each.natural(seen) and shown:
                break  # nobody would look further
        if any(each.off <= 1 and each.natural(seen) for each in tried):
            break
        known = any(each.off <= 1 for each in tried)
        if offset == offsets[0] and not known and (skipped := _skipping(seen, log.unit)) is not None:
            return skipped
    none = "no known schedule comes within the rounding of the rates"
    exact = [each for each in tried if each.off <= 1]
    if not exact:
        near = min(tried, key=lambda each: each.off)
        return NoFit(none, f"{near.candidate.base:.6g} * ({near.candidate.schedule})", near.residual)
    found = _told(min(exact, key=lambda each: each.price(seen)), whole, log.unit)
    off = np.abs(found.at(t) - y)
    if (off > whole.r).any():  # among the entries that were left out for speed
        return NoFit(none, found.text, float(off.max() / y.max()))
    return found


@dataclass(frozen=True)
class _Tried:
    """A candidate at an offset: its largest difference in units of what is allowed, and relative to the peak."""

    candidate: Candidate
    offset: int
    off: float
    residual: float

    @property
    def ends(self) -> float:
        return self.candidate.schedule.duration / self.candidate.mean

    def price(self, seen: Seen) -> tuple[float, float]:
        """What it costs to believe it: numbers chosen, digits written; the file's own length costs nothing."""
        said = seen.most is not None and abs(self.ends - seen.most) <= 1
        rounded = 0.5 * (self.residual > 1e-9)
        late = 0.6 * (self.offset != seen.late)
        return self.candidate.parameters + late - 0.8 * said + 0.1 * self.digits + rounded, self.residual

    @property
    def digits(self) -> int:
        """How many digits it takes to write it down: of two that fit alike, people chose the rounder one."""
        text = f"{self.candidate.base!r}*{self.candidate.schedule}"
        numbers = re.findall(r"\d+(?:\.\d+)?(?:e-?\d+)?", text)
        digits = [
            1 if len(number) > 14 and abs(1 / float(number) - round(1 / float(number))) < 1e-9  # a third
            else len(re.sub(r"e.*|\.", "", number).strip("0"))
            for number in numbers
        ]  # fmt: skip
        return sum(digits) + digits[0]

    def natural(self, seen: Seen) -> bool:
        """Whether nobody would look further: few digits, and the file's own length where there is one."""
        said = seen.most is None or not math.isfinite(self.ends) or abs(self.ends - seen.most) <= 1
        exact = 3.0 * (self.residual < 1e-12)
        return said and self.digits <= 3 + exact + 2.5 * self.candidate.parameters and self.candidate.parameters < 4


def _told(best: _Tried, whole: Seen, unit: str) -> Fit:
    """Returns the fit with what the log says of its end."""
    candidate, last = best.candidate, int(whole.t[-1])
    gap = float(np.median(np.diff(whole.t)))
    ends = best.ends + best.offset
    others: dict[float, str] = {}
    end = "open" if candidate.open_end else "endless" if not math.isfinite(ends) else "seen"
    if end == "seen" and last + max(gap, 1.0) < ends - 1:
        said = whole.most is not None and abs(best.ends - whole.most) <= 1
        line = "linear" in candidate.kind and candidate.mean == 1
        all_ = () if said or line else _tried(replace(_thinned(whole), every=True), best.offset)
        exact = [each for each in all_ if each.off <= 1]
        for each in sorted(exact, key=lambda each: each.price(whole)):
            far = all(abs(each.ends - known) > 0.05 * best.ends for known in (best.ends, *others))
            if each.candidate.kind != "levels" and far and len(others) < 3:
                where = f"ends at {each.ends:g}" if math.isfinite(each.ends) else "has no end"
                others.setdefault(each.ends, f"{each.candidate.base * each.candidate.schedule} ({where})")
        if not said and line:
            others = _along(candidate, last - best.offset, best.offset)
        end = "said" if said else "open" if others else "extrapolated"
    return Fit(
        candidate.schedule, candidate.base, candidate.kind, best.residual, len(whole.t), best.offset, (), candidate.mean, unit,
        last, end, int(gap), tuple(others.values()),
    )  # fmt: skip


def _along(candidate: Candidate, last: int, offset: int) -> dict[float, str]:
    """Returns where a straight line that the log does not show to its end may end: any floor goes with it."""
    now, before = candidate.at(np.array([last, last - 1.0]))
    where: dict[float, str] = {}
    for share, name in ((0.0, "0"), (0.01, "a hundredth of the peak"), (0.1, "a tenth of the peak")):
        meets = last + (now - share * candidate.base) / max(before - now, 1e-300)
        if meets > last:
            where[meets] = f"the same line to {name}, which it meets at {meets + offset:.6g}"
    return where


def _thinned(seen: Seen) -> Seen:
    """Returns at most so many points: all where the value jumps or bends, and an even choice of the others."""
    if len(seen.t) <= _MOST_POINTS:
        return seen
    bend = np.zeros(len(seen.t), dtype=bool)
    sharp = np.argsort(np.abs(np.diff(seen.y)))[-_MOST_POINTS // 8 :]
    bend[sharp] = bend[sharp + 1] = True
    bend[np.linspace(0, len(seen.t) - 1, _MOST_POINTS // 2).astype(int)] = True
    top = int(seen.y.argmax())
    bend[max(0, top - 2) : top + 3] = True
    return replace(seen, t=seen.t[bend], y=seen.y[bend], r=seen.r[bend])


def _tried(seen: Seen, offset: int) -> Iterator[_Tried]:
    """Yields every candidate that can be built if the log is so many steps ahead of the schedule."""
    moved = replace(seen, t=np.maximum(seen.t - offset, 0.0))
    for candidate in candidates(moved):
        off = np.abs(candidate.at(moved.t) - seen.y)
        worst = float((off / seen.r).max())
        if math.isfinite(worst):
            yield _Tried(candidate, offset, worst, float(off.max() / seen.y.max()))


def _skipping(seen: Seen, unit: str) -> Fit | None:
    """Returns a linear or cosine decay that stands still while updates are skipped: behind by whole steps that only grow in number.

    The length is the file's own. The peak is a round number, the warmup's length follows from its slope.
    """
    t, y, r = seen.t, seen.y, seen.r
    top = int(y.argmax())
    if seen.most is None or unit != "update" or len(t) < 8:
        return None
    slope = float(np.median(np.diff(y[: top + 1]) / np.diff(t[: top + 1]))) if top >= 2 else 0.0
    step = max(1.0, float(np.median(np.diff(t))))
    peaks = dict.fromkeys(
        float(f"{y.max() * scale:.{digits}g}") for digits in (1, 2) for scale in (1.0, 1.005, 1.02, 1.05)
    )
    for peak, name in product(peaks, ("linear", "cosine")):
        warm = round(peak / slope) if slope > 0 else 0
        rest = seen.most - warm
        if peak < y.max() * (1 - 1e-9) or rest < 2 or warm > seen.most / 2:
            continue
        rise, fall = y / peak * warm, warm + rest * SHAPES[name][1](np.clip(y / peak, 0.0, 1.0))
        where = np.where((t <= warm + step) & (np.abs(t - rise) <= np.abs(t - fall)), rise, fall)
        behind = np.round(t - where)
        if (behind < 0).any() or (np.diff(behind) < 0).any() or behind[-1] > 0.05 * seen.most or not behind.any():
            continue
        tail = Ramp(1.0, 0.0, rest, Curve.of(name))
        schedule = Chain((Ramp(0.0, 1.0, warm), tail)) if warm else tail
        off = np.abs(peak * schedule(t - behind) - y)
        jumps = [0, *(np.nonzero(np.diff(behind))[0] + 1)]
        if (off <= r).all() and len(jumps) <= max(len(t) / 3, 2):
            lag = tuple((int(t[k]) if k else 0, int(behind[k])) for k in jumps if behind[k])
            kind, residual = f"{'warmup, ' if warm else ''}{name}", float(off.max() / y.max())
            end = "seen" if t[-1] + step >= seen.most else "said"
            return Fit(schedule, peak, kind, residual, len(t), 0, lag, 1, unit, int(t[-1]), end)
    return None

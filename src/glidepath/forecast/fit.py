"""From runs to laws, and from laws to forecasts with intervals.

Over 400 lines: one chain from records to intervals, each link of which needs what the one before found.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from importlib import import_module
from typing import Any

import numpy as np

from ..core import Checks, GlidepathError, Schedule, Shown, parse
from ..core.fields import Count, Positive
from ..logs import Log
from .calibration import half_width, half_width_of_difference, quantile
from .identify import check_rates, check_runs, warmup_of
from .laws import LAWS, Fitted, Law, fit_law
from .path import MOST_UPDATES, Array, Path, Run, rates_of, runs_of

_EARLY = 0.1  # of the longest log, which no law describes


@dataclass(frozen=True)
class Used:
    """What of a run was used.

    Args:
        name: Of the run.
        updates: Up to its last loss.
        losses: How many the laws were fitted to, after means over neighbours where there were more than 300.
        left_out: How many losses were not used.
        why: For what reason; empty if none was left out.
        note: What was assumed about the run; empty if nothing was.
    """

    name: str
    updates: int
    losses: int
    left_out: int = 0
    why: str = ""
    note: str = ""


@dataclass(frozen=True)
class Backtest:
    """A forecast of something that was known: from laws fitted without it.

    Args:
        name: The run.
        held: `run` where the whole run was left out, `rest` where the logs were cut off before.
        horizon: Length of the run over that of the longest log that was fitted.
        error: Forecast minus measured, at the end.
        half: The half-width that the interval would have had.
    """

    name: str
    held: str
    horizon: float
    error: float
    half: float


@dataclass(frozen=True)
class Forecast(Shown):
    """What a schedule ends with.

    Args:
        loss: The median of the laws.
        low: Lower end of the 90 % interval.
        high: Upper end.
        updates: Length of the run.
        horizon: That length over that of the longest log.
        laws: What each law says.
        baseline: What the sum of the rates alone says.
    """

    loss: float
    low: float
    high: float
    updates: int
    horizon: float
    laws: Mapping[str, float]
    baseline: float

    def __str__(self) -> str:
        reach = f"{self.updates:,} updates, {self.horizon:.3g} times as long as the longest log"
        return f"{self.loss:.4f} ({self.low:.4f} to {self.high:.4f}) after {reach}"


@dataclass(frozen=True, eq=False)
class Curve(Shown):
    """A forecast along the way: at each step the median of the laws and the 90 % interval.

    Args:
        steps: Updates done.
        loss: The forecast.
        low: Lower ends.
        high: Upper ends.
    """

    steps: Array
    loss: Array
    low: Array
    high: Array

    def __str__(self) -> str:
        ends = f"{self.loss[-1]:.4f} ({self.low[-1]:.4f} to {self.high[-1]:.4f})"
        return f"a forecast that ends with {ends} after {int(self.steps[-1]):,} updates"

    def looks(self, view: Any) -> Any:
        """Returns a figure of the forecast with its band."""
        return import_module(f"{view.__name__}.forecast").forecast_figure({"forecast with its 90 % interval": self})


@dataclass(frozen=True)
class Comparison(Shown):
    """Two schedules by their forecast ends.

    Args:
        difference: Of the first minus that of the second.
        low: Lower end of its 90 % interval.
        high: Upper end.
        told: Whether the interval leaves zero out.
    """

    difference: float
    low: float
    high: float

    @property
    def told(self) -> bool:
        """Whether zero lies outside the interval."""
        return self.low > 0.0 or self.high < 0.0

    def __str__(self) -> str:
        ends = f"the {'first' if self.difference < 0 else 'second'} ends lower"
        text = f"{self.difference:+.4f} ({self.low:+.4f} to {self.high:+.4f})"
        return f"{ends if self.told else 'no difference can be told'}: {text}"


@dataclass(frozen=True, kw_only=True)
class Laws(Shown):
    """Laws fitted to logs, and how far to trust them. Plain JSON both ways; a stored one forecasts in milliseconds.

    Args:
        fitted: The laws, each with its scatter.
        baseline: The law of the sum of the rates alone.
        runs: What of each log was used.
        metric: Which losses these are.
        peak: Peak rate of the logs.
        updates: Length of the longest.
        warmup: Updates before the first of them is at its peak.
        effect: What a full cooldown brings at that length, by the laws: the scale of their errors.
        noise: Root mean square of what the median of the laws leaves of the losses, in means over fortieths of a run, after its first third.
        rises: Whether the rise of the rate at the start counts as a negative fall.
        backtests: Refits on a part of the logs, each with its error on the rest.
        widened: What those say that the intervals have to be multiplied by, at least 1.
    """

    fitted: tuple[Fitted, ...]
    baseline: Fitted
    runs: tuple[Used, ...]
    metric: str
    peak: float
    updates: int
    warmup: int
    effect: float
    noise: float
    rises: bool = True
    backtests: tuple[Backtest, ...] = field(default=())
    widened: float = 1.0

    # Forecasts ------------------------------------------------------------------------------------------------------------------------

    def curve(
        self, schedule: Schedule | str, base: float | None = None, steps: int | None = None, points: int = 200
    ) -> Curve:
        """Returns the loss along a schedule, with its band, from where the logs were used to the end.

        Args:
            schedule: A factor on the base rate, absolute rates, or the text of one.
            base: The base rate; None for the peak of the logs.
            steps: Length of the run; None for the schedule's, or the longest log's where it is endless.
            points: How many points at most.

        Raises:
            GlidepathError: If the rates or the length are not what the logs can speak for.
        """
        rates = self._rates(schedule, base, steps)
        first = max(1, min(len(rates), round(_EARLY * min(len(rates), self.updates))))
        where = np.unique(np.linspace(first, len(rates), max(2, points)).round().astype(np.int64))
        losses = self.median(Path.of(rates, where, rises=self.rises))
        half = np.array([self.half_width(float(n)) for n in where])
        return Curve(where.astype(np.float64), losses, losses - half, losses + half)

    def final(self, schedule: Schedule | str, base: float | None = None, steps: int | None = None) -> Forecast:
        """Returns what a schedule ends with: the median of the laws, and a 90 % interval. See `curve`."""
        rates = self._rates(schedule, base, steps)
        path = Path.of(rates, [len(rates)], rises=self.rises)
        each = {one.law.name: float(one.law(path)[-1]) for one in self.fitted}
        loss, half = float(np.median(list(each.values()))), self.half_width(len(rates))
        horizon, base = len(rates) / self.updates, float(self.baseline.law(path)[-1])
        return Forecast(loss, loss - half, loss + half, len(rates), horizon, each, base)

    def compare(
        self, first: Schedule | str, second: Schedule | str, base: float | None = None, steps: int | None = None
    ) -> Comparison:
        """Returns what two schedules differ by at their ends, the first minus the second. See `curve`.

        Nothing is told where the laws disagree on which is lower.
        """
        a, b = self._rates(first, base, steps), self._rates(second, base, steps)
        ends = [Path.of(rates, [len(rates)], rises=self.rises) for rates in (a, b)]
        by_law = [float(one.law(ends[0])[-1] - one.law(ends[1])[-1]) for one in self.fitted]
        difference, horizon = float(np.median(by_law)), max(len(a), len(b)) / self.updates
        half = self.widened * half_width_of_difference(horizon, self.effect, self.noise, apart(a, b))
        if min(by_law) < 0.0 < max(by_law):  # the laws do not agree which is lower
            half = max(half, abs(difference))
        return Comparison(difference, difference - half, difference + half)

    def half_width(self, updates: float) -> float:
        """Returns the half-width of the 90 % interval after so many updates."""
        return self.widened * half_width(updates / self.updates, self.effect, self.noise)

    def median(self, path: Path) -> Array:
        """Returns the median of the laws at every observation of a path of absolute rates."""
        return np.median([one.law(path) for one in self.fitted], axis=0)

    def _rates(self, schedule: Schedule | str, base: float | None, steps: int | None) -> Array:
        made = parse(schedule) if isinstance(schedule, str) else schedule
        if not isinstance(made, Schedule):
            raise GlidepathError.of("forecast", "schedule", "a schedule or its text", schedule)
        length = steps if steps is not None else self.updates if math.isinf(made.duration) else int(made.duration)
        checks = Checks("forecast")
        plain = checks.take("base", self.peak if base is None else base, Positive)
        length = checks.take("steps", length, Count)
        checks.done()
        most = int(5 * self.updates) + 1  # what is refused below for its length need not be evaluated whole
        rates = rates_of(made, float(plain), min(length, most))
        if (wrong := check_rates(str(made), rates, self.peak, self.updates)) is not None:
            raise GlidepathError(replace(wrong, value=f"{length:,} updates") if length > most else wrong)
        return rates

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def lines(self) -> list[str]:
        """Returns what the laws are, what they were fitted to, what was left out and why, and how refits fared, in lines of text."""
        said = [f"{self.metric.replace('_', ' ')} at a peak rate of {self.peak:g}"]
        for one in self.runs:
            left = f"; {one.left_out} left out, {one.why}" if one.left_out else ""
            said.append(f"{one.name}: {one.losses} losses to update {one.updates:,}{left}")
            said += [f"{one.name}: {one.note}"] if one.note else []
        for one in (*self.fitted, self.baseline):
            numbers = ", ".join(f"{name} {value:.4g}" for name, value in one.law.parameters.items())
            edge = f"; the logs do not tell {', '.join(one.edges)}" if one.edges else ""
            said.append(f"{one.law.name}: {numbers}; scatter {100 * one.scatter:.2f} %{edge}")
        for one in self.backtests:
            what, off = "left out" if one.held == "run" else "its rest left out", f"{one.error:+.4f} ± {one.half:.4f}"
            said.append(f"{one.name}, {what}: off by {off}, {one.horizon:.2f} times as long")
        none = "; no part of the logs identifies the laws without the rest, or none was tried"
        return [*said, f"intervals: {self.widened:.2f} times the calibrated width{'' if self.backtests else none}"]

    # As data --------------------------------------------------------------------------------------------------------------------------

    def to_dict(self) -> dict[str, Any]:
        """Returns the laws as plain JSON data."""
        return asdict(self)

    def to_json(self) -> str:
        """Returns the laws as JSON."""
        return json.dumps(self.to_dict(), indent=1, allow_nan=False) + "\n"

    @classmethod
    def from_dict(cls, data: Any) -> Laws:
        """Returns the laws that `to_dict` wrote.

        Raises:
            GlidepathError: If a field is missing, unknown or of the wrong kind.
        """
        try:
            if missing := {one.name for one in fields(cls)} - set(data):
                raise KeyError(", ".join(sorted(missing)))
            read: dict[str, Any] = dict(data)
            read |= {"fitted": tuple(map(_fitted, data["fitted"])), "baseline": _fitted(data["baseline"])}
            for name, kind in (("runs", Used), ("backtests", Backtest)):
                read[name] = tuple(kind(**one) for one in data[name])
            made = cls(**read)
            if not 1 <= made.updates <= MOST_UPDATES or not math.isfinite(made.final("hold()").high):
                raise ValueError("updates or numbers out of range")
        except GlidepathError:
            raise
        except (TypeError, ValueError, KeyError, AttributeError) as error:
            got = f"{type(error).__name__}: {error}"
            raise GlidepathError.worded("laws", "data", "what to_dict wrote", got) from None
        return made

    @classmethod
    def from_json(cls, text: str | bytes) -> Laws:
        """Returns the laws that `to_json` wrote. See `from_dict`."""
        try:
            data = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise GlidepathError.worded("laws", "text", "JSON", str(error)[:100]) from None
        return cls.from_dict(data)


def apart(a: Array, b: Array) -> float:
    """How far two courses of the rate lie apart: the area between them over that under the larger, both on the time of the longer."""
    longer = max(len(a), len(b))
    a, b = (np.pad(one, (0, longer - len(one))) for one in (a, b))
    return float(np.abs(a - b).sum() / max(a.sum(), b.sum()))


def _fitted(data: Mapping[str, Any]) -> Fitted:
    law = Law(str(data["law"]["name"]), {name: float(value) for name, value in data["law"]["parameters"].items()})
    return Fitted(law, float(data["scatter"]), tuple(data["edges"]), int(data["evaluations"]))


def fit_laws(logs: Iterable[Run | Log], *, rises: bool = True, backtests: bool = True) -> Laws:
    """Fits the laws to runs that were made.

    Left out are the losses of the warmup and of the first tenth of the longest log, which no law describes.

    Args:
        logs: The runs, or logs that hold rates (`runs_of` takes those that do not), at one peak rate, with losses of one evaluation; at
            least one with a plateau and one with a decay, which may be the same.
        rises: Whether the warmup's rise counts as a negative fall, as in the published forms; otherwise it does not count at all. At
            one peak rate a different floor makes up for it.
        backtests: Whether to refit on parts of the logs, which widens the intervals where the laws miss the rest.

    Raises:
        GlidepathError: If no law can be told from these logs, with the cheapest run that would help.
    """
    given = list(logs)
    if wrong := [one for one in given if not isinstance(one, Run | Log)]:
        remedy = "Run.of makes one of a schedule and losses, glidepath.logs.read a log of a file"
        raise GlidepathError.of("forecast", "logs", "runs or logs", wrong[0], remedy)
    plain, read = [one for one in given if isinstance(one, Run)], [one for one in given if isinstance(one, Log)]
    runs, used = _prepared(plain + runs_of(read))
    check_runs(runs)
    laws = _fit(runs, used, rises)
    return _tested(laws, runs) if backtests else laws


def _prepared(runs: Sequence[Run]) -> tuple[list[Run], tuple[Used, ...]]:
    """Without the beginning, and with at most 300 losses each."""
    first = _EARLY * max((run.updates for run in runs), default=0)
    kept, used = list[Run](), list[Used]()
    for run in runs:
        from_ = max(first, warmup_of(run.rates[: run.updates]))
        late = run.steps > from_
        left, losses = int(np.count_nonzero(~late)), 0
        why = f"before update {math.ceil(from_):,}: the warmup and the first tenth of the longest log" if left else ""
        if late.any():
            kept.append(merged(replace(run, steps=run.steps[late], losses=run.losses[late])))
            losses = len(kept[-1].steps)
        used.append(Used(run.name, run.updates, losses, left, why, run.note))
    return kept, tuple(used)


def merged(run: Run, most: int = 300) -> Run:
    """Returns the run with means over neighbours in place of its losses, at most so many."""
    if len(run.steps) <= most:
        return run
    steps, losses = (np.array([part.mean() for part in np.array_split(of, most)]) for of in (run.steps, run.losses))
    return replace(run, steps=steps.round().astype(np.int64), losses=losses)


def _fit(runs: Sequence[Run], used: tuple[Used, ...], rises: bool, start: Laws | None = None) -> Laws:
    near = {one.law.name: one.law for one in start.fitted} if start is not None else {}
    *fitted, baseline = (fit_law(name, runs, rises=rises, start=near.get(name)) for name in LAWS)
    peak, updates = max(float(run.rates.max()) for run in runs), max(run.updates for run in runs)
    held, fifth = np.full(updates, peak), max(1, updates // 5)
    cooled = np.concatenate((held[fifth:], peak * (1.0 - np.arange(fifth) / fifth)))
    ends = [[float(one.law(Path.of(r, [updates], rises=rises))[-1]) for r in (held, cooled)] for one in fitted]
    missed = list[float]()
    for run in runs:
        path = run.path(rises=rises)
        median = np.median([one.law(path) for one in fitted], axis=0)
        # Means over parts of a run: what one loss scatters by goes away in the many that a law is fitted to, what lasts does not.
        parts = np.array_split(median - run.losses, min(40, len(run.losses)))
        missed += [part.mean() for part in parts[len(parts) // 3 :]]
    return Laws(
        fitted=tuple(fitted),
        baseline=baseline,
        runs=used,
        metric=runs[0].metric,
        peak=peak,
        updates=updates,
        warmup=warmup_of(runs[0].rates),
        effect=max(0.0, float(np.median([a - b for a, b in ends]))),
        noise=float(np.sqrt(np.mean(np.square(missed)))),
        rises=rises,
    )


def _tested(laws: Laws, runs: Sequence[Run]) -> Laws:
    """The laws with their backtests: each run left out, and all logs cut at parts of the longest, where the rest identifies a law."""
    found = list[Backtest]()
    for out, held in enumerate(runs if len(runs) > 1 else ()):
        found += _backtest(laws, [*runs[:out], *runs[out + 1 :]], [held], "run")
    for share in (0.5, 0.7, 0.85):
        at = int(share * laws.updates)
        short = [run if run.updates <= at else run.until(at) for run in runs if run.steps[0] <= at]
        found += _backtest(laws, short, [run for run in runs if run.updates > at], "rest")
    ratios = [abs(one.error) / one.half for one in found if one.half > 0]
    return replace(laws, backtests=tuple(found), widened=max(1.0, quantile(ratios)))


def _backtest(laws: Laws, known: Sequence[Run], held: Sequence[Run], kind: str) -> list[Backtest]:
    try:
        check_runs(known)
    except GlidepathError:
        return []
    refit = _fit(known, (), laws.rises, laws)
    found = list[Backtest]()
    for run in held:
        horizon, last = run.updates / refit.updates, Path.of(run.rates, run.steps[-3:], rises=laws.rises)
        error = float(np.mean(refit.median(last) - run.losses[-3:]))
        found.append(Backtest(run.name, kind, horizon, error, half_width(horizon, laws.effect, laws.noise)))
    return found

"""What a run did to its rate and what its loss did: from training logs, as arrays, and as the few sums of them that the laws need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core import Checks, GlidepathError, Problem, Schedule
from ..logs import Log, Series

Array = NDArray[np.float64]
MOST_UPDATES = 5_000_000
_GRAIN = 256  # pieces of equal length that a run is cut into at least; a jump of the rate and an observation begin one besides
_EPOCHS = 20.0  # data seen more often are refused: measured was up to 16 times, on the lab's classifiers (see the page on forecasts)


def rates_of(schedule: Schedule, base: float, updates: int) -> Array:
    """Returns the absolute rate of every update.

    Args:
        schedule: A factor on `base`, or absolute rates, which stay as they are.
        base: The base rate, above 0.
        updates: How many, from 1.
    """
    made = np.broadcast_to(np.asarray(schedule(np.arange(updates)), dtype=np.float64), (updates,))
    return made.copy() if schedule.absolute else made * base


@dataclass(frozen=True, eq=False)
class Run:
    """A run that was made: the rate of every update, and losses of one kind along the way.

    Args:
        name: For messages.
        rates: Absolute rate of every update; finite, at least 0, one above 0.
        steps: Updates done before each loss, ascending, from 1 to as many as there are rates.
        losses: As many, finite and above 0, all of one evaluation.
        metric: Which evaluation that is.
        note: What had to be assumed about it, in words.

    Raises:
        GlidepathError: If an argument breaks its rule; all problems in one.
    """

    name: str
    rates: Array
    steps: NDArray[np.int64]
    losses: Array
    metric: str = "loss"
    note: str = ""

    def __post_init__(self) -> None:
        found = Checks(f"forecast: {self.name}")
        rates, losses = (np.asarray(given, dtype=np.float64).ravel() for given in (self.rates, self.losses))
        steps, odd = np.asarray(self.steps).ravel(), losses[~(np.isfinite(losses) & (losses > 0))][:3].tolist()
        if not 1 <= len(rates) <= MOST_UPDATES or not np.isfinite(rates).all() or (rates < 0).any() or not rates.any():
            found.refuse("rates", f"1 to {MOST_UPDATES:,} rates, finite, at least 0, one above 0", rates.tolist())
        if len(steps) != len(losses) or not len(steps):
            got = f"{len(losses)} and {len(steps)}"
            found.problems.append(Problem(found.where, "losses", "as many as steps, at least one", got))
        elif (np.diff(steps) <= 0).any() or steps[0] < 1 or steps[-1] > len(rates):
            rule = f"ascending, from 1 to the {len(rates):,} updates whose rates are known"
            found.refuse("steps", rule, steps.tolist(), "a loss counts the updates done before it")
        if odd:
            found.refuse("losses", "finite and above 0", odd, "leave out what diverged")
        found.done()
        for name, value in (("rates", rates), ("steps", steps.astype(np.int64)), ("losses", losses)):
            object.__setattr__(self, name, value)

    @classmethod
    def of(
        cls, schedule: Schedule, base: float, steps: Any, losses: Any, name: str = "run", metric: str = "loss"
    ) -> Run:
        """Returns the run that followed a schedule.

        Args:
            schedule: The schedule.
            base: Its base rate.
            steps: Updates done before each loss.
            losses: The losses.
            name: For messages.
            metric: Which evaluation they are of.
        """
        where = np.asarray(list(steps))
        updates = int(where.max()) if len(where) else 1
        return cls(name, rates_of(schedule, base, updates), where, np.asarray(list(losses)), metric)

    @property
    def updates(self) -> int:
        """Updates up to the last loss."""
        return int(self.steps[-1])

    def until(self, step: int) -> Run:
        """Returns the run as it stood after so many updates."""
        kept = self.steps <= step
        return replace(self, rates=self.rates[:step], steps=self.steps[kept], losses=self.losses[kept])

    def path(self, *, unit: float = 1.0, rises: bool = True) -> Path:
        """Returns the sums that the laws need, at the observations. See `Path.of`."""
        return Path.of(self.rates, self.steps, unit=unit, rises=rises)


@dataclass(frozen=True, eq=False)
class Path:
    """The sums of a rate's course: at every observation the area under the rate, and every fall of the rate before it.

    A fall is what the rate lost within one piece; a rise is a negative fall. Within a piece it stands where its middle is, so that a
    single jump stands exactly and a smooth decay to second order in the piece's length.

    Args:
        area: Sum of the rates up to each observation.
        steps: Updates done before each observation.
        fall: What the rate lost in each piece that changed it.
        at: The area before each fall.
        step: The updates before it.
        rate: The rate at it, above 0.
    """

    area: Array
    steps: Array
    fall: Array
    at: Array
    step: Array
    rate: Array

    @classmethod
    def of(cls, rates: Array, steps: Any, *, unit: float = 1.0, rises: bool = True, grain: int = _GRAIN) -> Path:
        """Returns the path of rates.

        Args:
            rates: Of every update.
            steps: The observations, in updates done.
            unit: What the rates are measured in.
            rises: Whether the rise of the rate from zero to its first height counts as a negative fall, as the published laws count
                a warmup; later rises always do.
            grain: Pieces at least.
        """
        seen = np.asarray(steps, dtype=np.int64)
        last = int(seen[-1])
        values = rates[:last] / unit
        falls = -np.diff(values, prepend=0.0)
        if not rises:
            falls[: int(np.argmax(values >= 0.999 * values.max())) + 1] = 0.0
        total = np.cumsum(values)
        jumps = np.flatnonzero(np.abs(falls) > 0.02 * values.max())[:grain]
        edges = np.unique(np.concatenate((np.linspace(0, last, grain + 1).astype(np.int64), seen, jumps, jumps + 1)))
        edges = edges[(edges >= 0) & (edges < last)]
        size = np.abs(falls)
        mass = np.add.reduceat(size, edges)
        kept = mass > 0

        def middle(of: Array) -> Array:
            return np.add.reduceat(size * of, edges)[kept] / mass[kept]

        return cls(
            total[seen - 1],
            seen.astype(np.float64),
            np.add.reduceat(falls, edges)[kept],
            middle(total - values),
            middle(np.arange(last, dtype=np.float64)),
            np.maximum(middle(values), 1e-9 * values.max()),
        )


# From training logs -------------------------------------------------------------------------------------------------------------------

_Given = tuple[Log, Series, Array | None, int]


def runs_of(
    logs: Sequence[Log], *, plan: Schedule | None = None, base: float | None = None, metric: str | None = None
) -> list[Run]:
    """Returns the runs that training logs tell of, with losses of one kind.

    A rate that was logged now and then is joined by straight lines. A log that begins late is taken for a branch: what came before is
    taken from the longest log that holds it. Where no other does and less than a fifth is missing, a linear warmup is assumed if the
    first rate is the peak, that rate otherwise; the run says so.

    Args:
        logs: As `glidepath.logs.read` reads them.
        plan: The schedule that all of them followed, where they hold no rates.
        base: Its base rate.
        metric: `loss` or `validation_loss`; None takes the validation loss where every log has eight of them at least.

    Raises:
        GlidepathError: If a log has no such losses, no rates and there is no plan, or counts epochs only; all problems at once.
    """
    if metric not in (None, "loss", "validation_loss"):
        raise GlidepathError.of("forecast", "metric", "loss or validation_loss", metric)
    validated = all(len(_series(log, "validation_loss")) >= 8 for log in logs)
    name = metric or ("validation_loss" if validated else "loss")
    problems, given = list[Problem](), list[_Given]()
    for at, log in enumerate(logs, 1):
        where = f"forecast: {log.source or f'log {at}'}"
        losses = _series(log, name)
        losses = Series(losses.steps[losses.values > 0], losses.values[losses.values > 0])
        if not len(losses) or losses.steps[-1] < 1:
            other = "validation_loss" if name == "loss" else "loss"
            remedy = f"take the other: metric {other}" if len(_series(log, other)) else ""
            problems.append(Problem(where, name, "logged", "none", remedy))
            continue
        if log.unit == "epoch":
            problems.append(Problem(where, "steps", "updates", "epochs only", "log the count of updates"))
        if (epochs := log.get("epoch")) is not None and (seen := float(epochs.finite().values.max())) > _EPOCHS:
            remedy, got = "nothing was measured beyond 16 times: see the page on forecasts", f"{seen:.4g} epochs"
            problems.append(Problem(where, "data", f"seen at most {_EPOCHS:g} times", got, remedy))
        last = int(losses.steps[-1])
        rates, begin = _rates(log, last, plan, base)
        if rates is None and not problems:
            remedy = "name the schedule that it followed: --plan 'warmup(500) >> cosine(9500)' --base 3e-4"
            problems.append(Problem(where, "rates", "logged, or the plan given", "none", remedy))
        if last > MOST_UPDATES:
            problems.append(Problem(where, "steps", f"at most {MOST_UPDATES:,}", f"{last:,}"))
        given.append((log, losses, rates, begin))
    if problems:
        raise GlidepathError(problems)
    return [_run(each, given, name, at) for at, each in enumerate(given, 1)]


def _series(log: Log, name: str) -> Series:
    found = log.get(name)
    return found.last_pass().finite() if found is not None else Series.of([], [])


def _rates(log: Log, last: int, plan: Schedule | None, base: float | None) -> tuple[Array | None, int]:
    """The rate of every update, and from which one on it is known."""
    known = _series(log, "rate")
    made = plan or log.planned
    if made is not None and (plan is not None or not len(known)):
        return rates_of(made, base or log.base or 1.0, last), 0
    if not len(known):
        return None, 0
    first = int(known.steps[0])
    return np.interp(np.arange(last), known.steps, np.maximum(known.values, 0.0)), first if first > 0.02 * last else 0


def _run(each: _Given, all_: Sequence[_Given], metric: str, at: int) -> Run:
    log, losses, rates, begin = each
    name, note = log.source or f"log {at}", ""
    assert rates is not None  # noqa: S101 - checked by the caller
    if begin:
        trunks = [one for _, _, one, start in all_ if one is not None and start < begin and len(one) >= 0.95 * begin]
        rates = rates.copy()
        if trunks:
            trunk = max(trunks, key=len)
            rates[:begin] = np.pad(trunk, (0, max(0, begin - len(trunk))), mode="edge")[:begin]
        elif begin <= 0.2 * len(rates):
            risen = rates[begin] >= 0.98 * rates.max()
            rates[:begin] *= np.arange(1, begin + 1) / begin if risen else 1.0
            note = f"its rates begin at update {begin:,}: {'a linear warmup' if risen else 'the same rate'} is taken before"
        else:
            rule, got = "known from the first update on", f"rates from update {begin:,} on"
            remedy = "give the log of the run that it branched off as well, or the whole schedule: --plan"
            raise GlidepathError.worded(f"forecast: {name}", "rates", rule, got, remedy)
    keep = losses.steps >= 1
    return Run(name, rates, losses.steps[keep].astype(np.int64), losses.values[keep], metric, note)

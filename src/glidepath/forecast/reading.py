"""From training logs to runs: one kind of loss for all of them, and the rate of every update."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..core import GlidepathError, Problem, Schedule
from ..logs import Log, Series
from .identify import EPOCHS
from .path import MOST_UPDATES, Array, Run, rates_of

_LATE = 0.02  # of a log's length: where its first rate is later, something came before

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
        if (epochs := log.get("epoch")) is not None and (seen := float(epochs.finite().values.max())) > EPOCHS:
            remedy, got = "nothing was measured beyond 16 times: see the page on forecasts", f"{seen:.4g} epochs"
            problems.append(Problem(where, "data", f"seen at most {EPOCHS:g} times", got, remedy))
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
    return np.interp(np.arange(last), known.steps, np.maximum(known.values, 0.0)), first if first > _LATE * last else 0


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

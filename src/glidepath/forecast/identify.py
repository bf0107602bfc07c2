"""What identifies a law, what a forecast is refused for, and the cheapest run that would help."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..core import Checks, GlidepathError, Problem
from .path import Array, Run

# A forecast reaches at most so many times as far as the longest log.
FARTHEST = 4.0
_LEAST = 15  # losses, over all logs
_SAME_PEAK = 0.02
_BETWEEN = 1.01  # a run goes on after its last loss


def warmup_of(rates: Array) -> int:
    """Returns the updates before the rate first reaches its peak."""
    return int(np.argmax(rates >= 0.9995 * rates.max()))


def _flat(run: Run) -> tuple[int, Array]:
    """Updates that a run stayed within 10 % of its peak before it fell, and its losses there; none where a quarter of it is no plateau."""
    begin = warmup_of(run.rates[: run.updates])
    fallen = np.flatnonzero(run.rates[begin : run.updates] < 0.9 * float(run.rates.max()))
    end = begin + int(fallen[0]) if len(fallen) else run.updates
    losses = run.losses[(run.steps > begin) & (run.steps <= end)]
    long = end - begin >= 0.25 * run.updates and len(losses) >= 4
    return (end - begin, losses) if long else (0, losses[:0])


def _learns(run: Run) -> bool:
    """Whether the loss still falls on the plateau, by more than it scatters."""
    losses = _flat(run)[1]
    third = max(1, len(losses) // 3)
    last = losses[-third:]
    return not len(losses) or float(losses[:third].mean() - last.mean()) > float(last.std()) / np.sqrt(third)


def _decays(run: Run) -> bool:
    """Whether a run fell below half of its peak, with losses there."""
    begin = warmup_of(run.rates[: run.updates])
    low = run.rates[run.steps - 1] < 0.5 * run.rates.max()
    return int(np.count_nonzero(low & (run.steps > begin))) >= 2


def check_runs(runs: Sequence[Run]) -> None:
    """Refuses runs from which no law can be told.

    Args:
        runs: The runs.

    Raises:
        GlidepathError: Naming each reason, with the cheapest run that would identify the law.
    """
    found = Checks("forecast")
    if not runs:
        raise GlidepathError.worded(found.where, "logs", "at least one run", "none")

    def need(holds: bool, field: str, rule: str, got: str, remedy: str) -> None:
        if not holds:
            found.problems.append(Problem(found.where, field, rule, got, remedy))

    count, metrics = sum(len(run.steps) for run in runs), list(dict.fromkeys(run.metric for run in runs))
    remedy = "log the loss more often, or give more runs"
    need(count >= _LEAST, "losses", f"at least {_LEAST} after the warmup", str(count), remedy)
    need(len(metrics) == 1, "losses", "of one evaluation", " and ".join(metrics), "give logs of one of them")
    low, high = (pick(runs, key=lambda run: run.rates.max()) for pick in (min, max))
    least, most = float(low.rates.max()), float(high.rates.max())
    got = f"{least:g} ({low.name}) and {most:g} ({high.name})"
    remedy = "no law here carries over peak rates: fit the runs of one peak"
    need(most <= (1 + _SAME_PEAK) * least, "logs", "of one peak rate", got, remedy)
    flat, decays = [run for run in runs if _flat(run)[0]], any(map(_decays, runs))
    rule = "of runs of which one decays to below half of its peak, with losses there"
    need(decays, "logs", rule, "none", _branch(max(runs, key=lambda run: _flat(run)[0])))
    updates = max(run.updates for run in runs)
    hold, fall = round(0.4 * updates), max(1, round(0.1 * updates))
    remedy = f"add a run that holds the peak for {hold:,} updates and cools down in {fall:,}, a linear one: "
    remedy += f"glidepath branches {hold} --share 0.2 makes such"
    got = "full-length decays only, from which the laws cannot tell time from decay"
    rule = "of runs of which one stays on its peak for a quarter of its length"
    need(bool(flat) or not decays, "logs", rule, got, remedy)
    remedy = "the peak rate is too high for a plateau, or the model overfits: the laws know neither"
    learns = not flat or any(map(_learns, flat))
    need(learns, "losses", "falling while the rate stays on its peak", "none that falls", remedy)
    found.done()


def _branch(run: Run) -> str:
    """The cheapest run that would identify the law: a cooldown off a run that is there."""
    at = run.updates
    length = max(1, round(at / 5))
    return f"a cooldown of {length:,} updates from step {at:,} of {run.name}: glidepath branches {at} --share {length / (at + length):.2f}"


def check_rates(name: str, rates: Array, peak: float, updates: int) -> Problem | None:
    """Returns what a forecast of these rates is refused for, or None.

    Args:
        name: The schedule, for the message.
        rates: Its rate at every update.
        peak: The peak of the logs.
        updates: The length of the longest log.
    """
    top = float(rates.max())
    if abs(top - peak) > _SAME_PEAK * peak:
        remedy = "no law here carries over peak rates; glidepath bound --peak carries a tuned peak to another shape"
        return Problem("forecast", f"peak rate of {name}", f"that of the logs, {peak:g}", f"{top:g}", remedy)
    if len(rates) > FARTHEST * _BETWEEN * updates:
        rule = f"at most {FARTHEST:g} times as long as the longest log ({updates:,} updates)"
        remedy = f"forecast {int(FARTHEST * updates):,} updates, or log a longer run"
        return Problem("forecast", f"length of {name}", rule, f"{len(rates):,} updates", remedy)
    return None

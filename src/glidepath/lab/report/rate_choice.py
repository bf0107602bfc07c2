"""The peak rate of each schedule, chosen on validation data from a grid that all of them share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from ..plain import plain
from ..records.runs import Record
from .statistics import Estimate, left


@plain(kw_only=True)
class RateTrial:
    """What one schedule did at one peak rate.

    Args:
        peak_rate: The rate.
        validation: Last validation metric, over the seeds that did not diverge; None if all did.
        diverged: Seeds that diverged.
    """

    peak_rate: float
    validation: Estimate | None
    diverged: int


@plain(kw_only=True)
class RateChoice:
    """Which peak rate a schedule got, and why.

    Args:
        trials: One a rate, rates ascending.
        peak_rate: The rate chosen: fewest seeds lost, then the best mean validation metric, then the lowest rate.
        edge: Whether that is the lowest or the highest rate tried, so that a better one may lie outside.
    """

    trials: tuple[RateTrial, ...]
    peak_rate: float
    edge: Literal["lowest", "highest"] | None


def by_rate(records: Sequence[Record]) -> dict[float, list[Record]]:
    """Records by peak rate, rates ascending, the order within a rate kept."""
    rates = sorted({record.spec.peak_rate for record in records})
    return {rate: [record for record in records if record.spec.peak_rate == rate] for rate in rates}


def choose_rate(rows: Mapping[float, Sequence[Record]], direction: Literal["lower", "higher"]) -> RateChoice:
    """Choose a peak rate by the metric that is reported, on validation data. Test data are not looked at.

    Args:
        rows: For every rate, ascending, one record a seed. At least one rate.
        direction: Which way the metric is better.
    """
    return choose_among({rate: [record.last for record in records] for rate, records in rows.items()}, direction)


def choose_among(rows: Mapping[float, Sequence[float | None]], direction: Literal["lower", "higher"]) -> RateChoice:
    """The same from the validation metrics themselves.

    Args:
        rows: For every rate, ascending, one metric a seed, None where the run diverged. At least one rate.
        direction: Which way the metric is better.
    """
    trials: list[RateTrial] = []
    order: list[tuple[int, float, float]] = []
    sign = 1.0 if direction == "lower" else -1.0
    for rate, seen in rows.items():
        of_mean = left(seen)
        lost = len(seen) - (of_mean.count if of_mean else 0)
        trials.append(RateTrial(peak_rate=rate, validation=of_mean, diverged=lost))
        order.append((lost, sign * of_mean.mean if of_mean else 0.0, rate))
    chosen = min(order)[2]
    edge = None
    if len(trials) > 1 and chosen in (trials[0].peak_rate, trials[-1].peak_rate):
        edge = "lowest" if chosen == trials[0].peak_rate else "highest"
    return RateChoice(trials=tuple(trials), peak_rate=chosen, edge=edge)

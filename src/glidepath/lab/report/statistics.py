"""Means with intervals, paired differences, corrected p-values, rates chosen from a grid: the few statistics that a comparison needs.

Every function takes plain numbers, one a seed, and says nothing where too few are given.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import numpy as np
from scipy import stats

from ..plain import plain

_LEVEL = 0.95
_RESAMPLES = 4000


@plain()
class Estimate:
    """A mean over seeds.

    Args:
        count: Seeds.
        mean: Their mean, in the metric's unit.
        sd: Standard deviation between seeds (n - 1); None for one seed.
        low: Lower end of the 95 % t-interval of the mean; None for one seed.
        high: Upper end.
    """

    count: int
    mean: float
    sd: float | None
    low: float | None
    high: float | None


@plain()
class PairedDifference:
    """A mean of differences between two schedules on the same seeds.

    Args:
        estimate: Mean and interval of the differences, in the metric's unit.
        lower_on: Seeds on which the difference was negative.
        higher_on: Seeds on which it was positive.
        p: Two-sided p-value of the paired t-test; None for one seed.
        p_holm: The same after Holm's correction for all differences of the task; None for one seed.
        seeds_needed: Seeds that would show a difference of this size and spread with 90 % power, see `seeds_needed`;
            None for one seed and where more than 1000 would be needed.
    """

    estimate: Estimate
    lower_on: int
    higher_on: int
    p: float | None
    p_holm: float | None = None
    seeds_needed: int | None = None


@plain()
class Rank:
    """Where a schedule stands among the others; 1 is best.

    Args:
        rank: Of its mean over all seeds.
        low: Lower end of the 95 % interval, see `ranks`.
        high: Upper end.
    """

    rank: float
    low: float
    high: float


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


def estimate(values: Sequence[float]) -> Estimate:
    """Mean and 95 % t-interval: mean ± t(0.975, n - 1) · sd / √n.

    Args:
        values: One number a seed, finite; at least one.

    Source:
        Student 1908; quantiles from `scipy.stats.t`.

    Examples:
        >>> e = estimate([1.0, 2.0, 3.0])
        >>> round(e.mean, 3), round(e.low, 3), round(e.high, 3)
        (2.0, -0.484, 4.484)
    """
    numbers = np.asarray(values, dtype=np.float64)
    mean, count = float(numbers.mean()), len(numbers)
    if count < 2:
        return Estimate(count, mean, None, None, None)
    sd = float(numbers.std(ddof=1))
    half = float(stats.t.ppf(0.5 + _LEVEL / 2, count - 1)) * sd / math.sqrt(count)
    return Estimate(count, mean, sd, mean - half, mean + half)


def whole(values: Iterable[float | None]) -> list[float] | None:
    """The values of all seeds; None if one diverged: the seeds that survive divergence are the lucky ones."""
    every = list(values)
    kept = [value for value in every if value is not None]
    return kept if len(kept) == len(every) else None


def left(values: Iterable[float | None]) -> Estimate | None:
    """The estimate over the seeds that did not diverge; None if all did."""
    kept = [value for value in values if value is not None]
    return estimate(kept) if kept else None


def paired(values: Iterable[float | None], baseline: Iterable[float | None]) -> PairedDifference | None:
    """See `paired_difference`; None if a seed of either diverged, or there is none."""
    ours, theirs = whole(values), whole(baseline)
    return paired_difference(ours, theirs) if ours and theirs else None


def paired_difference(values: Sequence[float], baseline: Sequence[float]) -> PairedDifference:
    """The paired t-test of two schedules on the same seeds.

    Args:
        values: One number a seed.
        baseline: The same for the other schedule, in the same order of seeds.

    Returns:
        The difference `values - baseline`, not yet corrected for the number of tests.

    Source:
        Student 1908; equal to `scipy.stats.ttest_rel` where the differences are not all the same.

    Examples:
        >>> d = paired_difference([1.0, 2.0, 3.5], [2.0, 2.5, 5.0])
        >>> round(d.estimate.mean, 3), d.lower_on, round(d.p, 4)
        (-1.0, 3, 0.0742)
    """
    differences = np.asarray(values, dtype=np.float64) - np.asarray(baseline, dtype=np.float64)
    of_mean = estimate(differences.tolist())
    sides = int((differences < 0).sum()), int((differences > 0).sum())
    if of_mean.sd is None:
        return PairedDifference(of_mean, *sides, None)
    if of_mean.sd == 0.0:
        return PairedDifference(of_mean, *sides, 1.0 if of_mean.mean == 0.0 else 0.0)
    t = of_mean.mean / (of_mean.sd / math.sqrt(of_mean.count))
    return PairedDifference(of_mean, *sides, float(2.0 * stats.t.sf(abs(t), of_mean.count - 1)))


def choose_rate(rows: Mapping[float, Sequence[float | None]], direction: str) -> RateChoice:
    """Choose a peak rate by the metric that is reported, on validation data. Test data are not looked at.

    Args:
        rows: For every rate, ascending, one metric a seed, None where the run diverged. At least one rate.
        direction: Which way the metric is better.
    """
    sign = 1.0 if direction == "lower" else -1.0
    trials, order = list[RateTrial](), list[tuple[int, float, float]]()
    for rate, seen in rows.items():
        of_mean = left(seen)
        lost = sum(value is None for value in seen)
        trials.append(RateTrial(peak_rate=rate, validation=of_mean, diverged=lost))
        order.append((lost, sign * of_mean.mean if of_mean else 0.0, rate))
    chosen = min(order)[2]
    at_end = "lowest" if chosen == trials[0].peak_rate else "highest" if chosen == trials[-1].peak_rate else None
    return RateChoice(trials=tuple(trials), peak_rate=chosen, edge=at_end if len(trials) > 1 else None)


def holm(values: Sequence[float]) -> list[float]:
    """P-values corrected for their number, so that the chance of any false finding stays at the level.

    Args:
        values: P-values of one family of tests.

    Returns:
        The corrected values, in the same order, at most 1.

    Source:
        Holm 1979, "A simple sequentially rejective multiple test procedure", Scand. J. Statist. 6, 65-70.

    Examples:
        >>> holm([0.01, 0.04, 0.03])
        [0.03, 0.06, 0.06]
    """
    corrected = [0.0] * len(values)
    highest = 0.0
    for rank, index in enumerate(sorted(range(len(values)), key=values.__getitem__)):
        highest = max(highest, min(1.0, (len(values) - rank) * values[index]))
        corrected[index] = highest
    return corrected


def seeds_needed(of_mean: Estimate, tests: int) -> int | None:
    """Seeds at which a paired t-test would find a true difference of this size and spread nine times in ten.

    The level is 0.05 divided by the number of tests: the strictest that Holm's correction can ask for. The size seen is
    itself uncertain, so this is a guide for the next comparison, not a finding about this one.

    Args:
        of_mean: Mean and spread of the differences.
        tests: Differences that are corrected together. At least 1.

    Returns:
        The least number of at least 2; None if it is above 1000 or the spread is unknown.

    Source:
        Power of the t-test by the noncentral t distribution (`scipy.stats.nct`).

    Examples:
        >>> seeds_needed(Estimate(8, 1.0, 1.0, 0.2, 1.8), tests=1)
        13
    """
    if of_mean.sd is None or of_mean.mean == 0.0:
        return None
    if of_mean.sd == 0.0:
        return 2
    size = abs(of_mean.mean) / of_mean.sd
    counts = np.arange(2, 1001)
    critical = stats.t.ppf(1.0 - 0.025 / tests, counts - 1)
    power = stats.nct.sf(critical, counts - 1, np.minimum(size * np.sqrt(counts), 36.0))
    enough = counts[power >= 0.9]
    return int(enough[0]) if len(enough) else None


def ranks(values: Sequence[Sequence[float]], *, lower_is_better: bool) -> list[Rank] | None:
    """Ranks of means, with 95 % intervals by drawing means from their t-distribution.

    All means are drawn together, with the spread and the correlation of the seeds they share, and n - 1 degrees of
    freedom: as wide as the t-intervals of `estimate`, where a bootstrap over few seeds would be too narrow.

    Args:
        values: For every schedule one number a seed, in the same order of seeds.
        lower_is_better: Which way is better.

    Returns:
        One a schedule, ties averaged; None for fewer than two schedules or three seeds.

    Source:
        The posterior of a normal mean under the usual flat prior, e.g. Gelman et al. 2013, "Bayesian data analysis", 3.6.

    Examples:
        >>> ranks([[3.0, 4.0, 3.5], [1.0, 1.5, 1.2]], lower_is_better=True)[1]
        Rank(rank=1.0, low=1.0, high=1.0)
    """
    table = np.asarray(values, dtype=np.float64) * (1.0 if lower_is_better else -1.0)
    if len(table) < 2 or table.shape[1] < 3:
        return None
    count, generator = table.shape[1], np.random.default_rng(0)
    deviations = table - table.mean(axis=1, keepdims=True)
    spread = np.sqrt(1.0 / (count * generator.chisquare(count - 1, _RESAMPLES)))
    means = table.mean(axis=1, keepdims=True) + deviations @ generator.standard_normal((count, _RESAMPLES)) * spread
    found = stats.rankdata(table.mean(axis=1))
    resampled = stats.rankdata(means, axis=0)
    low, high = np.quantile(resampled, [0.5 - _LEVEL / 2, 0.5 + _LEVEL / 2], axis=1, method="closest_observation")
    return [Rank(*(float(one) for one in row)) for row in zip(found, low, high, strict=True)]

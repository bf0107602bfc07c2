"""Forecasts whose outcome is known, and the rules that they have to meet: error, coverage, order, regret."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from glidepath.core import GlidepathError
from glidepath.forecast import Run, fit_laws

from .criteria import Checked
from .outcome import Verdict


@dataclass(frozen=True)
class ForecastLimits:
    """What forecasts have to keep, in nats.

    Args:
        error: The median error at the end may be at most this.
        regret: Training what is forecast lowest may cost at most so much on average.
        along: The mean absolute error along the curves of each group may be at most this; None limits nothing.
    """

    error: float
    regret: float
    along: float | None = None


@dataclass(frozen=True)
class Case:
    """One forecast and what came of it.

    Args:
        group: What it may be compared within: a seed, a size of model.
        name: The schedule.
        updates: Its length.
        horizon: That over the length of the longest log.
        loss: Forecast.
        low: Lower end of the interval.
        high: Upper end.
        area: What the sum of the rates alone says.
        last: The last loss of the log that was fitted first.
        measured: What it ended with.
        along: Mean absolute error along the curve.
    """

    group: str
    name: str
    updates: int
    horizon: float
    loss: float
    low: float
    high: float
    area: float
    last: float
    measured: float
    along: float

    @property
    def covered(self) -> bool:
        """Whether the interval holds what was measured."""
        return self.low <= self.measured <= self.high


def cases_of(group: str, fitted: Sequence[Run], held: Iterable[Run]) -> list[Case]:
    """Forecasts for runs that were held back, where they are within the laws' reach.

    Args:
        group: See `Case`.
        fitted: What the laws get to see.
        held: The others.

    Raises:
        GlidepathError: If these logs identify no law.
    """
    laws = fit_laws(fitted)
    found: list[Case] = []
    for run in held:
        path = run.path(rises=laws.rises)
        each = laws.median(path)
        loss, half, late = float(each[-1]), laws.half_width(run.updates), run.steps > 0.1 * run.updates
        area, last = float(laws.baseline.law(path)[-1]), float(fitted[0].losses[-1])
        along = float(np.abs(each - run.losses)[late].mean())
        told = (loss, loss - half, loss + half, area, last, float(run.losses[-1]), along)
        found.append(Case(group, run.name, run.updates, run.updates / laws.updates, *told))
    return found


def verdicts_of(
    fits: Mapping[str, Sequence[str]],
    groups: Mapping[str, Mapping[str, Run]],
    held: Sequence[str],
    limits: ForecastLimits | None,
) -> list[Verdict]:
    """Fit on some runs of every group, forecast the others, and judge; one verdict a rule and choice of logs.

    Args:
        fits: By name, the runs that are fitted.
        groups: The runs by group and name.
        held: The runs that are forecast where they are not fitted, up to four times as long as those that are.
        limits: What the forecasts have to keep; None asks instead that each fit is refused or its intervals hold at least 80 %.
    """
    found: list[Verdict] = []
    for name, fitted in fits.items():
        parts: dict[str, tuple[list[Run], list[Run]]] = {}
        for group, runs in groups.items():
            reach = 4 * max(runs[one].updates for one in fitted)
            others = [runs[one] for one in held if one not in fitted and runs[one].updates <= reach]
            parts[group] = [runs[one] for one in fitted], others
        if limits is None:
            rules = [(_REFUSED, refused_or_covered(parts))]
        else:
            rules = judged([case for group, part in parts.items() for case in cases_of(group, *part)], limits)
        found += [Verdict(rule=f"fitted on {name}: {rule}", checks=(check,)) for rule, check in rules]
    return found


_REFUSED = "the logs are refused, or the 90 % intervals hold at least 80 %"


def judged(cases: Sequence[Case], limits: ForecastLimits) -> list[tuple[str, Checked]]:
    """The rules, each with its check, in this order: error, coverage, order, regret; along the curves first, where that is limited.

    Args:
        cases: The forecasts.
        limits: What they have to keep.
    """
    errors = {name: [abs(getattr(one, name) - one.measured) for one in cases] for name in ("loss", "area", "last")}
    (middle, by_area, by_last), held = map(np.median, errors.values()), sum(case.covered for case in cases)
    reach: list[str] = []
    for low, high in ((0.0, 1.05), (1.05, 2.05), (2.05, 4.05)):
        if part := [case.covered for case in cases if low < case.horizon <= high]:
            reach.append(f"{sum(part)} of {len(part)} up to {high:.0f} times as long")
    width = float(np.median([case.high - case.low for case in cases])) / 2
    (right, pairs), (others, _) = _ordered(cases, "loss"), _ordered(cases, "area")
    cost, cost_by_area = _regret(cases, "loss"), _regret(cases, "area")
    alone = "the sum of the rates alone"
    baselines = f"{alone} {by_area:.4f}, the log's last value {by_last:.4f}"
    found = [
        (
            f"final loss (nats): median error at most {limits.error:g} and below both baselines'",
            f"{len(cases)} forecasts",
            f"{middle:.4f} (mean {np.mean(errors['loss']):.4f}, largest {max(errors['loss']):.4f}); {baselines}",
            middle <= limits.error and middle < min(by_area, by_last),
        ),
        (
            "the 90 % interval holds at least 80 %",
            "coverage",
            f"{held} of {len(cases)}, {100 * held / len(cases):.0f} % ({', '.join(reach)}); median half-width {width:.4f}",
            held >= 0.8 * len(cases),
        ),
        (
            "of two schedules of one length, the lower is told at least 7 times of 10, and as often as by the sum of the rates",
            "ordered pairs",
            f"{right} of {pairs}; {alone} {others}",
            right >= 0.7 * pairs and right >= others,
        ),
        (
            f"training what is forecast lowest costs at most {limits.regret:g} nats on average, and no more than by the sum of the rates",
            "regret",
            f"{cost:.4f}; {alone} {cost_by_area:.4f}",
            cost <= limits.regret and cost <= cost_by_area,
        ),
    ]
    if limits.along is not None:
        sizes = list(dict.fromkeys(case.group for case in cases))
        along = [float(np.mean([case.along for case in cases if case.group == size])) for size in sizes]
        rule = f"mean absolute error along the curves at most {limits.along:g} in each size"
        measured = " / ".join(f"{each:.4f}" for each in along)
        found.insert(0, (rule, " / ".join(sizes), measured, max(along) <= limits.along))
    return [(rule, Checked(subject=what, measured=seen, passed=bool(held))) for rule, what, seen, held in found]


def refused_or_covered(logs: Mapping[str, tuple[Sequence[Run], Sequence[Run]]]) -> Checked:
    """Whether, for each choice of logs, the fit is refused or its intervals hold at least 80 %.

    Args:
        logs: By name, what is fitted and what is held back.
    """
    refused, covered = 0, list[bool]()
    for name, (fitted, others) in logs.items():
        try:
            covered += [case.covered for case in cases_of(name, fitted, others)]
        except GlidepathError:
            refused += 1
    measured = f"{refused} of {len(logs)} refused" + (f", {sum(covered)} of {len(covered)} covered" if covered else "")
    return Checked(subject=f"{len(logs)} choices of logs", measured=measured, passed=sum(covered) >= 0.8 * len(covered))


def _groups(cases: Sequence[Case]) -> list[list[Case]]:
    """Cases that may be compared: of one group and one length."""
    found: dict[tuple[str, int], list[Case]] = {}
    for case in cases:
        found.setdefault((case.group, round(case.updates, -3)), []).append(case)
    return [group for group in found.values() if len(group) > 1]


def _ordered(cases: Sequence[Case], by: str) -> tuple[int, int]:
    pairs = [pair for group in _groups(cases) for pair in itertools.combinations(group, 2)]
    right = sum((getattr(a, by) - getattr(b, by)) * (a.measured - b.measured) > 0 for a, b in pairs)
    return right, len(pairs)


def _regret(cases: Sequence[Case], by: str) -> float:
    chosen = [(min(group, key=lambda case: getattr(case, by)), group) for group in _groups(cases)]
    return float(np.mean([one.measured - min(case.measured for case in group) for one, group in chosen]))

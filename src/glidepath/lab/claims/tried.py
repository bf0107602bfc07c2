"""Forecasts whose outcome is known, and the rules that they have to meet: error, coverage, order, regret."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from glidepath.core.errors import GlidepathError
from glidepath.forecast import Run, fit_laws
from glidepath.lab.claims.criteria import Check

__all__ = ["Case", "cases_of", "judged", "refused_or_covered"]


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
        each = np.median([one.law(path) for one in laws.fitted], axis=0)
        half = laws.half_width(run.updates)
        loss, horizon = float(each[-1]), run.updates / laws.updates
        late = run.steps > 0.1 * run.updates
        found.append(
            Case(
                group,
                run.name,
                run.updates,
                horizon,
                loss,
                loss - half,
                loss + half,
                float(laws.baseline.law(path)[-1]),
                float(fitted[0].losses[-1]),
                float(run.losses[-1]),
                float(np.abs(each - run.losses)[late].mean()),
            )
        )
    return found


def judged(cases: Sequence[Case], *, most: float, regret: float, unit: str = "nats") -> list[tuple[str, Check]]:
    """The rules, each with its check, in this order: median error, coverage, order, regret.

    Args:
        cases: The forecasts.
        most: The median error may be at most this.
        regret: Training what is forecast lowest may cost at most so much on average.
        unit: Of the losses.
    """
    errors = {name: _errors(cases, name) for name in ("loss", "area", "last")}
    middle = {name: float(np.median(each)) for name, each in errors.items()}
    held = sum(case.covered for case in cases)
    spans = ((0.0, 1.05), (1.05, 2.05), (2.05, 4.0))
    parts = [[case for case in cases if low < case.horizon <= high] for low, high in spans]
    by_reach = ", ".join(
        f"{sum(case.covered for case in part)} of {len(part)} up to {high:.0f} times as long"
        for part, (_, high) in zip(parts, spans, strict=True)
        if part
    )
    width = float(np.median([case.high - case.low for case in cases])) / 2
    right, pairs = _ordered(cases, "loss")
    others, _ = _ordered(cases, "area")
    cost, by_area = _regret(cases, "loss"), _regret(cases, "area")
    least = min(middle["area"], middle["last"])
    return [
        (
            f"final loss ({unit}): median error at most {most:g} and below both baselines'",
            Check(
                subject=f"{len(cases)} forecasts",
                measured=f"{middle['loss']:.4f} (mean {np.mean(errors['loss']):.4f}, largest {max(errors['loss']):.4f}); the sum "
                f"of the rates alone {middle['area']:.4f}, the log's last value {middle['last']:.4f}",
                passed=middle["loss"] <= most and middle["loss"] < least,
            ),
        ),
        (
            "the 90 % interval holds at least 80 %",
            Check(
                subject="coverage",
                measured=f"{held} of {len(cases)}, {100 * held / len(cases):.0f} % ({by_reach}); median half-width {width:.4f}",
                passed=held >= 0.8 * len(cases),
            ),
        ),
        (
            "of two schedules of one length, the lower is told at least 7 times of 10, and as often as by the sum of the rates",
            Check(
                subject="ordered pairs",
                measured=f"{right} of {pairs}; the sum of the rates alone {others}",
                passed=right >= 0.7 * pairs and right >= others,
            ),
        ),
        (
            f"training what is forecast lowest costs at most {regret:g} {unit} on average, and no more than by the sum of the rates",
            Check(
                subject="regret",
                measured=f"{cost:.4f}; the sum of the rates alone {by_area:.4f}",
                passed=cost <= regret and cost <= by_area,
            ),
        ),
    ]


def refused_or_covered(logs: Mapping[str, tuple[Sequence[Run], Sequence[Run]]]) -> Check:
    """Whether, for each choice of logs, the fit is refused or its intervals hold at least 80 %.

    Args:
        logs: By name, what is fitted and what is held back.
    """
    refused, held = 0, [0, 0]
    for name, (fitted, others) in logs.items():
        try:
            cases = cases_of(name, fitted, others)
        except GlidepathError:
            refused += 1
        else:
            held = [held[0] + sum(case.covered for case in cases), held[1] + len(cases)]
    measured = f"{refused} of {len(logs)} refused" + (f", {held[0]} of {held[1]} covered" if held[1] else "")
    return Check(subject=f"{len(logs)} choices of logs", measured=measured, passed=held[0] >= 0.8 * held[1])


def _errors(cases: Sequence[Case], by: str) -> list[float]:
    return [abs(getattr(case, by) - case.measured) for case in cases]


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
    return float(
        np.mean(
            [
                min(group, key=lambda case: getattr(case, by)).measured - min(case.measured for case in group)
                for group in _groups(cases)
            ]
        )
    )

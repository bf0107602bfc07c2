"""Criteria: small declared rules, fixed before anything is run, that turn what a trial measured into checks that hold or fail."""

from __future__ import annotations

import abc
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from glidepath import Schedule
from glidepath.forecast.bound import transfer_peak
from glidepath.lab.plain import plain
from glidepath.lab.report.statistics import PairedDifference, estimate, holm, paired, whole
from glidepath.lab.report.verdict import number, signed, sized, spoken

_LEVEL = 0.05
Losses = Mapping[float, Sequence[float | None]]


@dataclass(frozen=True, kw_only=True)
class Measurements:
    """Numbers in rows and columns: a row a schedule or method, a column a seed (or a budget, where nothing is random).

    Args:
        metric: What `values` are, in words. Lower is better.
        unit: Their unit, as printed.
        columns: Heading of each column: a seed or a budget, in updates.
        values: By row, one number a column, on test data; None where the run diverged.
        losses: By row, then by peak rate: the validation loss after the last update of each seed, in nats, None where
            the run diverged. Empty where no criterion asks for it.
    """

    metric: str
    unit: str
    columns: Sequence[int]
    values: Mapping[str, Sequence[float | None]]
    losses: Mapping[str, Losses] = field(default_factory=dict[str, Losses])


@plain(kw_only=True)
class Checked:
    """One rule applied to what was measured.

    Args:
        subject: What is checked, such as `linear − constant`.
        measured: The numbers, with their interval where there is one.
        passed: Whether the rule holds.
        difference: The paired difference, where that is what was measured; None for other rules and where a run diverged.
    """

    subject: str
    measured: str
    passed: bool
    difference: PairedDifference | None = None


class Criterion(abc.ABC):
    """A rule that evidence meets or does not."""

    @abc.abstractmethod
    def rule(self, evidence: Measurements) -> str:
        """The rule in words.

        Args:
            evidence: What it is applied to; only what was measured is named, and no value.
        """

    @abc.abstractmethod
    def judge(self, evidence: Measurements) -> list[Checked]:
        """Apply the rule; one check a subject, all of which have to hold."""


def _compared(subject: str, one: PairedDifference | None, unit: str, passed: bool | None = None, *said: str) -> Checked:
    """A check of a paired difference; None asks that its interval does not lie above zero."""
    if one is None:
        return Checked(subject=subject, measured="a run diverged", passed=False)
    if one.estimate.low is None:
        return Checked(subject=subject, measured="one seed: no interval", passed=False, difference=one)
    passed = one.estimate.low <= 0.0 if passed is None else passed
    return Checked(
        subject=subject, measured=", ".join([sized(one.estimate, unit), *said]), passed=passed, difference=one
    )


@dataclass(frozen=True, kw_only=True)
class Lower(Criterion):
    """Every row of `rows` ends lower than every row of `than`, seed by seed: the 95 % t-interval lies below zero.

    Args:
        rows: Names of rows.
        than: Names of the rows that they are compared with.
        margin: The mean difference has to be at most minus this, in the metric's unit. At least 0.
        corrected: Whether also p < 0.05 is asked for after Holm's correction for all differences of this rule.
    """

    rows: tuple[str, ...]
    than: tuple[str, ...]
    margin: float = 0.0
    corrected: bool = False

    def rule(self, evidence: Measurements) -> str:
        """See `Criterion.rule`."""
        more = [f"mean at most {signed(-self.margin, evidence.unit)}"] if self.margin else []
        more += [f"p < {_LEVEL} after Holm"] if self.corrected else []
        return ", ".join([f"{evidence.metric} ({spoken(evidence.unit)}): 95 % interval below zero", *more])

    def judge(self, evidence: Measurements) -> list[Checked]:
        """See `Criterion.judge`."""
        pairs = [(row, other) for row in self.rows for other in self.than]
        found = [paired(evidence.values[row], evidence.values[other]) for row, other in pairs]
        tested = [at for at, one in enumerate(found) if one is not None and one.p is not None]
        p_values = dict(zip(tested, holm([found[at].p or 0.0 for at in tested]), strict=True))  # type: ignore[union-attr]
        checks: list[Checked] = []
        for at, ((row, other), one) in enumerate(zip(pairs, found, strict=True)):
            p, of_mean, said, passed = p_values.get(at), one and one.estimate, list[str](), False
            if one is not None and of_mean is not None and of_mean.high is not None and p is not None:
                passed = of_mean.high < 0.0 and of_mean.mean <= -self.margin and (not self.corrected or p < _LEVEL)
                said = [f"p {'< 0.001' if p < 0.001 else f'= {p:.3f}'}"] if self.corrected else []
                said.append(f"lower on {one.lower_on} of {of_mean.count}")
                one = replace(one, p_holm=p) if self.corrected else one
            checks.append(_compared(f"{row} − {other}", one, evidence.unit, passed, *said))
        return checks


@dataclass(frozen=True, kw_only=True)
class Flatter(Criterion):
    """The validation loss of `row` varies less over the peak rates of the grid than that of `than`.

    The spread of a row is the highest mean over seeds minus the lowest, over the rates.

    Args:
        row: Name of a row.
        than: Name of the row that it is compared with.
        ratio: The spread has to be at most this share of the other's. Above 0.
    """

    row: str
    than: str
    ratio: float

    def rule(self, evidence: Measurements) -> str:
        """See `Criterion.rule`."""
        del evidence
        return f"validation loss (nats): spread of the means over the rates at most {self.ratio:g} of {self.than}'s"

    def judge(self, evidence: Measurements) -> list[Checked]:
        """See `Criterion.judge`."""
        subject = f"{self.row} to {self.than}"
        tables = [[whole(seeds) for seeds in evidence.losses[name].values()] for name in (self.row, self.than)]
        ours, theirs = ([seeds for seeds in table if seeds is not None] for table in tables)
        if [len(ours), len(theirs)] != [len(table) for table in tables]:
            return [Checked(subject=subject, measured="a run diverged", passed=False)]
        spread, other = (_range([sum(seeds) / len(seeds) for seeds in table]) for table in (ours, theirs))
        measured = f"{number(spread, 'nats')} against {number(other, 'nats')} nats"
        measured += f", {spread / other:.3f} of it" if other else ""
        # A seed's own spread holds noise too: this interval shows how sure the comparison is, and decides nothing.
        seeds = zip(zip(*ours, strict=True), zip(*theirs, strict=True), strict=True)
        gap = estimate([_range(one) - self.ratio * _range(another) for one, another in seeds])
        if gap.low is not None:
            measured += f"; seed by seed, its spread − {self.ratio:g} × the other's: {sized(gap, 'nats')}"
        return [Checked(subject=subject, measured=measured, passed=spread <= self.ratio * other)]


@dataclass(frozen=True, kw_only=True)
class NotAbove(Criterion):
    """`row` does not end higher than any of `than`: no 95 % t-interval of the paired difference lies above zero.

    Args:
        row: Name of a row.
        than: Names of the rows that it is compared with.
    """

    row: str
    than: tuple[str, ...]

    def rule(self, evidence: Measurements) -> str:
        """See `Criterion.rule`."""
        return f"{evidence.metric} ({spoken(evidence.unit)}): the 95 % interval does not lie above zero"

    def judge(self, evidence: Measurements) -> list[Checked]:
        """See `Criterion.judge`."""
        values, unit = evidence.values, evidence.unit
        return [_compared(f"{self.row} − {one}", paired(values[self.row], values[one]), unit) for one in self.than]


@dataclass(frozen=True, kw_only=True)
class CarriedPeak(Criterion):
    """A peak carried from one schedule to another by the convex bound is as good as the other's own best on the grid.

    The carried peak is taken at the nearest rate of the grid; as good means that the 95 % t-interval of the difference in validation
    loss, seed by seed, does not lie above zero. The own best is chosen on the same losses, which speaks against the carried one.

    Args:
        source: Name of the row whose best peak is carried.
        schedules: By row.
        budget: Updates of a run.
    """

    source: str
    schedules: Mapping[str, Schedule]
    budget: int

    def rule(self, evidence: Measurements) -> str:
        """See `Criterion.rule`."""
        del evidence
        what = f"validation loss (nats) at the peak carried from {self.source}, less that at the own best"
        return f"{what}: the 95 % interval does not lie above zero"

    def judge(self, evidence: Measurements) -> list[Checked]:
        """See `Criterion.judge`."""
        every = {
            name: {rate: kept for rate, seeds in table.items() if (kept := whole(seeds))}
            for name, table in evidence.losses.items()
        }
        best = {name: min(table, key=lambda rate: sum(table[rate])) for name, table in every.items()}
        peak, steps, checks = best[self.source], self.budget, list[Checked]()
        for name in self.schedules:
            if name == self.source:
                continue
            carried = transfer_peak(peak, self.schedules[self.source], self.schedules[name], steps, steps).peak
            near = min(evidence.losses[name], key=lambda rate: abs(math.log(rate / carried)))
            made = _compared(name, paired(evidence.losses[name][near], every[name][best[name]]), "nats")
            told = f"carried {carried:.3g}, tried at {near:g}, own best {best[name]:g} (ratio {near / best[name]:.2f}): {made.measured}"
            checks.append(replace(made, measured=told))
        return checks


@dataclass(frozen=True, kw_only=True)
class Ascending(Criterion):
    """In every column the values stand in this order, each strictly above the one before.

    Args:
        rows: Names of rows, the lowest first.
    """

    rows: tuple[str, ...]

    def rule(self, evidence: Measurements) -> str:
        """See `Criterion.rule`."""
        return f"{evidence.metric}: {' < '.join(self.rows)} at every budget"

    def judge(self, evidence: Measurements) -> list[Checked]:
        """See `Criterion.judge`."""
        checks: list[Checked] = []
        for at, heading in enumerate(evidence.columns):
            values = [evidence.values[row][at] for row in self.rows]
            texts = ["–" if value is None else f"{value:.4g}" for value in values]
            measured = ", ".join(f"{row} {text}" for row, text in zip(self.rows, texts, strict=True))
            passed = all(a < b for a, b in pairwise(whole(values) or [0.0, 0.0]))
            checks.append(Checked(subject=f"{heading} updates", measured=measured, passed=passed))
        return checks


@dataclass(frozen=True, kw_only=True)
class Growing(Criterion):
    """What `than` has more than `row`, as a ratio, grows from each column to the next, and is above 1 in the first.

    Args:
        row: Name of a row.
        than: Name of the row that it is compared with.
    """

    row: str
    than: str

    def rule(self, evidence: Measurements) -> str:
        """See `Criterion.rule`."""
        return f"{evidence.metric}: {self.than} / {self.row} above 1 and growing with the budget"

    def judge(self, evidence: Measurements) -> list[Checked]:
        """See `Criterion.judge`."""
        ours, theirs = whole(evidence.values[self.row]), whole(evidence.values[self.than])
        subject = f"{self.than} / {self.row}"
        if ours is None or theirs is None:
            return [Checked(subject=subject, measured="not finite", passed=False)]
        ratios = [b / a for a, b in zip(ours, theirs, strict=True)]
        measured = ", ".join(f"{ratio:.2f}" for ratio in ratios)
        return [Checked(subject=subject, measured=measured, passed=all(a < b for a, b in pairwise([1.0, *ratios])))]


def _range(values: Sequence[float]) -> float:
    return max(values) - min(values)

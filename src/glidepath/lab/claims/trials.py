"""Trials: what has to be run for a claim, each a declaration with the criteria that its outcome has to meet.

A trial is plain data. `glidepath.lab.claims.running` carries it out.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from glidepath import Schedule
from glidepath.lab.claims.criteria import Criterion
from glidepath.lab.claims.forecasts import Designed, Forecasts, PublicCurves

__all__ = ["Ensembles", "Exact", "Trainings", "Trial"]

_MICROSECONDS = {"mnist1d": 250, "mnist1d-cnn": 1000, "text": 2000}
"""Processor time of an update, measured on one core of a server of 2026, evaluations included: for estimates only."""


@dataclass(frozen=True, kw_only=True)
class Trainings:
    """Schedules compared on a task: every one at every rate with every seed; each gets its rate on validation data.

    Args:
        task: Name of the task.
        schedules: By name, factors on the peak rate. The first is what the table of the comparison compares to.
        rates: Peak rates, ascending.
        seeds: How many.
        budget: Updates of a run.
        criteria: What has to hold. Rows are schedules, columns are seeds.
    """

    task: str
    schedules: Mapping[str, Schedule]
    rates: tuple[float, ...]
    seeds: int
    budget: int
    criteria: tuple[Criterion, ...]

    @property
    def title(self) -> str:
        """What is run, in a few words."""
        return f"{self.task}, {self.budget} updates, {self.seeds} seeds"

    @property
    def runs(self) -> int:
        """Runs of this trial."""
        return len(self.schedules) * len(self.rates) * self.seeds

    @property
    def jobs(self) -> int:
        """What an engine gets to do: the runs."""
        return self.runs

    @property
    def updates(self) -> int:
        """Optimizer updates of all runs."""
        return self.runs * self.budget

    @property
    def seconds(self) -> float:
        """Rough processor time."""
        return self.updates * _MICROSECONDS[self.task] / 1e6

    @property
    def slug(self) -> str:
        """Name of its folder."""
        return f"{self.task}-{self.budget}"


@dataclass(frozen=True, kw_only=True)
class Ensembles:
    """Snapshot ensembles and their baselines at one cost in updates; each method gets its rate on validation data.

    Args:
        task: Name of the task.
        cycles: Cycles, and so snapshots, of a run.
        rates: Peak rates, ascending.
        seeds: How many.
        budget: Updates of each method, a multiple of `cycles`.
        criteria: What has to hold. Rows are the methods of `glidepath.lab.snapshots`, columns are seeds.
    """

    task: str
    cycles: int
    rates: tuple[float, ...]
    seeds: int
    budget: int
    criteria: tuple[Criterion, ...]

    @property
    def title(self) -> str:
        """What is run, in a few words."""
        return f"{self.task}, {self.cycles} cycles in {self.budget} updates, {self.seeds} seeds"

    @property
    def runs(self) -> int:
        """Runs of this trial: cyclic, steps, cosine, and one for each cycle from fresh weights."""
        return (3 + self.cycles) * self.jobs

    @property
    def jobs(self) -> int:
        """What an engine gets to do: all runs of a seed at a rate are one job."""
        return len(self.rates) * self.seeds

    @property
    def updates(self) -> int:
        """Optimizer updates of all runs; the runs from fresh weights have one budget together."""
        return 4 * self.budget * len(self.rates) * self.seeds

    @property
    def seconds(self) -> float:
        """Rough processor time."""
        return self.updates * _MICROSECONDS[self.task] / 1e6

    @property
    def slug(self) -> str:
        """Name of its folder."""
        return f"{self.task}-ensembles-{self.budget}"


@dataclass(frozen=True, kw_only=True)
class Exact:
    """Schedules on the noisy quadratic model, each at its own best rate: nothing is random, nothing is trained.

    Args:
        schedules: By name, functions of the budget.
        budgets: In updates, ascending.
        criteria: What has to hold. Rows are schedules, columns are budgets, values the expected loss at the end.
    """

    schedules: Mapping[str, Callable[[int], Schedule]]
    budgets: tuple[int, ...]
    criteria: tuple[Criterion, ...]

    @property
    def title(self) -> str:
        """What is run, in a few words."""
        return f"noisy quadratic model, {', '.join(map(str, self.budgets))} updates"

    @property
    def runs(self) -> int:
        """Nothing is trained."""
        return 0

    @property
    def jobs(self) -> int:
        """Nothing is trained."""
        return 0

    @property
    def seconds(self) -> float:
        """Rough processor time: 0.3 milliseconds an update for all the rates tried."""
        return len(self.schedules) * sum(self.budgets) * 0.0003

    @property
    def updates(self) -> int:
        """Nothing is trained."""
        return 0

    @property
    def slug(self) -> str:
        """Name of its folder."""
        return "quadratic"


Trial = Trainings | Ensembles | Exact | Forecasts | Designed | PublicCurves

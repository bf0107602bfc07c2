"""Trials: what has to be run for a claim, each a declaration with the criteria that its outcome has to meet, which carries itself out."""

from __future__ import annotations

import abc
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ... import Schedule
from ..engines.engine import Engine
from ..engines.machine import here
from ..engines.progress import Watcher
from ..records.store import Store
from ..search.planning import plan_runs
from .criteria import Carried, Criterion, Flatter
from .evidence import Evidence, Losses
from .outcome import ChosenRate, TrialOutcome, Verdict

if TYPE_CHECKING:
    from ..report.comparison import ScheduleResult
    from ..search.snapshots import Result

__all__ = ["Ensembles", "Exact", "Trainings", "Trial"]

_MICROSECONDS = {"mnist1d": 250, "mnist1d-cnn": 1000, "text": 2000}
"""Processor time of an update, measured on one core of a server of 2026, evaluations included: for estimates only."""


class Trial(abc.ABC):
    """What is run for a claim, and the criteria that its outcome has to meet. One that trains nothing has no runs."""

    if TYPE_CHECKING:

        @property
        def title(self) -> str:
            """What is run, in a few words."""
            ...

        @property
        def slug(self) -> str:
            """Name of its folder."""
            ...

        @property
        def seconds(self) -> float:
            """Rough processor time."""
            ...

    @property
    def runs(self) -> int:
        """Runs of this trial."""
        return 0

    @property
    def jobs(self) -> int:
        """What an engine gets to do: the runs, or several of them at once."""
        return self.runs

    @property
    def updates(self) -> int:
        """Optimizer updates of all runs."""
        return 0

    @abc.abstractmethod
    def carry_out(self, folder: Path, first_seed: int, engine: Engine | None, watcher: Watcher) -> TrialOutcome:
        """Run it and apply its criteria.

        Args:
            folder: For its records and reports.
            first_seed: The first seed; the others follow it.
            engine: What carries out the runs; None for one worker process a processor.
            watcher: Who hears how far it is.
        """


def verdicts(criteria: Iterable[Criterion], evidence: Evidence) -> tuple[Verdict, ...]:
    """What some criteria say of what was measured."""
    return tuple(Verdict(rule=one.rule(evidence), checks=tuple(one.judge(evidence))) for one in criteria)


def sources(source: Any) -> dict[str, Any]:
    """The fields of an outcome that say where it comes from, as those of a comparison, of snapshots or of records."""
    return {name: getattr(source, name) for name in ("data_sha256", "versions", "machines", "cpu_seconds")}


def chosen(rows: Sequence[ScheduleResult | Result]) -> tuple[ChosenRate, ...]:
    """The rate that each schedule or method got."""
    rates = [(row.name, row.peak_rate, row.rates) for row in rows]
    return tuple(ChosenRate(row=row, peak_rate=rate, edge=of.edge if of else None) for row, rate, of in rates)


@dataclass(frozen=True, kw_only=True)
class _Tuned(Trial):
    """What the trials share in which each schedule or method gets its rate on validation data.

    Args:
        task: Name of the task.
        rates: Peak rates, ascending.
        seeds: How many.
        budget: Updates of a run.
        criteria: What has to hold.
    """

    task: str
    rates: tuple[float, ...]
    seeds: int
    budget: int
    criteria: tuple[Criterion, ...]

    @property
    def seconds(self) -> float:
        """Rough processor time."""
        return self.updates * _MICROSECONDS[self.task] / 1e6

    def _seeds(self, first_seed: int) -> list[int]:
        return list(range(first_seed, first_seed + self.seeds))


@dataclass(frozen=True, kw_only=True)
class Trainings(_Tuned):
    """Schedules compared on a task: every one at every rate with every seed; each gets its rate on validation data.

    Args:
        task: Name of the task.
        schedules: By name, factors on the peak rate. The first is what the table of the comparison compares to.
        rates: Peak rates, ascending.
        seeds: How many.
        budget: Updates of a run.
        criteria: What has to hold. Rows are schedules, columns are seeds.
    """

    schedules: Mapping[str, Schedule]

    @property
    def title(self) -> str:
        """What is run, in a few words."""
        return f"{self.task}, {self.budget} updates, {self.seeds} seeds"

    @property
    def runs(self) -> int:
        """Runs of this trial."""
        return len(self.schedules) * len(self.rates) * self.seeds

    @property
    def updates(self) -> int:
        """Optimizer updates of all runs."""
        return self.runs * self.budget

    @property
    def slug(self) -> str:
        """Name of its folder."""
        return f"{self.task}-{self.budget}"

    def carry_out(self, folder: Path, first_seed: int, engine: Engine | None, watcher: Watcher) -> TrialOutcome:
        """Compare, and judge. See `Trial.carry_out`."""
        from .. import compare

        seeds = self._seeds(first_seed)
        grid: dict[str, Any] = {
            "peak_rate": self.rates,
            "budget": self.budget,
            "baseline": next(iter(self.schedules)),
        }
        made = compare(self.task, self.schedules, seeds, out=folder, engine=engine, progress=watcher, **grid)
        result, losses = made.tasks[0], dict[str, Losses]()
        if any(isinstance(one, Flatter | Carried) for one in self.criteria):
            losses = _losses(folder, plan_runs(self.task, self.schedules, seeds, **grid)[self.task])
        evidence = Evidence(
            metric=f"test {result.task.metric.name}",
            unit=result.task.metric.unit,
            columns=seeds,
            values={row.name: row.values for row in result.schedules},
            losses=losses,
        )
        told, rates = verdicts(self.criteria, evidence), chosen(result.schedules)
        return TrialOutcome(title=self.title, grid=self.rates, rates=rates, verdicts=told, **sources(result))


def _losses(folder: Path, grid: Mapping[str, Sequence[Any]]) -> dict[str, Losses]:
    """The last validation loss of every run, from the records that the comparison has just checked or made."""
    from ..report.rate_choice import by_rate

    store, found = Store(folder / "records"), dict[str, Losses]()
    for name, row in grid.items():
        records = by_rate([record for spec in row if (record := store.read(spec))])
        found[name] = {
            rate: [one.evaluations[-1].loss if one.test is not None else None for one in same]
            for rate, same in records.items()
        }
    return found


@dataclass(frozen=True, kw_only=True)
class Ensembles(_Tuned):
    """Snapshot ensembles and their baselines at one cost in updates; each method gets its rate on validation data.

    Args:
        task: Name of the task.
        cycles: Cycles, and so snapshots, of a run.
        rates: Peak rates, ascending.
        seeds: How many.
        budget: Updates of each method, a multiple of `cycles`.
        criteria: What has to hold. Rows are the methods of `glidepath.lab.search.snapshots`, columns are seeds.
    """

    cycles: int

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
        return 4 * self.budget * self.jobs

    @property
    def slug(self) -> str:
        """Name of its folder."""
        return f"{self.task}-ensembles-{self.budget}"

    def carry_out(self, folder: Path, first_seed: int, engine: Engine | None, watcher: Watcher) -> TrialOutcome:
        """Train the ensembles, and judge. See `Trial.carry_out`."""
        from .. import Jax, Workers
        from ..search.snapshots import snapshots

        made = snapshots(
            self.task,
            cycles=self.cycles,
            budget=self.budget,
            seeds=self._seeds(first_seed),
            peak_rate=self.rates,
            out=folder,
            engine=Workers(engine.count, engine.tries) if isinstance(engine, Jax) else engine,
            progress=watcher,
        )
        values = {row.name: row.values for row in made.results}
        evidence = Evidence(metric=f"test {made.metric}", unit=made.unit, columns=made.seeds, values=values)
        told, rates = verdicts(self.criteria, evidence), chosen(made.results)
        return TrialOutcome(title=self.title, grid=self.rates, rates=rates, verdicts=told, **sources(made))


@dataclass(frozen=True, kw_only=True)
class Exact(Trial):
    """Schedules on the noisy quadratic model, each at its own best rate: nothing is random, nothing is trained.

    Args:
        schedules: By name, functions of the budget.
        budgets: In updates, ascending.
        criteria: What has to hold. Rows are schedules, columns are budgets, values the expected loss at the end.
    """

    schedules: Mapping[str, Callable[[int], Schedule]]
    budgets: tuple[int, ...]
    criteria: tuple[Criterion, ...]

    slug = "quadratic"  # type: ignore[assignment]

    @property
    def title(self) -> str:
        """What is run, in a few words."""
        return f"noisy quadratic model, {', '.join(map(str, self.budgets))} updates"

    @property
    def seconds(self) -> float:
        """Rough processor time: 0.3 milliseconds an update for all the rates tried."""
        return len(self.schedules) * sum(self.budgets) * 0.0003

    def carry_out(self, folder: Path, first_seed: int, engine: Engine | None, watcher: Watcher) -> TrialOutcome:
        """Compute, and judge. See `Trial.carry_out`."""
        del folder, first_seed, engine, watcher
        from ..tasks.quadratic import Quadratic

        model = Quadratic()
        values = {
            name: tuple(model.tuned(schedule(budget), budget).loss for budget in self.budgets)
            for name, schedule in self.schedules.items()
        }
        evidence = Evidence(metric="expected loss", unit="", columns=self.budgets, values=values)
        told = verdicts(self.criteria, evidence)
        return TrialOutcome(title=self.title, grid=(), rates=(), verdicts=told, **sources(here()))

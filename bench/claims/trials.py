"""Trials: what has to be run for a claim, each a declaration with the criteria that its outcome has to meet, which carries itself out."""

from __future__ import annotations

import abc
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from glidepath import Schedule
from glidepath.lab.engines.engine import Engine
from glidepath.lab.engines.machine import here
from glidepath.lab.engines.progress import CommandPart, Watcher
from glidepath.lab.records.store import Store
from glidepath.lab.search.planning import plan_runs

from .criteria import CarriedPeak, Criterion, Flatter, Losses, Measurements
from .outcome import ChosenRate, TrialOutcome, Verdict

if TYPE_CHECKING:
    from glidepath.lab.report.comparison import ScheduleResult
    from glidepath.lab.search.snapshots import Result

_MICROSECONDS = {"mnist1d": 250, "mnist1d-cnn": 1000, "text": 2000}
"""Processor time of an update, measured on one core of a server of 2026, evaluations included: for estimates only."""


class Size(NamedTuple):
    """What a trial takes.

    Args:
        title: What is run, in a few words.
        slug: Name of its folder.
        runs: How many runs.
        part: What an engine gets to do: the runs, or several of them at once; their updates, and a rough processor time in seconds.
    """

    title: str
    slug: str
    runs: int = 0
    part: CommandPart = CommandPart(0, 0, 0.0)


class Trial(abc.ABC):
    """What is run for a claim, and the criteria that its outcome has to meet. One that trains nothing has no runs."""

    @property
    @abc.abstractmethod
    def size(self) -> Size:
        """What it takes."""

    @abc.abstractmethod
    def carry_out(self, folder: Path, first_seed: int, engine: Engine | None, watcher: Watcher) -> TrialOutcome:
        """Run it and apply its criteria.

        Args:
            folder: For its records and reports.
            first_seed: The first seed; the others follow it.
            engine: What carries out the runs; None for one worker process a processor.
            watcher: Who hears how far it is.
        """


def verdicts(criteria: Iterable[Criterion], evidence: Measurements) -> tuple[Verdict, ...]:
    """What some criteria say of what was measured."""
    return tuple(Verdict(rule=one.rule(evidence), checks=tuple(one.judge(evidence))) for one in criteria)


def judged(
    title: str,
    told: Iterable[Verdict],
    source: Any,
    grid: tuple[float, ...] = (),
    rows: Sequence[ScheduleResult | Result] = (),
    **more: Any,
) -> TrialOutcome:
    """The outcome of a trial.

    Args:
        title: What was run.
        told: One verdict a criterion.
        source: A comparison, snapshots or the provenance of records: where it comes from.
        grid: Peak rates tried.
        rows: The schedules or methods, each with the rate that it got.
        more: Other fields.
    """
    rates = [ChosenRate(row=one.name, peak_rate=one.peak_rate, edge=one.rates and one.rates.edge) for one in rows]
    origin = {name: getattr(source, name) for name in ("data_sha256", "versions", "machines", "cpu_seconds")}
    return TrialOutcome(title=title, grid=grid, rates=tuple(rates), verdicts=tuple(told), **origin, **more)


@dataclass(frozen=True, kw_only=True)
class _Chosen(Trial):
    """What the trials share in which each schedule or method gets its rate on validation data.

    Args:
        task: Name of the task.
        budget: Updates of a run.
        seeds: How many.
        rates: Peak rates, ascending.
        criteria: What has to hold.
    """

    task: str
    budget: int
    seeds: int
    rates: tuple[float, ...]
    criteria: tuple[Criterion, ...]

    def sized(self, what: str, slug: str, runs: int, jobs: int, updates: int) -> Size:
        """See `Trial.size`."""
        part = CommandPart(jobs, updates, updates * _MICROSECONDS[self.task] / 1e6)
        return Size(f"{self.task}, {what}, {self.seeds} seeds", f"{self.task}-{slug}{self.budget}", runs, part)


@dataclass(frozen=True, kw_only=True)
class Trainings(_Chosen):
    """Schedules compared on a task: every one at every rate with every seed; each gets its rate on validation data.

    Args:
        schedules: By name, factors on the peak rate. The first is what the table of the comparison compares to; rows are schedules,
            columns are seeds.
    """

    schedules: Mapping[str, Schedule]

    @property
    def size(self) -> Size:
        """See `Trial.size`."""
        runs = len(self.schedules) * len(self.rates) * self.seeds
        return self.sized(f"{self.budget} updates", "", runs, runs, runs * self.budget)

    def carry_out(self, folder: Path, first_seed: int, engine: Engine | None, watcher: Watcher) -> TrialOutcome:
        """Compare, and judge. See `Trial.carry_out`."""
        from glidepath.lab import compare

        seeds = list(range(first_seed, first_seed + self.seeds))
        grid: dict[str, Any] = {"peak_rate": self.rates, "budget": self.budget, "baseline": next(iter(self.schedules))}
        made = compare(self.task, self.schedules, seeds, out=folder, engine=engine, progress=watcher, **grid)
        result, losses = made.tasks[0], dict[str, Losses]()
        if any(isinstance(one, Flatter | CarriedPeak) for one in self.criteria):
            losses = _losses(folder, plan_runs(self.task, self.schedules, seeds, **grid)[self.task])
        evidence = Measurements(
            metric=f"test {result.task.metric.name}",
            unit=result.task.metric.unit,
            columns=seeds,
            values={row.name: row.values for row in result.schedules},
            losses=losses,
        )
        return judged(self.size.title, verdicts(self.criteria, evidence), result, self.rates, result.schedules)


def _losses(folder: Path, grid: Mapping[str, Sequence[Any]]) -> dict[str, Losses]:
    """The last validation loss of every run, from the records that the comparison has just checked or made."""
    from glidepath.lab.report.comparison import by_rate

    store, found = Store(folder / "records"), dict[str, Losses]()
    for name, row in grid.items():
        records = by_rate([record for spec in row if (record := store.read(spec))])
        found[name] = {rate: [one.test and one.evaluations[-1].loss for one in rows] for rate, rows in records.items()}
    return found


@dataclass(frozen=True, kw_only=True)
class Ensembles(_Chosen):
    """Snapshot ensembles and their baselines at one cost in updates; each method gets its rate on validation data.

    Args:
        cycles: Cycles, and so snapshots, of a run, whose budget is a multiple of them; rows are the methods of
            `glidepath.lab.search.snapshots`, columns are seeds.
    """

    cycles: int

    @property
    def size(self) -> Size:
        """See `Trial.size`. A job is the runs of a seed at a rate: cyclic, steps, cosine, and one a cycle from fresh weights, of one budget."""
        jobs = len(self.rates) * self.seeds
        what = f"{self.cycles} cycles in {self.budget} updates"
        return self.sized(what, "ensembles-", (3 + self.cycles) * jobs, jobs, 4 * self.budget * jobs)

    def carry_out(self, folder: Path, first_seed: int, engine: Engine | None, watcher: Watcher) -> TrialOutcome:
        """Train the ensembles, and judge. See `Trial.carry_out`."""
        from glidepath.lab import Jax, Workers
        from glidepath.lab.search.snapshots import snapshots

        made = snapshots(
            self.task,
            cycles=self.cycles,
            budget=self.budget,
            seeds=list(range(first_seed, first_seed + self.seeds)),
            peak_rate=self.rates,
            out=folder,
            engine=Workers(engine.count) if isinstance(engine, Jax) else engine,
            progress=watcher,
        )
        values = {row.name: row.values for row in made.results}
        evidence = Measurements(metric=f"test {made.metric}", unit=made.unit, columns=made.seeds, values=values)
        return judged(self.size.title, verdicts(self.criteria, evidence), made, self.rates, made.results)


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

    @property
    def size(self) -> Size:
        """See `Trial.size`: 0.3 milliseconds an update for all the rates tried."""
        seconds = len(self.schedules) * sum(self.budgets) * 0.0003
        title = f"noisy quadratic model, {', '.join(map(str, self.budgets))} updates"
        return Size(title, "quadratic", part=CommandPart(0, 0, seconds))

    def carry_out(self, folder: Path, first_seed: int, engine: Engine | None, watcher: Watcher) -> TrialOutcome:
        """Compute, and judge. See `Trial.carry_out`."""
        del folder, first_seed, engine, watcher
        from glidepath.lab.tasks.quadratic import Quadratic

        model = Quadratic()
        values = {
            name: tuple(model.tuned(schedule(budget), budget).loss for budget in self.budgets)
            for name, schedule in self.schedules.items()
        }
        evidence = Measurements(metric="expected loss", unit="", columns=self.budgets, values=values)
        return judged(self.size.title, verdicts(self.criteria, evidence), here())

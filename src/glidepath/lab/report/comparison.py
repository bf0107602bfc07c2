"""A comparison: what the records of one grid of schedules and seeds say, as a value that turns into JSON and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ...core.answer import Shown
from ...core.errors import GlidepathError
from ..plain import Plain, plain
from ..records.provenance import provenance
from ..records.runs import Record
from ..tasks.declared import Task
from .rate_choice import RateChoice, by_rate, choose_rate
from .statistics import (
    Difference,
    Estimate,
    Rank,
    holm,
    left,
    paired,
    ranks,
    seeds_needed,
    whole,
)

__all__ = ["Comparison", "ScheduleResult", "TaskResult", "summarise"]


@plain(kw_only=True)
class ScheduleResult:
    """What one schedule did on one task.

    Args:
        name: Its name in this comparison.
        text: The schedule in the one-line text form, or the controller.
        fingerprint: Of the same.
        peak_rate: The peak rate of the runs reported.
        rates: How that rate was chosen; None if there was only one.
        runs: Hashes of its runs at that rate, in the order of the seeds.
        values: Test metric of each seed; None where the run diverged.
        diverged: Seeds whose run diverged.
        test: Mean and interval over the seeds that did not diverge; None if all did.
        top5: The same of the targets outside the five classes held most likely, in percent; None for fewer than 20 classes.
        to_baseline: Paired difference to the baseline; None for the baseline, and where either lost a seed.
        at_shared: Paired difference where both have the baseline's peak rate; None where that is its own, and where a seed is missing.
        rank: Among the schedules that lost no seed; None for fewer than three seeds, and where this one lost some.
    """

    name: str
    text: str
    fingerprint: str
    peak_rate: float
    rates: RateChoice | None = None
    runs: tuple[str, ...]
    values: tuple[float | None, ...]
    diverged: tuple[int, ...]
    test: Estimate | None
    to_baseline: Difference | None
    top5: Estimate | None = None
    at_shared: Difference | None = None
    rank: Rank | None = None


@plain(kw_only=True)
class TaskResult:
    """What all schedules did on one task.

    Args:
        task: The declaration.
        peak_rate: The one peak rate that every schedule used; None where each got its own from a grid.
        budget: Optimizer updates a run.
        schedules: One result a schedule, in the order asked for.
        runner_up: The two schedules of best mean and their paired difference, first minus second; None if there are not
            two.
        data_sha256: Hash of the data.
        versions: Versions found in the records; several, sorted and joined, where records were made by different ones.
        machines: Machines found in the records.
        cpu_seconds: Processor time of all runs.
    """

    task: Task
    peak_rate: float | None
    budget: int
    schedules: tuple[ScheduleResult, ...]
    runner_up: tuple[str, str, Difference] | None
    data_sha256: str
    versions: dict[str, str]
    machines: tuple[str, ...]
    cpu_seconds: float


@plain(kw_only=True)
class Comparison(Plain, Shown):
    """Schedules compared on tasks, at one shared peak rate a task or each at its own from a grid.

    Args:
        tasks: One result a task.
        seeds: The seeds, the same for every schedule.
        baseline: Name of the schedule that the others are compared to.
        command: What makes this comparison again, as a line for the shell or for Python.
    """

    tasks: tuple[TaskResult, ...]
    seeds: tuple[int, ...]
    baseline: str
    command: str

    def __str__(self) -> str:
        from .table import table

        return table(self)

    def looks(self, view: Any) -> Any:
        """Returns what leads the report: for each task a sentence, a picture and the table."""
        del view
        from .html import excerpt

        return excerpt(self)


def summarise(
    grids: Mapping[str, Mapping[str, Sequence[Record]]], *, seeds: Sequence[int], baseline: str, command: str
) -> Comparison:
    """The comparison that records amount to.

    Args:
        grids: For every task the schedules by name, each with one record a rate and seed, in the order of `seeds`.
        seeds: The seeds.
        baseline: Name of the schedule that the others are compared to; in every grid.
        command: What makes this comparison again.

    Raises:
        GlidepathError: If a grid lacks the baseline, or records of one task were made with different data.
    """
    tasks = tuple(_task(grid, seeds, baseline) for grid in grids.values())
    return Comparison(tasks=tasks, seeds=tuple(seeds), baseline=baseline, command=command)


def _task(grid: Mapping[str, Sequence[Record]], seeds: Sequence[int], baseline: str) -> TaskResult:
    records = [record for row in grid.values() for record in row]
    spec = records[0].spec
    if baseline not in grid:
        raise GlidepathError.of("comparison", "baseline", f"one of {', '.join(grid)}", baseline)
    source = provenance(records, spec.task.name)
    rows = [_schedule(name, row, seeds) for name, row in grid.items()]
    rows = _ranked(rows, spec.task)
    base = next(row for row in rows if row.name == baseline)
    rows = [
        row
        if row is base
        else replace(row, to_baseline=paired(row.values, base.values), at_shared=_at_shared(grid[row.name], row, base))
        for row in rows
    ]
    rows = _corrected(rows)
    return TaskResult(
        task=spec.task,
        peak_rate=spec.peak_rate if rows[0].rates is None else None,
        budget=spec.budget,
        schedules=tuple(rows),
        runner_up=_runner_up(rows, spec.task),
        **vars(source),
    )


def _schedule(name: str, records: Sequence[Record], seeds: Sequence[int]) -> ScheduleResult:
    rows = by_rate(records)
    choice = choose_rate(rows, records[0].spec.task.metric.direction)
    records = rows[choice.peak_rate]
    values = [None if record.test is None else record.test.metric for record in records]
    driver = records[0].spec.controller or records[0].spec.schedule
    return ScheduleResult(
        name=name,
        text=str(driver),
        fingerprint=driver.fingerprint,
        peak_rate=choice.peak_rate,
        rates=choice if len(rows) > 1 else None,
        runs=tuple(record.spec.hash for record in records),
        values=tuple(values),
        diverged=tuple(seed for seed, value in zip(seeds, values, strict=True) if value is None),
        test=left(values),
        to_baseline=None,
        top5=left(record.test.top5 for record in records if record.test),
    )


def _at_shared(records: Sequence[Record], row: ScheduleResult, base: ScheduleResult) -> Difference | None:
    if row.peak_rate == base.peak_rate:
        return None
    same = [record.test and record.test.metric for record in records if record.spec.peak_rate == base.peak_rate]
    return paired(same, base.values) if len(same) == len(base.values) else None


def _corrected(rows: list[ScheduleResult]) -> list[ScheduleResult]:
    tested = [
        (index, row.to_baseline)
        for index, row in enumerate(rows)
        if row.to_baseline is not None and row.to_baseline.p is not None
    ]
    corrected = holm([difference.p for _, difference in tested if difference.p is not None])
    for (index, difference), p in zip(tested, corrected, strict=True):
        needed = seeds_needed(difference.estimate, len(tested))
        rows[index] = replace(rows[index], to_baseline=replace(difference, p_holm=p, seeds_needed=needed))
    return rows


def _ranked(rows: list[ScheduleResult], task: Task) -> list[ScheduleResult]:
    values = {index: kept for index, row in enumerate(rows) if (kept := whole(row.values)) is not None}
    found = ranks([*values.values()], lower_is_better=task.metric.direction == "lower") if values else None
    for index, rank in zip(values, found or [None] * len(values), strict=True):
        rows[index] = replace(rows[index], rank=rank)
    return rows


def _runner_up(rows: Sequence[ScheduleResult], task: Task) -> tuple[str, str, Difference] | None:
    sign = 1.0 if task.metric.direction == "lower" else -1.0
    best = sorted(
        ((sign * row.test.mean, index) for index, row in enumerate(rows) if row.test is not None and not row.diverged)
    )
    if len(best) < 2:
        return None
    first, second = (rows[index] for _, index in best[:2])
    difference = paired(first.values, second.values)
    return None if difference is None else (first.name, second.name, difference)

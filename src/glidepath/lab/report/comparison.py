"""A comparison: what the records of one grid of schedules and seeds say, as a value that turns into JSON and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ...core import GlidepathError, Shown
from ..plain import Plain, plain
from ..records.jobs import provenance
from ..records.runs import Record
from ..tasks.declared import Task
from . import statistics
from .statistics import Estimate, PairedDifference, Rank, RateChoice, choose_rate, left, paired, whole


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
    to_baseline: PairedDifference | None
    top5: Estimate | None = None
    at_shared: PairedDifference | None = None
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
    runner_up: tuple[str, str, PairedDifference] | None
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
    spec, task = records[0].spec, records[0].spec.task
    if baseline not in grid:
        raise GlidepathError.of("comparison", "baseline", f"one of {', '.join(grid)}", baseline)
    source = provenance(records, task.name)
    rows = {name: _schedule(name, row, seeds) for name, row in grid.items()}
    base, lower = rows[baseline], task.metric.direction == "lower"
    complete = {name: kept for name, row in rows.items() if (kept := whole(row.values)) is not None}
    placed = dict(zip(complete, statistics.ranks([*complete.values()], lower_is_better=lower) or (), strict=False))
    gaps = {name: paired(row.values, base.values) for name, row in rows.items() if row is not base}
    tested = {name: gap for name, gap in gaps.items() if gap is not None and gap.p is not None}
    corrected = dict(zip(tested, statistics.holm([gap.p or 0.0 for gap in tested.values()]), strict=True))
    found: list[ScheduleResult] = []
    for name, row in rows.items():
        gap, shared = gaps.get(name), None if row is base else _at_shared(grid[name], row, base)
        if gap is not None and name in corrected:
            needed = statistics.seeds_needed(gap.estimate, len(tested))
            gap = replace(gap, p_holm=corrected[name], seeds_needed=needed)
        found.append(replace(row, rank=placed.get(name), to_baseline=gap, at_shared=shared))
    second, shared = _runner_up(found, 1.0 if lower else -1.0), spec.peak_rate if base.rates is None else None
    sizes: dict[str, Any] = {"task": task, "peak_rate": shared, "budget": spec.budget}
    return TaskResult(**sizes, schedules=tuple(found), runner_up=second, **vars(source))


def by_rate(records: Sequence[Record]) -> dict[float, list[Record]]:
    """Records by peak rate, rates ascending, the order within a rate kept."""
    rates = sorted({record.spec.peak_rate for record in records})
    return {rate: [record for record in records if record.spec.peak_rate == rate] for rate in rates}


def _schedule(name: str, records: Sequence[Record], seeds: Sequence[int]) -> ScheduleResult:
    rows, spec = by_rate(records), records[0].spec
    seen = {rate: [record.last for record in several] for rate, several in rows.items()}
    choice = choose_rate(seen, spec.task.metric.direction)
    records, driver = rows[choice.peak_rate], spec.controller or spec.schedule
    values = tuple(record.test and record.test.metric for record in records)
    facts: dict[str, Any] = {"name": name, "text": str(driver), "fingerprint": driver.fingerprint}
    facts |= {"peak_rate": choice.peak_rate, "rates": choice if len(rows) > 1 else None, "values": values}
    facts["runs"] = tuple(record.spec.hash for record in records)
    facts["diverged"] = tuple(seed for seed, value in zip(seeds, values, strict=True) if value is None)
    facts["top5"] = left(record.test.top5 for record in records if record.test)
    return ScheduleResult(test=left(values), to_baseline=None, **facts)


def _at_shared(records: Sequence[Record], row: ScheduleResult, base: ScheduleResult) -> PairedDifference | None:
    if row.peak_rate == base.peak_rate:
        return None
    same = [record.test and record.test.metric for record in records if record.spec.peak_rate == base.peak_rate]
    return paired(same, base.values) if len(same) == len(base.values) else None


def _runner_up(rows: Sequence[ScheduleResult], sign: float) -> tuple[str, str, PairedDifference] | None:
    kept = [(sign * row.test.mean, at) for at, row in enumerate(rows) if row.test is not None and not row.diverged]
    best = [rows[at] for _, at in sorted(kept)[:2]]
    difference = paired(best[0].values, best[1].values) if len(best) == 2 else None
    return None if difference is None else (best[0].name, best[1].name, difference)

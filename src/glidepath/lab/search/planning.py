"""From the arguments of a comparison to the grid of its runs: every problem found is told at once, nothing is run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ... import Hold, Product, Rate, Schedule, parse
from ...core import Checks, GlidepathError, Shown, did_you_mean
from ...core.fields import Count, Positive, Seed, integer
from ...dialects.plateaus import plateau_of
from ...feedback import Controller
from ..plain import Plain
from ..records.jobs import Job
from ..records.runs import RunSpec
from ..tasks.cifar import find_copy
from ..tasks.declared import Cifar100, Task
from ..tasks.find import find_task
from ..tasks.schedules import DEFAULT_SCHEDULES, default_schedule, misfit, steered

# Task name -> schedule name -> one specification a rate and seed, rates ascending, seeds in the order given.
Grid = dict[str, dict[str, list[RunSpec]]]


@dataclass(frozen=True, kw_only=True)
class Tabled(Plain, Shown):
    """What a command on one task answers: plain JSON both ways, a table as text.

    Args:
        task: Name of the task.
        metric: Name of the metric.
        unit: Its unit.
        seeds: The seeds.
        changed: What is changed in the task.
    """

    task: str
    metric: str
    unit: str
    seeds: tuple[int, ...]
    changed: str = ""

    def table(self) -> str:
        """The answer as plain text."""
        raise TypeError(f"{type(self).__name__} has no table")

    def __str__(self) -> str:
        return self.table()


def facts_of(jobs: Sequence[Job[Any]]) -> dict[str, Any]:
    """The fields of a `Tabled` of jobs on one task."""
    task = jobs[0].task
    told = {"task": task.name, "metric": task.metric.name, "unit": task.metric.unit, "changed": task.changed}
    return told | {"seeds": tuple(dict.fromkeys(job.seed for job in jobs))}


# From a peak rate, a budget and the updates of warmup to what a run follows, and what cuts its rate after validations.
Driver = Callable[[float, int, int], tuple[Schedule, Controller | None]]

Tasks = str | Task | Sequence[str | Task]
Schedules = Mapping[str, Schedule | str] | Sequence[str | Schedule] | None
Seeds = int | Sequence[int]
Rates = float | Sequence[float] | None


def plan_runs(
    tasks: Tasks,
    schedules: Schedules,
    seeds: Seeds,
    *,
    peak_rate: Rates = None,
    budget: int | None = None,
    baseline: str = "constant",
    where: str = "compare",
) -> Grid:
    """The runs of a comparison: task -> schedule name -> one specification a rate and seed. Nothing is run, nothing is written.

    Args:
        tasks: As for `compare`, like all that follow.
        schedules: Texts, schedules or names.
        seeds: How many, or which.
        peak_rate: Base learning rate, or several.
        budget: Updates a run.
        baseline: Name of the schedule that the others are compared to.
        where: Name of the command, for errors.

    Raises:
        GlidepathError: If an argument breaks its rule; all problems in one message.
    """
    checks = Checks(where)
    chosen, named = _tasks(tasks, checks), _schedules(schedules, baseline, checks)
    numbers, rates = _seeds(seeds, checks), _rates(peak_rate, checks)
    budget = checks.take("budget", budget, Count | None)
    checks.done()
    grid: Grid = {}
    for task in chosen:
        updates, pairs = budget or task.budget, [(rate, seed) for rate in rates or [task.peak_rate] for seed in numbers]
        warmup = round(task.warmup * updates)
        grid[task.name] = rows = {}
        for name, driver in named.items():
            driven = {rate: driver(rate, updates, warmup) for rate, _ in pairs}
            rows[name] = [RunSpec(task, driven[r][0], r, seed, updates, driven[r][1]) for r, seed in pairs]
    return grid


def one_row(task: str | Task, schedule: str | Schedule, seeds: Seeds = 1, **more: Any) -> list[RunSpec]:
    """The runs of one schedule on one task: see `plan_runs`."""
    return next(iter(plan_runs(task, {"one": schedule}, seeds, baseline="one", **more).values()))["one"]


def followed(spec: RunSpec, given: object) -> tuple[Any, ...]:
    """What a job of several runs notes of its schedule and controller, where one was given: older jobs have neither."""
    return (spec.schedule, spec.controller) if given else ()


def told_of(job: Any) -> str:
    """What such a job follows, as text; empty where nothing was given."""
    return "" if job.schedule is None else str(job.controller or job.schedule)


def notes_of(grid: Grid) -> list[str]:
    """What to know before training, a sentence for each: schedules of another length than the runs, what a controller's patience counts."""
    told: list[str] = []
    for task, rows in grid.items():
        for name, (spec, *_) in rows.items():
            if text := misfit(name, spec.schedule, spec.budget):
                told.append(f"{task}: {text}.")
            if spec.controller:
                often = min(spec.task.evaluations, spec.budget)
                every = f"one every {spec.budget / often:.4g} updates"
                told.append(f"{task}: {name} hears the loss of {often} validations, {every}; its patience counts them.")
    return told


def _rates(given: Rates, checks: Checks) -> list[float]:
    """Ascending; empty for each task's own."""
    if given is None:
        return []
    several = [given] if isinstance(given, str) or not isinstance(given, Sequence) else given
    return sorted(float(rate) for rate in checks.distinct("peak_rate", several, Positive))


def _tasks(tasks: Tasks, checks: Checks) -> list[Task]:
    given = [tasks] if isinstance(tasks, str | Task) else list(tasks)
    found: dict[str, Task] = {}
    for one in given:
        with checks.kept():
            task = find_task(one, checks.where)
            if task.name in found:
                checks.refuse("tasks", "all different", [task.name, task.name])
            found[task.name] = task
            if isinstance(task.data, Cifar100):  # what is known to be missing is told before anything is trained
                find_copy()
    if not given:
        checks.refuse("tasks", "at least one", given)
    return list(found.values())


def _schedules(schedules: Schedules, baseline: str, checks: Checks) -> dict[str, Driver]:
    if schedules is None:
        pairs: list[tuple[object, object]] = [(name, name) for name in DEFAULT_SCHEDULES]
    elif isinstance(schedules, Mapping):
        pairs = list(schedules.items())
    else:
        given = [schedules] if isinstance(schedules, str | Schedule) else list(schedules)
        pairs = [(one if isinstance(one, str) else str(one), one) for one in given]
    found: dict[str, Driver] = {}
    for name, one in pairs:
        if not isinstance(name, str) or not name.strip() or len(name) > 200 or not name.isprintable():
            checks.refuse("schedule name", "1 to 200 printable characters", name)
        elif name in found:
            checks.refuse("schedules", "all different", [name, name])
        else:
            with checks.kept():
                found[name] = _driver(one, checks.where)
    if not pairs:
        checks.refuse("schedules", "at least one", pairs)
    if baseline in found:
        return found
    if baseline in DEFAULT_SCHEDULES:
        return {baseline: _driver(baseline, checks.where), **found}
    known = list(dict.fromkeys([*found, *DEFAULT_SCHEDULES]))
    checks.refuse("baseline", f"one of {', '.join(known)}", baseline, did_you_mean(str(baseline), known))
    return found


def _driver(one: object, where: str) -> Driver:
    if not isinstance(one, Schedule | str):
        raise GlidepathError.of(where, "schedule", "a Schedule, its text, or a default name", one)
    if isinstance(one, str) and one in DEFAULT_SCHEDULES:
        return lambda rate, budget, warmup: (default_schedule(one, budget, warmup), None)
    if isinstance(one, str) and steered(one) is not None:
        return lambda rate, budget, warmup: (Hold(), plateau_of(one, rate))
    plain = one if isinstance(one, Schedule) else as_factor(parse(one))
    return lambda rate, budget, warmup: (plain, None)


def as_factor(schedule: Schedule) -> Schedule:
    """Returns a schedule of absolute rates as a factor of its own highest one; a factor as it is.

    Args:
        schedule: Any.
    """
    if not schedule.absolute:
        return schedule
    end = int(min(schedule.duration, 100_000))
    peak = max(schedule(step) for step in {*range(min(end, 1000) + 1), *range(0, end + 1, max(end // 1000, 1))})
    plain = schedule.schedule if isinstance(schedule, Rate) else schedule
    return plain if peak in (0.0, 1.0) else Product((plain,), 1 / peak)


def _seeds(seeds: Seeds, checks: Checks) -> list[int]:
    if isinstance(seeds, int):
        return list(range(checks.take("seeds", seeds, integer(1, 10_000))))
    if isinstance(seeds, str) or not isinstance(seeds, Sequence):
        checks.refuse("seeds", "a number of seeds or a list of them", seeds)
        return []
    return checks.distinct("seeds", seeds, Seed, "seed")

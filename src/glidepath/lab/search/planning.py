"""From the arguments of a comparison to the grid of its runs: every problem found is told at once, nothing is run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from glidepath import Hold, Product, Rate, Schedule, parse
from glidepath.core.checks import problem_of, refuse
from glidepath.core.errors import GlidepathError, Problem, did_you_mean, shown
from glidepath.core.fields import Count, Positive, Seed
from glidepath.dialects.plateaus import plateau_of
from glidepath.lab.records.runs import RunSpec
from glidepath.lab.report.misfit import misfit
from glidepath.lab.tasks.declared import TASKS, Cifar100, Task
from glidepath.lab.tasks.find import find_task, task_remedy
from glidepath.lab.tasks.schedules import DEFAULT_SCHEDULES, default_schedule, steered

__all__ = ["Grid", "Rates", "Schedules", "Seeds", "Tasks", "notes_of", "one_row", "plan_runs"]

Grid = dict[str, dict[str, list[RunSpec]]]
"""Task name -> schedule name -> one specification a rate and seed, rates ascending, seeds in the order given."""


@dataclass(frozen=True)
class Controlled:
    """A constant rate that a controller cuts after validations.

    Args:
        text: The controller's word or class.
    """

    text: str


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
    problems: list[Problem | None] = []
    chosen = _tasks(tasks, problems)
    named = _schedules(schedules, baseline, problems)
    numbers = _seeds(seeds, problems)
    rates = _rates(peak_rate, problems)
    problems.append(None if budget is None else problem_of("compare", "budget", budget, Count))
    refuse(replace(one, where=where) if one and one.where == "compare" else one for one in problems)
    grid: Grid = {}
    for task in chosen:
        updates = budget or task.budget
        warmup = round(task.warmup * updates)
        rows = {
            name: default_schedule(schedule, updates, warmup) if isinstance(schedule, str) else schedule
            for name, schedule in named.items()
        }
        grid[task.name] = {
            name: [_spec(task, schedule, rate, seed, updates) for rate in rates or [task.peak_rate] for seed in numbers]
            for name, schedule in rows.items()
        }
    return grid


def one_row(
    task: str | Task,
    schedule: str | Schedule,
    seeds: Seeds = 1,
    *,
    peak_rate: Rates = None,
    budget: int | None = None,
    where: str = "compare",
) -> list[RunSpec]:
    """The runs of one schedule on one task: see `plan_runs`."""
    grid = plan_runs(task, {"one": schedule}, seeds, peak_rate=peak_rate, budget=budget, baseline="one", where=where)
    return next(iter(grid.values()))["one"]


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


def _spec(task: Task, schedule: Schedule | Controlled, rate: float, seed: int, updates: int) -> RunSpec:
    if isinstance(schedule, Controlled):
        return RunSpec(task, Hold(), rate, seed, updates, plateau_of(schedule.text, rate))
    return RunSpec(task, schedule, rate, seed, updates)


def _rates(given: Rates, problems: list[Problem | None]) -> list[float]:
    """Ascending; empty for each task's own."""
    if given is None:
        return []
    if isinstance(given, str) or not isinstance(given, Sequence):
        problems.append(problem_of("compare", "peak_rate", given, Positive))
        return [] if problems[-1] else [float(given)]
    several = list(given)
    wrong = [problem_of("compare", "peak_rate", rate, Positive) for rate in several]
    problems += wrong
    if not several:
        problems.append(Problem("compare", "peak_rate", "at least one", "none"))
    if any(wrong):
        return []
    if len(set(several)) < len(several):
        problems.append(Problem("compare", "peak_rate", "all different", shown(several)))
    return sorted(float(rate) for rate in several)


def _tasks(tasks: Tasks, problems: list[Problem | None]) -> list[Task]:
    given = [tasks] if isinstance(tasks, str | Task) else list(tasks)
    found: dict[str, Task] = {}
    for one in given:
        task = TASKS.get(one) if isinstance(one, str) else one
        if isinstance(one, str) and ":" in one:
            try:
                task = find_task(one)
            except GlidepathError as error:
                problems += error.problems
                continue
        if not isinstance(task, Task):
            remedy = task_remedy(one) if isinstance(one, str) else ""
            problems.append(
                Problem("compare", "task", f"one of {', '.join(TASKS)} or module:object", shown(one), remedy)
            )
        elif task.name in found:
            problems.append(Problem("compare", "tasks", "all different", f"{shown(task.name)} twice"))
        else:
            found[task.name] = task
            problems += _data_problems(task)
    if not given:
        problems.append(Problem("compare", "tasks", "at least one", "none"))
    return list(found.values())


def _data_problems(task: Task) -> Sequence[Problem]:
    """What is known to be missing before anything is trained."""
    if isinstance(task.data, Cifar100):
        from glidepath.lab.tasks.cifar import find_copy

        try:
            find_copy()
        except GlidepathError as error:
            return error.problems
    return ()


def _schedules(
    schedules: Schedules,
    baseline: str,
    problems: list[Problem | None],
) -> dict[str, Schedule | str | Controlled]:
    """By name: a schedule, what a controller cuts, or the name of a default one, which needs the budget of a task."""
    if schedules is None:
        pairs: list[tuple[object, object]] = [(name, name) for name in DEFAULT_SCHEDULES]
    elif isinstance(schedules, Mapping):
        pairs = list(schedules.items())
    else:
        given = [schedules] if isinstance(schedules, str | Schedule) else list(schedules)
        pairs = [(one if isinstance(one, str) else str(one), one) for one in given]
    found: dict[str, Schedule | str | Controlled] = {}
    for name, one in pairs:
        if not isinstance(name, str) or not name.strip() or len(name) > 200 or not name.isprintable():
            problems.append(Problem("compare", "schedule name", "1 to 200 printable characters", shown(name)))
        elif name in found:
            problems.append(Problem("compare", "schedules", "all different", f"{shown(name)} twice"))
        else:
            found[name] = _schedule(one, problems)
    if not pairs:
        problems.append(Problem("compare", "schedules", "at least one", "none"))
    if baseline in found:
        return found
    if baseline not in DEFAULT_SCHEDULES:
        known = [*found, *(name for name in DEFAULT_SCHEDULES if name not in found)]
        hint = did_you_mean(str(baseline), known)
        problems.append(Problem("compare", "baseline", f"one of {', '.join(known)}", shown(baseline), hint))
    return {baseline: baseline, **found}


def _schedule(one: object, problems: list[Problem | None]) -> Schedule | str | Controlled:
    if isinstance(one, Schedule):
        return one
    if not isinstance(one, str):
        problems.append(Problem("compare", "schedule", "a Schedule, its text, or a default name", shown(one)))
        return ""
    if one in DEFAULT_SCHEDULES:
        return one
    try:
        if steered(one) is not None:
            return Controlled(one)
        return as_factor(parse(one))
    except GlidepathError as error:
        problems += error.problems
        return ""


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


def _seeds(seeds: Seeds, problems: list[Problem | None]) -> list[int]:
    if isinstance(seeds, int):
        wrong = problem_of("compare", "seeds", seeds, Count)
        wrong = wrong or (Problem("compare", "seeds", "at most 10000", shown(seeds)) if seeds > 10_000 else None)
        problems.append(wrong)
        return [] if wrong else list(range(seeds))
    if isinstance(seeds, str) or not isinstance(seeds, Sequence):
        problems.append(Problem("compare", "seeds", "a number of seeds or a list of them", shown(seeds)))
        return []
    numbers = list(seeds)
    wrong_ones = [problem_of("compare", "seed", seed, Seed) for seed in numbers]
    problems += wrong_ones
    if not numbers:
        problems.append(Problem("compare", "seeds", "at least one", "none"))
    if not any(wrong_ones) and len(set(numbers)) < len(numbers):
        problems.append(Problem("compare", "seeds", "all different", shown(numbers)))
    return numbers

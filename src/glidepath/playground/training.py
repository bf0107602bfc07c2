"""Training here: the shape on the page and a constant rate beside it, with several seeds."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from ..core.errors import GlidepathError, installing
from ..core.fields import choice, integer
from ..core.schedule import Schedule
from ..core.segments import Table
from ..recipes import constant
from .asked import Asked, Last, Text
from .budget import USUAL, Budget
from .jobs import Job
from .look import readable
from .records import band, prepare, rates

__all__ = ["Task", "Train", "trained", "training"]

MAX_UPDATES = 4_000
Task = Annotated[str, choice("mnist1d", "text")]
YOURS, CONSTANT = "this shape", "the constant rate"


@dataclass(frozen=True)
class Train(Asked):
    """What the page asks.

    Args:
        text: The schedule.
        last: Its last step: the shape up to there is trained, stretched to `updates`.
        task: What is trained.
        seeds: How many runs of each schedule, at least 3: fewer say nothing.
        updates: Optimizer updates of each run.
        budget: What lengths with units are of.
    """

    text: Text
    last: Last
    task: Task = "mnist1d"
    seeds: Annotated[int, integer(3, 10)] = 3
    updates: Annotated[int, integer(20, MAX_UPDATES)] = 800
    budget: Budget = USUAL


def training(request: Train) -> Callable[[Job], None]:
    """Returns the work of a job that trains; refuses before it starts what can be refused without the packages, whose import takes a while.

    Args:
        request: What to train.

    Raises:
        GlidepathError: If the schedule cannot be read; from the work, if a package is missing.
    """
    schedule = trained(readable(request.text, request.budget.settled(), "train"), request.last, request.updates)

    def work(job: Job) -> None:
        try:
            prepare()
            from ..lab.engines.engine import Advanced, Event, Failed, Finished
            from ..lab.engines.workers import Workers
            from ..lab.records.runs import Record, RunSpec
            from ..lab.report.comparison import summarise
            from ..lab.report.verdict import caveats, verdict
            from ..lab.tasks.declared import TASKS
        except ImportError as error:
            raise GlidepathError.of("train", "packages", "installed", str(error), installing("lab")) from None
        task = TASKS[request.task]
        rows = {
            name: [RunSpec(task, one, task.peak_rate, seed, request.updates) for seed in range(request.seeds)]
            for name, one in ((CONSTANT, constant()), (YOURS, schedule))
        }
        names = {spec.hash: name for name, specs in rows.items() for spec in specs}
        if len(names) < 2 * request.seeds:
            raise GlidepathError.of(
                "train", "schedule", "another than the constant it is compared to", request.text[:60]
            )
        specs = [spec for pair in zip(*rows.values(), strict=True) for spec in pair]
        planned = {name: rates(several[0].schedule, request.updates, task.peak_rate) for name, several in rows.items()}
        job.say(type="plan", metric=task.metric.name, unit=task.metric.unit, rates=planned)
        done: dict[str, int] = {}
        records: dict[str, Record] = {}

        def hear(event: Event) -> None:
            if isinstance(event, Advanced):
                done[event.spec.hash] = event.updates
            elif isinstance(event, Finished) and isinstance(record := event.record, Record):
                key = record.spec.hash
                records[key] = record
                done[key] = request.updates
                job.say(type="run", name=names[key], seed=record.spec.seed, **_told(record))
            elif isinstance(event, Failed):
                raise GlidepathError.of("train", "run", "able to run", event.reason[:300])
            job.advance(sum(done.values()), len(specs) * request.updates)

        Workers().execute(specs, hear)
        grid = {name: [records[spec.hash] for spec in row] for name, row in rows.items()}
        comparison = summarise({task.name: grid}, seeds=range(request.seeds), baseline=CONSTANT, command="the page")
        bands = {name: band([record.to_dict() for record in row]) for name, row in grid.items()}
        found = verdict(comparison.tasks[0], CONSTANT)
        sentences = [found[0], *found[2:], *caveats(comparison)]  # the second orders the best two, which here are all
        tests = {name: _interval(comparison, name) for name in grid}
        job.say(type="end", bands=bands, tests=tests, sentences=sentences)

    return work


def _interval(comparison: Any, name: str) -> list[float] | None:
    """Returns mean, low and high of a schedule's test metric."""
    found = next((row.test for row in comparison.tasks[0].schedules if row.name == name), None)
    return None if found is None else [found.mean, found.low, found.high]


def _told(record: Any) -> dict[str, Any]:
    evaluations = [[e.updates, e.metric, e.loss] for e in record.evaluations]
    return {
        "evaluations": evaluations,
        "test": None if record.test is None else record.test.metric,
        "diverged": record.diverged,
        "seconds": record.wall_seconds,
    }


def trained(schedule: Schedule, last: int, updates: int) -> Schedule:
    """Returns the shape of a schedule up to a step, played in so many updates, as a factor whose peak is 1.

    Args:
        schedule: The schedule of the page.
        last: Its last step.
        updates: Updates of the run.

    Raises:
        GlidepathError: If it has no positive value.
    """
    steps = list(range(updates + 1))
    values = [schedule(last * step / updates) for step in steps]
    top = max(values)
    if not (top > 0 and math.isfinite(top)):
        raise GlidepathError.of("train", "schedule", "above 0 somewhere", str(schedule)[:60])
    return Table(steps, [max(value, 0.0) / top for value in values])

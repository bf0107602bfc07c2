"""Runs: finished ones, which the demo or any comparison left in its folder, and those of the shape on the page, trained here."""

from __future__ import annotations

import contextlib
import functools
import json
import math
import threading
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

from ..core import GlidepathError, Schedule, Table, installing
from ..core.fields import choice, integer
from ..recipes import constant
from ..view.sample import sampled
from .asked import USUAL, Asked, Budget, Last, Text
from .jobs import Work
from .look import readable

MOST_BYTES = 16 * 2**20  # of a record
_SHAPE = 101  # places at which two shapes are compared
_SAME = 0.02  # how far apart two shapes may be, as a share of the peak, and still be called the same


def tasks(folder: Path) -> list[dict[str, Any]]:
    """Returns what a comparison's folder holds: for each task its schedules with bands over the seeds, and what they show.

    Args:
        folder: Where `comparison.json` and `records` are; nothing there gives an empty list.
    """
    try:
        stamp = (folder / "comparison.json").stat().st_mtime_ns
        with _importing:
            import_module("glidepath.lab.report.verdict")
        return _tasks(folder, stamp)
    except (OSError, ImportError, GlidepathError, ValueError, KeyError, TypeError):
        return []


_importing = threading.Lock()


def prepare(where: str) -> None:
    """Imports what the lab needs, one thread at a time: two threads that import torch at once can see half of it.

    Args:
        where: Who needs it.

    Raises:
        GlidepathError: If it is not installed.
    """
    try:
        with _importing:
            for name in ("torch", "glidepath.lab.report.verdict", "glidepath.lab.engines.workers"):
                import_module(name)
    except ImportError as error:
        raise GlidepathError.of(where, "packages", "installed", str(error), installing("lab")) from None


@functools.lru_cache(maxsize=4)
def _tasks(folder: Path, stamp: int) -> list[dict[str, Any]]:
    del stamp
    from ..lab.report.comparison import Comparison
    from ..lab.report.verdict import caveats, verdict

    comparison = Comparison.from_json((folder / "comparison.json").read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = []
    for result in comparison.tasks:
        rows: list[dict[str, Any]] = []
        for row in result.schedules:
            records = [_record(folder / "records" / f"{key}.json") for key in row.runs[:2_000]]
            kept = [record for record in records if record is not None]
            rows.append(
                {
                    "name": row.name,
                    "text": row.text if len(row.text) < 2000 else "",
                    "test": _interval(row.test),
                    "seeds": len(kept),
                    "curves": band(kept),
                    "rates": rates(Schedule.of(row.text), result.budget, result.peak_rate or 1.0) if row.text else [],
                    "validations": [[e["metric"] for e in record["evaluations"]] for record in kept],
                }
            )
        metric = result.task.metric
        found.append(
            {
                "task": result.task.name,
                "about": result.task.about,
                "metric": metric.name,
                "unit": metric.unit,
                "budget": result.budget,
                "rate": result.peak_rate,
                "rows": rows,
                "sentences": verdict(result, comparison.baseline),
                "caveats": caveats(comparison),
            }
        )
    return found


def _record(path: Path) -> dict[str, Any] | None:
    try:
        if path.stat().st_size > MOST_BYTES:
            return None
        return json.loads(path.read_text(encoding="utf-8"))["record"]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def band(records: list[dict[str, Any]]) -> list[list[float | None]]:
    """Returns, for each validation, the update and over the seeds the mean, lowest and highest metric, then those of the loss.

    Args:
        records: Records as JSON data, one a seed.
    """
    rows: list[list[float | None]] = []
    for several in zip(*(record["evaluations"] for record in records), strict=False):
        columns = [[e[name] for e in several if e[name] is not None] for name in ("metric", "loss")]
        if all(columns):
            spans = [(sum(column) / len(column), min(column), max(column)) for column in columns]
            rows.append([several[0]["updates"], *spans[0], *spans[1]])
    return rows


def rates(schedule: Schedule, updates: int, peak: float) -> list[list[float]]:
    """Returns the learning rates of a run as points to be joined.

    Args:
        schedule: A factor.
        updates: Length of the run.
        peak: What multiplies it.
    """
    return [[step, value * peak] for step, value in sampled(schedule, updates, 160).points()]


class Matter(Asked):
    """A question for the trained schedule of the nearest shape."""

    text: Text
    last: Last
    budget: Budget = USUAL


def matter(request: Matter, runs: Path | None) -> dict[str, Any]:
    """Returns, for each task of a folder, the trained schedule of the nearest shape.

    Args:
        request: What the page asks.
        runs: The folder, or None.
    """
    schedule = readable(request.text, request.budget.settled())
    known = tasks(runs) if runs is not None else []
    found = {each["task"]: nearest(schedule, request.last, each["rows"], each["budget"]) for each in known}
    return {"nearest": {task: near for task, near in found.items() if near is not None}}


def nearest(schedule: Schedule, last: int, rows: list[dict[str, Any]], budget: int) -> dict[str, Any] | None:
    """Returns the trained schedule of the nearest shape: its name, its mean distance as a share of the peak, and whether it is the same.

    Args:
        schedule: The one on the page.
        last: Its last step.
        rows: The trained ones.
        budget: Their length.
    """
    mine, found = _shape(schedule, last), list[dict[str, Any]]()
    for row in rows:
        with contextlib.suppress(GlidepathError):
            other = _shape(Schedule.of(row["text"]), budget)
            gaps = [abs(a - b) for a, b in zip(mine, other, strict=True)]
            found.append({"name": row["name"], "apart": sum(gaps) / len(gaps), "same": max(gaps) <= _SAME})
    return min(found, key=lambda row: row["apart"], default=None)


def _shape(schedule: Schedule, last: int) -> list[float]:
    values = [schedule(round(last * k / (_SHAPE - 1))) for k in range(_SHAPE)]
    top = max(abs(value) for value in values) or 1.0
    return [value / top for value in values]


# Training here --------------------------------------------------------------------------------------------------------------------------

MAX_UPDATES = 4_000
TaskName = Annotated[str, choice("mnist1d", "text")]
YOURS, CONSTANT = "this shape", "the constant rate"


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
    task: TaskName = "mnist1d"
    seeds: Annotated[int, integer(3, 10)] = 3
    updates: Annotated[int, integer(20, MAX_UPDATES)] = 800
    budget: Budget = USUAL


def training(request: Train) -> Callable[[Work], None]:
    """Returns the work of a job that trains; refuses before it starts what can be refused without the packages, whose import takes a while.

    Args:
        request: What to train.

    Raises:
        GlidepathError: If the schedule cannot be read; from the work, if a package is missing.
    """
    schedule = trained(readable(request.text, request.budget.settled(), "train"), request.last, request.updates)

    def work(job: Work) -> None:
        prepare("train")
        from ..lab.engines.engine import Advanced, Event, Failed, Finished
        from ..lab.engines.workers import Workers
        from ..lab.records.runs import Record, RunSpec
        from ..lab.report.comparison import summarise
        from ..lab.report.verdict import caveats, verdict
        from ..lab.tasks.declared import TASKS

        task = TASKS[request.task]
        both = {CONSTANT: constant(), YOURS: schedule}
        specs = [
            (name, RunSpec(task, one, task.peak_rate, seed, request.updates))
            for seed in range(request.seeds)
            for name, one in both.items()
        ]
        names = {spec.hash: name for name, spec in specs}
        if len(names) < len(specs):
            rule = "another than the constant it is compared to"
            raise GlidepathError.of("train", "schedule", rule, request.text[:60])
        planned = {name: rates(one, request.updates, task.peak_rate) for name, one in both.items()}
        job.say(type="plan", metric=task.metric.name, unit=task.metric.unit, rates=planned)
        done, records = dict[str, int](), dict[str, Record]()

        def hear(event: Event) -> None:
            if isinstance(event, Advanced):
                done[event.spec.hash] = event.updates
            elif isinstance(event, Finished) and isinstance(record := event.record, Record):
                key = record.spec.hash
                records[key], done[key] = record, request.updates
                evaluations = [[e.updates, e.metric, e.loss] for e in record.evaluations]
                job.say(type="run", name=names[key], evaluations=evaluations)
            elif isinstance(event, Failed):
                raise GlidepathError.of("train", "run", "able to run", event.reason[:300])
            job.advance(sum(done.values()), len(specs) * request.updates)

        Workers().execute([spec for _, spec in specs], hear)
        grid = {name: [records[spec.hash] for other, spec in specs if other == name] for name in both}
        comparison = summarise({task.name: grid}, seeds=range(request.seeds), baseline=CONSTANT, command="the page")
        bands = {name: band([record.to_dict() for record in row]) for name, row in grid.items()}
        found = verdict(comparison.tasks[0], CONSTANT)
        sentences = [found[0], *found[2:], *caveats(comparison)]  # the second orders the best two, which here are all
        tests = {row.name: _interval(row.test) for row in comparison.tasks[0].schedules}
        job.say(type="end", bands=bands, tests=tests, sentences=sentences)

    return work


def _interval(test: Any) -> list[float] | None:
    """Returns mean, low and high of a test metric."""
    return None if test is None else [test.mean, test.low, test.high]


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

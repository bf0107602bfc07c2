"""Training here: one job at a time, several seeds, with progress that can be streamed and a cancel that is heard."""

from __future__ import annotations

import math
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from glidepath.core.errors import GlidepathError
from glidepath.core.schedule import Schedule
from glidepath.core.segments import Table
from glidepath.recipes import constant

from .budget import Budget
from .look import Text, read
from .records import band, prepare

__all__ = ["Job", "Jobs", "Train", "trained"]

MAX_UPDATES = 4_000
YOURS, CONSTANT = "this shape", "the constant rate"


class Train(BaseModel):
    """What the page asks.

    Args:
        text: The schedule.
        last: Its last step: the shape up to there is trained, stretched to `updates`.
        task: What is trained.
        seeds: How many runs of each schedule, at least 3: fewer say nothing.
        updates: Optimizer updates of each run.
        budget: What lengths with units are of.
    """

    model_config = ConfigDict(extra="forbid")
    text: Text
    last: Annotated[int, Field(ge=1, le=2**53)]
    task: Literal["mnist1d", "text"] = "mnist1d"
    seeds: Annotated[int, Field(ge=3, le=10)] = 3
    updates: Annotated[int, Field(ge=20, le=MAX_UPDATES)] = 800
    budget: Budget = Budget()


class _Cancelled(Exception):
    """The job was told to stop."""


@dataclass
class Job:
    """One training, and what it has said so far.

    Args:
        key: Its name.
        events: Everything said, in order.
        over: Whether it has ended.
    """

    key: str
    events: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    over: bool = False
    cancelled: threading.Event = field(default_factory=threading.Event)

    def say(self, **event: Any) -> None:
        """Adds an event."""
        self.events.append(event)


class Jobs:
    """The jobs of this server: one runs at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._jobs: dict[str, Job] = {}
        self._threads: list[threading.Thread] = []

    def start(self, request: Train) -> Job:
        """Starts a job.

        Args:
            request: What to train.

        Raises:
            GlidepathError: If one is running, the schedule cannot be read, or a package is missing.
        """
        work = _prepared(request)
        with self._lock:
            if any(not job.over for job in self._jobs.values()):
                raise GlidepathError.of("train", "job", "the only one", "another that is running", "cancel it or wait")
            job = Job(uuid.uuid4().hex)
            self._jobs = {**dict(list(self._jobs.items())[-9:]), job.key: job}
        thread = threading.Thread(target=_carry_out, args=(job, work), daemon=True)
        thread.start()
        self._threads = [*(t for t in self._threads if t.is_alive()), thread]
        return job

    def get(self, key: str) -> Job:
        """Returns a job.

        Raises:
            GlidepathError: If there is none of that name.
        """
        if key not in self._jobs:
            raise GlidepathError.of("train", "job", "a job of this server", key[:40])
        return self._jobs[key]

    def cancel_all(self) -> None:
        """Tells every job to stop and waits a moment for its processes to end."""
        for job in self._jobs.values():
            job.cancelled.set()
        for thread in self._threads:
            thread.join(8.0)


def _prepared(request: Train) -> Callable[[Job], None]:
    """Returns the work of a job; refuses what can be refused before it starts."""
    found = read(request.text, None, request.budget.settled())
    if found.built.schedule is None:
        message = found.built.problems[0]["message"] if found.built.problems else ""
        raise GlidepathError.of("train", "schedule", "readable", request.text[:60], message)
    schedule = trained(found.built.schedule, request.last, request.updates)
    try:
        prepare()
        from glidepath.lab.comparison import summarise
        from glidepath.lab.engines import Advanced, Event, Failed, Finished
        from glidepath.lab.runs import Record, RunSpec
        from glidepath.lab.tasks import TASKS
        from glidepath.lab.verdict import caveats, verdict
        from glidepath.lab.workers import Workers
    except ImportError as error:
        raise GlidepathError.of("train", "packages", "installed", str(error), "pip install 'glidepath[lab]'") from None
    task = TASKS[request.task]
    rows = {
        name: [RunSpec(task, one, task.peak_rate, seed, request.updates) for seed in range(request.seeds)]
        for name, one in ((CONSTANT, constant()), (YOURS, schedule))
    }
    names = {spec.hash: name for name, specs in rows.items() for spec in specs}
    if len(names) < 2 * request.seeds:
        raise GlidepathError.of("train", "schedule", "another than the constant it is compared to", request.text[:60])

    def work(job: Job) -> None:
        specs = [spec for pair in zip(*rows.values(), strict=True) for spec in pair]
        done: dict[str, int] = {}
        records: dict[str, Record] = {}
        began = time.monotonic()

        def hear(event: Event) -> None:
            if job.cancelled.is_set():
                raise _Cancelled
            if isinstance(event, Advanced):
                done[event.spec.hash] = event.updates
            elif isinstance(event, Finished):
                record = event.record
                key = record.spec.hash
                records[key] = record
                done[key] = request.updates
                job.say(type="run", name=names[key], seed=record.spec.seed, **_told(record))
            elif isinstance(event, Failed):
                raise GlidepathError.of("train", "run", "able to run", event.reason[:300])
            total = len(specs) * request.updates
            made = sum(done.values())
            spent = time.monotonic() - began
            job.say(type="progress", done=made, total=total, left=spent * (total - made) / made if made else None)

        Workers().execute(specs, hear)
        grid = {name: [records[spec.hash] for spec in row] for name, row in rows.items()}
        comparison = summarise({task.name: grid}, seeds=range(request.seeds), baseline=CONSTANT, command="the page")
        bands = {name: band([record.to_dict() for record in row]) for name, row in grid.items()}
        found = verdict(comparison.tasks[0], CONSTANT)
        sentences = [found[0], *found[2:], *caveats(comparison)]  # the second orders the best two, which here are all
        job.say(type="end", metric=task.metric.name, unit=task.metric.unit, bands=bands, sentences=sentences)

    return work


def _told(record: Any) -> dict[str, Any]:
    evaluations = [[e.updates, e.metric, e.loss] for e in record.evaluations]
    return {
        "evaluations": evaluations,
        "test": None if record.test is None else record.test.metric,
        "diverged": record.diverged,
        "seconds": record.wall_seconds,
    }


def _carry_out(job: Job, work: Callable[[Job], None]) -> None:
    try:
        work(job)
    except _Cancelled:
        job.say(type="cancelled")
    except GlidepathError as error:
        job.say(type="error", message=str(error))
    except Exception as error:  # noqa: BLE001 - a thread of its own: what went wrong is told on the page
        job.say(type="error", message=f"{type(error).__name__}: {error}"[:500])
    finally:
        job.over = True


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

"""Branched cooldowns: one run, usually at a constant rate, and from chosen points of it a decay to zero each.

The end of each branch is what a whole warmup-stable-decay run of that length would have ended with, to the last bit, at
a part of the cost: the constant part is trained once.

Source:
    Hägele et al. 2024, "Scaling laws and compute-optimal training beyond fixed training durations",
    https://arxiv.org/abs/2405.18392
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from ... import Hold, Schedule, linear, recipes
from ...core import Checks, Problem, refuse, shown
from ...core.fields import Count, Positive, Steps, real
from ...feedback import Controller
from ..engines.engine import Engine
from ..engines.progress import Watcher
from ..engines.session import opened, put, session_problems
from ..records.jobs import Measured, MeasuredJob
from ..records.runs import Record, RunSpec
from ..report.statistics import Estimate, left
from ..report.verdict import number, spread
from ..tasks.declared import Task
from .planning import Seeds, Tabled, facts_of, followed, one_row, told_of

if TYPE_CHECKING:
    from ..engines.training import Point


@dataclass(frozen=True)
class BranchJob(MeasuredJob):
    """A run at a constant rate, and a linear cooldown to zero from each of some points of it.

    Args:
        warmup: Updates of linear warmup before the constant rate. At least 0.
        branches: For every branch the updates before it and the updates of the whole run that it ends, ascending.
        schedule: What the run follows from which they branch off; None for the warmup and the constant rate.
        controller: What cuts its rate after a validation; None for nobody.

    Raises:
        GlidepathError: If an argument breaks its rule; all problems in one message.
    """

    kind: ClassVar[str] = "branches"
    warmup: Steps
    branches: tuple[tuple[int, int], ...]
    schedule: Schedule | None = None
    controller: Controller | None = None

    def __post_init__(self) -> None:
        with suppress(TypeError):
            object.__setattr__(self, "branches", tuple(map(tuple, self.branches)))
        super().__post_init__()

    def problems(self) -> Sequence[Problem | None]:
        """What is wrong with branches."""
        pairs = [one for one in self.branches if isinstance(one, tuple)] if isinstance(self.branches, tuple) else []
        starts = [one[0] for one in pairs if [*map(type, one)] == [int, int] and 1 <= one[0] < one[1]]
        if starts and len(starts) == len(self.branches) and starts == sorted(set(starts)):
            return []
        rule = "at least one pair (start, length), 1 <= start < length, by ascending start"
        return [Problem(self.kind, "branches", rule, shown(self.branches))]

    @property
    def budget(self) -> int:
        """Updates of the constant run and of all branches."""
        return self.branches[-1][0] + sum(length - start for start, length in self.branches)

    def whole(self, start: int, length: int, level: float | None = None) -> Schedule:
        """The schedule that ends the branch from `start`; before that it is right where the run was at the constant rate.

        Args:
            start: Updates before it.
            length: Updates of the whole run.
            level: The factor that it begins at; None for that of the run's schedule, or 1.
        """
        if self.schedule is None:
            return recipes.wsd(length, warmup=self.warmup, cooldown=length - start)
        level = self.schedule(start) if level is None else level
        return (Hold(start) >> linear(length - start)) * level

    def told(self, start: int, length: int) -> str:
        """The same in words."""
        steered = self.controller or self.schedule
        return f"{steered}, from update {start} linear({length - start})" if steered else str(self.whole(start, length))

    def work(
        self, on_progress: Callable[[int], None], files: dict[str, bytes]
    ) -> tuple[Mapping[str, dict[str, float | None]], int]:
        """Train; kept are the test metric of each branch, and the logs of all runs, from which forecasts are made."""
        from ..engines.training import run

        name = f"rate{self.peak_rate:g}-seed{self.seed}".replace("+", "")
        points: dict[int, Point] = {}
        keep = {start: lambda point: points.update({point.updates: point}) for start, _ in self.branches}
        schedule = self.schedule or recipes.with_warmup(recipes.constant(), self.warmup)
        trunk = RunSpec(self.task, schedule, self.peak_rate, self.seed, self.branches[-1][0], self.controller)
        constant = run(trunk, on_progress, keep=keep)
        files[f"{name}-trunk.csv"] = _log(constant)
        made, values = constant.updates, dict[str, dict[str, float | None]]()
        for start, length in self.branches:
            values[str(start)] = {"test": None}
            if (point := points.pop(start, None)) is None:  # the constant run diverged before
                continue
            level = point.rates[-1] / self.peak_rate if self.controller else None
            whole = RunSpec(self.task, self.whole(start, length, level), self.peak_rate, self.seed, length)
            record = run(whole, lambda updates, skip=made - start: on_progress(skip + updates), start=point)
            values[str(start)] = {"test": record.test and record.test.metric}
            files[f"{name}-branch{start}.csv"] = _log(record)
            made += record.updates - start
        return values, made


def _log(record: Record) -> bytes:
    """Rates and training losses of a run, as the room of logs reads them."""
    pairs = enumerate(zip(record.rates, record.losses, strict=True), 1)
    rows = [f"{k * record.stride},{rate!r},{loss!r}" for k, (rate, loss) in pairs if loss is not None]
    return "\n".join(["step,lr,loss", *rows, ""]).encode()


@dataclass(frozen=True)
class Branch:
    """One cooldown.

    Args:
        start: Updates at the constant rate before it.
        cooldown: Updates of the decay.
        schedule: The whole schedule that it ends, as text.
        values: Test metric of each seed; None where the run diverged.
        test: Mean and interval over the seeds that did not diverge; None if all did.
    """

    start: int
    cooldown: int
    schedule: str
    values: tuple[float | None, ...]
    test: Estimate | None


@dataclass(frozen=True, kw_only=True)
class Branched(Tabled):
    """A constant run and its cooldowns.

    Args:
        peak_rate: The peak rate.
        branches: One a point, in the order of their starts.
        updates: Optimizer updates made for each seed.
        updates_apart: Updates that whole runs of the same lengths would have made.
        schedule: What the run follows that they branch off; empty for a constant rate.
    """

    peak_rate: float
    branches: tuple[Branch, ...]
    updates: int
    updates_apart: int
    schedule: str = ""

    def table(self) -> str:
        """A line a branch, as plain text."""
        steered = f", {self.schedule}" if self.schedule else ""
        title = f"{self.task}: cooldowns from one run at {self.peak_rate:g}{steered}, {len(self.seeds)} seeds"
        lines = [title, *([self.changed] if self.changed else [])]
        lines.append(f"{'updates':>9}  {'cooldown':>8}  test {self.metric} ({self.unit})")
        for one in self.branches:
            texts = ["diverged" if one.test is None else number(one.test.mean, self.unit)]
            texts += [f"({spread(one.test, self.unit)})"] if one.test and one.test.low is not None else []
            lost = sum(value is None for value in one.values)
            texts += [f"{lost} of {len(one.values)} diverged"] if lost and one.test else []
            lines.append("  ".join([f"{one.start + one.cooldown:>9}", f"{one.cooldown:>8}", *texts]))
        saved = 1.0 - self.updates / self.updates_apart
        lines.append(f"{self.updates} updates a seed instead of {self.updates_apart}: {100 * saved:.0f} % saved.")
        return "\n".join(lines) + "\n"


def branches(
    task: str | Task = "mnist1d-cnn",
    points: Sequence[int] = (800, 1600, 3200),
    *,
    schedule: str | Schedule | None = None,
    share: float = 0.2,
    seeds: Seeds = 5,
    peak_rate: float | None = None,
    out: str | Path,
    engine: Engine | None = None,
    progress: Watcher | None = None,
    command: str = "",
) -> Branched:
    """Train at a constant rate and let linear cooldowns branch off.

    The same call on the same folder goes on where the last one stopped: every seed that has a record is done.

    Args:
        task: Name or task. Its share of warmup is of the shortest branch, and the same for all.
        points: After how many updates to branch off; all different, each at least 1.
        schedule: What the run follows, as for `compare`: a plateau too. None for the task's warmup and a constant rate.
        share: Part of a branch's whole length that is cooldown, in (0, 1).
        seeds: How many, or which.
        peak_rate: Base learning rate, finite, above 0; None for the task's default.
        out: Folder for `records`, `branches.json`, `branches.txt` and `logs`, a CSV a run, from which `glidepath forecast` fits its
            laws; each written whole.
        engine: What carries out the jobs, one a seed; None for one worker process a processor.
        progress: Who hears how far it is; None for nobody.
        command: What makes this again, for the cheaper one that is proposed.

    Returns:
        What every branch ended with, on test data.

    Raises:
        GlidepathError: If an argument breaks its rule above, all problems in one message, nothing trained or written; if
            another process is writing to `out`; or if jobs failed, after all others have ended and been kept.
        KeyboardInterrupt: On Ctrl-C, after the workers have ended. Records made so far stay; the same call goes on.
    """
    checks = Checks("branches")
    starts: list[int] = []
    if isinstance(points, str) or not isinstance(points, Sequence):
        checks.refuse("points", "a list of numbers of updates", points)
    else:
        starts = sorted(checks.distinct("points", points, Count))
    share = checks.take("share", share, real(above=0, below=1))
    peak_rate = checks.take("peak_rate", peak_rate, Positive | None)
    checks.done()
    row = one_row(task, schedule or "constant", seeds, peak_rate=peak_rate, budget=starts[-1], where="branches")
    lengths = {start: start + max(1, round(start * share / (1.0 - share))) for start in starts}
    warmup = 0 if schedule else min(starts[0], round(row[0].task.warmup * lengths[starts[0]]))
    pairs = tuple(lengths.items())
    jobs = [BranchJob(one.task, one.peak_rate, one.seed, warmup, pairs, *followed(one, schedule)) for one in row]
    folder = Path(out)
    refuse(session_problems("branches", folder, engine, jobs))
    with opened("branches", folder, engine, progress, folder / "logs", command) as session:
        return put("branches", folder, _made(jobs, session.records(jobs)), "branches.json", "branches.txt")


def _made(jobs: Sequence[BranchJob], records: Mapping[str, Measured]) -> Branched:
    job, found = jobs[0], list[Branch]()
    for start, length in job.branches:
        values = tuple(records[one.hash].values[str(start)]["test"] for one in jobs)
        found.append(Branch(start, length - start, job.told(start, length), values, left(values)))
    facts = facts_of(jobs)
    facts |= {"updates": job.budget, "updates_apart": sum(length for _, length in job.branches)}
    return Branched(peak_rate=job.peak_rate, branches=tuple(found), schedule=told_of(job), **facts)

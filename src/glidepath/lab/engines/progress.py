"""How far a command is and how long it will take: a status as a value, who receives it, a bar for the terminal, an estimate in words."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from ..records.jobs import Job
from ..tasks.declared import TASKS, Cifar100, Images, Task

_Jobs = Sequence[Job[Any]]
_Paces = dict[str, tuple[float, int]]
_MEASURED_SECONDS = 1.0
_LINE_SECONDS = 20.0
_WORTH_SAYING = 60.0
_LONG = 900.0
_FEWER = 3


@dataclass(frozen=True)
class Status:
    """How far a command is.

    Args:
        runs_done: Runs that have a record, those found on disk included.
        runs_total: All runs.
        updates_done: Optimizer updates made or found.
        updates_total: All optimizer updates.
        seconds: Time since the first run was started.
        seconds_left: Estimate of the time left; None until the updates of every task have shown their speed.
        told: Where a single run is; empty where the number of runs says it.
    """

    runs_done: int
    runs_total: int
    updates_done: int
    updates_total: int
    seconds: float
    seconds_left: float | None
    told: str = ""


class Watcher(Protocol):
    """Whoever wants to know how far a command is."""

    def status(self, status: Status) -> None:
        """Take the newest status; called several times a second."""

    def note(self, text: str) -> None:
        """Take a sentence that a reader should see: a damaged record, a worker that died."""


class Silent(Watcher):
    """Looks away."""


class Meter:
    """Counts jobs and updates and estimates the time left from the speed of each task.

    Args:
        specs: All jobs.
        found: Those that have a record already.
        command: What makes them again, for the cheaper one that is proposed.
        told: Tasks whose time was told already.
        later: Updates of jobs that will be asked for later.
    """

    def __init__(
        self, specs: _Jobs, found: _Jobs = (), command: str = "", told: set[str] | None = None, later: int = 0
    ) -> None:
        self._command, self._told, self._later = command, set[str]() if told is None else told, later
        self._all = {spec.hash: spec for spec in specs}
        self._made = {spec.hash: spec.budget for spec in found}
        self._ended = set(self._made)
        self._started = time.monotonic()
        self._spent, self._begun, self._pace = _Paces(), _Paces(), _Paces()

    def advanced(self, spec: Job[Any], updates: int) -> None:
        """A job has made so many updates; 0 when it starts again."""
        now = time.monotonic()
        begun, first = self._begun.setdefault(spec.hash, (now, updates))
        if updates < first:
            self._begun[spec.hash] = now, updates
        elif updates > first and now - begun > _MEASURED_SECONDS:
            self._pace[spec.task.name] = now - begun, updates - first
        self._made[spec.hash] = min(updates, spec.budget)

    def ended(self, spec: Job[Any], seconds: float | None = None, updates: int = 0) -> None:
        """A job is over, after so many seconds for so many updates; None if it failed."""
        self._made[spec.hash] = spec.budget
        self._ended.add(spec.hash)
        if seconds is not None and updates:
            before, count = self._spent.get(spec.task.name, (0.0, 0))
            self._spent[spec.task.name] = (before + seconds, count + updates)

    def update_seconds(self, task: str) -> float | None:
        """Seconds of an update of a task, measured on the jobs that are over, or else on the first updates; None before."""
        seconds, updates = self._spent.get(task) or self._pace.get(task) or (0.0, 0)
        return seconds / updates if updates else None

    def missing(self, task: str) -> int:
        """Updates that the jobs of a task have still to make."""
        return sum(spec.budget - self._made.get(key, 0) for key, spec in self._all.items() if spec.task.name == task)

    def foretold(self, job: Job[Any], side_by_side: int = 1) -> str:
        """How long the jobs of a job's task will take, once, as soon as their first updates are measured; empty otherwise."""
        task, each = job.task, self.update_seconds(job.task.name)
        if each is None or task.name in self._told:
            return ""
        self._told.add(task.name)
        return estimate(task, each, self.missing(task.name) + self._later, side_by_side, self._command)

    def status(self, side_by_side: int = 1, told: str = "") -> Status:
        """The status now.

        Args:
            side_by_side: Jobs that go on at the same time.
            told: See `Status`.
        """
        left: float | None = 0.0
        for task in {spec.task.name for spec in self._all.values()}:
            missing, seconds = self.missing(task), self.update_seconds(task)
            if missing:
                left = None if left is None or seconds is None else left + missing * seconds / side_by_side
        made, whole = sum(self._made.values()), sum(spec.budget for spec in self._all.values())
        seconds = time.monotonic() - self._started
        return Status(len(self._ended), len(self._all), made, whole, seconds, left, told)


class CommandPart(NamedTuple):
    """What a part of a command trains.

    Args:
        runs: How many runs or other jobs.
        updates: Updates of all of them.
        cost: What they cost beside the other parts: a rough time, or the updates.
    """

    runs: int
    updates: int
    cost: float


def _together(*parts: CommandPart) -> CommandPart:
    return CommandPart(*(sum(column) for column in zip(CommandPart(0, 0, 0.0), *parts, strict=True)))


class CommandProgress:
    """Turns the progress of one part of a command after another into that of all.

    The time left is the cost of what is missing, stretched by how long what was made here really took, from the first
    progress on: what was found, and the start of the workers, say nothing about it.

    Args:
        watcher: Who hears it.
        parts: All parts, in the order in which they begin.
    """

    def __init__(self, watcher: Watcher, parts: Iterable[CommandPart]) -> None:
        self._watcher, self._coming, self._started = watcher, list(parts), time.monotonic()
        self._over = self._part = _together()
        self._free, self._fresh = 0.0, True  # cost of what was found
        self._first: tuple[float, float] | None = None  # when there was progress first, and how much

    def begin(self, count: int = 1) -> None:
        """The next part begins, or several of them as one."""
        self._over, self._fresh = _together(self._over, self._part), True
        self._part, self._coming = _together(*self._coming[:count]), self._coming[count:]

    @property
    def later(self) -> int:
        """Updates of the parts that are still to begin."""
        return _together(*self._coming).updates

    def skip(self, count: int) -> None:
        """So many of the last parts are not needed."""
        self._coming = self._coming[: max(0, len(self._coming) - count)]

    def status(self, status: Status) -> None:
        """Pass on."""
        done = status.updates_done / max(1, status.updates_total) * self._part.cost
        self._free, self._fresh = self._free + self._fresh * done, False
        now, made = time.monotonic(), self._over.cost + done - self._free
        if self._first is None and made > 0.0:
            self._first = now, made
        whole = _together(self._over, self._part, *self._coming)
        left = whole.cost - self._over.cost - done
        began, before = self._first or (now, made)
        rest = left * (now - began) / (made - before) if made > before else None if left else 0.0
        runs = self._over.runs + status.runs_done, whole.runs
        updates = self._over.updates + status.updates_done, whole.updates
        self._watcher.status(Status(*runs, *updates, now - self._started, rest))

    def note(self, text: str) -> None:
        """Pass on."""
        self._watcher.note(text)


class Bar:
    """A progress bar on standard error: runs, updates, time left. Use it as a context manager; it begins with the first status.

    Where that is no terminal, a plain line now and then: every 20 seconds, later whenever a tenth of the time so far has
    passed again.

    Args:
        console: Where to draw; None for standard error.
    """

    def __init__(self, console: Console | None = None) -> None:
        self._began = self._told = time.monotonic()
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("training"),
            BarColumn(bar_width=None),
            TextColumn("{task.percentage:>3.0f} % {task.fields[runs]}"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[left]}"),
            console=console or Console(stderr=True),
            expand=True,
        )
        self._bar = self._progress.add_task("training", total=None, runs="", left="")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if self._progress.live.is_started:
            self._progress.stop()

    def status(self, status: Status) -> None:
        """Redraw, or write a line if it is time for one."""
        left = "" if status.seconds_left is None else f"{_clock(status.seconds_left)} left"
        runs = status.told or f"{status.runs_done}/{status.runs_total} runs"
        if not self._progress.console.is_terminal:
            now = time.monotonic()
            if now - self._told >= max(_LINE_SECONDS, 0.1 * (now - self._began)):
                self._told = now
                self.note(", ".join(filter(None, (runs, left))))
            return
        self._progress.start()  # once: it knows
        made, whole = status.updates_done, status.updates_total
        self._progress.update(self._bar, completed=made, total=whole, runs=runs, left=left)

    def note(self, text: str) -> None:
        """Print a sentence above the bar, as it is: no markup, no links, no pictures for `:words:`."""
        self._progress.console.print(Text(text), soft_wrap=True)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def estimate(task: Task, seconds: float, updates: int, side_by_side: int, command: str) -> str:
    """The time that the updates of a task will take, in words; empty for less than a minute.

    Args:
        task: The task.
        seconds: Of one update, as measured.
        updates: All that are to be made.
        side_by_side: Jobs that go on at the same time.
        command: What was asked for; a cheaper one is proposed where it takes more than a quarter of an hour.

    Examples:
        >>> from glidepath.lab import find_task
        >>> print(estimate(find_task("cifar100"), 8.1, 315_900, 2, "glidepath compare -t cifar100 --seeds 5"))
        cifar100: about 355 hours (315,900 updates of 8.1 s, 2 at a time).
        Nearly the same far sooner, on generated images of the same shape: glidepath compare -t images --seeds 5
        >>> estimate(find_task("images"), 0.02, 18_000, 2, "glidepath compare -t images")
        'images: about 0.05 hours (3 minutes; 18,000 updates of 0.02 s, 2 at a time).'
    """
    total = updates * seconds / side_by_side
    if total < _WORTH_SAYING:
        return ""
    hours = total / 3600
    short = "" if hours >= 2 else f"{total / 60:.0f} minutes; "
    took = f"{hours:.0f}" if hours >= 10 else f"{hours:.2g}"
    many = f", {side_by_side} at a time" if side_by_side > 1 else ""
    text = f"{task.name}: about {took} hours ({short}{updates:,} updates of {seconds:.2g} s{many})."
    return f"{text}\n{_cheaper(task, command)}" if total > _LONG else text


def _cheaper(task: Task, command: str) -> str:
    shell, other = command.startswith("glidepath "), command.replace(task.name, "images")
    if isinstance(task.data, Cifar100) and task.name in command:
        other = _small(other, task.budget) if shell else other
        return f"Nearly the same far sooner, on generated images of the same shape: {other}"
    if isinstance(task.data, Images) and shell and task.model != TASKS["images"].model:
        return f"Nearly the same far sooner, with the small network of the task: {_small(command, task.budget)}"
    if " find " in command:
        return "Cheaper: without --verify, or with a lower --budget, which is another question."
    seeds = re.search(r" (?:--seeds|-s)[ =](\d+)", command)
    several = not command.startswith("glidepath train")
    if shell and several and (seeds is None or int(seeds[1]) > _FEWER):
        fewer = (command if seeds is None else command.replace(seeds[0], "")) + f" --seeds {_FEWER}"
        return f"Nearly the same with wider intervals: {fewer}"
    shorter = f"fewer updates a run, such as a budget of {max(1, task.budget // 4)}"
    return f"Cheaper: {shorter}, to which the named schedules are sized; or fewer schedules."


def _small(command: str, budget: int) -> str:
    """A command without what makes a run of the generated images long: another network, its precision, passes over all the data."""
    lengths = r" (?:-n|--budget|--epochs|--length)[ =](?:'[^']*'|\S+)"
    # A schedule that is written out is as long as it says: the runs stay as long as it.
    written = "(" in command and " compare" in command
    kept = re.sub(r" --amp| --model[ =]\S+" + ("" if written else "|" + lengths), "", command)
    return kept + (f" --budget {budget}" if written and not re.search(lengths, command) else "")

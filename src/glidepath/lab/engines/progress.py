"""How far a command is: a status as a value, the protocol that receives it, and a bar for the terminal."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, NamedTuple, Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from ..records.jobs import Job
from .estimate import estimate


@dataclass(frozen=True)
class Status:
    """How far a command is.

    Args:
        runs_done: Runs that have a record, those found on disk included.
        runs_found: Of these, the ones found on disk.
        runs_total: All runs.
        updates_done: Optimizer updates made or found.
        updates_total: All optimizer updates.
        seconds: Time since the first run was started.
        seconds_left: Estimate of the time left; None until the updates of every task have shown their speed.
        told: Where a single run is; empty where the number of runs says it.
    """

    runs_done: int
    runs_found: int
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
        ...

    def note(self, text: str) -> None:
        """Take a sentence that a reader should see: a damaged record, a worker that died."""
        ...


class Silent:
    """Looks away."""

    def status(self, status: Status) -> None:
        """Do nothing."""
        del status

    def note(self, text: str) -> None:
        """Do nothing."""
        del text


_MEASURED_SECONDS = 1.0


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
        self,
        specs: Sequence[Job[Any]],
        found: Sequence[Job[Any]] = (),
        command: str = "",
        told: set[str] | None = None,
        later: int = 0,
    ) -> None:
        self._command, self._told, self._later = command, set[str]() if told is None else told, later
        self._found = len(found)
        self._all = {spec.hash: spec for spec in specs}
        self._made = {spec.hash: spec.budget for spec in found}
        self._ended = set(self._made)
        self._started = time.monotonic()
        self._spent: dict[str, tuple[float, int]] = {}
        self._begun: dict[str, tuple[float, int]] = {}
        self._pace: dict[str, tuple[float, int]] = {}

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
        return Status(len(self._ended), self._found, len(self._all), made, whole, seconds, left, told)


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
        self._found = self._found_now = 0
        self._free: float = 0.0  # cost of what was found
        self._fresh = True
        self._first: tuple[float, float] | None = None  # when there was progress first, and how much

    def begin(self, count: int = 1) -> None:
        """The next part begins, or several of them as one."""
        self._over, self._found, self._found_now = _together(self._over, self._part), self._found + self._found_now, 0
        self._part, self._coming, self._fresh = _together(*self._coming[:count]), self._coming[count:], True

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
        self._free, self._fresh, self._found_now = self._free + self._fresh * done, False, status.runs_found
        now, made = time.monotonic(), self._over.cost + done - self._free
        if self._first is None and made > 0.0:
            self._first = now, made
        whole = _together(self._over, self._part, *self._coming)
        left = whole.cost - self._over.cost - done
        began, before = self._first or (now, made)
        rest = left * (now - began) / (made - before) if made > before else None if left else 0.0
        runs = self._over.runs + status.runs_done, self._found + status.runs_found, whole.runs
        updates = self._over.updates + status.updates_done, whole.updates
        self._watcher.status(Status(*runs, *updates, now - self._started, rest))

    def note(self, text: str) -> None:
        """Pass on."""
        self._watcher.note(text)


_LINE_SECONDS = 20.0


class Bar:
    """A progress bar on standard error: runs, updates, time left. Use it as a context manager; it begins with the first status.

    Where that is no terminal, a plain line now and then: every 20 seconds, later whenever a tenth of the time so far has
    passed again.

    Args:
        console: Where to draw; None for standard error.
        clock: Seconds from anywhere, rising.
    """

    def __init__(self, console: Console | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began = self._told = clock()
        self._drawn = False
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("training"),
            BarColumn(bar_width=None),
            TextColumn("{task.percentage:>3.0f} %"),
            TextColumn("{task.fields[runs]}"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[left]}"),
            console=console or Console(stderr=True),
            expand=True,
        )
        self._bar = self._progress.add_task("training", total=None, runs="", left="")

    def __enter__(self) -> Bar:
        self._began = self._told = self._clock()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        del kind, error, trace
        if self._drawn:
            self._progress.stop()

    def status(self, status: Status) -> None:
        """Redraw, or write a line if it is time for one."""
        left = "" if status.seconds_left is None else f"{_clock(status.seconds_left)} left"
        runs = status.told or f"{status.runs_done}/{status.runs_total} runs"
        if not self._progress.console.is_terminal:
            now = self._clock()
            if now - self._told >= max(_LINE_SECONDS, 0.1 * (now - self._began)):
                self._told = now
                self.note(", ".join(filter(None, (runs, left))))
            return
        if not self._drawn:
            self._drawn = True
            self._progress.start()
        self._progress.update(
            self._bar, completed=status.updates_done, total=status.updates_total, runs=runs, left=left
        )

    def note(self, text: str) -> None:
        """Print a sentence above the bar, as it is: no markup, no links, no pictures for `:words:`."""
        self._progress.console.print(Text(text), soft_wrap=True)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"

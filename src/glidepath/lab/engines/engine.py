"""Engines: they carry out jobs and tell what happens. An engine writes no files; whoever called it keeps the records.

`InProcess` carries them out one after another here, `Workers` in processes of their own, `Ray` on the nodes of a
cluster. All give the same records.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol, runtime_checkable

from ...core import GlidepathError
from ..records.jobs import Job
from .machine import computing_on, devices_of


@dataclass(frozen=True)
class Capacity:
    """How many jobs can go on at the same time; told at the start and whenever it changes. One until it is told.

    Args:
        jobs: So many. At least 1.
    """

    jobs: int


@dataclass(frozen=True)
class Advanced:
    """A job has made some updates.

    Args:
        spec: The job.
        updates: Updates made so far in this try.
    """

    spec: Job[Any]
    updates: int


@dataclass(frozen=True)
class Finished:
    """A job is over, by its end or by divergence.

    Args:
        record: What it measured.
        files: The files of the record, whole, by name.
    """

    record: Any
    files: Mapping[str, bytes] = field(default_factory=dict[str, bytes])


@dataclass(frozen=True)
class Retried:
    """A worker or a node died and a job that it held starts again.

    Args:
        spec: The job.
        reason: How it ended.
    """

    spec: Job[Any]
    reason: str


@dataclass(frozen=True)
class Failed:
    """A job was given up.

    Args:
        spec: The job.
        reason: What went wrong.
    """

    spec: Job[Any]
    reason: str


Event = Capacity | Advanced | Finished | Retried | Failed


@runtime_checkable
class Engine(Protocol):
    """Whatever can carry out jobs.

    An engine that cannot carry out every job, or needs a package, has a method `refuse(jobs)` besides, which raises a
    `GlidepathError`: commands call it before they write anything.
    """

    def execute(self, specs: Sequence[Job[Any]], emit: Callable[[Event], None]) -> None:
        """Carry out jobs; every one ends in one `Finished` or one `Failed`, in any order.

        Args:
            specs: What to do; no two equal.
            emit: Called for every event, in the thread that called this. What it raises stops the engine and comes out
                of here, as does Ctrl-C, after every helper process has ended.
        """


class Dispatch:
    """The driver's side of an engine whose workers may die: which jobs wait, and what was tried how often.

    Args:
        specs: The jobs.
        emit: Called for every event.
        tries: How often a job is started before it is given up.
    """

    def __init__(self, specs: Sequence[Job[Any]], emit: Callable[[Event], None], tries: int = 3) -> None:
        self.waiting = deque(specs)
        self.open = len(specs)
        self.tries, self.emit = tries, emit
        self.tried: Counter[str] = Counter()

    def again(self, spec: Job[Any], reason: str) -> None:
        """A job that was in hand has no outcome: it waits again, in front, or is given up."""
        self.tried[spec.hash] += 1
        if self.tried[spec.hash] >= self.tries:
            self._close(Failed(spec, f"given up after {self.tries} tries; {reason}"))
        else:
            self.waiting.appendleft(spec)
            self.emit(Retried(spec, reason))

    def hear(self, spec: Job[Any], message: Mapping[str, Any]) -> bool:
        """Takes what `glidepath.lab.engines.worker.outcome` and its reports say of a job; returns whether it is over."""
        if "advanced" in message:
            self.emit(Advanced(spec, message["advanced"]))
        elif "failed" in message:
            self._close(Failed(spec, message["failed"]))
        else:
            self._close(Finished(spec.record_from_dict(message["finished"]), message["files"]))
        return "advanced" not in message

    def _close(self, event: Finished | Failed) -> None:
        self.open -= 1
        self.emit(event)


@dataclass(frozen=True)
class InProcess:
    """Jobs one after another in this process: for one run, for tests, and where processes cannot be started.

    Args:
        device: What they compute on: see `glidepath.lab.engines.machine.devices_of`. The first, where there are several.
    """

    device: str = "auto"

    def refuse(self, specs: Sequence[Job[Any]]) -> None:
        """Refuse a device that is not here."""
        devices_of(self.device, specs)

    def execute(self, specs: Sequence[Job[Any]], emit: Callable[[Event], None]) -> None:
        """Carry out jobs, in order. See `Engine.execute`."""
        # Imported here, with torch: a command that trains nothing does not wait for it.
        from .training import carry_out

        heard: list[BaseException] = []

        def tell(spec: Job[Any], updates: int) -> None:
            try:
                emit(Advanced(spec, updates))
            except BaseException as error:
                heard.append(error)
                raise

        with computing_on(devices_of(self.device, specs)[0]):
            for spec in specs:
                try:
                    event: Event = carry_out(spec, partial(tell, spec))
                except Exception as error:
                    if heard:
                        raise
                    ours = isinstance(error, GlidepathError)
                    event = Failed(spec, str(error) if ours else f"{type(error).__name__}: {error}")
                emit(event)

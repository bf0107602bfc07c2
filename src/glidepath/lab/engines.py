"""Engines: they carry out runs and tell what happens. An engine writes no files; whoever called it keeps the records.

`InProcess` runs one after another here; `Workers` runs them in processes of their own. All give the same records.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from glidepath.lab.runs import Record, RunSpec

__all__ = ["Advanced", "Engine", "Event", "Failed", "Finished", "InProcess", "Retried"]


@dataclass(frozen=True)
class Advanced:
    """A run has made some updates.

    Args:
        spec: The run.
        updates: Updates made so far in this try.
    """

    spec: RunSpec
    updates: int


@dataclass(frozen=True)
class Finished:
    """A run is over, by its end or by divergence.

    Args:
        record: What it measured.
    """

    record: Record


@dataclass(frozen=True)
class Retried:
    """A worker died and its run starts again.

    Args:
        spec: The run.
        reason: How the worker ended.
    """

    spec: RunSpec
    reason: str


@dataclass(frozen=True)
class Failed:
    """A run was given up.

    Args:
        spec: The run.
        reason: What went wrong.
    """

    spec: RunSpec
    reason: str


Event = Advanced | Finished | Retried | Failed


@runtime_checkable
class Engine(Protocol):
    """Whatever can carry out runs."""

    def execute(self, specs: Sequence[RunSpec], emit: Callable[[Event], None]) -> None:
        """Carry out runs; every one ends in one `Finished` or one `Failed`, in any order.

        Args:
            specs: What to run; no two equal.
            emit: Called for every event, in the thread that called this. What it raises stops the engine and comes out
                of here, as does Ctrl-C, after every helper process has ended.
        """
        ...


@dataclass(frozen=True)
class InProcess:
    """Runs one after another in this process: for one run, for tests, and where processes cannot be started."""

    def execute(self, specs: Sequence[RunSpec], emit: Callable[[Event], None]) -> None:
        """Carry out runs, in order. See `Engine.execute`."""
        from glidepath.lab.training import run

        for spec in specs:
            try:
                record = run(spec, lambda updates, spec=spec: emit(Advanced(spec, updates)))
            except (ImportError, RuntimeError, TypeError, MemoryError) as error:
                emit(Failed(spec, f"{type(error).__name__}: {error}"))
            else:
                emit(Finished(record))

"""Jobs: the values that engines carry out. A run is one kind; the snapshots and the branches of one seed are others.

A job says everything that decides its outcome, turns into JSON and back, and has a hash that names its record. So any
process, here or on another machine, can carry it out, and a folder of records is a memory.
"""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, Protocol, TypeVar, cast

from glidepath.core.errors import GlidepathError
from glidepath.lab.tasks import Task

__all__ = ["Done", "Job", "Outcome", "job_from_dict", "job_to_dict"]

_HOMES = {
    "run": ("glidepath.lab.runs", "RunSpec"),
    "snapshots": ("glidepath.lab.snapshot_job", "SnapshotJob"),
    "branches": ("glidepath.lab.branch_job", "BranchJob"),
}
"""Every kind of job and its class. What is read from JSON is of one of these: nothing else is imported for it."""


class Outcome(Protocol):
    """What a job measured: a record, which turns into plain JSON."""

    @property
    def spec(self) -> "Job[Any]":
        """The job."""
        ...

    @property
    def updates(self) -> int:
        """Optimizer updates made."""
        ...

    @property
    def wall_seconds(self) -> float:
        """Time on the clock."""
        ...

    @property
    def data_sha256(self) -> str:
        """Hash of the data it was made from."""
        ...

    @property
    def files(self) -> Mapping[str, str]:
        """Name and sha256, in hex, of every file that belongs to the record."""
        ...

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data, without NaN or infinity."""
        ...


OutcomeT = TypeVar("OutcomeT", bound=Outcome, covariant=True)  # noqa: PLC0105 - reads as one word everywhere


@dataclass(frozen=True)
class Done(Generic[OutcomeT]):
    """A job carried out.

    Args:
        record: What it measured.
        files: What it made besides, whole, by name; whoever keeps the record keeps them beside it.
    """

    record: OutcomeT
    files: Mapping[str, bytes] = field(default_factory=dict[str, bytes])


class Job(Protocol[OutcomeT]):
    """A specification of work: frozen, hashable, plain JSON both ways."""

    kind: ClassVar[str]

    @property
    def task(self) -> Task:
        """What is trained."""
        ...

    @property
    def seed(self) -> int:
        """Decides initial weights and the order of the minibatches."""
        ...

    @property
    def budget(self) -> int:
        """Optimizer updates of the whole job, for progress."""
        ...

    @property
    def hash(self) -> str:
        """The name of the record: sha256, in hex, of what decides the outcome."""
        ...

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data from which `from_dict` makes an equal job."""
        ...

    @classmethod
    def from_dict(cls, data: dict[str, Any], /) -> "Job[OutcomeT]":
        """The job that `to_dict` wrote; refuses anything else with a `GlidepathError`."""
        ...

    @staticmethod
    def record_from_dict(data: object, /) -> OutcomeT:
        """The record that its `to_dict` wrote; refuses anything else with a `GlidepathError`."""
        ...

    def carry_out(self, on_progress: Callable[[int], None], /) -> Done[OutcomeT]:
        """Do the work, in this process.

        Args:
            on_progress: Called with the updates made so far, about ten times a second.
        """
        ...


def job_to_dict(job: Job[Any]) -> dict[str, Any]:
    """A job of any kind as plain JSON data, with its kind."""
    return {"kind": job.kind, "job": job.to_dict()}


def job_from_dict(data: object) -> Job[Any]:
    """The job that `job_to_dict` wrote.

    Args:
        data: Plain JSON data.

    Raises:
        GlidepathError: If the kind is unknown, or a field is missing, unknown or breaks its rule.
    """
    given = cast("dict[str, Any]", data) if isinstance(data, dict) else {}
    if sorted(given) != ["job", "kind"] or given["kind"] not in _HOMES:
        raise GlidepathError.of("job", "data", f"a job of kind {', '.join(_HOMES)}", data)
    module, name = _HOMES[given["kind"]]
    return getattr(importlib.import_module(module), name).from_dict(given["job"])

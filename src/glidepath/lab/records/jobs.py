"""Jobs: the values that engines carry out, and the records of what they measured.

A run is one kind, in `runs`; the snapshots and the branches of one seed are others, which measure named numbers and make files.
A job says everything that decides its outcome, turns into JSON and back, and has a hash that names its record. So any
process, here or on another machine, can carry it out, and a folder of records is a memory.
"""

from __future__ import annotations

import abc
import dataclasses
import functools
import importlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Generic, Self, TypeVar, cast, get_type_hints

from pydantic import PlainSerializer, PlainValidator

from ... import Schedule
from ...core import GlidepathError, Problem, digest, refuse, settle
from ...core.fields import Positive, Seed
from ...feedback import Controller
from ..plain import Plain, plain
from ..tasks.declared import Task

# Every kind of job and its class. What is read from JSON is of one of these: nothing else is imported for it.
_HOMES = {
    "run": ("glidepath.lab.records.runs", "RunSpec"),
    "snapshots": ("glidepath.lab.search.snapshots", "SnapshotJob"),
    "branches": ("glidepath.lab.search.branches", "BranchJob"),
}


@plain(kw_only=True)
class Kept(Plain):
    """What every record holds.

    Args:
        spec: The job.
        files: Name and sha256, in hex, of every file made.
        updates: Optimizer updates made.
        wall_seconds: Time on the clock, the making of the data left out.
        cpu_seconds: Processor time of the process, the making of the data left out.
        data_sha256: Hash of the data.
        versions: Of python, torch, numpy, glidepath.
        machine: Platform, processor, processor count, threads.

    Raises:
        ValidationError: If a number is not finite or a field has the wrong type (pydantic's, a `ValueError`).
    """

    called: ClassVar[str] = "record"
    spec: Any
    files: dict[str, str] = field(default_factory=dict[str, str])
    updates: int
    wall_seconds: float
    cpu_seconds: float
    data_sha256: str
    versions: dict[str, str]
    machine: dict[str, str | int]


RecordT = TypeVar("RecordT", bound=Kept, covariant=True)  # noqa: PLC0105 - reads as one word everywhere


class Job(Generic[RecordT]):
    """What every job is: a frozen dataclass with a task, a rate and a seed, checked whole, and plain JSON both ways.

    Args:
        task: What is trained.
        peak_rate: Base learning rate. Finite, above 0.
        seed: Decides initial weights and the order of the minibatches. In [0, 2^32).
        budget: Optimizer updates of the whole job.
    """

    kind: ClassVar[str]
    task: Task
    peak_rate: Positive
    seed: Seed
    budget: Any

    def __post_init__(self) -> None:
        checks = settle(self, self.kind)
        if not isinstance(self.task, Task):
            checks.refuse("task", "a Task", self.task)
        refuse([*checks.problems, *self.problems()])

    def problems(self) -> Sequence[Problem | None]:
        """What else is wrong, besides what the types of the fields say."""
        return ()

    def identity(self) -> dict[str, Any]:
        """What decides the outcome, as plain JSON data."""
        return {**self.to_dict(), "task": self.task.identity(), "kind": self.kind}

    @property
    def hash(self) -> str:
        """The name of the record: sha256, in hex, of the canonical JSON of what decides the outcome."""
        return digest(self.identity())

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data from which `from_dict` makes an equal job."""
        values = {name: getattr(self, name) for name in _fields(type(self))}
        given = {name: value for name, value in values.items() if value is not None}
        return {name: value.to_dict() if name in _READERS else value for name, value in given.items()}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """The job that `to_dict` wrote.

        Args:
            data: Plain JSON data.

        Raises:
            GlidepathError: If a field is missing, unknown or breaks its rule.
        """
        free = {each.name for each in dataclasses.fields(cls) if each.default is None}  # type: ignore[arg-type]
        names = [name for name in _fields(cls) if name not in free]
        if not isinstance(data, dict) or sorted(set(data) - free) != sorted(names):
            found = sorted(data) if isinstance(data, dict) else data
            raise GlidepathError.of(cls.kind, "fields", ", ".join(names), found)
        return cls(**{name: _READERS.get(name, lambda value: value)(value) for name, value in data.items()})

    @abc.abstractmethod
    def record_from_dict(self, data: object) -> RecordT:
        """The record that its `to_dict` wrote; refuses anything else with a `GlidepathError`."""


# The fields of jobs that are values of their own.
_READERS: Mapping[str, Callable[[Any], Any]] = {
    "task": Task.from_dict,
    "schedule": Schedule.from_dict,
    "controller": Controller.of,
}


@functools.cache
def _fields(kind: Any) -> dict[str, Any]:
    """The fields of a kind of job with their types."""
    hints = get_type_hints(kind, include_extras=True)
    return {one.name: hints[one.name] for one in dataclasses.fields(kind)}


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


def read_by(read: Callable[[Any], Job[Any]]) -> PlainValidator:
    """How a record reads its job, which it may also be given."""
    return PlainValidator(lambda value: value if isinstance(value, Job) else read(value))


@plain(kw_only=True)
class Measured(Kept):
    """What a job of several runs measured.

    Args:
        values: For every name the numbers, by what they are, such as `test`; None where a run diverged.
    """

    spec: Annotated[Any, read_by(job_from_dict), PlainSerializer(job_to_dict)]
    values: dict[str, dict[str, float | None]]


@dataclass(frozen=True)
class MeasuredJob(Job[Measured], abc.ABC):
    """A job that gives a `Measured`. Its fields but the task are plain JSON data.

    Args:
        task: What is trained.
        peak_rate: Base learning rate. Finite, above 0.
        seed: Decides initial weights and the order of the minibatches. In [0, 2^32).
    """

    task: Task
    peak_rate: Positive
    seed: Seed

    def record_from_dict(self, data: object) -> Measured:
        """The record that `Measured.to_dict` wrote."""
        return Measured.from_dict(data)

    @abc.abstractmethod
    def work(
        self, on_progress: Callable[[int], None], files: dict[str, bytes]
    ) -> tuple[Mapping[str, dict[str, float | None]], int]:
        """Do the work, in this process.

        Args:
            on_progress: Called with the updates made so far.
            files: Gets the files that are made.

        Returns:
            The numbers, as in `Measured.values`, and the updates made.
        """


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """Where a set of records comes from.

    Args:
        data_sha256: Hash of the data, the same in all; None where there are none.
        versions: By package; several, sorted and joined, where records were made by different ones.
        machines: A line a machine.
        cpu_seconds: Processor time of all; None where it was not recorded.
    """

    data_sha256: str | None
    versions: dict[str, str]
    machines: tuple[str, ...]
    cpu_seconds: float | None


def machine_line(machine: Mapping[str, str | int]) -> str:
    """What is known of a machine, in one line.

    Examples:
        >>> machine_line({"platform": "Linux x86_64", "cpus": 2})
        'cpus 2, platform Linux x86_64'
    """
    return ", ".join(f"{name} {value}" for name, value in sorted(machine.items()))


def provenance(records: Iterable[Kept], what: str) -> Provenance:
    """Where records come from, taken together.

    Args:
        records: At least one.
        what: What they are records of, for the error.

    Raises:
        GlidepathError: If they were made with different data.
    """
    every = list(records)
    data = sorted({record.data_sha256 for record in every})
    if len(data) > 1:
        raise GlidepathError.of("comparison", f"records of {what}", "made from one set of data", data)
    names = sorted({name for record in every for name in record.versions})
    found = {name: sorted({record.versions.get(name, "none") for record in every}) for name in names}
    return Provenance(
        data_sha256=data[0],
        versions={name: " and ".join(several) for name, several in found.items()},
        machines=tuple(sorted({machine_line(record.machine) for record in every})),
        cpu_seconds=round(sum(record.cpu_seconds for record in every), 3),
    )

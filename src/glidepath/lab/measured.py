"""Jobs of several runs, and what they measure: named numbers, and the files made besides."""

import abc
import dataclasses
import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from typing import Annotated, Any, ClassVar, Self, cast

from pydantic import ConfigDict, PlainSerializer, PlainValidator, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from glidepath.core.checks import problem_of, refuse
from glidepath.core.errors import GlidepathError, Problem, shown
from glidepath.core.fields import Positive, Seed
from glidepath.core.files import digest
from glidepath.lab.adapting import from_pydantic
from glidepath.lab.jobs import Done, Job, job_from_dict, job_to_dict
from glidepath.lab.tasks import Task

__all__ = ["Measured", "MeasuredJob"]


def _job(value: object) -> Job[Any]:
    return job_from_dict(value) if isinstance(value, dict) else cast("Job[Any]", value)


@dataclass(frozen=True, kw_only=True, config=ConfigDict(extra="forbid", allow_inf_nan=False))
class Measured:
    """What a job measured.

    Args:
        spec: The job.
        values: For every name the numbers, by what they are, such as `test`; None where a run diverged.
        files: Name and sha256, in hex, of every file made.
        updates: Optimizer updates made.
        wall_seconds: Time on the clock, the making of the data left out.
        cpu_seconds: Processor time of the process, the making of the data left out.
        data_sha256: Hash of the data.
        versions: Of python, torch, numpy, glidepath.
        machine: Platform, processor count, threads.

    Raises:
        ValidationError: If a number is not finite or a field has the wrong type (pydantic's, a `ValueError`).
    """

    spec: Annotated[Any, PlainValidator(_job), PlainSerializer(job_to_dict)]
    values: dict[str, dict[str, float | None]]
    files: dict[str, str] = field(default_factory=dict[str, str])
    updates: int
    wall_seconds: float
    cpu_seconds: float
    data_sha256: str
    versions: dict[str, str]
    machine: dict[str, str | int]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data, without NaN or infinity."""
        return _ADAPTER.dump_python(self, mode="json")

    @classmethod
    def from_dict(cls, data: object) -> "Measured":
        """The record that `to_dict` wrote.

        Args:
            data: Plain JSON data.

        Raises:
            GlidepathError: If a field is missing, unknown or breaks its rule; all problems in one message.
        """
        try:
            return _ADAPTER.validate_json(json.dumps(data))
        except ValidationError as error:
            raise from_pydantic("record", error) from None


_ADAPTER: TypeAdapter[Measured] = TypeAdapter(Measured)


@dataclasses.dataclass(frozen=True)
class MeasuredJob(abc.ABC):
    """A job that gives a `Measured`. Its fields but the task are plain JSON data.

    Args:
        task: What is trained.
        peak_rate: Base learning rate. Finite, above 0.
        seed: Decides initial weights and the order of the minibatches. In [0, 2^32).
    """

    kind: ClassVar[str]
    task: Task
    peak_rate: float
    seed: int

    def __post_init__(self) -> None:
        task = None if isinstance(self.task, Task) else Problem(self.kind, "task", "a Task", shown(self.task))
        rate, seed = (
            problem_of(self.kind, "peak_rate", self.peak_rate, Positive),
            problem_of(self.kind, "seed", self.seed, Seed),
        )
        refuse([task, rate, seed, *self.problems()])
        object.__setattr__(self, "peak_rate", float(self.peak_rate))

    @abc.abstractmethod
    def problems(self) -> Sequence[Problem | None]:
        """What is wrong with the fields of its own."""

    @property
    @abc.abstractmethod
    def budget(self) -> int:
        """Updates of all its runs together."""

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

    @property
    def hash(self) -> str:
        """The name of the record: sha256, in hex, of what decides the outcome."""
        return digest({**self.to_dict(), "task": self.task.identity(), "kind": self.kind})

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data from which `from_dict` makes an equal job."""
        return {**{one.name: getattr(self, one.name) for one in dataclasses.fields(self)}, "task": self.task.to_dict()}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """The job that `to_dict` wrote.

        Args:
            data: Plain JSON data.

        Raises:
            GlidepathError: If a field is missing, unknown or breaks its rule.
        """
        names = [one.name for one in dataclasses.fields(cls)]
        if not isinstance(data, dict) or sorted(data) != sorted(names):
            found = sorted(data) if isinstance(data, dict) else data
            raise GlidepathError.of(cls.kind, "fields", ", ".join(names), found)
        fields: dict[str, Any] = {**data, "task": Task.from_dict(data["task"])}
        return cls(**fields)

    @staticmethod
    def record_from_dict(data: object) -> Measured:
        """The record that `Measured.to_dict` wrote."""
        return Measured.from_dict(data)

    def carry_out(self, on_progress: Callable[[int], None]) -> Done[Measured]:
        """Do the work and say what it took, in this process. See `glidepath.lab.jobs.Job.carry_out`."""
        from glidepath.lab.data import load
        from glidepath.lab.training import machine, versions

        data = load(self.task.data)
        files: dict[str, bytes] = {}
        wall, cpu = time.perf_counter(), time.process_time()
        values, updates = self.work(on_progress, files)
        record = Measured(
            spec=self,
            values=dict(values),
            files={name: hashlib.sha256(one).hexdigest() for name, one in files.items()},
            updates=updates,
            wall_seconds=time.perf_counter() - wall,
            cpu_seconds=time.process_time() - cpu,
            data_sha256=data.sha256,
            versions=versions(),
            machine=machine(),
        )
        return Done(record, files)

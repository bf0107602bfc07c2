"""Jobs of several runs, and what they measure: named numbers, and the files made besides."""

from __future__ import annotations

import abc
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, cast

from pydantic import PlainSerializer, PlainValidator

from ...core.fields import Positive, Seed
from ..plain import Plain, plain
from ..tasks.declared import Task
from .jobs import Job, Specified, job_from_dict, job_to_dict

__all__ = ["Measured", "MeasuredJob"]


def _job(value: object) -> Job[Any]:
    return job_from_dict(value) if isinstance(value, dict) else cast("Job[Any]", value)


@plain(kw_only=True)
class Measured(Plain):
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

    called: ClassVar[str] = "record"
    spec: Annotated[Any, PlainValidator(_job), PlainSerializer(job_to_dict)]
    values: dict[str, dict[str, float | None]]
    files: dict[str, str] = field(default_factory=dict[str, str])
    updates: int
    wall_seconds: float
    cpu_seconds: float
    data_sha256: str
    versions: dict[str, str]
    machine: dict[str, str | int]


@dataclass(frozen=True)
class MeasuredJob(Specified, abc.ABC):
    """A job that gives a `Measured`. Its fields but the task are plain JSON data.

    Args:
        task: What is trained.
        peak_rate: Base learning rate. Finite, above 0.
        seed: Decides initial weights and the order of the minibatches. In [0, 2^32).
    """

    task: Task
    peak_rate: Positive
    seed: Seed

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

    @staticmethod
    def record_from_dict(data: object) -> Measured:
        """The record that `Measured.to_dict` wrote."""
        return Measured.from_dict(data)

"""What jobs other than single runs measure: some named numbers, and the files made besides."""

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Annotated, Any, cast

from pydantic import ConfigDict, PlainSerializer, PlainValidator, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from glidepath.lab._checks import from_pydantic
from glidepath.lab.jobs import Done, Job, job_from_dict, job_to_dict

__all__ = ["Measured", "measure"]


def _job(value: object) -> Job[Any]:
    return job_from_dict(value) if isinstance(value, dict) else cast("Job[Any]", value)


@dataclass(frozen=True, kw_only=True, config=ConfigDict(extra="forbid", allow_inf_nan=False))
class Measured:
    """What a job measured.

    Args:
        spec: The job.
        values: The numbers, by name; None where a run diverged.
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
    values: dict[str, float | None]
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


def measure(
    spec: Job[Measured], work: Callable[[dict[str, bytes]], tuple[Mapping[str, float | None], int]]
) -> Done[Measured]:
    """Carry out the work of a job and say what it took.

    Args:
        spec: The job.
        work: Gets a dict for the files that it makes; returns the numbers and the updates made.
    """
    from glidepath.lab.data import load
    from glidepath.lab.training import _machine, versions

    data = load(spec.task.data)
    files: dict[str, bytes] = {}
    wall, cpu = time.perf_counter(), time.process_time()
    values, updates = work(files)
    record = Measured(
        spec=spec,
        values=dict(values),
        files={name: hashlib.sha256(one).hexdigest() for name, one in files.items()},
        updates=updates,
        wall_seconds=time.perf_counter() - wall,
        cpu_seconds=time.process_time() - cpu,
        data_sha256=data.sha256,
        versions=versions(),
        machine=_machine(),
    )
    return Done(record, files)

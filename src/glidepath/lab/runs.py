"""Runs are values: a specification goes in, a record comes out; both are plain JSON.

The hash of a specification names its record, so that a folder of records is a memory: what is there is not run again.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, cast

from pydantic import ConfigDict, PlainSerializer, PlainValidator, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as validated

from glidepath import Schedule
from glidepath.core.checks import problem_of, refuse
from glidepath.core.errors import GlidepathError, Problem, shown
from glidepath.core.fields import Count, Positive, Seed
from glidepath.core.files import digest
from glidepath.lab.adapting import from_pydantic
from glidepath.lab.jobs import Done
from glidepath.lab.tasks import Task

__all__ = ["Evaluation", "Record", "RunSpec"]

_CONFIG = ConfigDict(extra="forbid", allow_inf_nan=False)


@dataclass(frozen=True)
class RunSpec:
    """Everything that decides the outcome of one run.

    Args:
        task: What is trained.
        schedule: Factor on the peak rate, by update.
        peak_rate: Base learning rate. Finite, above 0.
        seed: Decides initial weights and the order of the minibatches, the same for every schedule. In [0, 2^32).
        budget: Optimizer updates. At least 1.

    Raises:
        GlidepathError: If an argument breaks its rule above; all problems in one message.
    """

    kind: ClassVar[str] = "run"
    task: Task
    schedule: Schedule
    peak_rate: float
    seed: int
    budget: int

    def __post_init__(self) -> None:
        task = None if isinstance(self.task, Task) else Problem("run", "task", "a Task", shown(self.task))
        schedule = (
            None
            if isinstance(self.schedule, Schedule)
            else Problem("run", "schedule", "a Schedule", shown(self.schedule))
        )
        rate, seed = (
            problem_of("run", "peak_rate", self.peak_rate, Positive),
            problem_of("run", "seed", self.seed, Seed),
        )
        refuse([task, schedule, rate, seed, problem_of("run", "budget", self.budget, Count)])
        object.__setattr__(self, "peak_rate", float(self.peak_rate))

    @property
    def hash(self) -> str:
        """The name of the run: sha256, in hex, of the canonical JSON of what decides its outcome."""
        identity = {
            "task": self.task.identity(),
            "schedule": self.schedule.fingerprint,
            "peak_rate": self.peak_rate,
            "seed": self.seed,
            "budget": self.budget,
        }
        return digest(identity)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data from which `from_dict` makes an equal specification."""
        return {
            "task": self.task.to_dict(),
            "schedule": self.schedule.to_dict(),
            "peak_rate": self.peak_rate,
            "seed": self.seed,
            "budget": self.budget,
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "RunSpec":
        """The specification that `to_dict` wrote.

        Args:
            data: Plain JSON data.

        Raises:
            GlidepathError: If a field is missing, unknown or breaks its rule.
        """
        fields = ("task", "schedule", "peak_rate", "seed", "budget")
        if not isinstance(data, dict) or sorted(data) != sorted(fields):
            found = sorted(data) if isinstance(data, dict) else data
            raise GlidepathError.of("run", "fields", ", ".join(fields), found)
        return cls(
            task=Task.from_dict(data["task"]),
            schedule=Schedule.from_dict(data["schedule"]),
            peak_rate=data["peak_rate"],
            seed=data["seed"],
            budget=data["budget"],
        )

    @staticmethod
    def record_from_dict(data: object) -> "Record":
        """The record that `Record.to_dict` wrote. See `Record.from_dict`."""
        return Record.from_dict(data)

    def carry_out(self, on_progress: Callable[[int], None]) -> Done["Record"]:
        """Train and measure, in this process. See `glidepath.lab.run`."""
        from glidepath.lab.training import run

        return Done(run(self, on_progress))


@validated(frozen=True, config=_CONFIG)
class Evaluation:
    """A measurement between two updates.

    Args:
        updates: Updates made before it.
        loss: Mean loss, in nats; None if it was not finite.
        metric: The task's metric, in its unit; None if it was not finite.
        top5: Share of the targets that are not among the five classes held most likely, in percent; None for fewer than 20 classes.
    """

    updates: int
    loss: float | None
    metric: float | None
    top5: float | None = None


def _spec(value: object) -> RunSpec:
    return value if isinstance(value, RunSpec) else RunSpec.from_dict(cast("dict[str, Any]", value))


@validated(frozen=True, kw_only=True, config=_CONFIG)
class Record:
    """What one run did and measured.

    Args:
        spec: What was run.
        stride: Updates that one entry of `rates` and `losses` stands for: 1 in short runs.
        rates: Learning rate used by the first update of every stride.
        losses: Training loss, the mean over each stride, in nats; None where it was not finite.
        evaluations: Validations during the run.
        test: The final measurement on test data, made once, after the last update; None if the run diverged.
        updates: Updates made.
        diverged_at: The update whose loss was not finite, which ended the run; None if there was none.
        wall_seconds: Time on the clock, the making of the data left out.
        cpu_seconds: Processor time of the process, the making of the data left out.
        data_sha256: Hash of the data.
        versions: Of python, torch, numpy, glidepath.
        machine: Platform, processor, processor count, threads.

    Raises:
        ValidationError: If a number is not finite or a field has the wrong type (pydantic's, a `ValueError`).
    """

    spec: Annotated[RunSpec, PlainValidator(_spec), PlainSerializer(RunSpec.to_dict)]
    stride: int
    rates: tuple[float, ...]
    losses: tuple[float | None, ...]
    evaluations: tuple[Evaluation, ...]
    test: Evaluation | None
    updates: int
    diverged_at: int | None
    wall_seconds: float
    cpu_seconds: float
    data_sha256: str
    versions: dict[str, str]
    machine: dict[str, str | int]

    @property
    def files(self) -> Mapping[str, str]:
        """Files that belong to the record: none."""
        return MappingProxyType({})

    @property
    def diverged(self) -> bool:
        """Whether the loss stopped being finite."""
        return self.diverged_at is not None

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data, without NaN or infinity."""
        return _RECORD.dump_python(self, mode="json")

    @classmethod
    def from_dict(cls, data: object) -> "Record":
        """The record that `to_dict` wrote.

        Args:
            data: Plain JSON data.

        Raises:
            GlidepathError: If a field is missing, unknown or breaks its rule; all problems in one message.
        """
        try:
            return _RECORD.validate_json(json.dumps(data))
        except ValidationError as error:
            raise from_pydantic("record", error) from None


_RECORD: TypeAdapter[Record] = TypeAdapter(Record)

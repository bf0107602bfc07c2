"""Runs are values: a specification goes in, a record comes out; both are plain JSON.

The hash of a specification names its record, so that a folder of records is a memory: what is there is not run again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from pydantic import PlainSerializer

from ... import Schedule
from ...core.fields import Count, Positive, Seed
from ...feedback import Controller
from ..plain import plain
from ..tasks.declared import Task
from .jobs import Job, Kept, read_by


@dataclass(frozen=True)
class RunSpec(Job["Record"]):
    """Everything that decides the outcome of one run.

    Args:
        task: What is trained.
        schedule: Factor on the peak rate, by update.
        peak_rate: Base learning rate. Finite, above 0.
        seed: Decides initial weights and the order of the minibatches, the same for every schedule. In [0, 2^32).
        budget: Optimizer updates. At least 1.
        controller: What cuts the rate after a validation; None for nobody.

    Raises:
        GlidepathError: If an argument breaks its rule above; all problems in one message.
    """

    kind: ClassVar[str] = "run"
    task: Task
    schedule: Schedule
    peak_rate: Positive
    seed: Seed
    budget: Count
    controller: Controller | None = None

    def identity(self) -> dict[str, Any]:
        """What decides the outcome, as plain JSON data."""
        fields = {"peak_rate": self.peak_rate, "seed": self.seed, "budget": self.budget}
        steered = {"controller": self.controller.to_dict()} if self.controller else {}
        return fields | {"task": self.task.identity(), "schedule": self.schedule.fingerprint} | steered

    def record_from_dict(self, data: object) -> Record:
        """The record that `Record.to_dict` wrote. See `Record.from_dict`."""
        return Record.from_dict(data)


@plain()
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


@plain(kw_only=True)
class Record(Kept):
    """What one run did and measured.

    Args:
        spec: What was run.
        stride: Updates that one entry of `rates` and `losses` stands for: 1 in short runs.
        rates: Learning rate used by the first update of every stride.
        losses: Training loss, the mean over each stride, in nats; None where it was not finite.
        evaluations: Validations during the run.
        test: The final measurement on test data, made once, after the last update; None if the run diverged.
        diverged_at: The update whose loss was not finite, which ended the run; None if there was none.
    """

    spec: Annotated[RunSpec, read_by(RunSpec.from_dict), PlainSerializer(RunSpec.to_dict)]
    stride: int
    rates: tuple[float, ...]
    losses: tuple[float | None, ...]
    evaluations: tuple[Evaluation, ...]
    test: Evaluation | None
    diverged_at: int | None

    @property
    def last(self) -> float | None:
        """The validation metric after the last update; None for a run that diverged."""
        return None if self.test is None or not self.evaluations else self.evaluations[-1].metric

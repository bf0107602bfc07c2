"""What a run did: every update's rate and loss, thinned in long runs, and its measurements; plain data in the checkpoint and the record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from ..engines.training import finite_number
from ..records.runs import Evaluation

MOST = 2048
"""Rows that the history of a run has, as long as it is not extended."""


@dataclass
class History:
    """What a run did so far.

    Row i stands for the updates from `i * stride`: it has position and values of the first and the mean loss of all, so that what is kept
    is a function of the updates alone, however often the run was interrupted.

    Args:
        parameters: The hyper-parameters that are driven.
        stride: Updates of a row.
        rows: For each: samples, tokens, the sum of its losses, their number, the values.
        evaluations: Validations.
        test: The measurement at the end; None before.
        decisions: What the plan's controllers made of the validations.
        segments: One entry for each time that processes took it up: where, how many, what had changed since.
        seconds: Time on the clock, in all.
        diverged_at: The update whose loss was not finite on some process, and which was not made.
    """

    parameters: list[str]
    stride: int = 1
    rows: list[list[float]] = field(default_factory=list[list[float]])
    evaluations: list[Evaluation] = field(default_factory=list[Evaluation])
    test: Evaluation | None = None
    decisions: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    segments: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    seconds: float = 0.0
    diverged_at: int | None = None

    def add(self, update: int, samples: int, tokens: int, loss: float, values: Sequence[float]) -> None:
        """Adds an update; they come in turn.

        Args:
            update: Its index.
            samples: Samples that were seen before it.
            tokens: Tokens that were seen before it.
            loss: The mean loss of its samples.
            values: What it was made with, a number for each hyper-parameter.
        """
        if update % self.stride:
            row = self.rows[-1]
            row[2], row[3] = row[2] + loss, row[3] + 1
        else:
            self.rows.append([samples, tokens, loss, 1, *values])

    def columns(self) -> dict[str, Any]:
        """The record's part: all but the rows, and those by name: `update`, `samples`, `tokens`, `loss` and each hyper-parameter."""
        told = {name: value for name, value in asdict(self).items() if name not in ("parameters", "rows")}
        values = {name: [row[4 + i] for row in self.rows] for i, name in enumerate(self.parameters)}
        return told | {
            "update": [self.stride * i for i in range(len(self.rows))],
            "samples": [row[0] for row in self.rows],
            "tokens": [row[1] for row in self.rows],
            "loss": [finite_number(row[2] / row[3]) for row in self.rows],
            **values,
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> History:
        """The history of which `asdict` made plain data."""
        test = data["test"] and Evaluation(**data["test"])
        read: dict[str, Any] = {"evaluations": [Evaluation(**one) for one in data["evaluations"]], "test": test}
        return cls(**data | read)

"""What a run did: every update's rate and loss, thinned as the run grows, and its measurements; plain data in the checkpoint and the record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from ..engines.training import finite_number
from ..records.runs import Evaluation

__all__ = ["History", "Rates"]

_MOST = 2048


class Rates:
    """Every update's position, loss and driven values, in at most 2048 rows.

    Row i stands for the updates from `i * stride`: it has position and values of the first and the mean loss of all. The stride doubles
    when the rows are full, so that what is kept is a function of the updates alone, however often the run was interrupted.

    Args:
        parameters: The hyper-parameters that are driven.
        stride: Updates of a row.
        rows: For each: samples, tokens, the sum of its losses, their number, the values.
    """

    def __init__(self, parameters: Sequence[str], stride: int = 1, rows: Sequence[Sequence[float]] = ()) -> None:
        self.parameters, self.stride = tuple(parameters), stride
        self.rows = [list(row) for row in rows]

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
            return
        if len(self.rows) == _MOST:
            self.stride *= 2
            pairs = zip(self.rows[::2], self.rows[1::2], strict=True)
            self.rows = [[a[0], a[1], a[2] + b[2], a[3] + b[3], *a[4:]] for a, b in pairs]
        self.rows.append([samples, tokens, loss, 1, *values])

    def columns(self) -> dict[str, list[Any]]:
        """The rows by name: `update`, `samples`, `tokens`, `loss` and each hyper-parameter."""
        made: dict[str, list[Any]] = {
            "update": [self.stride * i for i in range(len(self.rows))],
            "samples": [row[0] for row in self.rows],
            "tokens": [row[1] for row in self.rows],
            "loss": [finite_number(row[2] / row[3]) for row in self.rows],
        }
        return made | {name: [row[4 + i] for row in self.rows] for i, name in enumerate(self.parameters)}

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data; every number as it is."""
        return {"parameters": list(self.parameters), "stride": self.stride, "rows": self.rows}


@dataclass
class History:
    """What a run did so far.

    Args:
        trace: Its updates.
        evaluations: Validations.
        test: The measurement at the end; None before.
        decisions: What the plan's controllers made of the validations.
        segments: One entry for each time that processes took it up: where, how many, what had changed since.
        seconds: Time on the clock, in all.
        diverged_at: The update whose loss was not finite on some process, and which was not made.
    """

    trace: Rates
    evaluations: list[Evaluation] = field(default_factory=list[Evaluation])
    test: Evaluation | None = None
    decisions: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    segments: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    seconds: float = 0.0
    diverged_at: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data."""
        told = {name: value for name, value in vars(self).items() if name != "diverged_at"}
        test = None if self.test is None else asdict(self.test)
        made = {"trace": self.trace.to_dict(), "evaluations": [asdict(one) for one in self.evaluations], "test": test}
        return told | made

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> History:
        """The history that `to_dict` wrote."""
        seen = [Evaluation(**one) for one in data["evaluations"]]
        test = None if data["test"] is None else Evaluation(**data["test"])
        read: dict[str, Any] = {"trace": Rates(**data["trace"]), "evaluations": seen, "test": test}
        return cls(**data | read)

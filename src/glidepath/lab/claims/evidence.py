"""What a trial measured, in the one form that every criterion reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ..report.statistics import whole

__all__ = ["Evidence"]

Losses = Mapping[float, Sequence[float | None]]


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """Numbers in rows and columns: a row a schedule or method, a column a seed (or a budget, where nothing is random).

    Args:
        metric: What `values` are, in words. Lower is better.
        unit: Their unit, as printed.
        columns: Heading of each column: a seed or a budget, in updates.
        values: By row, one number a column, on test data; None where the run diverged.
        losses: By row, then by peak rate: the validation loss after the last update of each seed, in nats, None where
            the run diverged. Empty where no criterion asks for it.
    """

    metric: str
    unit: str
    columns: Sequence[int]
    values: Mapping[str, Sequence[float | None]]
    losses: Mapping[str, Losses] = field(default_factory=dict[str, Losses])

    def whole(self, row: str) -> list[float] | None:
        """The values of a row; None if one is missing: the seeds that survive divergence are the lucky ones."""
        return whole(self.values[row])

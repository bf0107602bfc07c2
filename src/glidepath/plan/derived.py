"""What follows from a horizon: counts, a length in one unit as a length in another, and how it was derived."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

from ..core.fields import Broken
from .duration import Duration

__all__ = ["CLOCKS", "Clock", "Derived", "Stage"]

Clock = Literal["updates", "samples", "tokens", "epochs"]
CLOCKS = ("updates", "samples", "tokens", "epochs")


@dataclass(frozen=True)
class Stage:
    """A stretch of the run with one batch size.

    Args:
        begin: Where it begins, on the plan's clock.
        size: Samples of an update, over all processes.
    """

    begin: int
    size: int


@dataclass(frozen=True)
class Derived:
    """What follows from a horizon. None is unknown.

    Args:
        updates: Optimizer updates of the whole run.
        samples: Samples that they see, over all processes, repeated ones included.
        tokens: Tokens that they see.
        epochs: Passes through the data.
        updates_per_epoch: Updates of one pass.
        samples_per_epoch: Samples that the updates of one pass see.
        samples_per_update: Samples of a full update.
        tokens_per_sample: Tokens of a sample.
        lines: The derivation, a sentence each.
        stages: Batch sizes, where they change.
        length: The length that was given.
    """

    updates: int | None = None
    samples: int | None = None
    tokens: int | None = None
    epochs: Fraction | None = None
    updates_per_epoch: Fraction | None = None
    samples_per_epoch: int | None = None
    samples_per_update: int | None = None
    tokens_per_sample: int | None = None
    lines: tuple[str, ...] = ()
    stages: tuple[Stage, ...] = field(default=(), repr=False)
    length: Duration | None = None

    def total(self, clock: str) -> int | None:
        """Returns the length of the run on a clock; None if it is unknown.

        A budget in samples or tokens is itself on either clock: it does not depend on the batch, though the last update may pass it.
        """
        budget = self.length
        if budget is not None and {budget.unit, clock} <= {"samples", "tokens"}:
            if budget.unit == clock:
                return math.ceil(budget.amount)
            if self.tokens_per_sample is not None:
                return math.ceil(self.convert(budget.amount, budget.unit, clock))
        if clock == "epochs":
            return None if self.epochs is None else math.ceil(self.epochs)
        return {"updates": self.updates, "samples": self.samples, "tokens": self.tokens}[clock]

    def __str__(self) -> str:
        return "\n".join(self.lines)

    def counted(self, length: Duration, clock: str) -> Fraction | None:
        """Returns a length on a clock, exactly; None for a share of a run of unknown length, and for what is left of one.

        Raises:
            Broken: If its unit cannot be converted.
        """
        total = self.total(clock) if length.unit in ("percent", "rest") else 0
        if length.unit == "rest" or total is None:
            return None
        return (
            length.amount * total / 100 if length.unit == "percent" else self.convert(length.amount, length.unit, clock)
        )

    # A length in one unit, as a length in another -------------------------------------------------------------------------------------

    def convert(self, amount: Fraction, unit: str, clock: str) -> Fraction:
        """Returns a length of some unit as a length on a clock, exactly.

        Raises:
            Broken: If what it takes to convert is unknown, or changes during the run.
        """
        if unit == clock:
            return amount
        if {unit, clock} == {"updates", "epochs"}:
            each = self._known("updates_per_epoch", unit, clock)
            return amount * each if unit == "epochs" else amount / each
        if "updates" in (unit, clock) and len(self.stages) > 1:
            raise Broken(f"in samples, tokens or epochs where the clock counts {clock} and the batch size changes")
        return amount * self._size(unit, unit, clock) / self._size(clock, unit, clock)

    def _size(self, which: str, unit: str, clock: str) -> Fraction:
        """Returns how many samples one of a unit is."""
        if which == "samples":
            return Fraction(1)
        if which == "tokens":
            return 1 / self._known("tokens_per_sample", unit, clock)
        return self._known("samples_per_epoch" if which == "epochs" else "samples_per_update", unit, clock)

    def _known(self, name: str, unit: str, clock: str) -> Fraction:
        value = getattr(self, name)
        if value is None or value == 0:
            needs = {
                "updates_per_epoch": "horizon.samples and horizon.batch",
                "samples_per_epoch": "horizon.samples and horizon.batch",
                "samples_per_update": "horizon.batch",
                "tokens_per_sample": "horizon.tokens_per_sample",
            }[name]
            raise Broken(f"in {clock}, or convertible to them: {unit} are not", f"give {needs}")
        return Fraction(value)

    def first_update(self, clock: str) -> Fraction | None:
        """Returns how far the first update moves a clock; None if it is unknown."""
        size = self.stages[0].size if self.stages else self.samples_per_update
        if clock == "updates":
            return Fraction(1)
        if size is None or (clock == "tokens" and self.tokens_per_sample is None):
            return None
        if clock == "epochs":
            return None if self.updates_per_epoch is None else 1 / self.updates_per_epoch
        return Fraction(size * (self.tokens_per_sample or 1) if clock == "tokens" else size)

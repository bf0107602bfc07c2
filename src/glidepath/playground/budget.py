"""What a run may spend, in samples, epochs and tokens, and the updates that this comes to."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from glidepath.core.errors import GlidepathError
from glidepath.core.fields import MAX_STEPS
from glidepath.plan import Horizon

__all__ = ["Budget", "length_of"]

_Count = Annotated[int, Field(ge=1, le=10**15)]


class Budget(BaseModel):
    """The size of a run.

    Args:
        samples: Examples in the data.
        batch: Examples of one forward pass on one process.
        accumulation: Passes that one update collects.
        processes: Processes that each do so.
        epochs: How often the data are gone through; None where `tokens` says it.
        tokens: Tokens in all, instead of epochs.
        tokens_per_sample: Tokens of one example.
    """

    model_config = ConfigDict(extra="forbid")
    samples: _Count = 51_200
    batch: _Count = 128
    accumulation: Annotated[int, Field(ge=1, le=10**6)] = 1
    processes: Annotated[int, Field(ge=1, le=10**6)] = 1
    epochs: Annotated[float, Field(gt=0, le=1e9)] | None = 25.0
    tokens: Annotated[float, Field(gt=0, le=1e18)] | None = None
    tokens_per_sample: _Count = 1

    def horizon(self) -> Horizon:
        """Returns the horizon of a plan with this budget."""
        length = f"{self.tokens!r} tokens" if self.tokens is not None else f"{self.epochs or 1!r} epochs"
        return Horizon(
            length,
            self.samples,
            self.batch,
            self.accumulation,
            self.processes,
            tokens_per_sample=self.tokens_per_sample,
        )

    def settled(self) -> Settled:
        """Returns what the budget comes to, as a plan derives it."""
        return _settled(self.model_dump_json())


@functools.lru_cache(maxsize=256)
def _settled(budget: str) -> Settled:
    derived = Budget.model_validate_json(budget).horizon().derived()
    per_update = derived.samples_per_update or 1
    tokens = per_update * (derived.tokens_per_sample or 1)
    per_epoch = float(derived.updates_per_epoch or 1)
    updates = min(max(1, derived.updates or 1), MAX_STEPS)
    return Settled(updates, int(per_epoch) if per_epoch.is_integer() else per_epoch, per_update, tokens, derived.lines)


@dataclass(frozen=True)
class Settled:
    """What a budget comes to.

    Args:
        updates: Optimizer updates in all.
        per_epoch: Updates in an epoch.
        samples: Samples that an update consumes.
        tokens: Tokens that an update consumes.
        lines: How that was derived, a sentence each.
    """

    updates: int
    per_epoch: float
    samples: int
    tokens: int
    lines: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Returns it as JSON data."""
        return {
            "updates": self.updates,
            "per_epoch": self.per_epoch,
            "samples": self.samples,
            "tokens": self.tokens,
            "lines": self.lines,
        }


_UNITS = {"%": "percent", "ep": "epoch", "epoch": "epoch", "epochs": "epoch", "k": "thousand", "m": "million"}


def length_of(text: str, budget: Settled) -> int | None:
    """Returns the steps that a length with a unit means (`5%`, `2ep`, `10k`), or None if it has none.

    Args:
        text: What was typed.
        budget: What percents and epochs are of.

    Raises:
        GlidepathError: If it comes to less than nothing or is too large.
    """
    found = re.fullmatch(r"\s*([0-9_]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?)\s*([A-Za-z%]+)\s*", text)
    unit = _UNITS.get(found.group(2).lower()) if found else None
    if found is None or unit is None:
        return None
    scale: dict[str, Any] = {
        "percent": budget.updates / 100,
        "epoch": budget.per_epoch,
        "thousand": 1e3,
        "million": 1e6,
    }
    steps = float(found.group(1)) * scale[unit]
    if not 0 <= steps <= MAX_STEPS:
        raise GlidepathError.of("length", "", f"at most {MAX_STEPS} steps", text)
    return round(steps)

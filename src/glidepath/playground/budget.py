"""What a run may spend, in samples, epochs and tokens, and the updates that this comes to."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import Annotated

from ..core import Answer, GlidepathError
from ..core.fields import MAX_STEPS, integer, real
from ..plan import Horizon
from .asked import Asked, number_of, plain, typed

_Few = Annotated[int, typed(integer(1, 10**6))]
_Many = Annotated[int, typed(integer(1, 10**15))]


class Budget(Asked):
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

    samples: _Many = 51_200
    batch: _Many = 128
    accumulation: _Few = 1
    processes: _Few = 1
    epochs: Annotated[float, typed(real(above=0, high=1e9))] | None = 25.0
    tokens: Annotated[float, typed(real(above=0, high=1e18))] | None = None
    tokens_per_sample: _Many = 1

    def horizon(self) -> Horizon:
        """Returns the horizon of a plan with this budget."""
        length = f"{self.tokens!r} tokens" if self.tokens is not None else f"{self.epochs or 1!r} epochs"
        shared = ("samples", "batch", "accumulation", "processes", "tokens_per_sample")
        return Horizon(length, **{name: getattr(self, name) for name in shared})

    def settled(self) -> Settled:
        """Returns what the budget comes to, as a plan derives it."""
        return _settled(self)


USUAL = Budget()  # what the page begins with


@functools.lru_cache(maxsize=256)
def _settled(budget: Budget) -> Settled:
    derived = budget.horizon().derived()
    per_update = derived.samples_per_update or 1
    tokens = per_update * (derived.tokens_per_sample or 1)
    per_epoch = float(derived.updates_per_epoch or 1)
    updates = min(max(1, derived.updates or 1), MAX_STEPS)
    return Settled(updates, int(per_epoch) if per_epoch.is_integer() else per_epoch, per_update, tokens, derived.lines)


@dataclass(frozen=True)
class Settled(Answer):
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


def length_of(text: str, budget: Settled) -> int | None:
    """Returns the steps that a length with a unit means (`5%`, `2ep`, `10k`), or None if it has none.

    Args:
        text: What was typed.
        budget: What percents and epochs are of.

    Raises:
        GlidepathError: If it comes to less than nothing or is too large.
    """
    found = re.fullmatch(r"(.*[0-9.])\s*([A-Za-z%]+)", plain(text))
    epochs = dict.fromkeys(("ep", "epoch", "epochs"), budget.per_epoch)
    scales = {"%": budget.updates / 100, **epochs, "k": 1e3, "m": 1e6}
    scale = scales.get(found.group(2).lower()) if found else None
    count = number_of(found.group(1)) if found else None
    if count is None or scale is None:
        return None
    steps = count * scale
    if not 0 <= steps <= MAX_STEPS:
        raise GlidepathError.of("length", "", f"at most {MAX_STEPS} steps", text)
    return round(steps)

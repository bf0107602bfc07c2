"""What belongs beside the arrays of a checkpoint, and how a run goes on from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from ..core.codec import parsed
from ..core.errors import GlidepathError
from ..core.fields import number
from ..plan import Plan, Progress

if TYPE_CHECKING:
    from .driven import Driven

__all__ = ["FORMAT", "Resumed", "moved", "read"]

FORMAT = 1


class Resumed(NamedTuple):
    """How a run goes on.

    Args:
        optimizer: The transformation to go on with.
        state: Its state, in the place of the one that was restored.
        progress: The plan's progress.
        differences: What differs between the saved plan and the present one, a sentence each.
        seams: For every value that is driven, what the saved plan gives the next update and what is used.
    """

    optimizer: Driven
    state: Any
    progress: Progress
    differences: tuple[str, ...]
    seams: dict[str, tuple[float, float]]

    @property
    def jump(self) -> float:
        """The largest relative change of a value at the seam; 0.0 for none."""
        return max((abs(b - a) / max(abs(a), abs(b)) for a, b in self.seams.values() if a != b), default=0.0)


def read(saved: Any) -> tuple[Plan, dict[str, dict[str, float]], Progress]:
    """Returns plan, bases and progress of a document.

    Raises:
        GlidepathError: If it is none.
    """
    data = parsed(saved) if isinstance(saved, str | bytes) else saved
    rule = "what saved() returned, an object with glidepath, plan, bases and progress"
    if (
        not isinstance(data, Mapping)
        or set(data) != {"glidepath", "plan", "bases", "progress"}
        or data["glidepath"] != FORMAT
    ):
        raise GlidepathError.of("resumed", "saved", rule, saved)
    bases = data["bases"]
    rows = bases.values() if isinstance(bases, Mapping) else [None]
    if not all(isinstance(row, Mapping) and all(number(base) is not None for base in row.values()) for row in rows):
        raise GlidepathError.of("resumed", "saved.bases", "a base for each label and hyper-parameter", bases)
    plan = Plan.of(data["plan"])
    return plan, {label: dict(row) for label, row in bases.items()}, Progress.from_dict(data["progress"], plan)


def moved(before: dict[str, dict[str, float]], now: dict[str, dict[str, float]]) -> list[str]:
    """Returns the bases that differ, a sentence each."""
    rows = {(label, name) for bases in (before, now) for label, row in bases.items() for name in row}
    pairs = [
        (label, name, before.get(label, {}).get(name), now.get(label, {}).get(name)) for label, name in sorted(rows)
    ]
    return [f"base of {name} in {label}: saved {old}, now {new}" for label, name, old, new in pairs if old != new]

"""What a drop-in scheduler remembers between two steps to take the next one fast."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from operator import eq
from typing import Any

from .tensors import Sinks

__all__ = ["Cache", "close"]


def close(found: Sequence[float], known: Sequence[float], tolerance: float) -> bool:
    """Returns whether all numbers agree."""
    if len(found) != len(known):
        return False
    if tolerance == 0:
        return all(map(eq, found, known))
    return all(math.isclose(a, b, rel_tol=tolerance) for a, b in zip(found, known, strict=True))


class Cache:
    """What a scheduler remembers between two steps beside its attributes; never part of a state, a copy or a pickle."""

    __slots__ = (
        "anchored",
        "expected",
        "fresh",
        "groups",
        "marks",
        "owners",
        "quick",
        "sinks",
        "step",
        "target",
        "unit",
        "weight",
        "written",
    )

    def __init__(self) -> None:
        self.unit: Callable[[float], float] | None = None
        self.marks: Any = None  # a copy of what the unit was made of, where that can change in place
        self.step: Any = None  # the step of the last write
        self.fresh: Callable[[float], float] | None = None  # the unit of the last write
        self.target: Any = None  # the step that is being taken
        self.weight = 1.0
        self.anchored = False  # whether the rates are the base rates times the weight, nobody else having moved them
        self.written: list[Any] = []  # the objects that were left in the groups
        self.expected: list[float] = []
        self.owners: list[int] | None = None  # whom each place of the lists belongs to
        self.groups: list[Any] = []
        self.quick = False  # whether every rate and every end is a Python number
        self.sinks: Sinks | None = None

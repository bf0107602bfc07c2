"""What a drop-in scheduler remembers between two steps to take the next one fast."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from operator import eq
from typing import Any

from .tensors import Elsewhere, Memory

__all__ = ["Cache", "Lane", "close"]

Lane = Callable[[Any, "Cache", dict[str, Any], Any], bool]
"""A quick way of one step; see `lanes`."""


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
        "ends",
        "groups",
        "joined",
        "lane",
        "marks",
        "memory",
        "moves",
        "owners",
        "step",
        "target",
        "unit",
        "weighed",
        "weight",
        "written",
    )

    def __init__(self) -> None:
        self.unit: Callable[[Any], Any] | None = None  # the weight at a step
        self.marks: Any = None  # a copy of what it was made of, where that can change in place
        self.lane: Lane | None = None  # the quick way of the next step
        self.moves: Callable[[Any, dict[str, Any], Any], list[float] | None] | None = (
            None  # the same of what moves along
        )
        self.step: Any = None  # the step of the last write
        self.target: Any = None  # the step that is being taken
        self.weight: Any = 1.0  # the weight of the last write
        self.weighed: Callable[[Any], Any] | None = None  # what gave it
        self.ends: Any = None  # the ends that it was between
        self.anchored = False  # whether the rates are on the curve itself, nobody else having moved them
        self.written: list[float] = []  # the rates of the last write: where the groups have numbers, these objects
        self.memory: Memory | Elsewhere | None = None  # where they were written, if those are tensors
        self.groups: list[Any] = []  # the groups of the last write
        self.owners: list[int] | None = None  # whom each place of the lists belongs to
        self.joined: set[int] = set()  # who has joined since the last write

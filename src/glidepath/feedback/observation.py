"""What is fed to a controller, and what it answers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from ..core import Answer, GlidepathError, settle
from ..core.fields import MAX_STEPS, Broken, Check, Index, number

__all__ = ["Decision", "Observation", "measured"]

Action = Literal["first", "improved", "waiting", "cooling", "cut", "floor", "held", "steady", "stop"]


def _position(value: Any) -> int | float:
    plain = number(value)
    if plain is None or not 0 <= plain <= MAX_STEPS:
        raise Broken(f"a number from 0 to {MAX_STEPS}")
    return plain


# Where a run is, on a schedule's clock.
Position = Annotated[int | float, Check(_position, {"type": "number", "minimum": 0, "maximum": MAX_STEPS}, 0)]


def measured(value: Any, where: str = "observation") -> float:
    """Returns a measured value as a Python float: a real number, or an array or tensor with one element.

    NaN and infinities pass: what becomes of them is the controller's policy.

    Raises:
        GlidepathError: If it is text, a boolean, None, an array of several elements, or no number at all.
    """
    rule, item = "a real number, or an array of one element", getattr(value, "item", None)
    if number(value) is None and callable(item) and not isinstance(value, type):
        count = getattr(value, "numel", None)
        size = count() if callable(count) else getattr(value, "size", 1)
        if size != 1:
            remedy = "reduce it first, by its mean for instance"
            raise GlidepathError.of(where, "value", rule, f"{size} elements", remedy)
        value = item()
    plain = number(value)
    if plain is None:
        remedies = {"str": "text is not converted", "NoneType": "make no observation when there is no measurement"}
        raise GlidepathError.of(where, "value", rule, value, remedies.get(type(value).__name__, ""))
    try:
        return float(plain)
    except OverflowError:
        return math.inf if plain > 0 else -math.inf


@dataclass(frozen=True)
class Observation:
    """One measurement of one metric.

    Args:
        id: Which evaluation it was: an integer that grows from one to the next, such as the number of updates done. A controller takes
            each once.
        value: The measured value, as a number or an array of one element.
        at: Where the run was, on the schedule's clock; None is `id`.

    Raises:
        GlidepathError: If an argument breaks its rule.

    Examples:
        >>> Observation(500, 0.31)
        Observation(id=500, value=0.31, at=500)
    """

    id: Index
    value: float
    at: Position | None = None

    def __post_init__(self) -> None:
        checks = settle(self, "observation")
        with checks.kept():
            object.__setattr__(self, "value", measured(self.value))
        checks.done()
        object.__setattr__(self, "at", self.position)

    @property
    def position(self) -> int | float:
        """Where the run was, on the schedule's clock."""
        return self.id if self.at is None else self.at

    @classmethod
    def of(cls, given: Any, number: int | None = None) -> Observation:
        """Returns the observation that is given as itself, as a dict, or as `(id, value)` or `(id, value, at)`; with a number, as its value."""
        if isinstance(given, Observation):
            return given
        if isinstance(given, dict) and {"id", "value"} <= set(given) <= {"id", "value", "at"}:
            return cls(**given)
        if isinstance(given, list | tuple) and 2 <= len(given) <= 3:
            return cls(*given)
        if number is not None and not isinstance(given, dict | list | tuple):
            return cls(number, given)
        rule = "an Observation, an object with id, value and perhaps at, or (id, value)"
        raise GlidepathError.of("observation", "", rule, given)


@dataclass(frozen=True)
class Decision(Answer):
    """What a controller did with an observation.

    Args:
        id: The observation's id; None where there was none.
        action: `first`, `improved`, `waiting`, `cooling`, `cut`, `floor` (a cut was due, nothing is left to cut), `held` (not finite, absent,
            or before the controller's phase), `steady`, or `stop`.
        multiplier: The multiplier from now on, of a group without a floor of its own.
        reason: One sentence with the numbers that decided.
    """

    id: int | None
    action: Action
    multiplier: float
    reason: str

    def __str__(self) -> str:
        return f"{'-' if self.id is None else self.id}: {self.action}, x{self.multiplier:.6g}: {self.reason}"

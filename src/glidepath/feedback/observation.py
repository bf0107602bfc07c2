"""What is fed to a controller, and what it answers."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal

from ..core.errors import GlidepathError, Problem, shown
from ..core.fields import MAX_STEPS, number

__all__ = ["Action", "Decision", "Observation", "measured"]

Action = Literal["first", "improved", "waiting", "cooling", "cut", "floor", "held", "steady", "stop"]


def measured(value: Any, where: str = "observation") -> float:
    """Returns a measured value as a Python float: a real number, or an array or tensor with one element.

    NaN and infinities pass: what becomes of them is the controller's policy.

    Raises:
        GlidepathError: If it is text, a boolean, None, an array of several elements, or no number at all.
    """
    rule, remedy = "a real number, or an array of one element", ""
    item = getattr(value, "item", None)
    if number(value) is None and callable(item) and not isinstance(value, type):
        count = getattr(value, "numel", None)
        size = count() if callable(count) else getattr(value, "size", 1)
        if size != 1:
            raise GlidepathError.of(
                where, "value", rule, f"{size} elements", "reduce it first, by its mean for instance"
            )
        value = item()
    plain = number(value)
    if plain is None:
        if value is None:
            remedy = "make no observation when there is no measurement"
        elif isinstance(value, str):
            remedy = "text is not converted"
        raise GlidepathError.of(where, "value", rule, value, remedy)
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

    id: int
    value: float
    at: int | float | None = None

    def __post_init__(self) -> None:
        problems: list[Problem] = []
        plain = number(self.id)
        if plain is None or not 0 <= plain <= MAX_STEPS or plain != math.floor(plain):
            problems.append(Problem("observation", "id", f"an integer from 0 to {MAX_STEPS}", shown(self.id)))
        else:
            object.__setattr__(self, "id", int(plain))
        try:
            object.__setattr__(self, "value", measured(self.value))
        except GlidepathError as error:
            problems.extend(error.problems)
        at = self.id if self.at is None else number(self.at)
        if self.at is not None and (at is None or not 0 <= at <= MAX_STEPS):
            problems.append(Problem("observation", "at", f"a number from 0 to {MAX_STEPS}, or None", shown(self.at)))
        if problems:
            raise GlidepathError(problems)
        object.__setattr__(self, "at", at)

    @property
    def position(self) -> int | float:
        """Where the run was, on the schedule's clock."""
        return self.id if self.at is None else self.at

    @classmethod
    def of(cls, given: Any) -> Observation:
        """Returns the observation that is given as itself, as a dict, or as `(id, value)` or `(id, value, at)`."""
        if isinstance(given, Observation):
            return given
        if isinstance(given, dict):
            odd = [key for key in given if key not in ("id", "value", "at")]
            if odd or not {"id", "value"} <= set(given):
                raise GlidepathError.of("observation", "", "an object with id, value and perhaps at", given)
            return cls(**given)
        if isinstance(given, list | tuple) and 2 <= len(given) <= 3:
            return cls(*given)
        raise GlidepathError.of("observation", "", "an Observation, a dict, or (id, value)", given)


@dataclass(frozen=True)
class Decision:
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

    def to_dict(self) -> dict[str, Any]:
        """Returns the decision as JSON data."""
        return asdict(self)

    def __str__(self) -> str:
        return f"{'-' if self.id is None else self.id}: {self.action}, x{self.multiplier:.6g}: {self.reason}"

"""The rules that arguments are checked against before a schedule is made of them; every broken one is reported."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from ..core.errors import GlidepathError, Problem, did_you_mean, shown
from ..core.fields import MAX_STEPS, MAX_VALUE, number, simplest

__all__ = ["Checks"]


class Checks:
    """Checks the arguments of one call and collects what is wrong.

    A refused argument is replaced by a harmless one, so that the rest can be checked too; `done` raises if anything was refused.

    Args:
        where: What is called, such as `pytorch StepLR`.
    """

    def __init__(self, where: str) -> None:
        self.where = where
        self.problems: list[Problem] = []

    def refuse(self, field: str, rule: str, value: Any, remedy: str = "") -> None:
        """Notes a broken rule."""
        self.problems.append(Problem(self.where, field, rule, shown(value), remedy))

    def require(self, holds: bool, field: str, rule: str, value: Any, remedy: str = "") -> None:
        """Notes a broken rule unless it holds; skipped once something else is wrong, because it may only follow from that."""
        if not holds and not self.problems:
            self.refuse(field, rule, value, remedy)

    def done(self) -> None:
        """Raises everything that was noted.

        Raises:
            GlidepathError: If anything was.
        """
        if self.problems:
            raise GlidepathError(self.problems)

    def length(self, field: str, value: Any, low: int = 1, remedy: str = "") -> int:
        """Returns a whole number of steps from `low` on."""
        plain = number(value)
        if plain is None or not low <= plain <= MAX_STEPS or plain != math.floor(plain):
            self.refuse(field, f"an integer from {low} to {MAX_STEPS}", value, remedy)
            return max(low, 1)
        return int(plain)

    def span(self, field: str, value: Any) -> float:
        """Returns a number of steps above 0 that need not be whole."""
        plain = number(value)
        if plain is None or not 0 < plain <= MAX_STEPS:
            self.refuse(field, f"a number of steps above 0 and at most {MAX_STEPS}", value)
            return 1
        if simplest(plain).denominator > 1_000_000:
            self.refuse(field, "a whole number of steps or a fraction of one with a denominator up to 10^6", value)
            return 1
        return plain

    def real(
        self,
        field: str,
        value: Any,
        low: float = -MAX_VALUE,
        high: float = MAX_VALUE,
        above: float | None = None,
        remedy: str = "",
    ) -> float:
        """Returns a finite number between two bounds, or above one that is itself excluded."""
        plain = number(value)
        if plain is None or not low <= plain <= high or (above is not None and not plain > above):
            if above is not None:
                rule = f"a finite number above {above:g}" + (f" and at most {high:g}" if high < MAX_VALUE else "")
            elif low == -MAX_VALUE and high == MAX_VALUE:
                rule = f"a finite number of magnitude at most {MAX_VALUE:g}"
            elif high == MAX_VALUE:
                rule = f"a finite number from {low:g} on"
            else:
                rule = f"a number from {low:g} to {high:g}"
            self.refuse(field, rule, value, remedy)
            return 0.5 if low <= 0.5 <= high and (above is None or above < 0.5) else high
        return float(plain)

    def flag(self, field: str, value: Any) -> bool:
        """Returns true or false."""
        if not isinstance(value, bool):
            self.refuse(field, "true or false", value)
            return False
        return value

    def choice(self, field: str, value: Any, options: Sequence[str], remedy: str = "") -> str:
        """Returns one of several words."""
        if not isinstance(value, str) or value not in options:
            listing = " or ".join([", ".join(map(repr, options[:-1])), repr(options[-1])])
            self.refuse(field, listing, value, remedy or did_you_mean(str(value), options))
            return options[0]
        return value

    def items(self, field: str, value: Any, least: int = 0) -> list[Any]:
        """Returns a list of at least so many items."""
        if not isinstance(value, list | tuple) or not least <= len(value) <= 100_000:
            self.refuse(field, f"a list of {least} to 100000 items", value)
            return []
        return list(value)

    def reals(self, field: str, value: Any, least: int = 0) -> list[float]:
        """Returns a list of finite numbers."""
        return [self.real(f"{field}[{i}]", item) for i, item in enumerate(self.items(field, value, least))]

    def milestones(self, field: str, value: Any, low: int = 0, least: int = 0) -> list[int]:
        """Returns strictly increasing steps."""
        marks = [self.length(f"{field}[{i}]", item, low) for i, item in enumerate(self.items(field, value, least))]
        self.require(all(a < b for a, b in pairwise(marks)), field, "strictly increasing", value)
        return marks

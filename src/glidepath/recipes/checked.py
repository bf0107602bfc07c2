"""What all recipes share: their lengths and arguments are checked, every problem at once, and each becomes a word."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from ..core.curves import Curve, Linear
from ..core.errors import GlidepathError, Problem, did_you_mean, shown
from ..core.fields import MAX_STEPS, Broken, Positive, Value, check_of, number
from ..core.schedule import Schedule
from ..core.segments import Hold
from ..core.text import offer

__all__ = ["Lengths", "recipe"]


class Lengths:
    """Checks the lengths of a recipe and collects every problem."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.problems: list[Problem] = []

    def integer(self, field: str, value: Any, low: int) -> int:
        """Returns a length as an integer; notes a problem if it is none from `low` on."""
        plain = number(value)
        if plain is None or not low <= plain <= MAX_STEPS or plain != plain // 1:
            self.problems.append(Problem(self.where, field, f"an integer from {low} to {MAX_STEPS}", shown(value)))
            return max(low, 1)
        return int(plain)

    def require(self, holds: bool, field: str, rule: str, value: Any, remedy: str = "") -> None:
        """Notes a problem if a rule between lengths does not hold; says nothing where a length is wrong already."""
        if not self.problems and not holds:
            self.problems.append(Problem(self.where, field, rule, shown(value), remedy))

    def done(self) -> None:
        """Raises the problems found."""
        if self.problems:
            raise GlidepathError(self.problems)


_NUMBERS = {"value": Value, "start": Value, "end": Value, "floor": Value, "low": Value, "scale": Value}
_CHECKS: dict[str, Callable[[Any], Any]] = {
    **{name: check_of(kind) for name, kind in _NUMBERS.items()},
    **{name: check_of(Positive) for name in ("power", "rate", "growth", "decay")},
    "curve": Curve.of,
    "schedule": Schedule.of,
}
_HARMLESS = {
    "curve": Linear(),
    "schedule": Hold(),
}  # in the place of a refused argument, while the others are looked at


def recipe(function: Callable[..., Schedule]) -> Callable[..., Schedule]:
    """Makes a function a recipe and a word; checks, by their names, the arguments that are not lengths, which it checks itself."""
    signature, where = inspect.signature(function), function.__name__

    @functools.wraps(function)
    def checked(*args: Any, **kwargs: Any) -> Schedule:
        names = list(signature.parameters)
        unknown = {name: kwargs.pop(name) for name in [*kwargs] if name not in names}
        problems = [
            Problem(where, name[:50], f"one of its arguments ({', '.join(names)})", shown(v), did_you_mean(name, names))
            for name, v in unknown.items()
        ]
        try:
            bound = signature.bind(*args, **kwargs)
        except TypeError as error:
            problems.append(Problem(where, "", f"called as {where}({', '.join(names)})", f"a call with {error}"))
            raise GlidepathError(problems) from None
        for name, value in bound.arguments.items():
            if name in _CHECKS and not (value is None and signature.parameters[name].default is None):
                try:
                    bound.arguments[name] = _CHECKS[name](value)
                except Broken as error:
                    problems.append(Problem(where, name, error.rule, shown(value), error.remedy))
                    bound.arguments[name] = 1.0
                except GlidepathError as error:
                    problems.extend(error.inside(f"{where}.{name}").problems)
                    bound.arguments[name] = _HARMLESS[name]
        try:
            made = function(*bound.args, **bound.kwargs)
        except GlidepathError as error:
            problems.extend(error.problems)
        if problems:
            raise GlidepathError(problems)
        return made  # type: ignore[possibly-undefined]

    return offer(checked)

"""What is computed in a call before it is read: arithmetic of numbers that are known, and the names of those that are not."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import add, eq, floordiv, ge, gt, le, lt, mod, ne, neg, not_, pos, sub, truediv
from typing import Any

_LONGEST = 10_000


@dataclass(frozen=True)
class Unknown:
    """A value that depends on names that nobody gave.

    Args:
        names: As they are written, such as `len(loader)`.
    """

    names: tuple[str, ...]

    def __str__(self) -> str:
        return ", ".join(self.names)


def joined(function: Callable[..., Any], operands: Sequence[Any]) -> Any:
    """Returns what a function gives for its operands, or the unknown ones among them."""
    names = [name for operand in operands for name in names_in(operand)]
    return Unknown(tuple(dict.fromkeys(names))) if names else function(*operands)


def names_in(value: Any) -> list[str]:
    """Returns the unknown names inside a value."""
    if isinstance(value, Unknown):
        return list(value.names)
    items = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()  # type: ignore[misc]
    return [name for item in items for name in names_in(item)]


def _power(x: float, y: float) -> float:
    if abs(y) > 1000 or abs(x) > 1e300:
        raise ValueError("too large")
    return x**y


def _times(x: Any, y: Any) -> Any:
    whole = [z for z in (x, y) if isinstance(z, int)]
    size = max((len(z) for z in (x, y) if isinstance(z, list | str)), default=0) * max(whole, default=1)
    if size > _LONGEST or sum(z.bit_length() for z in whole) > _LONGEST:
        raise ValueError("too long")
    return x * y


def _ranged(*arguments: int) -> list[int]:
    numbers = range(*arguments)
    if len(numbers) > _LONGEST:
        raise ValueError("too long")
    return list(numbers)


_PAIRED = {ast.Add: add, ast.Sub: sub, ast.Mult: _times, ast.Div: truediv, ast.FloorDiv: floordiv, ast.Mod: mod}
_SINGLE = {ast.USub: neg, ast.UAdd: pos, ast.Not: not_}
_COMPARED = {ast.Lt: lt, ast.LtE: le, ast.Gt: gt, ast.GtE: ge, ast.Eq: eq, ast.NotEq: ne}
OPERATORS: Mapping[Any, Callable[..., Any]] = {**_PAIRED, ast.Pow: _power, **_SINGLE, **_COMPARED}
_MATH = ("ceil", "floor", "sqrt", "log", "log2", "log10", "exp", "cos", "sin", "pi", "e", "inf")
_PLAIN = (int, float, round, abs, max, min, sum, str, list, sorted, bool)
_ARRAYS = [f"{module}.{name}" for module in ("np", "numpy", "jnp", "torch") for name in ("array", "asarray", "tensor")]
# What may be called inside a call, and the constants of math.
FUNCTIONS: Mapping[str, Any] = {
    **{function.__name__: function for function in _PLAIN},
    "tuple": list,
    "range": _ranged,
    "pow": _power,
    **dict.fromkeys(_ARRAYS, lambda value: value),
    **{f"{module}Time": "{}{}".format for module in ("", "composer.", "composer.core.")},
    **{f"{module}Time.from_timestring": str for module in ("", "composer.", "composer.core.")},
    **{f"{module}SchedulerType": str for module in ("", "transformers.", "transformers.trainer_utils.")},
    "slice": lambda *ends: ends[-1],  # of fastai's rates: the last group's
    **{f"{module}.{name}": getattr(math, name) for module in ("math", "np", "numpy") for name in _MATH},
}

"""The types of the schedules' fields: what is accepted, what it becomes, and its JSON Schema.

Every type normalises what it accepts (`1` becomes `1.0`, `-0.0` becomes `0.0`, NumPy scalars become Python numbers), so that equal
schedules are equal, print alike and have one fingerprint.
"""

from __future__ import annotations

import math
import numbers
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice, pairwise
from typing import Annotated, Any

__all__ = [
    "MAX_STEPS",
    "MAX_VALUE",
    "Broken",
    "Check",
    "Cycles",
    "Flag",
    "JsonSchema",
    "Length",
    "Lengths",
    "Milestones",
    "Offset",
    "Positions",
    "Positive",
    "Value",
    "Values",
    "check_of",
    "number",
    "simplest",
]

MAX_STEPS = 2**53
"""The longest length: steps are exact in float64 up to here."""
MAX_VALUE = 1e100
"""The largest magnitude of a value: products of a few stay finite."""
MAX_ITEMS = 1_000_000


class Broken(ValueError):
    """A value that breaks its field's rule.

    Args:
        rule: What the value must be, read after "must be".
        remedy: What to do, or an empty string.
    """

    def __init__(self, rule: str, remedy: str = "") -> None:
        self.rule, self.remedy = rule, remedy
        super().__init__(rule)


@dataclass(frozen=True, eq=False)
class Check:
    """What a field accepts, put into its type: `Annotated[int, Check(function), JsonSchema({...})]`.

    Args:
        func: Returns the value in its normal form, or raises `Broken` or a `GlidepathError`.
    """

    func: Callable[[Any], Any]


@dataclass(frozen=True, eq=False)
class JsonSchema:
    """The same as JSON Schema, with `unit` where there is one.

    Args:
        json_schema: The schema.
    """

    json_schema: Mapping[str, Any]


def check_of(annotated: Any) -> Callable[[Any], Any]:
    """Returns what checks a value of one of the types below."""
    return next(note.func for note in annotated.__metadata__ if isinstance(note, Check))


def number(value: Any) -> int | float | None:
    """Returns `value` as a Python int or float, or None if it is not a real number (booleans are not)."""
    kind = type(value)
    if kind is int or kind is float:
        return value
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        return None
    try:
        return operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        pass
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return None


def _integer(low: int, high: int) -> Callable[[Any], int]:
    rule = f"an integer from {low} to {high}"

    def check(value: Any) -> int:
        plain = number(value)
        if isinstance(value, str):
            raise Broken(rule, "a quoted duration needs a plan with a horizon")
        if plain is None or not low <= plain <= high or plain != math.floor(plain):
            raise Broken(rule)
        return int(plain)

    return check


def _real(rule: str, accept: Callable[[float], bool]) -> Callable[[Any], float]:
    def check(value: Any) -> float:
        plain = number(value)
        if plain is None or not -MAX_VALUE <= plain <= MAX_VALUE or not accept(plain):
            raise Broken(rule)
        return float(plain) + 0.0  # -0.0 becomes 0.0

    return check


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise Broken("true or false")
    return value


def _sequence(
    rule: str, item: Callable[[Any], Any], increasing: bool, first: int | None = None
) -> Callable[[Any], tuple[Any, ...]]:
    def check(value: Any) -> tuple[Any, ...]:
        if isinstance(value, str | bytes | dict | set | frozenset):
            raise Broken(rule)
        try:
            length = len(value)
            if not 1 <= length <= MAX_ITEMS:
                raise Broken(f"{rule}, between 1 and {MAX_ITEMS} of them")
            items = tuple(item(each) for each in islice(value, length + 1))
        except Broken as error:
            raise error if error.rule.startswith(rule) else Broken(rule) from None
        except Exception:  # noqa: BLE001 - somebody else's sequence may raise anything
            raise Broken(rule) from None
        if len(items) != length:
            raise Broken(rule)
        if increasing and any(a >= b for a, b in pairwise(items)):
            raise Broken(rule)
        if first is not None and items[0] != first:
            raise Broken(rule)
        return items

    return check


def simplest(x: float) -> Fraction:
    """Returns the fraction with the smallest denominator up to 10^6 that rounds to `x`, or the exact value of `x`: 0.1 is one tenth."""
    fraction = Fraction(x).limit_denominator(1_000_000)
    return fraction if float(fraction) == x else Fraction(x)


_length = _integer(1, MAX_STEPS)
_value = _real(f"a finite number of magnitude at most {MAX_VALUE:g}", lambda x: True)

Length = Annotated[
    int,
    Check(_length),
    JsonSchema({"type": "integer", "minimum": 1, "maximum": MAX_STEPS, "unit": "steps"}),
]
"""A number of steps, at least 1."""

Offset = Annotated[
    int,
    Check(_integer(-MAX_STEPS, MAX_STEPS)),
    JsonSchema({"type": "integer", "minimum": -MAX_STEPS, "maximum": MAX_STEPS, "unit": "steps"}),
]
"""A number of steps of either sign."""

Cycles = Annotated[
    int,
    Check(_integer(1, MAX_STEPS)),
    JsonSchema({"type": "integer", "minimum": 1, "maximum": MAX_STEPS, "unit": "cycles"}),
]
"""A number of cycles, at least 1."""

Value = Annotated[float, Check(_value), JsonSchema({"type": "number", "minimum": -MAX_VALUE, "maximum": MAX_VALUE})]
"""A finite value of either sign."""

Positive = Annotated[
    float,
    Check(_real(f"a finite number above 0 and at most {MAX_VALUE:g}", lambda x: float(x) > 0)),
    JsonSchema({"type": "number", "exclusiveMinimum": 0, "maximum": MAX_VALUE}),
]
"""A finite value above zero."""

Flag = Annotated[bool, Check(_flag), JsonSchema({"type": "boolean"})]
"""True or false; numbers are refused."""

Values = Annotated[
    tuple[float, ...],
    Check(_sequence(f"a list of finite numbers of magnitude at most {MAX_VALUE:g}", _value, increasing=False)),
    JsonSchema({"type": "array", "items": {"type": "number"}, "minItems": 1, "maxItems": MAX_ITEMS}),
]
"""One or more finite values."""

Milestones = Annotated[
    tuple[int, ...],
    Check(_sequence("a strictly increasing list of integers from 1", _length, increasing=True)),
    JsonSchema(
        {
            "type": "array",
            "items": {"type": "integer", "minimum": 1},
            "minItems": 1,
            "maxItems": MAX_ITEMS,
            "unit": "steps",
        }
    ),
]
"""Strictly increasing steps, the first at least 1."""

Lengths = Annotated[
    tuple[int, ...],
    Check(_sequence("a list of integers from 1", _length, increasing=False)),
    JsonSchema(
        {
            "type": "array",
            "items": {"type": "integer", "minimum": 1},
            "minItems": 1,
            "maxItems": MAX_ITEMS,
            "unit": "steps",
        }
    ),
]
"""One or more lengths."""

Positions = Annotated[
    tuple[int, ...],
    Check(
        _sequence(
            "a strictly increasing list of integers that begins with 0",
            _integer(0, MAX_STEPS),
            increasing=True,
            first=0,
        )
    ),
    JsonSchema(
        {
            "type": "array",
            "items": {"type": "integer", "minimum": 0},
            "minItems": 1,
            "maxItems": MAX_ITEMS,
            "unit": "steps",
        }
    ),
]
"""Strictly increasing steps, the first 0."""

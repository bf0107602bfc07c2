"""The types of the controllers' fields: what is accepted, and its JSON Schema."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

from ..core.errors import shown
from ..core.fields import MAX_STEPS, MAX_VALUE, Broken, Check, JsonSchema, number

__all__ = ["Count", "Floor", "Floors", "Mode", "Rates", "Share", "Size", "choice", "named_numbers"]

MAX_GROUPS = 10_000


def choice(*names: str) -> Callable[[Any], str]:
    """Returns the check of a field that is one of some words."""

    def check(value: Any) -> str:
        if not isinstance(value, str) or value not in names:
            raise Broken(f"one of {', '.join(map(repr, names))}")
        return value

    return check


def _count(value: Any) -> int:
    plain = number(value)
    if plain is None or not 0 <= plain <= MAX_STEPS or plain != math.floor(plain):
        raise Broken(f"an integer from 0 to {MAX_STEPS}")
    return int(plain)


def _real(rule: str, accept: Callable[[float], bool]) -> Callable[[Any], float]:
    def check(value: Any) -> float:
        plain = number(value)
        if plain is None or not -MAX_VALUE <= plain <= MAX_VALUE or not accept(float(plain)):
            raise Broken(rule)
        return float(plain) + 0.0

    return check


_share = _real("a number between 0 and 1, both excluded", lambda x: 0 < x < 1)
_floor = _real("a number from 0 to 1", lambda x: 0 <= x <= 1)
_size = _real("a finite number of at least 0", lambda x: x >= 0)


def named_numbers(check: Callable[[Any], float], rule: str) -> Callable[[Any], tuple[tuple[str, float], ...]]:
    """Returns the check of a field that has a number for each of some names, kept as pairs sorted by name."""

    def checked(value: Any) -> tuple[tuple[str, float], ...]:
        pairs = list(value.items()) if isinstance(value, Mapping) else value
        if not isinstance(pairs, list | tuple) or len(pairs) > MAX_GROUPS:
            raise Broken(rule)
        found: dict[str, float] = {}
        for pair in pairs:
            if not isinstance(pair, list | tuple) or len(pair) != 2 or not isinstance(pair[0], str) or pair[0] in found:
                raise Broken(rule)
            try:
                found[pair[0]] = check(pair[1])
            except Broken as broken:
                raise Broken(f"{rule}; that of {shown(pair[0])} {broken.rule}") from None
        return tuple(sorted(found.items()))

    return checked


def _rates(value: Any) -> tuple[float, ...]:
    if number(value) is not None:
        value = (value,)
    if not isinstance(value, list | tuple) or not 1 <= len(value) <= MAX_GROUPS:
        raise Broken(f"a rate, or a list of 1 to {MAX_GROUPS} rates")
    try:
        return tuple(_size(each) for each in value)
    except Broken:
        raise Broken("a rate or a list of rates, each finite and at least 0") from None


Count = Annotated[
    int,
    Check(_count),
    JsonSchema({"type": "integer", "minimum": 0, "maximum": MAX_STEPS, "unit": "observations"}),
]
"""How many observations, at least 0."""

Share = Annotated[
    float, Check(_share), JsonSchema({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1, "unit": "factor"})
]
"""A factor between 0 and 1."""

Floor = Annotated[float, Check(_floor), JsonSchema({"type": "number", "minimum": 0, "maximum": 1, "unit": "factor"})]
"""The lowest multiplier, from 0 to 1."""

Size = Annotated[float, Check(_size), JsonSchema({"type": "number", "minimum": 0})]
"""A finite size of at least 0."""

Floors = Annotated[
    tuple[tuple[str, float], ...],
    Check(named_numbers(_floor, "the lowest multiplier of each of some groups, by name")),
    JsonSchema({"type": "object", "additionalProperties": {"type": "number", "minimum": 0, "maximum": 1}}),
]
"""The lowest multiplier of each of some groups, as pairs sorted by name."""

Rates = Annotated[
    tuple[float, ...],
    Check(_rates),
    JsonSchema({"type": "array", "items": {"type": "number", "minimum": 0}, "minItems": 1}),
]
"""The rate of each group, in their order."""

Mode = Annotated[
    Literal["min", "max"], Check(choice("min", "max")), JsonSchema({"type": "string", "enum": ["min", "max"]})
]
"""Whether lower or higher values are better."""

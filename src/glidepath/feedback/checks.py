"""The types of the controllers' fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from ..core.fields import Check, Taken, choice, integer, listed, number, numbers_by_name, real

__all__ = ["Count", "Floor", "Floors", "Mode", "Rates", "Share", "Size"]

_floor = real(0, 1, unit="factor")
_rates = listed("a rate or a list of rates, each from 0 on", real(0))

Count = Annotated[int, integer(0, unit="observations")]
"""How many observations, at least 0."""

Share = Annotated[float, real(above=0, below=1, unit="factor")]
"""A factor between 0 and 1."""

Floor = Annotated[float, _floor]
"""The lowest multiplier, from 0 to 1."""

Size = Annotated[float, real(0)]
"""A finite size of at least 0."""

Floors = Annotated[
    Taken[tuple[tuple[str, float], ...], Mapping[str, float] | Sequence[tuple[str, float]]],
    numbers_by_name(_floor, "the lowest multiplier of each of some groups, by name"),
]
"""The lowest multiplier of each of some groups, as pairs sorted by name."""


def _several(value: Any) -> tuple[float, ...]:
    return _rates.func(value if number(value) is None else (value,))


Rates = Annotated[Taken[tuple[float, ...], float | Sequence[float]], Check(_several, _rates.json_schema)]
"""The rate of each group, in their order."""

Mode = Annotated[Literal["min", "max"], choice("min", "max")]
"""Whether lower or higher values are better."""

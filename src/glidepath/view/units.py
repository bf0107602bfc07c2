"""What the values of curves are: factors, or rates once they are multiplied by a base or were rates from the beginning."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from ..core.errors import GlidepathError, did_you_mean
from ..core.fields import number
from ..core.schedule import Schedule

__all__ = ["Bases", "bases_of", "scaled", "unit_of"]

Bases = float | Mapping[str, float]
"""One base value for all curves, or one for each by its label."""


def scaled(schedule: Schedule, base: float) -> float:
    """Returns what the values of a schedule are multiplied by: the base value, or 1 for one in absolute values."""
    return 1.0 if schedule.absolute else base


def bases_of(schedules: Mapping[str, Schedule], base: Bases) -> dict[str, float]:
    """Returns what the values of each curve are multiplied by.

    Args:
        schedules: By label.
        base: For all, or by label; a curve that is not named there keeps its factors.

    Raises:
        GlidepathError: If a base is not finite, or is for a curve that there is not.

    Examples:
        >>> from glidepath import parse
        >>> bases_of({"body": parse("cosine(9)"), "head": parse("linear(9)")}, {"head": 0.01})
        {'body': 1.0, 'head': 0.01}
    """
    given = dict(base) if isinstance(base, Mapping) else dict.fromkeys(schedules, base)
    unknown = [name for name in given if name not in schedules]
    if unknown:
        raise GlidepathError.of(
            "view", "base", f"for one of {', '.join(schedules)}", unknown[0], did_you_mean(str(unknown[0]), schedules)
        )
    for value in given.values():
        plain = number(value)
        if plain is None or not math.isfinite(plain):
            raise GlidepathError.of("view", "base", "a finite number", value)
    return {name: scaled(schedule, float(given.get(name, 1.0))) for name, schedule in schedules.items()}


def unit_of(schedules: Mapping[str, Schedule], bases: Mapping[str, float]) -> str:
    """Returns what stands at the axis: `learning rate` for rates, `factor` for factors, both where both are drawn.

    Args:
        schedules: By label.
        bases: What `bases_of` gave.

    Examples:
        >>> from glidepath import parse
        >>> unit_of({"a": parse("cosine(9)")}, {"a": 1.0}), unit_of({"a": parse("cosine(9)")}, {"a": 0.1})
        ('factor', 'learning rate')
    """
    return _joined(schedule.absolute or bases[name] != 1.0 for name, schedule in schedules.items())


def _joined(rates: Iterable[bool]) -> str:
    kinds = set(rates)
    return "factor or learning rate" if len(kinds) > 1 else "learning rate" if kinds == {True} else "factor"

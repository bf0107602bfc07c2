"""What curves look like everywhere: the horizontal axis, what the values are, colours and dashes, and numbers that never read 0.000.

Switching the axis moves no curve: only its labels change. Values are factors, or rates once they are multiplied by a base or were rates
from the beginning. Colour-blind readers can tell the colours apart.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..core import GlidepathError, Schedule, did_you_mean, taken
from ..core.fields import number, real

_SEEN = {name: f"{name}s seen" for name in ("sample", "token")}
AXES = {"step": "step (updates done)", "epoch": "epoch", **_SEEN, "percent": "percent of the run"}


@dataclass(frozen=True)
class Axis:
    """How steps are labelled: `position = step * up / down`.

    Args:
        name: A key of `AXES`.
        up: What the step is multiplied by.
        down: What it is then divided by.
    """

    name: str = "step"
    up: float = 1
    down: float = 1

    @classmethod
    def of(cls, name: str, per: float | None = None) -> Axis:
        """Returns the axis of that name.

        Args:
            name: `step`, `epoch`, `sample`, `token` or `percent`.
            per: For `epoch` the updates in an epoch, for `sample` and `token` how many an update consumes, for `percent` the updates of the
                whole run; None only for `step`.

        Raises:
            GlidepathError: If there is no such axis or `per` is not above 0.

        Examples:
            >>> Axis.of("epoch", per=400).position(1000)
            2.5
        """
        if name not in AXES:
            raise GlidepathError.of("view", "axis", f"one of {', '.join(AXES)}", name, did_you_mean(str(name), AXES))
        if name == "step":
            return cls()
        plain = number(per)
        if plain is None or not 0 < plain < math.inf:
            rules = {"epoch": "the updates in an epoch", "percent": "the updates of the run"}
            raise GlidepathError.of("view", "per", f"above 0: {rules.get(name, f'the {name}s of an update')}", per)
        return cls(name, *{"epoch": (1, plain), "percent": (100, plain)}.get(name, (plain, 1)))

    def position(self, step: Any) -> Any:
        """Returns where a step, or an array of steps, lies on this axis."""
        return step * self.up / self.down

    @property
    def label(self) -> str:
        """What is written at the axis."""
        return AXES[self.name]

    def text(self, step: float) -> str:
        """Returns a step in the words of this axis, such as `epoch 2.5` or `step 1,000`."""
        at = self.position(step)
        if self.name == "percent":
            return f"{at:.4g} %"
        shown = f"{at:,.0f}" if self.name != "epoch" and at < 1e7 else f"{at:.4g}"
        return f"{shown} {self.name}s" if self.name in ("sample", "token") else f"{self.name} {shown}"


# What values are ------------------------------------------------------------------------------------------------------------------------

# One base value for all curves, or one for each by its label.
Bases = float | Mapping[str, float]


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
        rule, remedy = f"for one of {', '.join(schedules)}", did_you_mean(str(unknown[0]), schedules)
        raise GlidepathError.of("view", "base", rule, unknown[0], remedy)
    factors = {name: taken("view", "base", value, real()) for name, value in given.items()}
    return {name: scaled(schedule, factors.get(name, 1.0)) for name, schedule in schedules.items()}


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
    kinds = {schedule.absolute or bases[name] != 1.0 for name, schedule in schedules.items()}
    return "factor or learning rate" if len(kinds) > 1 else "learning rate" if kinds == {True} else "factor"


# How they look --------------------------------------------------------------------------------------------------------------------------

MOST_CURVES = 8

# Okabe and Ito's, the yellow and the light blue darkened so that thin lines show on white.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b07c00", "#3a9bd6", "#777777", "#222222")

# One for each colour, as matplotlib takes them: the page's (`static/style.js`), in units of a line 2 pixels wide.
_STROKES = ((4, 2), (1, 1.5), (4, 1.5, 1, 1.5), (2.5, 1), (6, 2), (0.5, 2), (2, 3))
DASHES: tuple[Any, ...] = ("-", *((0, strokes) for strokes in _STROKES))


def look_of(k: int) -> dict[str, Any]:
    """Returns how matplotlib draws the curve of a number: its colour and its dashes."""
    return {"color": COLOURS[k % MOST_CURVES], "linestyle": DASHES[k % MOST_CURVES]}


def significant(value: float, digits: int = 4) -> str:
    """Returns a number with some significant digits, never rounded to 0.000.

    Args:
        value: The number.
        digits: How many.

    Examples:
        >>> significant(0.00012345), significant(3e-9), significant(0.0), significant(123456.0)
        ('0.0001234', '3e-09', '0', '123,500')
    """
    short = f"{value:.{digits}g}"
    return f"{float(short):,.0f}" if 1e4 <= abs(float(short)) < 1e15 else short

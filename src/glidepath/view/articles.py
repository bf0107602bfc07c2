"""The classes of the five classic libraries, called as articles call them that teach schedules: some ten epochs, rates of hundredths."""

from __future__ import annotations

import ast
from typing import Any

from .. import feedback
from ..core.schedule import Schedule
from ..core.segments import Table
from ..core.syntax import syntax
from ..dialects import load, names
from .articles_strings import ARTICLES

__all__ = ["ARTICLES", "CLASSIC", "article", "classes"]

CLASSIC = ("pytorch", "oneflow", "keras", "tensorflow", "paddle")
"""Whose classes are drawn."""

_PLATEAUS = {"pytorch": "PyTorch", "oneflow": "OneFlow", "keras": "Keras", "paddle": "Paddle"}


def classes(library: str) -> tuple[str, ...]:
    """Returns the names of a classic library's classes, the one that follows a metric last."""
    plateau = {"tensorflow": (), "paddle": ("ReduceOnPlateau",)}.get(library, ("ReduceLROnPlateau",))
    return (*names(library), *plateau)


def article(library: str, name: str) -> tuple[str, Schedule, int, float]:
    """Returns a class's call, its schedule in rates, the last step to show and the base rate; a plateau's metric never improves.

    Args:
        library: One of `CLASSIC`.
        name: One of `classes(library)`.

    Examples:
        >>> call, schedule, last, base = article("oneflow", "StepLR")
        >>> call, schedule(2), round(schedule(3), 6), last, base
        ('StepLR(step_size=3)', 0.05, 0.005, 10, 0.05)
    """
    base, last, text = ARTICLES.get(f"{library}.{name}") or ARTICLES[name]
    call: Any = syntax(f"f({text})")
    arguments = {keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords}
    if "Plateau" not in name:
        return f"{name}({text})", load(library, name, arguments, base_lr=base), last, base
    rows = feedback.replay(getattr(feedback, f"{_PLATEAUS[library]}Plateau")(rates=base, **arguments), [1.0] * last)
    drawn = Table(range(last + 1), [base, *(base * factor for factor, _ in rows)], "previous")
    return f"{name}({text})", drawn, last, base

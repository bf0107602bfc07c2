"""What the page shows once the hand rests: the formula, warnings, and the schedule fitted to the budget."""

from __future__ import annotations

import math
from fractions import Fraction
from importlib import import_module
from typing import Any

from pydantic import BaseModel, ConfigDict

from glidepath.core.errors import GlidepathError
from glidepath.core.schedule import Schedule

from .budget import Budget, Settled
from .catalogue import catalogue
from .formula import mathml
from .look import Base, Text, read
from .tree import text_of, tree_of, walk

__all__ = ["Details", "details", "fit", "warnings"]


class Details(BaseModel):
    """What the page asks of the schedule being worked on."""

    model_config = ConfigDict(extra="forbid")
    text: Text
    budget: Budget = Budget()
    base: Base = 1.0


def details(request: Details) -> dict[str, Any]:
    """Returns formula, JSON, warnings and name of a schedule.

    Args:
        request: What the page asks.
    """
    budget = request.budget.settled()
    schedule = read(request.text, None, budget).built.schedule
    if schedule is None:
        return {"ok": False}
    latex = ""
    if schedule.closed and schedule._size <= 200:
        latex = schedule.latex()
    return {
        "ok": True,
        "latex": latex,
        "formula": mathml(latex) if latex and len(latex) < 6000 else "",
        "json": schedule.to_json(indent=2) if schedule._size <= 500 else "",
        "text": str(schedule)[:4000],
        "fingerprint": schedule.fingerprint,
        "warnings": warnings(schedule, budget, request.base),
    }


def warnings(schedule: Schedule, budget: Settled, base: float) -> list[str]:
    """Returns what a careful reader would say about a schedule within a budget, a sentence each.

    Args:
        schedule: The schedule.
        budget: What the run may spend.
        base: What factors are multiplied by.
    """
    found = _checked(schedule, budget, base)
    duration, total = schedule.duration, budget.updates
    if duration > total and duration != math.inf:
        found.append(
            f"The schedule lasts {int(duration):,} updates, the run only {total:,}: it stops at "
            f"{schedule(total):.4g}, before the end value {schedule(duration):.4g}."
        )
    elif duration < total:
        found.append(f"The schedule ends at update {int(duration):,} of {total:,} and then holds {schedule(duration):.4g}.")
    if schedule(0) == 0.0:
        found.append("The first update uses a rate of exactly 0: it changes nothing but the optimizer's statistics.")
    if schedule(0) < 0 or schedule(min(total, duration)) < 0:
        found.append("The rate becomes negative: the optimizer would climb.")
    top = schedule(min(total, duration)) if duration != math.inf else schedule(total)
    if top > schedule(0) and top > 0 and top >= 0.999 * _peak(schedule, total):
        found.append("The run ends at its highest rate: the last updates are the noisiest.")
    return found


def _peak(schedule: Schedule, total: int) -> float:
    import numpy as np

    return float(schedule(np.floor(np.linspace(0, total, 400))).max())


def _checked(schedule: Schedule, budget: Settled, base: float) -> list[str]:
    """Returns the warnings of the plan's own checker, where it is there."""
    try:
        advise: Any = import_module("glidepath.plan").advise
    except (ImportError, AttributeError):
        return []
    try:
        return [str(note) for note in advise(schedule, updates=budget.updates, base=base)]
    except (GlidepathError, TypeError):
        return []


def fit(request: Details) -> dict[str, Any]:
    """Returns the text with every length scaled so that the schedule lasts as long as the budget.

    Args:
        request: What the page asks.

    Raises:
        GlidepathError: If the schedule cannot be read or has no end of its own.
    """
    budget = request.budget.settled()
    found = read(request.text, None, budget)
    schedule, tree = found.built.schedule, found.built.tree
    if schedule is None or tree.get("t") not in ("op", "call"):
        raise GlidepathError.of("fit", "schedule", "readable", request.text[:60])
    if schedule.duration == math.inf:
        raise GlidepathError.of("fit", "schedule", "of finite duration", "an endless one", "give it an end first")
    ratio = Fraction(budget.updates, int(schedule.duration))
    lengths: list[tuple[dict[str, Any], int | None]] = []
    declared = catalogue()["words"]

    def scale(call: dict[str, Any]) -> None:
        entry = declared.get(f"{call['lib']}.{call['word']}" if call["lib"] else call["word"])
        kinds = {argument["name"]: argument for argument in entry["args"]} if entry else {}
        for argument in call["args"]:
            kind = kinds.get(argument["name"], {})
            value = argument["value"]
            if kind.get("type") == "length" and isinstance(value, int):
                argument["value"] = max(int(kind.get("min", 1)), round(value * ratio))
                if value:
                    lengths.append((argument, value))
            elif kind.get("type") == "lengths" and isinstance(value, list):
                scaled = [round(item * ratio) for item in value]
                argument["value"] = [max(item, i + (scaled[0] > 0)) for i, item in enumerate(scaled)]

    walk(tree, scale)
    text = text_of(tree)
    made = read(text, None, budget).built.schedule
    if made is not None and made.duration != math.inf and lengths:  # rounding leaves a few steps: the longest length takes them
        rest = budget.updates - int(made.duration)
        longest = max(lengths, key=lambda pair: pair[0]["value"])[0]
        if rest and longest["value"] + rest >= 1:
            longest["value"] += rest
            text = text_of(tree)
    again = tree_of(text)
    if again is None or read(text, None, budget).built.schedule is None:
        raise GlidepathError.of("fit", "schedule", "one that can be scaled", request.text[:60])
    return {"text": text}

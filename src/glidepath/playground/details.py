"""What the page shows once the hand rests: the formula, warnings, and the schedule fitted to the budget."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, Any

from glidepath.core.errors import GlidepathError
from glidepath.core.schedule import Schedule
from glidepath.plan import Plan, Rule, check

from .asked import MAX_PINS, Asked, Base, Text, several, words
from .budget import USUAL, Budget, Settled
from .catalogue import catalogue
from .formula import mathml
from .look import read
from .tree import MAX_TEXT, text_of, tree_of, walk

__all__ = ["Details", "Fit", "details", "fit", "warnings"]


@dataclass(frozen=True)
class Details(Asked):
    """What the page asks of the schedule being worked on."""

    text: Text
    budget: Budget = USUAL
    base: Base = 1.0


@dataclass(frozen=True)
class Fit(Asked):
    """What the page asks to have fitted to its budget: the schedule, and pins that stand beside it."""

    text: Text
    pins: Annotated[tuple[str, ...], several(words(MAX_TEXT), MAX_PINS)] = ()
    budget: Budget = USUAL
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
        "warnings": warnings(schedule, request.budget),
    }


def warnings(schedule: Schedule, budget: Budget) -> list[str]:
    """Returns what the plan's checker says of a schedule within a budget, a sentence each.

    Args:
        schedule: The schedule.
        budget: What the run may spend.
    """
    try:
        rule = Rule(schedule, absolute=True) if schedule.absolute else Rule(schedule)
        found = check(Plan((rule,), horizon=budget.horizon()))
    except (GlidepathError, TypeError):
        return []
    return [str(finding).removeprefix("$.rules[0]: ") for finding in found][:8]


def fit(request: Fit) -> dict[str, Any]:
    """Returns the text with every length scaled so that the schedule lasts as long as the budget, and the pins likewise.

    A pin that cannot be scaled (it has no end, or cannot be read) stays as it is.

    Args:
        request: What the page asks.

    Raises:
        GlidepathError: If the schedule cannot be read or has no end of its own.
    """
    budget = request.budget.settled()
    pins: list[str] = []
    for pin in request.pins:
        try:
            pins.append(_fitted(pin, budget))
        except GlidepathError:
            pins.append(pin)
    return {"text": _fitted(request.text, budget), "pins": pins}


def _fitted(text: str, budget: Settled) -> str:
    given, found = text, read(text, None, budget)
    schedule, tree = found.built.schedule, found.built.tree
    if schedule is None or tree.get("t") not in ("op", "call"):
        raise GlidepathError.of("fit", "schedule", "readable", text[:60])
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
    if (
        made is not None and made.duration != math.inf and lengths
    ):  # rounding leaves a few steps: the longest length takes them
        rest = budget.updates - int(made.duration)
        longest = max(lengths, key=lambda pair: pair[0]["value"])[0]
        if rest and longest["value"] + rest >= 1:
            longest["value"] += rest
            text = text_of(tree)
    again = tree_of(text)
    if again is None or read(text, None, budget).built.schedule is None:
        raise GlidepathError.of("fit", "schedule", "one that can be scaled", given[:60])
    return text

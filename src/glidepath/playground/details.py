"""What the page shows once the hand rests: the formula, warnings, and the schedule fitted to the budget."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Annotated, Any

from ..core.errors import GlidepathError
from ..core.schedule import Schedule
from ..plan import Plan, Rule, check
from .asked import MAX_PINS, Asked, Base, Text, refused, several, words
from .budget import USUAL, Budget, Settled
from .catalogue import arguments_of
from .formula import mathml
from .look import read
from .tree import MAX_TEXT, text_of, tree_of, walk

__all__ = ["Details", "Fit", "details", "fit", "warnings"]

_FOR_EVER = 10**8


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


def warnings(schedule: Schedule, budget: Budget) -> list[dict[str, Any]]:
    """Returns what the plan's checker says of a schedule within a budget, a sentence each, in both languages.

    Args:
        schedule: The schedule.
        budget: What the run may spend.
    """
    try:
        rule = Rule(schedule, absolute=True) if schedule.absolute else Rule(schedule)
        found = check(Plan((rule,), horizon=budget.horizon()))
    except (GlidepathError, TypeError):
        return []
    here = "$.rules[0]"
    return [
        refused(replace(one, where=one.where.removeprefix(here))) | {"message": str(one).removeprefix(f"{here}: ")}
        for one in found
    ][:8]


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
    single: list[tuple[dict[str, Any], int]] = []
    rows: list[dict[str, Any]] = []

    def gather(call: dict[str, Any]) -> None:
        kinds = {argument["name"]: argument for argument in arguments_of(call["lib"], call["word"])}
        for argument in call["args"]:
            kind, value = kinds.get(argument["name"], {}), argument["value"]
            if kind.get("type") == "length" and isinstance(value, int):
                single.append((argument, int(kind.get("min", 1))))
            elif kind.get("type") == "lengths" and isinstance(value, list) and all(isinstance(v, int) for v in value):
                rows.append(argument)

    walk(tree, gather)
    named = [argument["value"] for argument, _ in single] + [value for row in rows for value in row["value"]]
    if schedule.duration > max(_FOR_EVER, 10_000 * max(named, default=0)):  # a library says so: 999,999,999 iterations
        rule = "of a duration that its arguments say"
        raise GlidepathError.worded("fit", "schedule", rule, f"{schedule.duration} steps", "give it an end first")
    longest = max((argument for argument, _ in single), key=lambda argument: argument["value"], default=None)
    for argument, least in single:
        argument["value"] = max(least, round(argument["value"] * ratio))
    for row in rows:
        scaled = [round(item * ratio) for item in row["value"]]
        row["value"] = [max(item, i + (scaled[0] > 0)) for i, item in enumerate(scaled)]
    text = text_of(tree)
    made = read(text, None, budget).built.schedule
    if made is not None and made.duration != math.inf and longest is not None:
        rest = budget.updates - int(made.duration)  # rounding leaves a few steps: the longest length takes them
        if rest and longest["value"] + rest >= 1:
            longest["value"] += rest
            text = text_of(tree)
    again = tree_of(text)
    if again is None or read(text, None, budget).built.schedule is None:
        raise GlidepathError.of("fit", "schedule", "one that can be scaled", given[:60])
    return text

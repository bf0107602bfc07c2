"""What the page shows once the hand rests: the formula, warnings, the schedule fitted to the budget, and how far each slider may go."""

from __future__ import annotations

import contextlib
import copy
import math
from dataclasses import replace
from fractions import Fraction
from typing import Annotated, Any

from ..core import GlidepathError, Schedule
from ..core.fields import Flag, real
from ..plan import Plan, Rule, check
from .asked import USUAL, AnObject, Asked, Budget, Pins, Settled, Text, refused, several
from .build import build
from .catalogue import arguments_of, mathml
from .look import read
from .tree import calls, text_of, tree_of

_HALVINGS = 24  # of the way to a bound of real numbers, which makes seven digits
_Number = Annotated[float, real()]


class Details(Asked):
    """What the page asks of the schedule being worked on."""

    text: Text
    budget: Budget = USUAL


class Fit(Asked):
    """What the page asks to have fitted to its budget: the schedule, and pins that stand beside it."""

    text: Text
    pins: Pins = ()
    budget: Budget = USUAL


def details(request: Details) -> dict[str, Any]:
    """Returns the formula of a schedule, and what the checker says of it.

    Args:
        request: What the page asks.
    """
    budget = request.budget.settled()
    schedule = read(request.text, None, budget).schedule
    if schedule is None:
        return {"ok": False}
    latex = schedule.latex() if schedule.closed and schedule._size <= 200 else ""
    return {
        "ok": True,
        "latex": latex,
        "formula": mathml(latex) if latex and len(latex) < 6000 else "",
        "warnings": warnings(schedule, request.budget),
    }


def warnings(schedule: Schedule, budget: Budget) -> list[dict[str, Any]]:
    """Returns what the plan's checker says of a schedule within a budget, a sentence each, in both languages.

    Args:
        schedule: The schedule.
        budget: What the run may spend.
    """
    try:
        found = check(Plan((Rule(schedule, absolute=schedule.absolute),), budget.horizon()))
    except (GlidepathError, TypeError):
        return []
    here = "$.rules[0]"
    told = [(replace(one, where=one.where.removeprefix(here)), str(one).removeprefix(f"{here}: ")) for one in found]
    return [refused(one) | {"message": text} for one, text in told[:8]]


def fit(request: Fit) -> dict[str, Any]:
    """Returns the text with every length scaled so that the schedule lasts as long as the budget, and the pins likewise.

    A pin that cannot be scaled (it has no end, or cannot be read) stays as it is.

    Args:
        request: What the page asks.

    Raises:
        GlidepathError: If the schedule cannot be read or has no end of its own.
    """
    budget = request.budget.settled()
    pins = list(request.pins)
    for i, pin in enumerate(pins):
        with contextlib.suppress(GlidepathError):
            pins[i] = _fitted(pin, budget)
    return {"text": _fitted(request.text, budget), "pins": pins}


def _fitted(text: str, budget: Settled) -> str:
    given, found = text, read(text, None, budget)
    schedule, tree = found.schedule, found.tree
    if schedule is None or tree.get("t") not in ("op", "call"):
        raise GlidepathError.of("fit", "schedule", "readable", text[:60])
    if schedule.duration == math.inf:
        raise GlidepathError.of("fit", "schedule", "of finite duration", "an endless one", "give it an end first")
    ratio = Fraction(budget.updates, int(schedule.duration))
    single: list[tuple[dict[str, Any], int]] = []
    rows: list[dict[str, Any]] = []
    for call in calls(tree):
        kinds = {argument["name"]: argument for argument in arguments_of(call["lib"], call["word"])}
        for argument in call["args"]:
            kind, value = kinds.get(argument["name"], {}), argument["value"]
            if kind.get("type") == "length" and isinstance(value, int):
                single.append((argument, int(kind.get("min", 1))))
            elif kind.get("type") == "lengths" and isinstance(value, list) and all(isinstance(v, int) for v in value):
                rows.append(argument)
    named = [argument["value"] for argument, _ in single] + [value for row in rows for value in row["value"]]
    if schedule.duration > max(10**8, 10_000 * max(named, default=0)):  # a library says so: 999,999,999 iterations
        rule = "of a duration that its arguments say"
        raise GlidepathError.worded("fit", "schedule", rule, f"{schedule.duration} steps", "give it an end first")
    longest = max((argument for argument, _ in single), key=lambda argument: argument["value"], default=None)
    for argument, least in single:
        argument["value"] = max(least, round(argument["value"] * ratio))
    for row in rows:
        scaled = [round(item * ratio) for item in row["value"]]
        row["value"] = [max(item, i + (scaled[0] > 0)) for i, item in enumerate(scaled)]
    made = read(text_of(tree), None, budget).schedule
    if made is not None and made.duration != math.inf and longest is not None:
        rest = budget.updates - int(made.duration)  # rounding leaves a few steps: the longest length takes them
        longest["value"] += rest if longest["value"] + rest >= 1 else 0
    text = text_of(tree)
    if tree_of(text) is None or read(text, None, budget).schedule is None:
        raise GlidepathError.of("fit", "schedule", "one that can be scaled", given[:60])
    return text


# How far each slider may go: to the last value that the schedule itself does not refuse ------------------------------------------------


class Slider(Asked):
    """One slider: the call's `path`, the `field`, its `value`, how far it would go (`low`, `high`), and whether it is `whole`."""

    path: Text
    field: Text
    value: _Number
    low: _Number
    high: _Number
    whole: Flag = False


class Limits(Asked):
    """What the page asks once the hand rests.

    Args:
        tree: The schedule that is shown.
        rows: Its sliders.
        budget: What the run may spend.
    """

    tree: AnObject
    rows: Annotated[tuple[Slider, ...], several(Slider, 40)]
    budget: Budget = USUAL


def limits(request: Limits) -> dict[str, Any]:
    """Returns the lowest and the highest value of each slider between which nothing is refused while all others stay.

    Args:
        request: What the page asks.
    """
    return {"limits": [[_furthest(request, row, end) for end in (row.low, row.high)] for row in request.rows]}


def _furthest(request: Limits, row: Slider, end: float) -> float:
    good, bad = (int(row.value), int(end)) if row.whole else (row.value, end)
    if _taken(request, row, bad):
        return bad
    for _ in range(64 if row.whole else _HALVINGS):
        middle = (good + bad) / 2
        if row.whole:
            middle = math.floor(middle) if bad > good else math.ceil(middle)
            if middle in (good, bad):
                break
        good, bad = (middle, bad) if _taken(request, row, middle) else (good, middle)
    return good


def _taken(request: Limits, row: Slider, value: float) -> bool:
    tree: Any = copy.deepcopy(request.tree)
    try:
        call: Any = tree
        for key in row.path.split(".") if row.path else ():
            call = call[int(key)] if isinstance(call, list) else call[key]
        rest = [argument for argument in call["args"] if argument["name"] != row.field]
        call["args"] = [*rest, {"name": row.field, "value": value}]
    except (KeyError, IndexError, TypeError, ValueError):
        return False
    return build(tree, request.budget.settled()).schedule is not None

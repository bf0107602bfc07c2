"""How far each slider of the page may go: to the last value that the schedule itself does not refuse."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from typing import Annotated, Any

from ..core.fields import Broken, Check
from .asked import Asked, ATree, several
from .budget import USUAL, Budget
from .build import build

__all__ = ["Limits", "limits"]

_MOST = 40  # sliders of one page
_HALVINGS = 24  # of the way to a bound of real numbers, which makes seven digits


def _row(value: Any) -> dict[str, Any]:
    numbers = isinstance(value, dict) and all(
        isinstance(value.get(name), int | float) and math.isfinite(value[name]) for name in ("low", "high", "value")
    )
    if not (numbers and isinstance(value.get("path"), str) and isinstance(value.get("field"), str)):
        raise Broken("a slider: path, field, value, low, high, whole")
    return value


@dataclass(frozen=True)
class Limits(Asked):
    """What the page asks once the hand rests.

    Args:
        tree: The schedule that is shown.
        rows: Its sliders: the call's `path`, the `field`, its `value`, how far the slider would go (`low`, `high`), and whether it is `whole`.
        budget: What the run may spend.
    """

    tree: ATree
    rows: Annotated[tuple[dict[str, Any], ...], several(Check(_row), _MOST)]
    budget: Budget = USUAL


def limits(request: Limits) -> dict[str, Any]:
    """Returns the lowest and the highest value of each slider between which nothing is refused while all others stay.

    Args:
        request: What the page asks.
    """
    return {"limits": [[_furthest(request, row, row[end]) for end in ("low", "high")] for row in request.rows]}


def _furthest(request: Limits, row: dict[str, Any], end: float) -> float:
    good, bad = row["value"], end
    if _taken(request, row, end):
        return end
    for _ in range(_HALVINGS if not row.get("whole") else 64):
        middle = (good + bad) / 2
        if row.get("whole"):
            middle = math.floor(middle) if bad > good else math.ceil(middle)
            if middle in (good, bad):
                break
        if _taken(request, row, middle):
            good = middle
        else:
            bad = middle
    return good


def _taken(request: Limits, row: dict[str, Any], value: float) -> bool:
    tree: Any = copy.deepcopy(request.tree)
    try:
        call: Any = tree
        for key in row["path"].split(".") if row["path"] else ():
            call = call[int(key)] if isinstance(call, list) else call[key]
        given = next((argument for argument in call["args"] if argument["name"] == row["field"]), None)
        if given is None:
            call["args"].append({"name": row["field"], "value": value})
        else:
            given["value"] = value
    except (KeyError, IndexError, TypeError, ValueError):
        return False
    return build(tree, request.budget.settled()).schedule is not None

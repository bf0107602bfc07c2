"""Reduce on plateau, fed with a metric: typed, from a file, or from a finished run."""

from __future__ import annotations

import csv
import io
import math
import re
from typing import Annotated, Any

from ..core import GlidepathError, checks_of, language
from ..core.codec import field_notes
from ..feedback import Observation, Plateau, replay
from .asked import AnObject, Asked, Base, words
from .catalogue import control

MAX_VALUES = 20_000
_SLIDERS = {"factor": (0.01, 0.99), "patience": (0, 50), "cooldown": (0, 50), "threshold": (0, 0.1), "floor": (0, 1)}


class Feed(Asked):
    """What the page asks.

    Args:
        values: Numbers separated by commas, spaces or lines; or CSV with a header.
        column: The column of a CSV.
        options: Fields of the plateau controller.
        base: What the multiplier multiplies.
    """

    values: Annotated[str, words(2_000_000)]
    column: Annotated[str, words(200)] = ""
    options: AnObject | None = None
    base: Base = 1.0


def controls() -> list[dict[str, Any]]:
    """Returns the controller's fields as the page's controls, read from its declaration."""
    notes, made = field_notes(Plateau), list[dict[str, Any]]()
    for field, check in checks_of(Plateau):
        if field.name in (*_SLIDERS, "relative", "mode"):
            bounds = dict(check.json_schema)
            kind = {"integer": "integer", "number": "number"}.get(bounds["type"], "choice")
            if field.name in _SLIDERS:
                bounds |= {"slider": (*_SLIDERS[field.name], False), "unit": ""}
            one = control(field.name, kind, bounds, field.default, notes[field.name], False)
            made.append(
                one | {"note": one["note"].replace("`", ""), "zh": {"note": one["zh"]["note"].replace("`", "")}}
            )
    return made


def feed(request: Feed) -> dict[str, Any]:
    """Returns what the controller decides after each value, and why.

    Args:
        request: What the page asks.

    Raises:
        GlidepathError: If there are no numbers or an option breaks its rule.
    """
    known = Plateau.field_names()
    controller = Plateau(**{name: value for name, value in (request.options or {}).items() if name in known})
    values, columns = _values(request.values, request.column)
    decisions = replay(controller, [Observation(i, value) for i, value in enumerate(values)])
    told = [{"action": d.action, "reason": d.reason} for _, d in decisions]
    return {
        "columns": columns,
        "text": str(controller),
        "values": [value if math.isfinite(value) else None for value in values],
        "multipliers": [multiplier * request.base for multiplier, _ in decisions],
        "decisions": [each | {"zh": {"reason": language.reason(each["reason"], "zh")}} for each in told],
        "cuts": [i for i, (_, d) in enumerate(decisions) if d.action == "cut"],
    }


def _values(text: str, column: str) -> tuple[list[float], list[str]]:
    """Returns the numbers that were typed, or those of a CSV's column, with the columns there are."""
    first = text.strip().partition("\n")[0]
    columns: list[str] = []
    if re.search(r"[A-Za-z_]", re.sub(r"(?i)nan|inf(inity)?|[0-9.]e[-+]?[0-9]", "", first)):
        rows = list(csv.reader(io.StringIO(text.strip())))
        columns = [name.strip() for name in rows[0]]
        numeric = [i for i in range(len(columns)) if any(len(r) > i and _number(r[i]) is not None for r in rows[1:])]
        if not numeric:
            raise GlidepathError.of("feedback", "values", "a CSV with a column of numbers", first[:60])
        if column and column not in columns:
            raise GlidepathError.of("feedback", "column", f"one of {', '.join(columns)}", column)
        index = columns.index(column) if column else numeric[-1]
        cells = [row[index] for row in rows[1:] if len(row) > index and row[index].strip()]
        columns = [columns[i] for i in numeric]
    else:
        cells = [cell for cell in re.split(r"[\s,;]+", text.strip()) if cell]
    if not 1 <= len(cells) <= MAX_VALUES:
        raise GlidepathError.of("feedback", "values", f"1 to {MAX_VALUES} numbers", f"{len(cells)} of them")
    values = [_number(cell) for cell in cells]
    if None in values:
        raise GlidepathError.of("feedback", "values", "numbers", cells[values.index(None)])
    return [value for value in values if value is not None], columns


def _number(cell: str) -> float | None:
    try:
        return float(cell) if len(cell) < 400 else None
    except ValueError:
        return None

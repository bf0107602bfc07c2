"""Files to take away: pictures, the animation, the values as CSV and JSON. All from the function that trains."""

from __future__ import annotations

import io
import json
import math
from dataclasses import dataclass
from importlib import import_module
from typing import Annotated, Any

from ..core.errors import GlidepathError
from ..core.fields import Flag, choice, real
from ..core.schedule import Schedule
from ..view.axis import AXES, Axis
from ..view.sample import thinned
from ..view.units import bases_of, unit_of
from .asked import MAX_PINS, Asked, Base, Bases, Last, Names, several, typed, words
from .budget import USUAL, Budget, Settled
from .look import own, readable
from .tree import MAX_TEXT

__all__ = ["TYPES", "Export", "export", "type_of"]

_WHOLE = 200_000
_ROWS = 200_000  # steps that are written one by one; a longer curve as its sampled points, and the file says so

TYPES = {
    "svg": "image/svg+xml",
    "png": "image/png",
    "gif": "image/gif",
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
}
"""The media type of each format."""


@dataclass(frozen=True)
class Export(Asked):
    """What the page asks for a file.

    Args:
        format: A key of `TYPES`.
        texts: The curves, the one being worked on first.
        names: Their names.
        last: The last step.
        axis: The horizontal axis.
        log: Whether the values are drawn on a logarithmic axis.
        floor: Its lowest value, or None.
        budget: What lengths with units are of.
        base: What factors are multiplied by.
        bases: The same for curves that have a base of their own, in the order of the texts.
    """

    format: Annotated[str, choice(*TYPES)]
    texts: Annotated[tuple[str, ...], several(words(MAX_TEXT), MAX_PINS, 1)]
    last: Last
    names: Names = ()
    axis: Annotated[str, choice(*AXES)] = "step"
    log: Flag = False
    floor: Annotated[float, typed(real(above=0))] | None = None
    budget: Budget = USUAL
    base: Base = 1.0
    bases: Bases = ()


_BEGINNINGS = {b"<?xml": "svg", b"\x89PNG": "png", b"GIF8": "gif", b"step": "csv", b"{": "json"}


def type_of(file: bytes) -> str:
    """Returns the media type of a file that `export` made."""
    return next(TYPES[name] for beginning, name in _BEGINNINGS.items() if file.startswith(beginning))


def export(request: Export) -> bytes:
    """Returns the file.

    Args:
        request: What the page asks.

    Raises:
        GlidepathError: If a curve cannot be read.
    """
    budget = request.budget.settled()
    schedules: dict[str, Schedule] = {}
    for i, text in enumerate(request.texts):
        schedule = readable(text, budget, "export", f"curve {i + 1}")
        name = (request.names[i].strip() if i < len(request.names) else "") or text
        while name in schedules:
            name += " "
        schedules[name] = schedule
    given = own(request.bases, request.base, len(schedules))
    bases = bases_of(schedules, dict(zip(schedules, given, strict=True)))
    if request.format == "csv":
        return _csv(schedules, bases, request, budget).encode()
    if request.format == "json":
        return _json(schedules, bases, request.last).encode()
    return _picture(schedules, bases, request, budget)


def axis_of(name: str, budget: Settled) -> Axis:
    """Returns an axis in the units of a budget."""
    per = {"epoch": budget.per_epoch, "sample": budget.samples, "token": budget.tokens, "percent": budget.updates}
    return Axis.of(name, per.get(name))


def _picture(schedules: dict[str, Schedule], bases: dict[str, float], request: Export, budget: Settled) -> bytes:
    options: dict[str, Any] = {
        "steps": request.last,
        "log": request.log,
        "floor": request.floor,
        "axis": axis_of(request.axis, budget),
        "base": bases,
    }
    try:
        from ..view import animation, figure
        from ..view.still import bytes_of

        import_module("matplotlib")
    except ImportError:
        rule = "csv or json where the page has no machine behind it"
        raise GlidepathError.of("export", "format", rule, request.format) from None
    if len(schedules) == 1:
        options["title"] = next(iter(schedules))
    if request.format == "gif":
        return animation(schedules, **options)
    return bytes_of(figure(schedules, **options), request.format)


def _rows(schedules: dict[str, Schedule], last: int) -> tuple[list[int], bool]:
    """Returns the steps of a file, and whether they are all."""
    if last < _ROWS:
        return list(range(last + 1)), True
    steps: set[int] = set()
    for schedule in schedules.values():
        steps |= {int(step) for step in thinned(schedule, last, 4000, _WHOLE)[0]}
    return sorted(steps), False


def _csv(schedules: dict[str, Schedule], bases: dict[str, float], request: Export, budget: Settled) -> str:
    """One row a step: the step, its place on the chosen axis, and the value of each curve, under its name and unit, with every digit."""
    steps, whole = _rows(schedules, request.last)
    axis = axis_of(request.axis, budget)
    functions = [(schedule.scalar, bases[name]) for name, schedule in schedules.items()]
    out = io.StringIO()
    heads = [
        "step",
        *([request.axis] if request.axis != "step" else []),
        *(_cell(f"{name.strip()} [{unit_of({name: one}, bases)}]") for name, one in schedules.items()),
    ]
    out.write(",".join(heads) + "\r\n")
    for step in steps:
        cells = [str(step)]
        if request.axis != "step":
            cells.append(repr(axis.position(step)))
        cells += [repr(function(step) * factor) for function, factor in functions]
        out.write(",".join(cells) + "\r\n")
    if not whole:
        out.write(f"# sampled: {len(steps)} of {request.last + 1} steps\r\n")
    return out.getvalue()


def _cell(text: str) -> str:
    """Returns a name as a cell: quoted, and never the beginning of a spreadsheet's formula."""
    text = text.strip()
    text = f"'{text}" if text[:1] in "=+-@\t" else text
    return '"' + text.replace('"', '""') + '"'


def _json(schedules: dict[str, Schedule], bases: dict[str, float], last: int) -> str:
    rows = []
    for name, schedule in schedules.items():
        factor = bases[name]
        steps, values, _ = thinned(schedule, last, 2000, _WHOLE)
        rows.append(
            {
                "name": name.strip(),
                "text": str(schedule),
                "schedule": schedule.to_dict(),
                "fingerprint": schedule.fingerprint,
                "duration": None if schedule.duration == math.inf else schedule.duration,
                "base": factor,
                "unit": unit_of({name: schedule}, bases),
                "points": [[int(s), v * factor] for s, v in zip(steps, values, strict=True) if s == int(s)],
            }
        )
    return json.dumps({"curves": rows, "last": last}, indent=1, allow_nan=False)

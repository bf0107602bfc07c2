"""Files to take away: pictures, the animation, the values as CSV and JSON. All from the function that trains."""

from __future__ import annotations

import io
import json
import math
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from glidepath.core.errors import GlidepathError
from glidepath.core.fields import MAX_STEPS
from glidepath.core.schedule import Schedule
from glidepath.view import Axis, animation, figure, sampled
from glidepath.view.still import bytes_of
from glidepath.view.units import bases_of, unit_of

from .budget import Budget, Settled
from .look import MAX_PINS, Base, Bases, Text, own, read

__all__ = ["TYPES", "Export", "export"]

_ROWS = 200_000  # steps that are written one by one; a longer curve as its sampled points, and the file says so

TYPES = {
    "svg": "image/svg+xml",
    "png": "image/png",
    "gif": "image/gif",
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
}
"""The media type of each format."""


class Export(BaseModel):
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

    model_config = ConfigDict(extra="forbid")
    format: Literal["svg", "png", "gif", "csv", "json"]
    texts: Annotated[list[Text], Field(min_length=1, max_length=MAX_PINS)]
    names: Annotated[list[Annotated[str, Field(max_length=200)]], Field(max_length=MAX_PINS)] = []
    last: Annotated[int, Field(ge=1, le=MAX_STEPS)]
    axis: Literal["step", "epoch", "sample", "token", "percent"] = "step"
    log: bool = False
    floor: Annotated[float, Field(gt=0, le=1e100)] | None = None
    budget: Budget = Budget()
    base: Base = 1.0
    bases: Bases = []


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
        found = read(text, None, budget)
        if found.built.schedule is None:
            message = found.built.problems[0]["message"] if found.built.problems else "a schedule"
            raise GlidepathError.of("export", f"curve {i + 1}", "readable", text[:60], message)
        name = (request.names[i].strip() if i < len(request.names) else "") or text
        while name in schedules:
            name += " "
        schedules[name] = found.built.schedule
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
        steps |= {step for step, _ in sampled(schedule, last, 4000, 200_000).points()}
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
        curve = sampled(schedule, last, 2000, 200_000)
        rows.append(
            {
                "name": name.strip(),
                "text": str(schedule),
                "schedule": schedule.to_dict(),
                "fingerprint": schedule.fingerprint,
                "duration": None if schedule.duration == math.inf else schedule.duration,
                "base": factor,
                "unit": unit_of({name: schedule}, bases),
                "points": [[step, value * factor] for step, value in curve.points()],
            }
        )
    return json.dumps({"curves": rows, "last": last}, indent=1, allow_nan=False)

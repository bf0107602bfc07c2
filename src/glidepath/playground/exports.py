"""What is taken away: files of pictures and values, code, a link. All from the function that trains."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from importlib import import_module
from typing import Annotated, Any
from urllib.parse import urlencode

from ..core import Checks, GlidepathError, Schedule, taken, text_for
from ..core.fields import Flag, choice, real
from ..dialects import read_text, render
from ..view.axis import AXES, Axis, bases_of, unit_of
from ..view.sample import thinned
from .asked import MAX_PINS, USUAL, Asked, Base, Bases, Budget, Last, Names, Settled, Text, Texts, typed
from .look import own, read, readable

_WHOLE = 200_000  # steps that are written one by one; a longer curve as its sampled points, and the file says so

# The media type of each format.
_TEXTS = {"csv": "text/csv; charset=utf-8", "json": "application/json"}
TYPES = {"svg": "image/svg+xml", "png": "image/png", "gif": "image/gif", **_TEXTS}


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
    texts: Texts
    last: Last
    names: Names = ()
    axis: Annotated[str, choice(*AXES)] = "step"
    log: Flag = False
    floor: Annotated[float, typed(real(above=0))] | None = None
    budget: Budget = USUAL
    base: Base = 1.0
    bases: Bases = ()


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
    options: dict[str, Any] = {"steps": request.last, "axis": axis_of(request.axis, budget), "base": bases}
    options |= {"log": request.log, "floor": request.floor}
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


def _csv(schedules: dict[str, Schedule], bases: dict[str, float], request: Export, budget: Settled) -> str:
    """One row a step: the step, its place on the chosen axis, and the value of each curve, under its name and unit, with every digit."""
    last, axis = request.last, axis_of(request.axis, budget)
    placed = request.axis != "step"
    steps: Sequence[int] = range(last + 1)
    if last >= _WHOLE:
        looked = (thinned(schedule, last, 4000, _WHOLE)[0] for schedule in schedules.values())
        steps = sorted({int(step) for found in looked for step in found})
    heads = ["step", *([request.axis] * placed)]
    heads += [_cell(f"{name.strip()} [{unit_of({name: one}, bases)}]") for name, one in schedules.items()]
    functions = [(schedule.scalar, bases[name]) for name, schedule in schedules.items()]
    rows = [",".join(heads)]
    for step in steps:
        cells = [step, *([axis.position(step)] * placed), *(function(step) * factor for function, factor in functions)]
        rows.append(",".join(map(repr, cells)))
    if last >= _WHOLE:
        rows.append(f"# sampled: {len(steps)} of {last + 1} steps")
    return "\r\n".join([*rows, ""])


def _cell(text: str) -> str:
    """Returns a name as a cell: quoted, and never the beginning of a spreadsheet's formula."""
    text = ("'" if text.strip()[:1] in "=+-@\t" else "") + text.strip()
    return '"' + text.replace('"', '""') + '"'


def _json(schedules: dict[str, Schedule], bases: dict[str, float], last: int) -> str:
    rows: list[dict[str, Any]] = []
    for name, schedule in schedules.items():
        factor, (steps, values, _) = bases[name], thinned(schedule, last, 2000, _WHOLE)
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


# Code and links ------------------------------------------------------------------------------------------------------------------------

# What code can be written for, with the names on the page.
_PROPER = {"python": "Plain Python", "pytorch": "PyTorch", "oneflow": "OneFlow", "keras": "Keras"}
TARGETS = {**_PROPER, "optax": "optax", "glidepath": "glidepath"}


class Code(Asked):
    """A request for code."""

    text: Text
    target: Text
    base: Base = 1.0
    budget: Budget = USUAL


class Link(Asked):
    """A request for the address of a page that shows these schedules, the first to be worked on."""

    texts: Texts
    base: Base = 1.0


def coded(request: Code) -> dict[str, str]:
    """Returns the code of a schedule."""
    return {"code": code(readable(request.text, request.budget.settled()), request.target, request.base)}


def linked(request: Link) -> dict[str, str]:
    """Returns what comes after `#` in the address of a page."""
    return {"fragment": fragment([("", text) for text in request.texts], request.base)}


def code(schedule: Schedule, target: str, base: float = 1.0) -> str:
    """Returns runnable code for a schedule: `schedule(step)`, or `make_scheduler(optimizer)` for PyTorch and OneFlow.

    Args:
        schedule: The schedule.
        target: A key of `TARGETS`.
        base: The base rate, where the schedule is a factor; 1 leaves it a factor.

    Raises:
        GlidepathError: If the target is unknown or a part of the schedule cannot be said there.
    """
    base_lr = None if schedule.absolute or base == 1.0 else base
    if taken("code", "target", target, choice(*TARGETS)) == "glidepath":
        return f"import glidepath\n\nschedule = glidepath.parse({text_for(schedule, base_lr)!r})\nprint(schedule(0))\n"
    return render(schedule, target, base_lr=base_lr)


PER_EPOCH = 400  # updates in an epoch of the budget that the page begins with


def fragment(curves: Sequence[tuple[str, str]], base: float = 1.0) -> str:
    """Returns the link to a page that shows these schedules: the first is worked on, the others are pinned.

    Args:
        curves: Names, perhaps empty, and one-line texts, of ours or of another library; up to nine.
        base: What factors are multiplied by.

    Raises:
        GlidepathError: If there are none or too many, or a text cannot be read; every problem is listed.

    Examples:
        >>> fragment([("", "cosine(400)")])
        'v=1&s=cosine%28400%29&budget=epochs%3A1.0&at=0%2C100%2C200%2C399'
    """
    if not 1 <= len(curves) <= MAX_PINS + 1:
        raise GlidepathError.worded("open", "SCHEDULE", f"1 to {MAX_PINS + 1} schedules", f"{len(curves)} of them")
    taken("open", "base", base, real(above=0, high=1e6))
    checks = Checks("open")
    made: list[tuple[str, str, Schedule]] = []
    for name, text in curves:
        with checks.kept():
            made.append((name, *_readable(text)))
    checks.done()
    (name, text, first), *pins = made
    parts: list[tuple[str, str]] = [("v", "1"), ("s", text), *([("n", name)] if name else [])]
    parts += [("p", json.dumps([text, name, slot])) for slot, (name, text, _) in enumerate(pins, start=1)]
    parts += [("base", repr(base))] if base != 1.0 else []
    length, epochs = first.duration, first.duration / PER_EPOCH
    # A longer schedule than a million epochs is shown beside the budget that the page begins with.
    if epochs <= 1e6 and Budget(epochs=epochs).settled().updates == length != Budget().settled().updates:
        parts.append(("budget", f"epochs:{epochs}"))
    shown = {0}  # the steps of the page's table: the first, a quarter, the half, and the last update
    if math.isfinite(length):
        shown |= {int(length) // 4, int(length) // 2, max(int(length) - 1, 0)}
    return urlencode([*parts, ("at", ",".join(map(str, sorted(shown))))])


def _readable(text: str) -> tuple[str, Schedule]:
    """Returns a text that the page reads, and its schedule: as it was written where it can, else in our own words."""
    schedule = read(text, None, USUAL.settled()).schedule
    if schedule is None:
        schedule = read_text(text)
        text = str(schedule)
    return text, schedule

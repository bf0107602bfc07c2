"""What the page shows of schedules: the curve's points and blocks, which follow every move of a slider, and what its table says of a curve."""

from __future__ import annotations

import base64
import functools
import math
import struct
from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate, pairwise
from typing import Annotated, Any

from ..core import GlidepathError, Schedule, parse
from ..core.fields import MAX_STEPS, Flag, Index, integer
from ..core.program import program
from ..dialects.reading import companions_of
from ..view.axis import scaled, unit_of
from ..view.sample import REPLAYED, horizon, knots, phases, thinned
from .asked import USUAL, AnObject, Asked, Base, Bases, Budget, Last, Pins, Settled, Text, Texts, refused, several
from .build import Built, build
from .tree import MAX_TEXT, Tree, called, text_of, tree_of


class Look(Asked):
    """What the page asks at every change.

    Args:
        text: The schedule as text; or
        tree: as a tree of controls.
        pins: Curves to be drawn with it, as text.
        bases: What multiplies the factors of each pin, where it is a group with a base of its own.
        budget: What the run may spend.
        base: What factors are multiplied by.
        points: About how many points a curve may have.
        have: The last step up to which the page already has the pins, or None.
        sampled: Whether the points of a curve are wanted where it has a program that gives them.
    """

    text: Text | None = None
    tree: AnObject | None = None
    pins: Pins = ()
    bases: Bases = ()
    budget: Budget = USUAL
    base: Base = 1.0
    points: Annotated[int, integer(50, 4000)] = 1000
    have: Index | None = None
    sampled: Flag = True


def read(text: str | None, tree: Tree | None, budget: Settled) -> Built:
    """Returns what a text or a tree makes; what is refused becomes problems.

    Args:
        text: The text; used if there is no tree.
        tree: The tree.
        budget: What lengths with units are of.
    """
    refusal = None
    try:
        if tree is not None:
            built = build(tree, budget)
            return replace(built, text=text_of(built.tree))
        text = called(text or "")
        try:
            tree = tree_of(text)
        except GlidepathError as error:
            refusal = error
        if tree is not None:
            return replace(build(tree, budget), text=text)
        # The curve alone: more parts than controls, a call inside a call, or a lambda.
        return Built(parse(text), {"t": "many"}, text=text)
    except GlidepathError as error:
        return Built(None, tree or {"t": "none"}, _told(refusal or error), text=text or "")


def _told(error: GlidepathError) -> list[dict[str, Any]]:
    return [refused(problem, "", "") for problem in error.problems[:50]]


def look(request: Look) -> dict[str, Any]:
    """Returns the curves of a schedule and its pins, the blocks, and what was refused.

    Args:
        request: What the page asks.
    """
    budget = request.budget.settled()
    found, drawn = read(request.text, request.tree, budget), dict[str, Any]()
    if found.schedule is not None:
        try:
            drawn = _drawn(request, found, found.schedule, budget)
        except GlidepathError as error:  # a replayed rule can fail at a later step
            found = replace(found, schedule=None, problems=_told(error))
    return {
        "ok": found.schedule is not None,
        "problems": found.problems[:50],
        "tree": found.tree,
        "text": found.text,
        "budget": budget.to_dict(),
        **drawn,
    }


def _drawn(request: Look, built: Built, schedule: Schedule, budget: Settled) -> dict[str, Any]:
    """Returns what is drawn of a schedule: curve, pins, blocks."""
    pins = [_pin(text, budget) for text in request.pins]
    ends = [horizon(each) for each in (schedule, *pins) if each is not None and each.duration != math.inf]
    last = max(budget.updates, *ends, 1)
    drawn: dict[str, Any] = {
        "canonical": _short(schedule),
        "absolute": schedule.absolute,
        "companions": {name: _short(other) for name, other in companions_of(schedule).items()},
        "duration": _end(schedule.duration),
        "last": last,
        "curve": curve_data(schedule, last, request.points, request.base, request.sampled),
        "blocks": _blocks(built, schedule, last),
    }
    if request.have != last:
        bases = own(request.bases, request.base, len(pins))
        drawn["pins"] = [
            None if pin is None else _pin_data(pin, last, request.points, base, request.sampled)
            for pin, base in zip(pins, bases, strict=True)
        ]
    return drawn


def readable(text: str, budget: Settled, where: str = "page", field: str = "schedule") -> Schedule:
    """Returns the schedule of a text that the page reads.

    Args:
        text: The schedule.
        budget: What lengths with units are of.
        where: Who asks, for the error.
        field: What it is to them.

    Raises:
        GlidepathError: If it cannot be read.
    """
    built = read(text, None, budget)
    if built.schedule is None:
        told = built.problems[0]["message"] if built.problems else ""
        raise GlidepathError.of(where, field, "readable", text[:60], told)
    return built.schedule


def _short(schedule: Schedule) -> str:
    text = str(schedule)
    return text if len(text) <= MAX_TEXT else ""


@functools.lru_cache(maxsize=256)
def _pin(text: str, budget: Settled) -> Schedule | None:
    return read(text, None, budget).schedule


def own(bases: Sequence[float | None], base: float, count: int) -> list[float]:
    """Returns what multiplies the factors of each of so many curves: its own base, or the page's."""
    return [bases[i] or base if i < len(bases) else base for i in range(count)]


def curve_data(schedule: Schedule, last: int, points: int, base: float, packed: bool = True) -> dict[str, Any]:
    """Returns a curve as JSON data: the program that gives its values, and its points, float64 in little-endian order in base 64.

    Args:
        schedule: What is drawn.
        last: The last step.
        points: About how many points.
        base: What factors are multiplied by.
        packed: Whether points are wanted even where there is a program.
    """
    factor, run, marks = scaled(schedule, base), program(schedule, last), knots(schedule, last)
    data: dict[str, Any] = {
        "program": run,
        "factor": factor,
        "knots": marks if len(marks) <= 4_000 else [],  # more would not be told apart
        "until": float(last if schedule.closed else min(last, REPLAYED)),
        "unit": unit_of({"": schedule}, {"": factor}),
    }
    if run is not None and not packed:
        return data
    most = max(5_000, min(100_000, 4_000_000 // schedule._size))
    steps, plain, _ = thinned(schedule, last, points, most)
    values = [value * factor for value in plain]
    whole = [value for step, value in zip(steps, values, strict=True) if step == int(step)]
    return data | {
        "steps": _packed(steps),
        "values": _packed(values),
        "least": min((value for value in whole if value > 0), default=None),
        "most": max(values),
        "zeros": 0.0 in whole,
    }


_pin_data = functools.lru_cache(maxsize=64)(curve_data)


def _packed(values: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(values)}d", *values)).decode()


def _blocks(built: Built, schedule: Schedule, last: int) -> list[dict[str, Any]]:
    """Returns the phases as blocks: those of the chain that the text is, each with its place in the tree, or else what is inside."""
    tree = built.tree
    if tree.get("t") == "op" and tree.get("op") == ">>":
        paths = [f"parts.{i}" for i in range(len(tree["parts"]))]
        durations = [built.durations.get(path, math.inf) for path in paths]
        begins = accumulate(durations[:-1], initial=0.0)
        return list(map(_block, tree["parts"], paths, begins, durations))
    if tree.get("t") == "call" and not tree["lib"]:
        single = _block(tree, "", 0, schedule.duration)
        if single["length"] is not None and len(phases(schedule, last)) <= 1:
            return [single]
    return [
        {"path": None, "name": p.name or "schedule", "begin": p.begin, "end": _end(p.end), "length": None}
        for p in phases(schedule, min(last, MAX_STEPS))[:60]
    ]


def _block(part: Tree, path: str, begin: float, duration: float) -> dict[str, Any]:
    args = list(enumerate(part.get("args", ())))
    fitting = [(a["name"] != "steps", i) for i, a in args if type(a["value"]) is int and a["value"] == duration]
    end, length = _end(begin + duration), min(fitting)[1] if fitting else None
    return {"path": path, "name": _name(part), "begin": int(begin), "end": end, "length": length}


def _name(part: Tree) -> str:
    """Returns what a block is called: its word, with the numbers it is multiplied by."""
    if part["t"] == "call":
        return f"{part['lib']}.{part['word']}".lstrip(".").replace("_", " ")
    if part["t"] == "num":
        return str(part["value"])
    sign = {"*": " × ", ">>": " then "}.get(part["op"], f" {part['op']} ")
    return sign.join(_name(each) for each in part["parts"][:3])[:60]


def _end(end: float) -> int | None:
    return None if end == math.inf else int(end)


# The table: what it says of each curve, and values under the cursor --------------------------------------------------------------------

_WHOLE = 100_000  # steps that are all looked at; longer curves are sampled, and the table says so


class Measure(Asked):
    """What the page asks for its table.

    Args:
        texts: The curves.
        last: The last step.
        at: Steps whose values are wanted.
        budget: What lengths with units are of.
        base: What factors are multiplied by.
        bases: The same for curves that have a base of their own, in the order of the texts.
    """

    texts: Texts
    last: Last
    at: Annotated[tuple[int, ...], several(integer(0), 8)] = ()
    budget: Budget = USUAL
    base: Base = 1.0
    bases: Bases = ()


class At(Asked):
    """What the page asks under the cursor: the values of several curves at one step."""

    texts: Texts
    step: Index
    budget: Budget = USUAL
    base: Base = 1.0
    bases: Bases = ()


def measures(request: Measure) -> dict[str, Any]:
    """Returns a row of the table for each curve; None for one that cannot be read."""
    curves = _curves(request)
    return {"rows": [None if one is None else measure(one, request.last, request.at, base) for one, base in curves]}


def _curves(request: Measure | At) -> list[tuple[Schedule | None, float]]:
    """Returns the curves of a request, None for one that cannot be read, and what their factors are multiplied by."""
    made = [_pin(text, request.budget.settled()) for text in request.texts]
    return list(zip(made, own(request.bases, request.base, len(made)), strict=True))


def measure(schedule: Schedule, last: int, steps: Sequence[int], base: float) -> dict[str, Any]:
    """Returns what the table says of one curve up to a step.

    Args:
        schedule: The curve.
        last: The last step.
        steps: Steps whose values are wanted.
        base: What factors are multiplied by.
    """
    factor = scaled(schedule, base)
    whole = last <= _WHOLE and schedule.closed
    t, kept = range(last + 1), map(schedule.scalar, range(last + 1))
    if not whole:
        t, kept, _ = thinned(schedule, last, 4000, _WHOLE)
    values = [value * factor for value in kept]
    spans = zip(pairwise(t), pairwise(values), strict=True)
    area = math.fsum(values[:-1] if whole else ((b - a) * (x + y) / 2 for (a, b), (x, y) in spans)) / last
    top = values.index(max(values))
    shown = {*(round(last * k / 20) for k in range(21)), *knots(schedule, last)[:20]}  # about forty steps
    jumps = [abs(y - x) for x, y in pairwise(values)]
    jump = max(jumps, default=0.0)
    return {
        "peak": schedule(int(t[top])) * factor,
        "peak_step": int(t[top]),
        "final": schedule(min(last, schedule.duration)) * factor,
        "warmup": t[top] / last,
        "area": area,
        "jump": jump,
        "jump_step": int(t[jumps.index(jump) + 1]) if jumps else 0,
        "at": [schedule(step) * factor for step in steps],
        "sampled": not whole,
        "absolute": schedule.absolute,
        "table": [[step, schedule(step) * factor] for step in sorted(shown)],
    }


def at(request: At) -> dict[str, Any]:
    """Returns the values of several curves at one step; None for a curve that cannot be read."""
    values = [None if one is None else one(request.step) * scaled(one, base) for one, base in _curves(request)]
    return {"step": request.step, "values": [v if v is None or math.isfinite(v) else None for v in values]}

"""What a table says of a curve: its peak, its end, the share of warmup, its mean, its largest jump, and its values at chosen steps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, Any

from ..core import Schedule
from ..core.fields import integer
from ..view.axis import scaled
from ..view.sample import knots, thinned
from .asked import Asked, Base, Bases, Last, Step, Texts, several
from .budget import USUAL, Budget
from .look import own, read

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
    step: Step
    budget: Budget = USUAL
    base: Base = 1.0
    bases: Bases = ()


def measures(request: Measure) -> dict[str, Any]:
    """Returns a row of the table for each curve; None for one that cannot be read."""
    read_as = zip(*_curves(request), strict=True)
    return {"rows": [None if one is None else measure(one, request.last, request.at, base) for one, base in read_as]}


def _curves(request: Measure | At) -> tuple[list[Schedule | None], list[float]]:
    """Returns the curves of a request, None for one that cannot be read, and what their factors are multiplied by."""
    budget = request.budget.settled()
    made = [read(text, None, budget).schedule for text in request.texts]
    return made, own(request.bases, request.base, len(made))


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
    pairs = zip(*_curves(request), strict=True)
    values = [None if one is None else one(request.step) * scaled(one, base) for one, base in pairs]
    return {"step": request.step, "values": [v if v is None or math.isfinite(v) else None for v in values]}

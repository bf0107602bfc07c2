"""What a table says of a curve: its peak, its end, the share of warmup, its mean, its largest jump, and its values at chosen steps."""

from __future__ import annotations

import math
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from glidepath.core.fields import MAX_STEPS
from glidepath.core.schedule import Schedule
from glidepath.view import knots, sampled
from glidepath.view.units import scaled

from .budget import Budget
from .look import MAX_PINS, Base, Bases, Text, own, read

__all__ = ["At", "Measure", "at", "measure", "measures"]

_WHOLE = 500_000  # steps that are all looked at; longer curves are sampled, and the table says so
Step = Annotated[int, Field(ge=0, le=MAX_STEPS)]


class Measure(BaseModel):
    """What the page asks for its table.

    Args:
        texts: The curves.
        last: The last step.
        at: Steps whose values are wanted.
        budget: What lengths with units are of.
        base: What factors are multiplied by.
        bases: The same for curves that have a base of their own, in the order of the texts.
    """

    model_config = ConfigDict(extra="forbid")
    texts: Annotated[list[Text], Field(max_length=MAX_PINS + 1)]
    last: Annotated[int, Field(ge=1, le=MAX_STEPS)]
    at: Annotated[list[Step], Field(max_length=8)] = []
    budget: Budget = Budget()
    base: Base = 1.0
    bases: Bases = []


class At(BaseModel):
    """What the page asks under the cursor: the values of several curves at one step."""

    model_config = ConfigDict(extra="forbid")
    texts: Annotated[list[Text], Field(max_length=MAX_PINS + 1)]
    step: Step
    budget: Budget = Budget()
    base: Base = 1.0
    bases: Bases = []


def measures(request: Measure) -> dict[str, Any]:
    """Returns a row of the table for each curve; None for one that cannot be read."""
    budget = request.budget.settled()
    rows: list[Any] = []
    bases = own(request.bases, request.base, len(request.texts))
    for text, base in zip(request.texts, bases, strict=True):
        schedule = read(text, None, budget).built.schedule
        rows.append(None if schedule is None else measure(schedule, request.last, request.at, base))
    return {"rows": rows}


def measure(schedule: Schedule, last: int, steps: list[int], base: float) -> dict[str, Any]:
    """Returns what the table says of one curve up to a step.

    Args:
        schedule: The curve.
        last: The last step.
        steps: Steps whose values are wanted.
        base: What factors are multiplied by.
    """
    import numpy as np

    factor = scaled(schedule, base)
    whole = last <= _WHOLE and schedule.closed
    if whole:
        t = np.arange(last + 1, dtype=np.float64)
        values = schedule(t) * factor
    else:
        curve = sampled(schedule, last, 4000, 200_000)
        t, values = curve.steps, curve.values * factor
    top = int(values.argmax())
    jumps = abs(np.diff(values))
    jump = int(jumps.argmax()) if jumps.size else 0
    area = np.trapezoid(values, t) / last if not whole else values[:-1].mean()
    return {
        "peak": schedule(int(t[top])) * factor,
        "peak_step": int(t[top]),
        "final": schedule(min(last, schedule.duration)) * factor,
        "warmup": float(t[top]) / last,
        "area": float(area),
        "jump": float(jumps[jump]) if jumps.size else 0.0,
        "jump_step": int(t[jump + 1]) if jumps.size else 0,
        "at": [schedule(step) * factor for step in steps],
        "sampled": not whole,
        "absolute": schedule.absolute,
        "table": _table(schedule, last, factor),
    }


def _table(schedule: Schedule, last: int, factor: float) -> list[list[float]]:
    """Returns about forty steps with their values: evenly spread, and the first knots."""
    steps = {round(last * k / 20) for k in range(21)}
    steps |= set(knots(schedule, last)[:20])
    return [[step, schedule(step) * factor] for step in sorted(steps)]


def at(request: At) -> dict[str, Any]:
    """Returns the values of several curves at one step; None for a curve that cannot be read."""
    budget = request.budget.settled()
    made = [read(text, None, budget).built.schedule for text in request.texts]
    bases = own(request.bases, request.base, len(made))
    values = [
        None if one is None else one(request.step) * scaled(one, base) for one, base in zip(made, bases, strict=True)
    ]
    return {"step": request.step, "values": [v if v is None or math.isfinite(v) else None for v in values]}

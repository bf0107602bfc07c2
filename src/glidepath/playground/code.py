"""A schedule as code to copy: runs as it stands, and gives the values of the curve."""

from __future__ import annotations

from ..core.errors import GlidepathError, did_you_mean
from ..core.rate import text_for
from ..core.schedule import Schedule
from ..dialects import render

__all__ = ["TARGETS", "code"]

TARGETS = {
    "python": "Plain Python",
    "pytorch": "PyTorch",
    "oneflow": "OneFlow",
    "keras": "Keras",
    "optax": "optax",
    "glidepath": "glidepath",
}
"""What code can be written for, with the names on the page."""


def code(schedule: Schedule, target: str, base: float = 1.0) -> str:
    """Returns runnable code for a schedule: `schedule(step)`, or `make_scheduler(optimizer)` for PyTorch and OneFlow.

    Args:
        schedule: The schedule.
        target: A key of `TARGETS`.
        base: The base rate, where the schedule is a factor; 1 leaves it a factor.

    Raises:
        GlidepathError: If the target is unknown or a part of the schedule cannot be said there.
    """
    if target not in TARGETS:
        raise GlidepathError.of("code", "target", f"one of {', '.join(TARGETS)}", target, did_you_mean(target, TARGETS))
    base_lr = None if schedule.absolute or base == 1.0 else base
    if target == "glidepath":
        return f"import glidepath\n\nschedule = glidepath.parse({text_for(schedule, base_lr)!r})\nprint(schedule(0))\n"
    return render(schedule, target, base_lr=base_lr)

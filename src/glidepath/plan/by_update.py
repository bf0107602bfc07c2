"""A plan on any clock as schedules of the update: what an integration that counts updates is driven by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..core.combinators import Chain, Shift, Stretch, Until
from ..core.errors import GlidepathError
from ..core.schedule import Schedule
from ..core.segments import Hold

if TYPE_CHECKING:
    from .model import Plan

__all__ = ["by_update", "drives_of"]


def by_update(plan: Plan, schedule: Schedule, begin: int = 0) -> Schedule:
    """Returns a schedule on the plan's clock as one of the update, every update being full.

    Through a batch ramp it is a chain: in each stage the schedule goes on from the position that the stage begins at, and every update
    moves it by the stage's size.

    Args:
        plan: The plan.
        schedule: One of its schedules.
        begin: The position on the plan's clock that update 0 is made at, such as where a run goes on.

    Raises:
        GlidepathError: If the size of an update is unknown, or the clock counts epochs.
    """
    if plan.clock == "updates":
        return _from(schedule, begin)
    per_sample = 1 if plan.clock == "samples" else plan.horizon.tokens_per_sample
    sizes = [(stage.begin, stage.size) for stage in plan.stages] or [(0, plan.derived.samples_per_update)]
    if plan.clock == "epochs" or per_sample is None or sizes[0][1] is None:
        remedy = "use a clock of updates" if plan.clock == "epochs" else "give horizon.batch (and tokens_per_sample)"
        raise GlidepathError.of("plan", "clock", "convertible to updates of known size", plan.clock, remedy)
    phases: list[Schedule] = []
    position = begin
    for i, (_, size) in enumerate(sizes):
        end = sizes[i + 1][0] if i + 1 < len(sizes) else None
        if end is not None and end <= position:
            continue
        step = int(size or 0) * per_sample
        piece = Stretch(_from(schedule, position), 1 / step)
        if end is None or position >= schedule.duration:
            phases.append(piece)
            break
        updates = -(-(end - position) // step)
        phases.append(Until(piece, updates))
        position += updates * step
    return phases[0] if len(phases) == 1 else Chain(tuple(phases))


def _from(schedule: Schedule, position: int) -> Schedule:
    """Returns what is left of a schedule from a position on; where nothing is, it holds its end."""
    if position >= schedule.duration:
        return Hold(1, schedule(schedule.duration))
    return Shift(schedule, -position) if position else schedule


def drives_of(plan: Plan, begin: int = 0) -> list[dict[str, Any]]:
    """Returns, for each rule, the arguments of `glidepath.torch.Drive`.

    Args:
        plan: The plan.
        begin: The position on the plan's clock that update 0 is made at.

    Raises:
        GlidepathError: If a schedule cannot be resolved, or counted in updates.
    """
    return [
        {
            "schedule": by_update(plan, schedule, begin),
            "parameter": rule.parameter,
            "groups": rule.groups,
            "absolute": rule.absolute,
            "floor": rule.floor,
        }
        for rule, schedule in zip(plan.rules, plan.schedules(), strict=True)
    ]

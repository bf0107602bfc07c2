"""A plan on any clock as schedules of the update: what an integration that counts updates is driven by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..core.combinators import Chain, Shift, Stretch, Until
from ..core.errors import GlidepathError
from ..core.schedule import Schedule

if TYPE_CHECKING:
    from .model import Plan

__all__ = ["by_update", "drives_of"]


def by_update(plan: Plan, schedule: Schedule) -> Schedule:
    """Returns a schedule on the plan's clock as one of the update, every update being full.

    Through a batch ramp it is a chain: in each stage the schedule goes on from the position that the stage begins at, and every update
    moves it by the stage's size.

    Raises:
        GlidepathError: If the size of an update is unknown, or the clock counts epochs.
    """
    if plan.clock == "updates":
        return schedule
    per_sample = 1 if plan.clock == "samples" else plan.horizon.tokens_per_sample
    sizes = [(stage.begin, stage.size) for stage in plan.stages] or [(0, plan.derived.samples_per_update)]
    if plan.clock == "epochs" or per_sample is None or sizes[0][1] is None:
        remedy = "use a clock of updates" if plan.clock == "epochs" else "give horizon.batch (and tokens_per_sample)"
        raise GlidepathError.of("plan", "clock", "convertible to updates of known size", plan.clock, remedy)
    phases: list[Schedule] = []
    position = 0
    for i, (_, size) in enumerate(sizes):
        step = int(size or 0) * per_sample
        rest = Shift(schedule, -position) if 0 < position < schedule.duration else schedule
        piece = Stretch(rest, 1 / step)
        if i + 1 == len(sizes) or position >= schedule.duration:
            phases.append(piece)
            break
        updates = -(-(sizes[i + 1][0] - position) // step)
        if updates > 0:
            phases.append(Until(piece, updates))
            position += updates * step
    return phases[0] if len(phases) == 1 else Chain(tuple(phases))


def drives_of(plan: Plan) -> list[dict[str, Any]]:
    """Returns, for each rule, the arguments of `glidepath.torch.Drive`.

    Raises:
        GlidepathError: If a schedule cannot be resolved, or counted in updates.
    """
    return [
        {
            "schedule": by_update(plan, schedule),
            "parameter": rule.parameter,
            "groups": rule.groups,
            "absolute": rule.absolute,
            "floor": rule.floor,
        }
        for rule, schedule in zip(plan.rules, plan.schedules(), strict=True)
    ]

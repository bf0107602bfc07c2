"""Batch sizes that change during a run and how the rate follows them; and a plan on any clock as schedules of the update.

The latter is what an integration that counts nothing else is driven by.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

from ..core import Chain, GlidepathError, Hold, Product, Ramp, Schedule, Shift, Stretch, Table, Until, kind
from ..core.fields import MAX_STEPS, Length, choice
from .horizon import Stage
from .progress import Progress
from .rules import Drawn, Part

if TYPE_CHECKING:
    from ..feedback import Controller
    from .model import Plan

MAX_STAGES = 10_000
Coupling = Annotated[Literal["none", "linear", "sqrt"], choice("none", "linear", "sqrt")]
_POWER = {"none": 0.0, "linear": 1.0, "sqrt": 0.5}  # how strongly the rate follows


@kind("batch_ramp")
class BatchRamp(Part):
    r"""The batch size as a schedule of the plan, and how the learning rate follows it.

    The size of an update at a position is the schedule's value there, rounded down to a multiple of `multiple` (and at least one). The rate
    is multiplied by $(b/r)^p$, where $b$ is that size, $r$ the `reference` and $p$ is 1 for `linear`, 1/2 for `sqrt` and 0 for `none`.

    Args:
        schedule: Samples of an update over all processes; it must not fall.
        coupling: How the rate follows: `none`, `linear` or `sqrt`.
        reference: The size at which the rate is what its own schedule says; None is the size at the beginning.
        multiple: What every size is a multiple of, such as the batch of a process times the processes; None is that, where it is known.

    Source:
        Linear: Goyal et al. 2017, https://arxiv.org/abs/1706.02677; square root: Krizhevsky 2014, https://arxiv.org/abs/1404.5997; ramps:
        McCandlish et al. 2018, https://arxiv.org/abs/1812.06162
    """

    schedule: Drawn
    coupling: Coupling = "none"
    reference: Length | None = None
    multiple: Length | None = None


def stages_of(schedule: Schedule, multiple: int, end: int) -> tuple[Stage, ...]:
    """Returns the sizes of an update and where each begins.

    Args:
        schedule: Samples of an update, which must not fall.
        multiple: What every size is a multiple of.
        end: The last position to look at.

    Raises:
        GlidepathError: If the schedule falls, is below 1, or has too many sizes.
    """
    last = int(min(schedule.duration, end, MAX_STEPS))

    def size(position: int) -> int:
        return max(1, math.floor(schedule(position) / multiple + 1e-9)) * multiple

    looked = [round(last * k / 256) for k in range(257)] if last > 256 else range(last + 1)
    values = [schedule(position) for position in looked]
    if min(values) < 1 or max(values) > MAX_STEPS:
        raise GlidepathError.of("batch", "schedule", f"from 1 to {MAX_STEPS} samples at every position", min(values))
    for before, after in pairwise(values):
        if after < before:
            seen = f"{before:g} and then {after:g}"
            raise GlidepathError.of("batch", "schedule", "a batch size that never falls", seen, "a ramp rises or stays")
    stages = [Stage(0, size(0))]
    while stages[-1].size < size(last):
        low, high = stages[-1].begin, last
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if size(middle) <= stages[-1].size else (low, middle)
        stages.append(Stage(high, size(high)))
        if len(stages) > MAX_STAGES:
            raise GlidepathError.of("batch", "multiple", f"such that there are at most {MAX_STAGES} sizes", multiple)
    return tuple(stages)


def coupled(schedule: Schedule, ramp: BatchRamp, stages: tuple[Stage, ...]) -> Schedule:
    """Returns a rate's schedule multiplied by what the batch size calls for."""
    reference = ramp.reference or stages[0].size
    factors = [(stage.size / reference) ** _POWER[ramp.coupling] for stage in stages]
    if all(factor == 1.0 for factor in factors):
        return schedule
    return Product((schedule, Table(tuple(stage.begin for stage in stages), tuple(factors), "previous")))


# By the update -----------------------------------------------------------------------------------------------------------------------


def by_update(plan: Plan, schedule: Schedule) -> Schedule:
    """Returns a schedule on the plan's clock as one of the update, every update being full.

    Through a batch ramp it is a chain: in each stage the schedule goes on from the position that the stage begins at, and every update
    moves it by the stage's size.

    Args:
        plan: The plan.
        schedule: One of its schedules.

    Raises:
        GlidepathError: If the size of an update is unknown, or the clock counts epochs.
    """
    if plan.clock == "updates":
        return schedule
    per_sample = 1 if plan.clock == "samples" else plan.horizon.tokens_per_sample
    if plan.clock == "epochs" or per_sample is None or not (plan.stages or plan.derived.samples_per_update):
        remedy = "use a clock of updates" if plan.clock == "epochs" else "give horizon.batch (and tokens_per_sample)"
        raise GlidepathError.of("plan", "clock", "convertible to updates of known size", plan.clock, remedy)
    phases = list[Schedule]()
    for position, step, updates in _sizes(plan, per_sample):
        if position >= schedule.duration:  # nothing is left of it
            phases.append(Hold(1, schedule(schedule.duration)))
            break
        piece = Stretch(Shift(schedule, -position) if position else schedule, 1 / step)
        phases.append(piece if updates is None else Until(piece, updates))
    return phases[0] if len(phases) == 1 else Chain(phases)


def _sizes(plan: Plan, per_sample: int) -> Iterator[tuple[int, int, int | None]]:
    """Yields where each size of an update begins, how far such an update moves the clock, and how many there are; None for the last."""
    sizes = [stage.size for stage in plan.stages] or [plan.derived.samples_per_update or 1]
    position = 0
    for size, end in zip(sizes, [*(stage.begin for stage in plan.stages[1:]), None], strict=True):
        step = size * per_sample
        updates = None if end is None else max(0, -(-(end - position) // step))
        if updates != 0:
            yield position, step, updates
        position += (updates or 0) * step


def progress_after(plan: Plan, updates: int, states: tuple[Any, ...] = ()) -> Progress:
    """Returns the progress after full updates, with the states of the controllers (none: as they begin)."""
    states = states or plan.begin().states
    if plan.clock not in ("samples", "tokens"):
        return Progress(updates, states=states)
    position, left = 0, updates
    for _, step, most in _sizes(plan, 1 if plan.clock == "samples" else plan.horizon.tokens_per_sample or 1):
        made = left if most is None else min(left, most)
        position, left = position + made * step, left - made
    return Progress(updates, **{plan.clock: position}, states=states)


class Line(NamedTuple):
    """A controller's multiplier until its next observation: `start` until update `begin`, then straight to `end` in `length` updates."""

    start: float
    end: float
    begin: float = 0
    length: float = 1


def line_of(plan: Plan, controller: Controller, state: Any, group: str | None) -> Line:
    """Returns a controller's multiplier of a group as a straight line over updates.

    Raises:
        GlidepathError: If it is none, or cannot be counted in updates.
    """
    late, begin = controller.multiplier(state, math.inf, group), getattr(state, "begun", None)
    length = getattr(controller, "warmup", 0) if begin is not None else 0
    start, middle, end = (controller.multiplier(state, (begin or 0) + length * share, group) for share in (0, 0.5, 1))
    if end != late or not math.isclose(start + end, 2 * middle, rel_tol=1e-9):
        rule = "constant or a straight line between two observations"
        raise GlidepathError.of("plan", "a controller", rule, controller)
    if not length:
        return Line(end, end)
    if plan.clock == "updates":
        return Line(start, end, begin or 0, length)
    if len(plan.stages) > 1:
        rule = "without a warmup on a clock of its own where the batch size changes"
        raise GlidepathError.of("plan", "a controller", rule, controller, "use a clock of updates")
    at, long = (float(plan.derived.convert(Fraction(x), plan.clock, "updates")) for x in (begin or 0, length))
    return Line(start, end, at, long)


def steered(plan: Plan, rates: Schedule, states: tuple[Any, ...], parameter: str, group: str | None) -> Schedule:
    """Returns values over updates times what the controllers say until the next observation, and not below the rule's floor.

    Raises:
        GlidepathError: If a controller's multiplier is no straight line over updates.
    """
    rule = plan.rule(parameter, group)
    made, floor = rates, rule.floor
    if rule.over is not None:
        raise GlidepathError.of("plan", "over", "left to a driver that knows the other value", rule.over, "use attach")
    for part, state in zip(plan.feedback, states or plan.begin().states, strict=True):
        if part.parameter == parameter:
            line = line_of(plan, part.controller, state, group)
            if line.start == line.end:
                made = made if line.end == 1.0 else line.end * made
            else:
                rise = Ramp(line.start, line.end, max(1, round(line.length)))
                made = made * Shift(Stretch(rise, line.length / rise.duration), round(line.begin))
    return made if floor is None else made.clip(low=floor)

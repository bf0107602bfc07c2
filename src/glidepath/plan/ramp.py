"""Batch sizes that change during a run, and how the rate follows them."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Annotated, Literal

from ..core import GlidepathError, Product, Schedule, Table, kind
from ..core.fields import MAX_STEPS, Length, choice
from .horizon import Stage
from .rules import Drawn, Part

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

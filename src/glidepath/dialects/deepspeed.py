"""DeepSpeed: `deepspeed.runtime.lr_schedules`, as of 0.19. The first two updates share one rate: step t has the rate of index t - 1.

Its schedulers set the rate when they are made, and index 0 again after the first batch.
"""

from __future__ import annotations

import math
from typing import Any

from ..core.curves import Cosine
from ..core.schedule import Schedule
from ..core.segments import Hold, Ramp
from . import pieces
from .table import dialect

__all__ = ["DEEPSPEED"]

DEEPSPEED = dialect("deepspeed")


def _late(first: float, then: Schedule) -> Schedule:
    """Returns a schedule one step late, after a first value of its own."""
    return pieces.in_sequence([Hold(value=first), then], [1])


def _rise(a: Any, low: float, high: float, then: Schedule) -> Schedule:
    """Returns a warmup in a straight line or a logarithm, then the rest."""
    steps = max(2, a.warmup_num_steps)
    up: Schedule = Ramp(low, high, steps)
    if a.warmup_type == "log":
        up = pieces.formula("low + d * (c * log(step + 1))", low=low, d=high - low, c=1.0 / math.log(steps))
    return pieces.in_sequence([up, then], [steps])


def _decay(a: Any) -> Schedule:
    steps, low, high = max(2, a.warmup_num_steps), a.warmup_min_lr, a.warmup_max_lr
    return _late(low, _rise(a, low, high, pieces.ramp(high, low, a.total_num_steps - steps)))


def _cosine(a: Any) -> Schedule:
    left = max(1, a.total_num_steps - max(2, a.warmup_num_steps))
    down = pieces.after(Ramp(a.lr, a.cos_min_ratio * a.lr, left, Cosine()), 1)
    return _late(0.0, _rise(a, a.warmup_min_ratio * a.lr, a.lr, down))


def _stairs(a: Any, low: float, high: float) -> tuple[Schedule, Schedule, int]:
    """Returns the ways up and down, and how long they are together."""
    first = a.cycle_first_step_size
    second = first if a.cycle_second_step_size is None else a.cycle_second_step_size
    rising = a.cycle_first_stair_count
    falling = rising if a.cycle_second_stair_count is None else a.cycle_second_stair_count
    up, down = pieces.ramp(low, high, first), pieces.ramp(high, low, second)
    numbers = {"low": low, "d": high - low}
    if rising:
        up = pieces.formula("low + d * (floor(step * k / n) / k)", k=rising, n=first, **numbers)
    if falling and second:
        down = pieces.formula("low + d * (floor((n - step) * k / n) / k)", k=falling, n=second, **numbers)
    return up, down, second


def _one_cycle(a: Any) -> Schedule:
    momentum = a.at.value == "momentum"
    a.at.require(a.cycle_momentum or not momentum, "cycle_momentum", "true for the momentum to move", False)
    low, high = (a.cycle_max_mom, a.cycle_min_mom) if momentum else (a.cycle_min_lr, a.cycle_max_lr)
    up, down, second = _stairs(a, low, high)
    rate, rest = a.decay_mom_rate if momentum else a.decay_lr_rate, Hold(value=low)
    if rate and a.decay_step_size:
        text = f"low {'*' if momentum else '/'} (1 + r * step / n)"
        rest = pieces.formula(text, low=low, r=rate, n=a.decay_step_size)
    first = a.cycle_first_step_size
    whole = pieces.in_sequence([up, down, rest], [first, first + second])
    # a cycle of momentum begins at its lower end for one update: it is what the constructor puts there
    return pieces.in_sequence([Hold(value=a.cycle_min_mom), pieces.after(whole, 1)], [1]) if momentum else whole


def _warmup(a: Any) -> Schedule:
    top = a.lr if a.warmup_max_lr is None else a.warmup_max_lr
    return _late(a.warmup_min_lr, _rise(a, a.warmup_min_lr, top, Hold(value=top)))


DEEPSPEED.rows(
    {
        "LRRangeTest": lambda a: pieces.formula(
            "low * (1 + r * floor(step / n))" if a.lr_range_test_staircase else "low * (1 + r * (step / n))",
            low=a.lr_range_test_min_lr,
            r=a.lr_range_test_step_rate,
            n=a.lr_range_test_step_size,
        ),
        "OneCycle": _one_cycle,
        "WarmupLR": _warmup,
        "WarmupDecayLR": _decay,
        "WarmupCosineLR": _cosine,
    },
    OneCycle="momentum",
)

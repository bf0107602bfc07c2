"""The sweep itself: one update at each rate of a rising schedule, until it ends or the loss says stop."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

from ..core import Checks, Ramp, Schedule, taken
from ..core.curves import Geometric
from ..core.fields import Positive, integer
from .trace import Trace

_MOST_STEPS = 1_000_000
_MOST_SKIPS = 100
_HISTORY = 5


def rising(low: float = 1e-7, high: float = 10.0, steps: int = 240) -> Ramp:
    """Returns the schedule of a sweep: from `low` to `high` in equal ratios, `steps` rates in all.

    Args:
        low: The first rate, above 0.
        high: The last rate, above `low`.
        steps: How many rates, at least 2.

    Source:
        Smith 2015, section 3.3, https://arxiv.org/abs/1506.01186; in equal ratios: fastai's `lr_find`.

    Examples:
        >>> [round(rising(0.01, 1.0, 3)(t), 12) for t in range(3)]
        [0.01, 0.1, 1.0]
    """
    checks = Checks("range test")
    first, last = checks.take("low", low, Positive), checks.take("high", high, Positive)
    checks.require(first < last, "high", f"above low, {low}", high)
    count = checks.take("steps", steps, integer(2, _MOST_STEPS))
    checks.done()
    return Ramp(first, last, count - 1, Geometric())


def sweep(
    train_step: Callable[[float], Any],
    schedule: Schedule | str | None = None,
    *,
    steps: int | None = None,
    factor: float = 4.0,
    patience: int | None = None,
    label: str = "",
) -> Trace:
    """Trains one update at each rate of a rising schedule and keeps the losses.

    It stops at the first loss that is not finite; and where the loss has stayed above both `factor` times its best and its first value
    for `patience` updates: a peak that a few updates later is gone (training gets past the sharp start) is no divergence.

    Args:
        train_step: Makes one update with the rate that it is given and returns the loss before that update, as anything that `float`
            takes; on several processes the same loss on each. It returns None if there was no update (an overflow, say): the same rate
            is then tried again. It raises `StopIteration` where the data have ended.
        schedule: The rates, rising; None is `rising()`.
        steps: How many of the schedule's steps; None is all of it, its last value included.
        factor: Above 1.
        patience: In updates; None is a twentieth of the steps, at least 4.
        label: Of the trace.

    Returns:
        The trace, with every point made. Nothing of the training is undone: see `glidepath.torch.find` for that.

    Raises:
        GlidepathError: If an argument breaks its rule above.

    Examples:
        >>> weight = 1.0
        >>> def train_step(rate):
        ...     global weight
        ...     loss = 5 * weight**2
        ...     weight -= rate * 10 * weight
        ...     return loss
        >>> trace = sweep(train_step, rising(1e-4, 10, 100))
        >>> trace.stop, len(trace.rates) < 100
        ('diverged', True)
    """
    plan = Schedule.of(schedule) if schedule is not None else rising()
    most = plan.duration + 1 if steps is None and plan.duration < _MOST_STEPS else steps
    count = taken("sweep", "steps", most, integer(2, _MOST_STEPS))
    rates = [plan.scalar(step) for step in range(count)]
    checks = Checks("sweep")
    rises = all(0 < rate < math.inf for rate in rates) and all(a < b for a, b in pairwise(rates))
    checks.require(rises, "schedule", "rising from above 0, step by step", plan)
    bound = checks.real("factor", factor, above=1)
    allowed = checks.length("patience", max(4, count // 20) if patience is None else patience)
    checks.done()
    losses, stop = _losses(train_step, rates, bound, allowed)
    return Trace(tuple(rates[: len(losses)]), tuple(losses), stop, count, label)


def _losses(
    train_step: Callable[[float], Any], rates: list[float], factor: float, patience: int
) -> tuple[list[float], str]:
    losses: list[float] = []
    recent: list[float] = []
    best, above = math.inf, 0
    for rate in rates:
        try:
            loss = _one(train_step, rate)
        except StopIteration:
            return losses, "data"
        if loss is None:
            return losses, "no updates"
        losses.append(loss)
        if not math.isfinite(loss):
            return losses, "non-finite"
        recent = [*recent[1 - _HISTORY :], loss]
        best = min(best, sorted(recent)[len(recent) // 2])  # a median: one lucky minibatch is no best
        limit = max(best + (factor - 1) * abs(best), losses[0])
        above = above + 1 if loss > limit else 0
        if above >= patience:
            return losses, "diverged"
    return losses, "end"


def _one(train_step: Callable[[float], Any], rate: float) -> float | None:
    """Returns the loss of the one update at this rate, or None where none would come."""
    for _ in range(_MOST_SKIPS):
        loss = train_step(rate)
        if loss is not None:
            return float(loss)
    return None

"""Which steps to draw, and how to keep every peak when there are more of them than pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from glidepath.core.errors import GlidepathError
from glidepath.core.fields import MAX_STEPS, number
from glidepath.core.schedule import Schedule

from .knots import knots

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Curve", "horizon", "sampled"]

MOST = 2_000_000  # steps evaluated for one picture; a longer stretch is sampled evenly, with every knot and the step before it
_FEW = 2_000
REPLAYED = 100_000
"""The last step that is drawn where values exist only one after another."""


@dataclass(frozen=True, eq=False)
class Curve:
    """The points of one curve, in order.

    Args:
        schedule: What is drawn.
        steps: The steps in float64: whole numbers, and in a short stretch also the last number before each jump.
        values: The values at them: each is `schedule(step)`, bit for bit.
        whole: Whether every step of the stretch was looked at.
    """

    schedule: Schedule
    steps: np.ndarray
    values: np.ndarray
    whole: bool

    def points(self) -> list[tuple[int, float]]:
        """Returns the whole steps with their values."""
        pairs = zip(self.steps.tolist(), self.values.tolist(), strict=True)
        return [(int(step), value) for step, value in pairs if step.is_integer()]


def horizon(schedule: Schedule) -> int:
    """Returns a number of steps that shows what a schedule does: its duration, and for an endless one a few periods or timescales."""
    duration = schedule.duration
    if duration != math.inf:
        return int(duration)
    length = math.ceil(min(schedule.timescale(), MAX_STEPS))
    return length if length > 1 else 1000


def sampled(schedule: Schedule, steps: int | None = None, points: int = 1200, most: int = MOST) -> Curve:
    """Returns the curve from step 0 to `steps`, thinned so that every column of a picture keeps its first, lowest, highest and last value.

    Args:
        schedule: What to draw.
        steps: The last step; None is `horizon(schedule)`.
        points: About how many points to keep; the knots come on top.
        most: About how many steps to evaluate at most: shorter stretches whole, longer ones evenly and at every knot.

    Raises:
        GlidepathError: If `steps` or `points` is out of range.
    """
    import numpy as np

    last = horizon(schedule) if steps is None else _checked("steps", steps, 1, MAX_STEPS)
    points = _checked("points", points, 8, 1_000_000)
    if not schedule.closed:
        most = min(most, REPLAYED)
        last = min(last, most)
    marks = knots(schedule, last)
    if last <= _FEW and schedule.closed:  # so few steps that a jump would look like a slope: up to the jump, then down
        before = np.nextafter(np.asarray([mark for mark in marks if mark > 0], dtype=np.float64), 0.0)
        t = np.union1d(np.arange(last + 1, dtype=np.float64), before)
    elif last < most:
        t = np.arange(last + 1, dtype=np.float64)
    else:
        t = np.floor(np.linspace(0, last, most))
        sides = [mark + side for mark in marks for side in (-1, 0) if 0 <= mark + side <= last]
        t = np.union1d(t, np.asarray(sides, dtype=np.float64))
    values = schedule(t)
    kept = _thinned(values, points)
    if 0 < len(marks) <= points:
        at = np.searchsorted(t, np.asarray(marks, dtype=np.float64))
        kept = np.union1d(kept, np.union1d(at, np.maximum(at - 1, 0)))  # up to a jump, then down: it stays upright
    return Curve(schedule, t[kept], _same(schedule, t[kept], values[kept]), last < most)


def _same(schedule: Schedule, t: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Returns the values as `schedule(step)` gives them one by one: an array may differ from it in the last bit."""
    import numpy as np

    if len(t) > 20_000:
        return values
    function = schedule.scalar
    return np.fromiter((function(step) for step in t.tolist()), np.float64, len(t))


def _checked(field: str, value: Any, low: int, high: int) -> int:
    plain = number(value)
    if plain is None or not low <= plain <= high or plain != math.floor(plain):
        raise GlidepathError.of("view", field, f"an integer from {low} to {high}", value)
    return int(plain)


def _thinned(values: np.ndarray, points: int) -> np.ndarray:
    """Returns the indexes to keep: of every column the first, the lowest, the highest and the last."""
    import numpy as np

    count = len(values)
    if count <= points:
        return np.arange(count)
    width = math.ceil(count / (points // 4))
    padded = np.concatenate([values, np.full(-count % width, values[-1])]).reshape(-1, width)
    rows = np.arange(len(padded)) * width
    picked = np.stack([rows, rows + padded.argmin(axis=1), rows + padded.argmax(axis=1), rows + width - 1])
    return np.unique(np.minimum(picked, count - 1))

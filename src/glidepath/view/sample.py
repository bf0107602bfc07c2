"""Which steps to draw: where a schedule changes, its phases by name, and how to keep every peak when there are more steps than pixels."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from ..core import Schedule, taken
from ..core.fields import MAX_STEPS, integer

if TYPE_CHECKING:
    import numpy as np

MOST = 2_000_000  # steps evaluated for one picture; a longer stretch is sampled evenly, with every knot and the step before it
_EVENLY = 200_000  # of these, where not every one is looked at
_GOLDEN = (math.sqrt(5) - 1) / 2  # one step in each stride, at a place that no cycle keeps pace with
MOST_KNOTS = 20_000
MOST_PHASES = 200
REPLAYED = 100_000  # the last step that is drawn where values exist only one after another


class Phase(NamedTuple):
    """A stretch of a schedule with a name.

    Args:
        name: What it does, such as `warmup` or `cosine, cycle 2`.
        begin: Its first step.
        end: The step after its last; infinity for an endless one.
    """

    name: str
    begin: int
    end: float


def knots(schedule: Schedule, last: int) -> list[int]:
    """Returns the steps from 0 to `last` at which a phase, a cycle or a level begins, sorted; at most 20,000.

    Args:
        schedule: What is looked at.
        last: The last step that matters.

    Examples:
        >>> from glidepath import parse
        >>> knots(parse("warmup(500) >> repeat(cosine(1000))"), 3000)
        [0, 500, 1500, 2500]
    """
    looked = islice(schedule.knots(0, last), 10 * MOST_KNOTS)  # a part may have all of its own outside
    return sorted({*islice((knot for knot in looked if 0 <= knot <= last), MOST_KNOTS)})


def phases(schedule: Schedule, last: int) -> list[Phase]:
    """Returns the phases up to step `last` by their names, in order; at most 200, the last of which stands for the rest.

    Args:
        schedule: What is looked at.
        last: The last step that matters.

    Examples:
        >>> from glidepath import parse
        >>> [phase.name for phase in phases(parse("warmup(5) >> cosine(10)"), 15)]
        ['warmup', 'cosine']
    """
    found = [Phase(*each) for each in islice(schedule.stretches(0, math.inf, last), MOST_PHASES)]
    if found and found[-1].end < last:
        found[-1] = Phase(found[-1].name, found[-1].begin, math.inf)
    return found


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

    last = horizon(schedule) if steps is None else taken("view", "steps", steps, integer(1))
    points = taken("view", "points", points, integer(8, 1_000_000))
    several = lambda t: schedule(np.asarray(t, dtype=np.float64)).tolist()  # noqa: E731
    kept, values, whole = thinned(schedule, last, points, most, several)
    if len(kept) <= 20_000:  # an array may differ in the last bit from the values one by one
        values = map(schedule.scalar, kept)
    return Curve(schedule, np.asarray(kept, dtype=np.float64), np.fromiter(values, np.float64, len(kept)), whole)


def thinned(
    schedule: Schedule, last: int, points: int, most: int, several: Callable[..., Sequence[float]] | None = None
) -> tuple[list[float], Iterable[float], bool]:
    """Returns steps to draw, their values, and whether every step was looked at: what `sampled` does, without NumPy.

    Args:
        schedule: What to draw.
        last: The last step.
        points: About how many points to keep.
        most: About how many steps to evaluate at most.
        several: What evaluates many steps at once; None evaluates them one by one.
    """
    if not schedule.closed:
        most = min(most, REPLAYED)
        last = min(last, most)
    marks = knots(schedule, last)
    t: Sequence[float] = range(last + 1)
    if last <= 2_000 and schedule.closed:  # so few steps that a jump would look like a slope: up to the jump, then down
        t = sorted({*t, *(math.nextafter(mark, 0.0) for mark in marks if mark > 0)})
    elif last >= most:
        evenly = min(most, _EVENLY)
        sides = (mark + side for mark in marks for side in (-1, 0) if 0 <= mark + side <= last)
        spread = (int((k + k * _GOLDEN % 1) * last / evenly) for k in range(evenly))
        t = sorted({*spread, last, *sides})
    values = several(t) if several is not None else list(map(schedule.scalar, t))
    kept = _thinned(values, points)
    if 0 < len(marks) <= points:  # up to a jump, then down: it stays upright
        at = [bisect_left(t, mark) for mark in marks]
        kept = sorted({*kept, *at, *(max(index - 1, 0) for index in at)})
    return [t[index] for index in kept], [values[index] for index in kept], last < most


def _thinned(values: Sequence[float], points: int) -> Sequence[int]:
    """Returns the indexes to keep: of every column the first, the lowest, the highest and the last."""
    count = len(values)
    if count <= points:
        return range(count)
    kept: set[int] = set()
    width = math.ceil(count / (points // 4))
    for begin in range(0, count, width):
        column = values[begin : begin + width]
        kept |= {begin + at for at in (0, column.index(min(column)), column.index(max(column)), len(column) - 1)}
    return sorted(kept)

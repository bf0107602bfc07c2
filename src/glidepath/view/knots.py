"""Where a schedule changes: the steps that every picture must show, and the phases by their names."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice

from glidepath.core.combinators import Chain, Product, Repeat, Shift, Stretch, Sum
from glidepath.core.fields import MAX_STEPS
from glidepath.core.schedule import Schedule
from glidepath.core.segments import Exponential, InverseTime, MultiStep, NaturalExponential, Ramp, Step, Table, Triangle

__all__ = ["Phase", "knots", "phases"]

MOST_KNOTS = 20_000
MOST_PHASES = 200


@dataclass(frozen=True)
class Phase:
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
    looked = islice(_knots(schedule, 0, last), 10 * MOST_KNOTS)  # a part may have all of its own outside
    found = set(islice((knot for knot in looked if 0 <= knot <= last), MOST_KNOTS))
    return sorted(found)


def _knots(schedule: Schedule, first: int, last: int) -> Iterator[int]:
    """Yields the knots from about `first` to about `last`."""
    if isinstance(schedule, Chain):
        for begin, phase in zip(schedule.starts, schedule.phases, strict=True):
            if begin > last:
                return
            yield begin
            end = int(min(phase.duration, last - begin))
            yield from (begin + knot for knot in _knots(phase, max(0, first - begin), end))
    elif isinstance(schedule, Repeat):
        yield from _cycles(schedule, first, last)
    elif isinstance(schedule, Stretch):
        ends = (min(math.ceil(Fraction(end) / Fraction(schedule.factor)), MAX_STEPS) for end in (first, last))
        yield from (math.ceil(k * schedule.factor) for k in _knots(schedule.schedule, *ends))
    elif isinstance(schedule, Shift):
        moved = (max(0, end - schedule.steps) for end in (first, last))
        yield from (k + schedule.steps for k in _knots(schedule.schedule, *moved))
    elif isinstance(schedule, Step | Exponential | InverseTime | NaturalExponential):
        staircase = isinstance(schedule, Step) or schedule.staircase
        period = schedule.period if isinstance(schedule, Step) else schedule.steps
        yield from range(max(period, first - first % period), last + 1, period) if staircase else ()
    elif isinstance(schedule, Triangle):
        period = schedule.up + (schedule.down or schedule.up)
        for begin in range(first - first % period, last + 1, period):
            yield begin
            yield begin + schedule.up
    elif isinstance(schedule, MultiStep):
        yield from schedule.milestones[bisect_left(schedule.milestones, first) :]
    elif isinstance(schedule, Table):
        yield from schedule.steps[bisect_left(schedule.steps, first) :]
    else:
        for part in schedule.schedules():
            yield from _knots(part, first, last)
        if schedule.duration <= last:
            yield int(schedule.duration)


def _cycles(schedule: Repeat, first: int, last: int) -> Iterator[int]:
    length = int(schedule.schedule.duration)
    inner = [knot for knot in islice(_knots(schedule.schedule, 0, length), 1000) if 0 < knot < length]
    begins = _begins(schedule, last)
    skipped = max(0, bisect_right(begins, first) - 1)
    for k, begin in enumerate(islice(begins[skipped:], MOST_KNOTS), skipped):
        yield begin
        scale = schedule.growth**k
        yield from (begin + math.ceil(knot * scale) for knot in inner)


def _begins(schedule: Repeat, last: int) -> Sequence[int]:
    """Returns the steps up to `last` at which a cycle begins; of a billion equal ones, none is written down."""
    if schedule.growth != 1:
        return schedule.cycle_starts(last)
    return range(0, int(min(last + 1, schedule.duration)), int(schedule.schedule.duration))


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
    found = list(islice(_phases(schedule, 0, math.inf, last), MOST_PHASES))
    if found and found[-1].end < last:
        found[-1] = Phase(found[-1].name, found[-1].begin, math.inf)
    return found


def _phases(schedule: Schedule, begin: int, end: float, last: int) -> Iterator[Phase]:
    if begin > last:
        return
    if isinstance(schedule, Chain):
        for start, phase in zip(schedule.starts, schedule.phases, strict=True):
            yield from _phases(phase, begin + start, min(end, begin + start + phase.duration), last)
        return
    if isinstance(schedule, Repeat):
        name = _word(schedule.schedule)
        starts = list(islice(_begins(schedule, min(last - begin, 2**53)), MOST_PHASES + 1))
        for k, start in enumerate(starts[:MOST_PHASES]):
            stop = starts[k + 1] if k + 1 < len(starts) else schedule.duration
            yield Phase(f"{name}, cycle {k + 1}", begin + start, min(end, begin + stop))
        return
    parts = schedule.schedules()
    if len(parts) == 1 and not isinstance(schedule, Stretch | Shift):
        yield from _phases(parts[0], begin, end, last)
        return
    yield Phase(_word(schedule), begin, end)


def _word(schedule: Schedule) -> str:
    if isinstance(schedule, Chain):
        return " + ".join(_word(phase) for phase in schedule.phases[:3]) + (" + …" if len(schedule.phases) > 3 else "")
    if isinstance(schedule, Ramp):
        rises = schedule.end > schedule.start
        return (
            "warmup"
            if rises and schedule.end == 1.0
            else schedule.curve.kind.replace("_", " ")
            if not rises
            else "rise"
        )
    return "" if isinstance(schedule, Product | Sum) else schedule.kind.replace("_", " ")

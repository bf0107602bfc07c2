"""Where a schedule changes: the steps that every picture must show, and the phases by their names."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import islice

from ..core.schedule import Schedule

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
    looked = islice(schedule.knots(0, last), 10 * MOST_KNOTS)  # a part may have all of its own outside
    found = set(islice((knot for knot in looked if 0 <= knot <= last), MOST_KNOTS))
    return sorted(found)


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

"""A schedule that rates are compared with, and the round numbers that people choose."""

from __future__ import annotations

from dataclasses import dataclass

from ..core.schedule import Schedule

__all__ = ["Candidate", "between", "nice"]


@dataclass(frozen=True)
class Candidate:
    """A schedule to compare.

    Args:
        kind: In a word or two.
        base: The rate that the schedule is a factor of.
        schedule: The factor.
        parameters: How many numbers were chosen to make it fit.
    """

    kind: str
    base: float
    schedule: Schedule
    parameters: int


def nice(value: float) -> float:
    """Returns the shortest decimal within 2e-7 of a number, relative; tiny ones are 0."""
    if abs(value) < 1e-9:
        return 0.0
    for digits in range(1, 9):
        short = float(f"{value:.{digits}g}")
        if abs(short - value) <= 2e-7 * abs(value):
            return short
    return value


def between(low: int, high: int) -> int:
    """Returns the roundest integer above `low` and up to `high`."""
    for unit in (10**k * m for k in range(15, -1, -1) for m in (5, 1)):
        found = high // unit * unit
        if found > low:
            return found
    return high

"""What rates are compared with: the rates and their rounding, a schedule that may have made them, the round numbers that people choose."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ..core import Schedule
from ..logs import Array


@dataclass(frozen=True, eq=False)
class Seen:
    """Rates as they were logged.

    Args:
        t: Positions, strictly increasing.
        y: Rates, at least 0.
        r: How much each may be off: half a unit of the last digit that was written.
        most: The length of the run, where the file says it.
        mean: Whether a rate is the mean over an epoch.
        epoch: Steps in an epoch, if they are known: drops happen at its multiples.
        late: How many steps the log is thought to be ahead of the schedule.
        every: Whether decays with other floors are wanted beside the first that fits: the log does not show the end.
    """

    t: Array
    y: Array
    r: Array
    most: int | None = None
    mean: bool = False
    epoch: int | None = None
    late: int = 0
    every: bool = False

    def after(self, first: int) -> Seen:
        """Returns what was seen from an entry on."""
        return replace(self, t=self.t[first:], y=self.y[first:], r=self.r[first:])


@dataclass(frozen=True)
class Candidate:
    """A schedule to compare.

    Args:
        kind: In a word or two.
        base: The rate that the schedule is a factor of.
        schedule: The factor.
        parameters: How many numbers were chosen to make it fit; more for what is rarer.
        mean: How many steps of it each logged value is the mean over; 1 for values as they are.
        open_end: Whether the log says nothing of what comes after its last step, whatever the text says.
    """

    kind: str
    base: float
    schedule: Schedule
    parameters: float
    mean: int = 1
    open_end: bool = False

    def at(self, steps: Array) -> Array:
        """Returns its rates at such steps of a log."""
        if self.mean == 1:
            return self.base * self.schedule(steps)
        inside = np.arange(self.mean)
        return self.base * self.schedule(steps[:, None] * self.mean + inside).mean(axis=1)


def rounding(y: Array) -> Array:
    """Returns how much each number may be off, from the digits that they are written with: so many in all, or so many decimals."""
    parts = [f"{value:.16e}" if value == 0 else repr(float(value)) for value in y[:: max(1, len(y) // 2000)]]
    digits, decimals = 1, 0
    for part in parts:
        mantissa, _, power = part.partition("e")
        whole, _, fraction = mantissa.partition(".")
        fraction = fraction.rstrip("0")
        digits = max(digits, len((whole + fraction).lstrip("0")))
        decimals = max(decimals, len(fraction) - int(power or 0))
    peak = float(y.max())
    if digits >= 10:
        return np.full(len(y), 1e-9 * peak)
    if digits >= 7:  # single precision
        return np.full(len(y), 3e-7 * peak)
    exponent = np.floor(np.log10(np.maximum(y, 1e-300)))
    return 0.5005 * np.maximum(10.0**-decimals, 10.0 ** (exponent - digits + 1)) + 1e-9 * peak


def nice(value: float) -> float:
    """Returns the shortest decimal within 2e-7 of a number, relative; tiny ones are 0."""
    return 0.0 if abs(value) < 1e-9 else short(value, lambda near: abs(near - value) <= 2e-7 * abs(value))


def short(value: float, holds: Callable[[float], bool], most: int = 8) -> float:
    """Returns the shortest decimal near a number, of at most so many digits, for which something still holds, or the number."""
    return next((near for digits in range(1, most + 1) if holds(near := float(f"{value:.{digits}g}"))), value)


def between(low: int, high: int) -> int:
    """Returns the roundest integer above `low` and up to `high`."""
    for unit in (10**k * m for k in range(15, -1, -1) for m in (5, 1)):
        found = high // unit * unit
        if found > low:
            return found
    return high


def narrowed(grid: Array, errors: Callable[[Array], Array]) -> tuple[int, int, int]:
    """Returns the whole number whose error is least, between its neighbours on ever finer grids, the last of which is at most 4 wide."""
    while True:
        grid = np.unique(np.round(grid))
        k = int(np.argmin(errors(grid)))
        low, best, high = int(grid[max(k - 1, 0)]), int(grid[k]), int(grid[min(k + 1, len(grid) - 1)])
        if high - low <= 4:
            return low, best, high
        grid = np.linspace(low, high, 32)


def scaled(c: Array, y: Array, r: Array) -> float:
    """Returns the shortest factor of a curve that keeps within the rounding of all that was seen; their middle where there is none."""
    kept = c > 0
    low, high = float(((y - r)[kept] / c[kept]).max()), float(((y + r)[kept] / c[kept]).min())
    return short((low + high) / 2, lambda v: low <= v <= high)

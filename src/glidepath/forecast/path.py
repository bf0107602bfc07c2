"""What a run did to its rate and what its loss did: arrays, and the few sums of them that the laws need."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core import Checks, Problem, Schedule

Array = NDArray[np.float64]
MOST_UPDATES = 5_000_000
_GRAIN = 256  # pieces of equal length that a run is cut into at least; a jump of the rate and an observation begin one besides


def rates_of(schedule: Schedule, base: float, updates: int) -> Array:
    """Returns the absolute rate of every update.

    Args:
        schedule: A factor on `base`, or absolute rates, which stay as they are.
        base: The base rate, above 0.
        updates: How many, from 1.
    """
    made = np.broadcast_to(np.asarray(schedule(np.arange(updates)), dtype=np.float64), (updates,))
    return made.copy() if schedule.absolute else made * base


@dataclass(frozen=True, eq=False)
class Run:
    """A run that was made: the rate of every update, and losses of one kind along the way.

    Args:
        name: For messages.
        rates: Absolute rate of every update; finite, at least 0, one above 0.
        steps: Updates done before each loss, ascending, from 1 to as many as there are rates.
        losses: As many, finite and above 0, all of one evaluation.
        metric: Which evaluation that is.
        note: What had to be assumed about it, in words.

    Raises:
        GlidepathError: If an argument breaks its rule; all problems in one.
    """

    name: str
    rates: Array
    steps: NDArray[np.int64]
    losses: Array
    metric: str = "loss"
    note: str = ""

    def __post_init__(self) -> None:
        found = Checks(f"forecast: {self.name}")
        rates, losses = (np.asarray(given, dtype=np.float64).ravel() for given in (self.rates, self.losses))
        steps, odd = np.asarray(self.steps).ravel(), losses[~(np.isfinite(losses) & (losses > 0))][:3].tolist()
        if not 1 <= len(rates) <= MOST_UPDATES or not np.isfinite(rates).all() or (rates < 0).any() or not rates.any():
            found.refuse("rates", f"1 to {MOST_UPDATES:,} rates, finite, at least 0, one above 0", rates.tolist())
        if len(steps) != len(losses) or not len(steps):
            got = f"{len(losses)} and {len(steps)}"
            found.problems.append(Problem(found.where, "losses", "as many as steps, at least one", got))
        elif (np.diff(steps) <= 0).any() or steps[0] < 1 or steps[-1] > len(rates):
            rule = f"ascending, from 1 to the {len(rates):,} updates whose rates are known"
            found.refuse("steps", rule, steps.tolist(), "a loss counts the updates done before it")
        if odd:
            found.refuse("losses", "finite and above 0", odd, "leave out what diverged")
        found.done()
        for name, value in (("rates", rates), ("steps", steps.astype(np.int64)), ("losses", losses)):
            object.__setattr__(self, name, value)

    @classmethod
    def of(
        cls, schedule: Schedule, base: float, steps: Any, losses: Any, name: str = "run", metric: str = "loss"
    ) -> Run:
        """Returns the run that followed a schedule.

        Args:
            schedule: The schedule.
            base: Its base rate.
            steps: Updates done before each loss.
            losses: The losses.
            name: For messages.
            metric: Which evaluation they are of.
        """
        where = np.asarray(list(steps))
        updates = int(where.max()) if len(where) else 1
        return cls(name, rates_of(schedule, base, updates), where, np.asarray(list(losses)), metric)

    @property
    def updates(self) -> int:
        """Updates up to the last loss."""
        return int(self.steps[-1])

    def until(self, step: int) -> Run:
        """Returns the run as it stood after so many updates."""
        kept = self.steps <= step
        return replace(self, rates=self.rates[:step], steps=self.steps[kept], losses=self.losses[kept])

    def path(self, *, unit: float = 1.0, rises: bool = True) -> Path:
        """Returns the sums that the laws need, at the observations. See `Path.of`."""
        return Path.of(self.rates, self.steps, unit=unit, rises=rises)


@dataclass(frozen=True, eq=False)
class Path:
    """The sums of a rate's course: at every observation the area under the rate, and every fall of the rate before it.

    A fall is what the rate lost within one piece; a rise is a negative fall. Within a piece it stands where its middle is, so that a
    single jump stands exactly and a smooth decay to second order in the piece's length.

    Args:
        area: Sum of the rates up to each observation.
        steps: Updates done before each observation.
        fall: What the rate lost in each piece that changed it.
        at: The area before each fall.
        step: The updates before it.
        rate: The rate at it, above 0.
    """

    area: Array
    steps: Array
    fall: Array
    at: Array
    step: Array
    rate: Array

    @classmethod
    def of(cls, rates: Array, steps: Any, *, unit: float = 1.0, rises: bool = True, grain: int = _GRAIN) -> Path:
        """Returns the path of rates.

        Args:
            rates: Of every update.
            steps: The observations, in updates done.
            unit: What the rates are measured in.
            rises: Whether the rise of the rate from zero to its first height counts as a negative fall, as the published laws count
                a warmup; later rises always do.
            grain: Pieces at least.
        """
        seen = np.asarray(steps, dtype=np.int64)
        last = int(seen[-1])
        values = rates[:last] / unit
        falls = -np.diff(values, prepend=0.0)
        if not rises:
            falls[: int(np.argmax(values >= 0.999 * values.max())) + 1] = 0.0
        total = np.cumsum(values)
        jumps = np.flatnonzero(np.abs(falls) > 0.02 * values.max())[:grain]
        edges = np.unique(np.concatenate((np.linspace(0, last, grain + 1).astype(np.int64), seen, jumps, jumps + 1)))
        edges = edges[(edges >= 0) & (edges < last)]
        size = np.abs(falls)
        mass = np.add.reduceat(size, edges)
        kept = mass > 0

        def middle(of: Array) -> Array:
            return np.add.reduceat(size * of, edges)[kept] / mass[kept]

        return cls(
            total[seen - 1],
            seen.astype(np.float64),
            np.add.reduceat(falls, edges)[kept],
            middle(total - values),
            middle(np.arange(last, dtype=np.float64)),
            np.maximum(middle(values), 1e-9 * values.max()),
        )

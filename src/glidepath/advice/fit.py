"""Recovering a schedule, kind and parameters, from rates that were logged."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core.errors import GlidepathError
from ..core.schedule import Schedule
from ..logs.log import Array, Log, Series
from .candidate import Candidate
from .candidates import candidates

__all__ = ["Fit", "NoFit", "fit"]

_MOST_POINTS = 4000
_SAME = 3.0


@dataclass(frozen=True)
class Fit:
    """A schedule that explains logged rates.

    Args:
        schedule: A factor; the rates are `base` times it.
        base: The base rate.
        kind: What it is, in a word or two.
        residual: The largest difference between a logged rate and this, relative to the highest logged rate.
        points: Rates looked at.
        shift: The step in the log that is the schedule's step 0.
    """

    schedule: Schedule
    base: float
    kind: str
    residual: float
    points: int
    shift: int = 0

    @property
    def text(self) -> str:
        """The rates as one line to paste."""
        return str(self.base * self.schedule)

    def to_dict(self) -> dict[str, Any]:
        """Returns the fit as JSON data."""
        return {
            "kind": self.kind,
            "base": self.base,
            "schedule": self.schedule.to_dict(),
            "text": self.text,
            "residual": self.residual,
            "points": self.points,
            "shift": self.shift,
        }

    def to_json(self, indent: int | None = None) -> str:
        """Returns the fit as JSON text."""
        return json.dumps(self.to_dict(), indent=indent, allow_nan=False)

    def __str__(self) -> str:
        shifted = f", from step {self.shift}" if self.shift else ""
        return (
            f"{self.text}  ({self.kind}{shifted}; {self.points} rates, off by at most {self.residual:.2g} of the peak)"
        )


@dataclass(frozen=True)
class NoFit:
    """No known schedule explains the rates.

    Args:
        reason: Why.
        nearest: The nearest one tried, or an empty string.
        residual: Its residual, or None.
    """

    reason: str
    nearest: str = ""
    residual: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Returns the refusal as JSON data."""
        return {"kind": None, "reason": self.reason, "nearest": self.nearest, "residual": self.residual}

    def to_json(self, indent: int | None = None) -> str:
        """Returns the refusal as JSON text."""
        return json.dumps(self.to_dict(), indent=indent, allow_nan=False)

    def __str__(self) -> str:
        near = f" (nearest: {self.nearest}, off by {self.residual:.2g} of the peak)" if self.nearest else ""
        return f"no schedule fits: {self.reason}{near}"


def fit(log: Log | Series, *, tolerance: float = 0.005) -> Fit | NoFit:
    """Recovers the schedule behind logged rates: a constant, a warmup and a decay of any of the named shapes, steps, cycles, restarts.

    Each candidate is built, evaluated at the logged steps and compared; the simplest of those that are as near as the nearest is taken. What
    a run did not live to see (the length of a decay that was cut off) is an extrapolation.

    Args:
        log: With a series of rates, or that series.
        tolerance: Largest difference that still counts as the same, relative to the highest rate.

    Returns:
        The fit with its residual, or why there is none.

    Raises:
        GlidepathError: If there are no rates, or the tolerance is not in (0, 1).

    Examples:
        >>> from glidepath import parse
        >>> schedule = parse("warmup(10) >> cosine(90, floor=0.1)")
        >>> found = fit(Log.of(rate=[0.3 * schedule(t) for t in range(101)]))
        >>> found.text, found.residual < 1e-12
        ('0.3 * (warmup(10) >> cosine(90, floor=0.1))', True)
    """
    if not 0 < tolerance < 1:
        raise GlidepathError.of("fit", "tolerance", "between 0 and 1", tolerance)
    series = log.get("rate") if isinstance(log, Log) else log
    if series is None or not len(series):
        raise GlidepathError.of("fit", "log", "one with rates", "none", "log the rate, or name its column lr")
    clean = series.last_pass().finite()
    t, y = clean.steps, clean.values
    if len(t) < 5:
        return NoFit(f"{len(t)} rates are too few to tell schedules apart")
    if (y < 0).any() or y.max() <= 0:
        return NoFit("rates below 0, or none above it")
    t, y = _thinned(t, y)
    tried = sorted(_tried(t, y), key=lambda each: each[0])
    if not tried:
        return NoFit("the rates have no shape that is known")
    nearest = tried[0][0]
    enough = [each for each in tried if each[0] <= max(_SAME * nearest, 1e-9)]
    residual, candidate, shift = min(enough, key=lambda each: (each[1].parameters, _digits(each[1]), each[0]))
    if residual > tolerance:
        return NoFit("no known schedule comes near enough", f"{candidate.base:.6g} * ({candidate.schedule})", residual)
    return Fit(candidate.schedule, candidate.base, candidate.kind, residual, len(t), shift)


def _digits(candidate: Candidate) -> int:
    """Returns how many digits it takes to write a candidate down: of two that fit alike, people chose the rounder one."""
    return sum(character.isdigit() for character in f"{candidate.base!r}{candidate.schedule}")


def _thinned(t: Array, y: Array) -> tuple[Array, Array]:
    """Returns at most so many points: all where the value jumps or bends, and an even choice of the others."""
    if len(t) <= _MOST_POINTS:
        return t, y
    bend = np.zeros(len(t), dtype=bool)
    jump = np.abs(np.diff(y))
    sharp = np.argsort(jump)[-_MOST_POINTS // 8 :]
    bend[sharp] = bend[sharp + 1] = True
    bend[np.linspace(0, len(t) - 1, _MOST_POINTS // 2).astype(int)] = True
    top = int(y.argmax())
    bend[max(0, top - 2) : top + 3] = True
    return t[bend], y[bend]


def _tried(t: Array, y: Array) -> Iterator[tuple[float, Candidate, int]]:
    """Yields (residual, candidate, shift) of every candidate that can be built; a log may count its updates from 0 or from 1."""
    shifts = (0, 1) if t[0] == 1 else (0,)
    for shift in shifts:
        at = t - shift
        for candidate in candidates(at, y):
            seen = candidate.base * candidate.schedule(at)
            residual = float(np.abs(seen - y).max() / y.max())
            if math.isfinite(residual):
                yield residual, candidate, shift

"""Trying a band out: whole trainings at its ends and its middle, and further until the best is inside."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ..core import Answer, Checks
from ..core.fields import number
from .suggest import Suggestion

_TOLERANCE = 0.03
_CLEARANCE = 0.5  # decades below the divergence edge


@dataclass(frozen=True)
class Verification(Answer):
    """What whole trainings say about a band. Nothing has been applied.

    Args:
        rates: Tried, rising.
        losses: For each rate the final loss of every seed; infinite where training failed.
        seeds: In the order of the losses.
        best: The rate of the lowest mean loss, or None if every training failed.
        good: The rates whose mean loss is as low within the noise of the seeds (or within 3 %).
        verdict: `confirmed`, `moved` (the best lies outside the band), `open` (the best is at an end of what was tried), `close to
            divergence`, or `failed`.
        trainings: Whole trainings made.
        seconds: Time on the clock.
        edge: The divergence edge of the range test, or None.
    """

    told: ClassVar[str] = "verdict best good rates losses seeds trainings seconds edge"
    rates: tuple[float, ...]
    losses: tuple[tuple[float, ...], ...]
    seeds: tuple[int, ...]
    best: float | None
    good: tuple[float, ...]
    verdict: str
    trainings: int
    seconds: float
    edge: float | None = None

    @property
    def cost(self) -> str:
        """What it cost, in words."""
        return f"{self.trainings} whole trainings ({len(self.rates)} rates, {len(self.seeds)} seeds), {self.seconds:.3g} seconds"

    def __str__(self) -> str:
        rates = ", ".join(f"{rate:.2g}" for rate in self.rates)
        best = "no rate trained" if self.best is None else f"best {self.best:.2g} of {rates}"
        return f"{self.verdict}: {best}; cost {self.cost}"


def verify(
    train: Callable[[float, int], Any],
    band: Suggestion | tuple[float, float],
    *,
    seeds: Sequence[int] = (0, 1),
    most: int = 9,
    progress: Callable[[int], object] | None = None,
) -> Verification:
    """Trains with the target schedule over the target horizon at the low end, the middle and the high end of a band, with several seeds.

    While the best rate is the lowest or the highest tried, one more is tried beyond it, as far apart as the others, up to `most` rates. A
    shorter horizon than the target's is no test: the best rate of a quarter of a training has been seen a decade off.

    Args:
        train: From (peak rate, seed) to the final loss of one whole training, lower is better; NaN, infinity or None where it diverged.
        band: A suggestion, or its ends.
        seeds: At least 2, the same for every rate.
        most: Rates, at least 3.
        progress: Called with the number of trainings made.

    Returns:
        The trainings' losses, the best rate, and what they cost.

    Raises:
        GlidepathError: If an argument breaks its rule above.

    Examples:
        >>> import math
        >>> found = verify(lambda rate, seed: (math.log10(rate) + 2) ** 2 + 1, (3e-3, 3e-2))
        >>> found.verdict, round(found.best, 4), found.trainings
        ('confirmed', 0.0095, 6)
    """
    low, high = (band.low, band.high) if isinstance(band, Suggestion) else band
    checks = Checks("verify")
    first, last = number(low), number(high)
    if first is None or last is None or not 0 < first < last < math.inf:
        checks.refuse("band", "two rates above 0, the lower first", (low, high))
    if len(seeds) < 2 or len(set(seeds)) < len(seeds):
        checks.refuse("seeds", "two different integers or more", list(seeds))
    checks.length("most", most, 3)
    checks.done()
    begun, made = time.perf_counter(), 0
    step = math.sqrt(high / low)
    tried: dict[float, tuple[float, ...]] = {}

    def measure(rate: float) -> None:
        nonlocal made
        row: list[float] = []
        for seed in seeds:
            loss = train(rate, seed)
            made += 1
            row.append(float(loss) if loss is not None and math.isfinite(float(loss)) else math.inf)
            if progress is not None:
                progress(made)
        tried[rate] = tuple(row)

    for rate in (low, low * step, high):
        measure(rate)
    while len(tried) < most:
        best = _best(tried)
        if best is None or best == min(tried):
            measure(min(tried) / step)
        elif best == max(tried):
            measure(max(tried) * step)
        else:
            break
    edge = band.edge if isinstance(band, Suggestion) else None
    rates, best = tuple(sorted(tried)), _best(tried)
    losses, seconds = tuple(tried[rate] for rate in rates), round(time.perf_counter() - begun, 3)
    good, verdict = _good(tried, best), _verdict(rates, best, (low, high), edge)
    return Verification(rates, losses, tuple(seeds), best, good, verdict, made, seconds, edge)


def _best(tried: dict[float, tuple[float, ...]]) -> float | None:
    best = min(tried, key=lambda rate: float(np.mean(tried[rate])))
    return best if math.isfinite(float(np.mean(tried[best]))) else None


def _good(tried: dict[float, tuple[float, ...]], best: float | None) -> tuple[float, ...]:
    """Returns the rates that the seeds cannot tell from the best: by differences seed by seed, or within the tolerance."""
    if best is None:
        return ()
    reference = np.array(tried[best])

    def as_low(rate: float) -> bool:
        apart = np.array(tried[rate]) - reference
        if not np.isfinite(apart).all():
            return False
        noise = float(apart.std(ddof=1)) / math.sqrt(len(apart))
        return float(apart.mean()) <= max(_TOLERANCE * abs(float(reference.mean())), noise)

    return tuple(filter(as_low, sorted(tried)))


def _verdict(rates: tuple[float, ...], best: float | None, band: tuple[float, float], edge: float | None) -> str:
    if best is None:
        return "failed"
    if best in (rates[0], rates[-1]):
        return "open"
    if edge is not None and math.log10(edge / best) < _CLEARANCE:
        return "close to divergence"
    return "confirmed" if band[0] <= best <= band[1] else "moved"

"""From several sweeps to a band of rates, or to the reason why there is none."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from ..core import Answer, GlidepathError
from .rules import LEAST_POINTS, RULES, WIDTH, growth_edge
from .smooth import Array, running_median, smoothed, weights
from .trace import Trace

LEAST_REPEATS = 3
REASONS = {
    "too few repeats": "sweep at least 3 times with different data order",
    "too few points": "sweep with more steps, from a lower start",
    "diverged at once": "lower the start of the sweep",
    "never diverged": "raise the end of the sweep",
    "flat": "raise the end of the sweep; if it is high already: is the model trained, or are its parameters frozen?",
    "too noisy": "take a larger batch, or more steps or repeats",
}
"""Why there may be no answer, and what to do then."""

# The band runs from a fifth of the rate of lowest loss to two and a half times it, within bounds set by the divergence edge. The bounds
# are strict where the growth of the losses says exactly where the edge is, and wider where it is only seen that the loss has risen.
# The numbers were chosen on other networks, data and seeds than those that bench/finder.py reports.
_BELOW, _ABOVE = 5.0, 2.5
_EXACT = (18.0, 4.0, 2.25)  # edge / low at most, edge / high at most, edge / high at least
_SEEN = (25.0, 3.0, 1.8)
_NEAR_LOW, _NEAR_HIGH = 2.0, 6.0  # without an exact edge: low at most lowest / 2, high at most 6 lowest
_SIGNIFICANT = 4.5  # standard errors
_LEAST_FALL = 0.01  # of the loss
_MOST_SPREAD = 1.0  # decades between the repeats' edges
_HEADROOM = 0.8  # decades: what diverges sooner after the start of the sweep has shown nothing of lower rates
_NOISY = 0.1  # of the loss


@dataclass(frozen=True)
class Reading(Answer):
    """What one rule reads off the repeats.

    Args:
        values: One rate for each repeat, None where it saw nothing.
        middle: Their median, or None.
        spread: Between the lowest and the highest, in decades; None for fewer than two.
    """

    values: tuple[float | None, ...]
    middle: float | None
    spread: float | None

    @classmethod
    def of(cls, values: Sequence[float | None]) -> Reading:
        """Returns the reading of these values."""
        seen = [value for value in values if value is not None]
        spread = math.log10(max(seen) / min(seen)) if len(seen) > 1 else None
        return cls(tuple(values), 10 ** float(np.median(np.log10(seen))) if seen else None, spread)


@dataclass(frozen=True)
class Suggestion(Answer):
    """A band of peak rates worth trying, lowest and highest, and what it rests on.

    Args:
        low: Lowest rate.
        high: Highest rate.
        rules: What each rule reads; none is right by itself.
        spread: The largest distance between repeats in what the band rests on (lowest loss, divergence edge), in decades.
        edge: The rate from which on training diverges: the median over repeats.
        lowest: The rate at which the median loss of the repeats is lowest.
        verdict: `usable`.
    """

    told: ClassVar[str] = "verdict low middle high edge lowest spread rules"
    low: float
    high: float
    rules: Mapping[str, Reading]
    spread: float
    edge: float
    lowest: float
    verdict: str = "usable"

    @property
    def middle(self) -> float:
        """The middle of the band, on a logarithmic scale."""
        return math.sqrt(self.low * self.high)

    @property
    def width(self) -> float:
        """The width of the band in decades."""
        return math.log10(self.high / self.low)

    def __str__(self) -> str:
        return f"{self.low:.2g} to {self.high:.2g} (diverges from about {self.edge:.2g}; repeats differ by {self.spread:.1f} decades)"


@dataclass(frozen=True)
class Refusal(Answer):
    """No band, and why.

    Args:
        reason: A key of `REASONS`.
        remedy: What to do.
        rules: What each rule reads all the same: not to be relied on.
        evidence: Numbers behind the reason.
    """

    told: ClassVar[str] = "verdict remedy evidence rules"
    reason: str
    remedy: str
    rules: Mapping[str, Reading] = field(default_factory=dict[str, Reading])
    evidence: str = ""

    @property
    def verdict(self) -> str:
        """The reason."""
        return self.reason

    def __str__(self) -> str:
        evidence = f" ({self.evidence})" if self.evidence else ""
        return f"no suggestion: {self.reason}{evidence}; {self.remedy}"


def suggest(traces: Sequence[Trace], *, repeats: int = LEAST_REPEATS) -> Suggestion | Refusal:
    """Returns the band of rates that several sweeps speak for, or why they speak for none.

    The losses of the repeats are smoothed together, without lag, against the logarithm of the rate. The band goes from a fifth of the rate
    of the lowest loss to two and a half times it, kept below about half the divergence edge and within a decade and a bit of it. It is
    refused where the loss does not fall by more than chance explains, where it does not rise again, where it rises from the start, and
    where the repeats disagree about the edge by more than a decade.

    What no range test sees: weight decay, the length of the warmup, the shape of the schedule, the length of the training. See `verify`.

    Args:
        traces: Repeats of one sweep with different data order (and, best, different initial weights).
        repeats: How many there must be.

    Raises:
        GlidepathError: If `traces` is no list of traces.

    Examples:
        >>> from glidepath.finder import rising, sweep
        >>> def repeat(weight):
        ...     def train_step(rate):
        ...         nonlocal weight
        ...         loss = 5 * weight**2
        ...         weight -= rate * 10 * weight
        ...         return loss
        ...
        ...     return sweep(train_step, rising(1e-4, 10, 120))
        >>> found = suggest([repeat(1.0), repeat(1.1), repeat(0.9)])
        >>> round(found.edge, 3), found.low > 0.01, found.high < 0.1
        (0.2, True, True)
    """
    if isinstance(traces, Trace) or not all(isinstance(trace, Trace) for trace in traces):
        raise GlidepathError.of("suggest", "traces", "a list of traces", traces)
    rules = {name: Reading.of([rule(trace) for trace in traces]) for name, rule in RULES.items()}

    def refuse(reason: str, evidence: str) -> Refusal:
        return Refusal(reason, REASONS[reason], rules, evidence)

    if len(traces) < repeats:
        return refuse("too few repeats", f"{len(traces)} of {repeats}")
    fewest = min(trace.finite for trace in traces)
    burst = sum(trace.stop in ("non-finite", "diverged") for trace in traces)
    if fewest < LEAST_POINTS:
        early = burst and max(trace.planned or 0 for trace in traces) >= LEAST_POINTS
        reason = "diverged at once" if early else "too few points"
        return refuse(reason, f"{fewest} finite points; {LEAST_POINTS} are needed")
    curve = _Curve.of(traces)
    edges = rules["edge"]
    fall, sure, least = curve.fall, _SIGNIFICANT * curve.error, _LEAST_FALL * abs(curve.start)
    if fall <= max(sure, least):
        first = 10 ** float(curve.x[0])
        bad = min((value for value in edges.values if value is not None), default=None)
        rises = burst * 2 > len(traces) or curve.rise > max(_SIGNIFICANT * curve.last_error, least)
        if bad is not None and math.log10(bad / first) < _HEADROOM and rises:
            evidence = f"the loss never falls; training diverges from {bad:.2g}, and the sweep began at {first:.2g}"
            return refuse("diverged at once", evidence)
        if sure > _NOISY * abs(curve.start):
            return refuse("too noisy", f"the loss falls by {fall:.2g}; noise alone explains {sure:.2g}")
        return refuse("flat", f"the loss falls by {max(fall, 0.0):.2g} from {curve.start:.3g}")
    return _banded(traces, curve, edges, rules, refuse)


def _banded(
    traces: Sequence[Trace], curve: _Curve, edges: Reading, rules: Mapping[str, Reading], refuse: Any
) -> Suggestion | Refusal:
    seen = [value for value in edges.values if value is not None]
    if len(seen) * 2 <= len(traces):
        return refuse("never diverged", f"the loss is still low at the last rate, {10 ** curve.x[-1]:.3g}")
    if edges.spread is not None and edges.spread > _MOST_SPREAD:
        return refuse("too noisy", f"the repeats diverge {edges.spread:.1f} decades apart")
    edge = 10 ** float(np.median(np.log10(seen)))
    if math.log10(edge) - curve.x[0] < _HEADROOM:
        evidence = f"training diverges from {edge:.2g}, and the sweep began at {10 ** curve.x[0]:.2g}"
        return refuse("diverged at once", evidence)
    lowest = min(10 ** float(curve.x[curve.index]), edge)
    exact = sum(growth_edge(trace) is not None for trace in traces) * 2 > len(traces)
    most_low, most_high, least_high = _EXACT if exact else _SEEN
    high = min(max(lowest * _ABOVE, edge / most_high), edge / least_high)
    low = max(lowest / _BELOW, edge / most_low)
    if not exact:
        high, low = min(high, _NEAR_HIGH * lowest), min(low, lowest / _NEAR_LOW)
    low = min(low, high / 3)
    spread = max(edges.spread or 0.0, curve.spread)
    return Suggestion(low, high, rules, spread, edge, lowest)


@dataclass(frozen=True)
class _Curve:
    """The repeats as one smoothed curve.

    Args:
        x: log10 of the rate.
        y: The smoothed median loss.
        start: Its level before the rates matter.
        index: Of its lowest point.
        error: Standard error of its lowest point.
        last_error: Standard error of how far its last point lies above the start.
        spread: Between the lowest points of the repeats, in decades.
    """

    x: Array
    y: Array
    start: float
    index: int
    error: float
    last_error: float
    spread: float

    @property
    def fall(self) -> float:
        """How far the loss falls from its start."""
        return self.start - float(self.y[self.index])

    @property
    def rise(self) -> float:
        """How far the loss rises to its end."""
        return float(self.y[-1]) - self.start

    @classmethod
    def of(cls, traces: Sequence[Trace]) -> _Curve:
        longest = max(traces, key=lambda trace: trace.finite)
        x = np.log10(np.array(longest.rates[: longest.finite]))
        rows = np.full((len(traces), len(x)), np.inf)
        for row, trace in zip(rows, traces, strict=True):
            own = np.log10(np.array(trace.rates[: trace.finite]))
            inside = (x >= own[0] - 1e-9) & (x <= own[-1] + 1e-9)
            row[inside] = np.interp(x[inside], own, trace.losses[: trace.finite])
        kept = np.isfinite(np.median(rows, axis=0))
        x, rows = x[kept], rows[:, kept]
        positive = bool((rows > 0).all())
        cap = 700.0 if positive else 1e300
        z = np.minimum(np.log(rows) if positive else rows, cap)
        middle = smoothed(x, running_median(np.median(z, axis=0)), WIDTH)
        back: Any = np.exp if positive else np.asarray
        y = back(middle)
        index = int(y.argmin())
        own = [smoothed(x, running_median(row), WIDTH) for row in z]
        lows = [float(x[int(row.argmin())]) for row in own]
        # What scatters around the smoothed curves before the climb, per smoothed point.
        early = back(z[:, : max(5, len(y) // 10)])
        start = float(np.median(early))
        until = max(int(np.nonzero(y <= max(start, float(y.min())))[0][-1]) + 1, LEAST_POINTS)
        scatter = np.concatenate([back(z[k, :until]) - back(np.minimum(own[k][:until], cap)) for k in range(len(rows))])
        sigma = 1.4826 * float(np.median(np.abs(scatter - np.median(scatter))))
        # Of the weighted mean, times what medians lose against means; a point at an end of the sweep has fewer neighbours.
        shares = (weights(x, WIDTH)[[index, -1]] ** 2).sum(1) / len(traces)
        error, last = (1.6 * sigma * float(np.sqrt(share)) for share in (shares[0], shares[1] + 1.0 / early.size))
        return cls(x, y, start, index, error, last, max(lows) - min(lows))

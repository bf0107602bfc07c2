"""What the picture of a range test is made of, whoever draws it: matplotlib here, the page in the browser."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..finder import RULES, Refusal, Suggestion, Trace
from ..finder.rules import cleaned
from .docstrings import about, source

__all__ = ["Parts", "Repeat", "Tick", "parts"]


@dataclass(frozen=True)
class Repeat:
    """One sweep as it is drawn.

    Args:
        label: Its name.
        rates: Of the raw points, up to the first loss that is not finite.
        losses: As measured.
        smooth: The losses smoothed without lag.
    """

    label: str
    rates: tuple[float, ...]
    losses: tuple[float, ...]
    smooth: tuple[float, ...]


@dataclass(frozen=True)
class Tick:
    """What one rule reads off the repeats.

    Args:
        name: The rule.
        low: The lowest rate that it reads.
        middle: The median.
        high: The highest.
        about: What it looks for.
        source: Where it comes from.
    """

    name: str
    low: float
    middle: float
    high: float
    about: str
    source: str


@dataclass(frozen=True)
class Parts:
    """All that is drawn of a range test.

    Args:
        repeats: The sweeps that have two finite points or more.
        rates: Where the median is known.
        median: Of the smoothed repeats.
        bottom: Lower end of the axis of losses.
        top: Its upper end: half as much again above the start as the curve falls below it.
        band: The suggested rates, or None where there is no suggestion.
        edge: The rate from which on training diverges, or None where there is no suggestion.
        ticks: What each rule reads; a rule that sees nothing has none.
    """

    repeats: tuple[Repeat, ...]
    rates: tuple[float, ...]
    median: tuple[float, ...]
    bottom: float
    top: float
    band: tuple[float, float] | None
    edge: float | None
    ticks: tuple[Tick, ...]


def parts(traces: Sequence[Trace], result: Suggestion | Refusal) -> Parts | None:
    """Returns what is drawn of a range test, or None where no trace has two finite points.

    Args:
        traces: The sweeps.
        result: The band, or why there is none.
    """
    drawn = [(k, trace) for k, trace in enumerate(traces) if trace.finite > 1]
    if not drawn:
        return None
    repeats = tuple(_repeat(k, trace) for k, trace in drawn)
    kept = [trace for _, trace in drawn]
    top = _top(kept)
    seen = np.concatenate([repeat.losses for repeat in repeats])
    lowest = float(seen[seen <= top].min())
    rates, median = _median(kept)
    found = isinstance(result, Suggestion)
    return Parts(
        repeats,
        rates,
        median,
        lowest - 0.05 * (top - lowest),
        top + 0.05 * (top - lowest),
        (result.low, result.high) if found else None,
        result.edge if found else None,
        _ticks(result),
    )


def _repeat(k: int, trace: Trace) -> Repeat:
    n = trace.finite
    smooth = cleaned(trace)[1]
    return Repeat(trace.label or f"repeat {k}", trace.rates[:n], trace.losses[:n], tuple(smooth.tolist()))


def _top(traces: Sequence[Trace]) -> float:
    starts = [float(np.median(trace.losses[: max(3, trace.finite // 10)])) for trace in traces]
    lowest = min(float(cleaned(trace)[1].min()) for trace in traces)
    start = float(np.median(starts))
    return start + max(0.5 * (start - lowest), 0.1 * abs(start), 1e-12)


def _median(traces: Sequence[Trace]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    longest = max(traces, key=lambda trace: trace.finite)
    x = np.log10(np.array(longest.rates[: longest.finite]))
    rows = [np.interp(x, *cleaned(trace), left=np.nan, right=np.inf) for trace in traces]
    middle = np.nanmedian(np.array(rows), axis=0)
    kept = np.isfinite(middle)
    return tuple((10 ** x[kept]).tolist()), tuple(middle[kept].tolist())


def _ticks(result: Suggestion | Refusal) -> tuple[Tick, ...]:
    ticks: list[Tick] = []
    for name, reading in result.rules.items():
        seen = [value for value in reading.values if value is not None]
        if reading.middle is not None:
            rule = RULES[name]
            looked = about(rule).removeprefix("Returns ")
            ticks.append(
                Tick(name, min(seen), reading.middle, max(seen), looked[:1].upper() + looked[1:], source(rule))
            )
    return tuple(ticks)

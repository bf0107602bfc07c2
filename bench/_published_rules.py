"""Rules of other range tests, written again from their sources, with their smoothing, skips and stop factors.

Each takes the rates and the raw losses of one sweep and returns a rate, or None.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

__all__ = ["PUBLISHED"]

Rule = Callable[[np.ndarray, np.ndarray], float | None]


def _stopped(losses: np.ndarray, smooth: np.ndarray, factor: float) -> int:
    """How many points there are before the smoothed loss exceeds `factor` times its best, or is not finite."""
    best = np.inf
    for i, value in enumerate(smooth):
        if not np.isfinite(value) or not np.isfinite(losses[i]):
            return i
        best = min(best, float(value))
        if value > factor * best and i:
            return i
    return len(smooth)


def _average(losses: np.ndarray, beta: float, unbiased: bool) -> np.ndarray:
    smooth, average = np.empty(len(losses)), 0.0 if unbiased else float(losses[0])
    with np.errstate(all="ignore"):
        for i, loss in enumerate(losses):
            average = beta * average + (1 - beta) * loss
            smooth[i] = average / (1 - beta ** (i + 1)) if unbiased else average
    return smooth


def _averaged(beta: float, unbiased: bool, factor: float, skip: tuple[int, int], pick: Rule) -> Rule:
    def rule(rates: np.ndarray, losses: np.ndarray) -> float | None:
        smooth = _average(losses, beta, unbiased)
        n = _stopped(losses, smooth, factor)
        rates, smooth = rates[skip[0] : n - skip[1]], smooth[skip[0] : n - skip[1]]
        return pick(rates, smooth) if len(rates) > 3 else None

    return rule


def _steepest(rates: np.ndarray, losses: np.ndarray) -> float | None:
    return float(rates[int(np.gradient(losses).argmin())])


def _before_minimum(rates: np.ndarray, losses: np.ndarray) -> float | None:
    i = int(losses.argmin())
    return float(rates[int(np.gradient(losses)[: i + 1].argmin())]) if i else None


def _per_rate(rates: np.ndarray, losses: np.ndarray) -> float | None:
    return float(rates[int(np.gradient(losses, rates).argmin())])


def _minimum_tenth(rates: np.ndarray, losses: np.ndarray) -> float | None:
    return float(rates[int(losses.argmin())]) / 10


def _valley(rates: np.ndarray, losses: np.ndarray) -> float | None:
    n = len(losses)
    length, best, end = [1] * n, 0, 0
    for i in range(1, n):
        for j in range(i):
            if losses[i] < losses[j] and length[i] < length[j] + 1:
                length[i] = length[j] + 1
        if length[i] > best:
            best, end = length[i], i
    sections = best / 3
    return float(rates[min(end - best + int(sections) + int(sections / 2), n - 1)])


def _slide(rates: np.ndarray, losses: np.ndarray) -> float | None:
    slope = np.gradient(losses)
    right, left = -1, -16
    if len(losses) < 16:
        return None
    found = float(rates[left])
    while left >= -len(losses) and abs(slope[right] - slope[left]) > 0.005:
        found = float(rates[left])
        right, left = right - 1, left - 1
    return found


def _steepest_per_decade(rates: np.ndarray, losses: np.ndarray) -> float | None:
    return float(rates[int((np.diff(losses) / np.diff(np.log(rates))).argmin())])


def _moving(rates: np.ndarray, losses: np.ndarray, window: int = 20) -> float | None:
    n = _stopped(losses, losses, 4.0)
    rates, losses = rates[:n], losses[:n]
    if n < window + 12:
        return None
    slopes = [(losses[i] - losses[i - window]) / window for i in range(window, n)]
    inner = slopes[10:-1]
    return float(rates[window + 10 + int(np.argmin(inner))]) if inner else None


_FASTAI = (0.98, True, 4.0, (10, 5))
PUBLISHED: dict[str, tuple[tuple[float, float], Rule]] = {
    "torch-lr-finder": ((1e-7, 10.0), _averaged(0.95, False, 5.0, (10, 5), _steepest)),
    "Ignite": ((1e-7, 10.0), _averaged(0.95, False, 5.0, (0, 0), _before_minimum)),
    "fastai valley": ((1e-7, 10.0), _averaged(*_FASTAI, _valley)),
    "fastai slide": ((1e-7, 10.0), _averaged(*_FASTAI, _slide)),
    "fastai minimum/10": ((1e-7, 10.0), _averaged(*_FASTAI, _minimum_tenth)),
    "fastai steep": ((1e-7, 10.0), _averaged(*_FASTAI, _steepest_per_decade)),
    "Lightning < 2.5.3": ((1e-8, 1.0), _averaged(0.98, True, 4.0, (10, 1), _steepest)),
    "Lightning >= 2.5.3": ((1e-8, 1.0), _averaged(0.98, True, 4.0, (10, 1), _per_rate)),
    "keras, moving average": ((1e-7, 10.0), _moving),
}
"""The range that each sweeps by default (100 updates), and its rule."""

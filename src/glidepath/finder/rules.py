"""Rules that read one rate off a trace. Each is a pure function; none is right by itself.

The losses are looked at up to the first that is not finite, against the logarithm of the rate, smoothed without lag. A rule that sees
nothing to go by returns None.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from .smooth import Array, running_median, smoothed
from .trace import Trace

LEAST_POINTS = 10
"""Fewer finite points say nothing."""
WIDTH = 0.12
"""Width of the smoothing kernel, in decades of the rate."""
_RISE = 0.25
_LEAST_TAIL = 5
_LEAST_GROWTH = math.log(4.0)
_LAW_MISFIT = 0.05
_LAW_NOISE = 0.5


def cleaned(trace: Trace, median: bool = True) -> tuple[Array, Array]:
    """Returns log10 of the rates and the smoothed losses, up to the first loss that is not finite."""
    n = trace.finite
    x, y = np.log10(np.array(trace.rates[:n])), np.array(trace.losses[:n])
    if n < LEAST_POINTS:
        return x, y
    # Losses that are all above 0 are smoothed as logarithms: a point at ten times the others does not rule its neighbourhood.
    positive = bool((y > 0).all())
    z = np.log(y) if positive else y
    z = smoothed(x, running_median(z) if median else z, WIDTH)
    return x, np.exp(np.minimum(z, 700.0)) if positive else z


def _lowest(trace: Trace) -> tuple[Array, Array, int] | None:
    x, y = cleaned(trace)
    if len(x) < LEAST_POINTS or not np.isfinite(y).all():
        return None
    i = int(y.argmin())
    return (x, y, i) if i > 0 and y[0] > y[i] else None


def steepest(trace: Trace) -> float | None:
    """Returns the rate at which the loss falls fastest per decade, before its minimum.

    Source:
        torch-lr-finder, Ignite and Lightning before 2.5.3 (which smooth with a lag); Lightning since takes the slope per unit of the rate,
        which favours the lowest rates: https://github.com/Lightning-AI/pytorch-lightning/issues/21141
    """
    found = _lowest(trace)
    if found is None:
        return None
    x, y, i = found
    slope = np.gradient(y, x)[: i + 1]
    return float(10 ** x[int(slope.argmin())]) if slope.min() < 0 else None


def minimum_tenth(trace: Trace) -> float | None:
    """Returns a tenth of the rate at which the loss is lowest.

    Source:
        fastai's `lr_find(suggest_funcs=minimum)`, https://docs.fast.ai/callback.schedule.html
    """
    found = _lowest(trace)
    return None if found is None else float(10 ** (found[0][found[2]] - 1))


def valley(trace: Trace) -> float | None:
    """Returns the point two thirds into the first three quarters of the longest falling subsequence of the losses.

    Source:
        fastai's `valley`, contributed by ESRI, https://docs.fast.ai/callback.schedule.html; here the subsequence is the longest, not the
        longest that ends at a point which a lagging average has moved.
    """
    found = _lowest(trace)
    if found is None:
        return None
    x, y, i = found
    longest = _longest_fall(y[: i + 1])
    sections = len(longest) / 3
    return float(10 ** x[longest[min(int(sections) + int(sections / 2), len(longest) - 1)]])


def _longest_fall(y: Array) -> list[int]:
    """Returns the indices of a longest strictly falling subsequence, in n log n."""
    tails: list[int] = []
    before = [-1] * len(y)
    values: list[float] = []
    for i, value in enumerate(-y):
        place = int(np.searchsorted(values, value))
        before[i] = tails[place - 1] if place else -1
        tails[place : place + 1] = [i]
        values[place : place + 1] = [float(value)]
    chain = [tails[-1]]
    while before[chain[-1]] >= 0:
        chain.append(before[chain[-1]])
    return chain[::-1]


def slide(trace: Trace, window: int = 15, difference: float = 0.02, adjust: float = 1.0) -> float | None:
    """Returns the left end of the first window, slid from high rates to low, in which the slope is the same at both ends.

    Args:
        trace: The sweep.
        window: In points.
        difference: Slopes per decade that differ by less, relative to the steepest fall, count as the same.
        adjust: A factor on the answer.

    Source:
        fastai's `slide`, contributed by Novetta, https://docs.fast.ai/callback.schedule.html (there the difference is absolute, which
        makes the answer depend on the unit of the loss).
    """
    found = _lowest(trace)
    if found is None or len(found[0]) <= window:
        return None
    x, y, _ = found
    slope = np.gradient(y, x)
    scale = -float(slope.min())
    if scale <= 0:
        return None
    left = len(x) - 1 - window
    while left > 0 and abs(slope[left + window] - slope[left]) > difference * scale:
        left -= 1
    return float(adjust * 10 ** x[left])


def edge(trace: Trace) -> float | None:
    r"""Returns the rate from which on training diverges, or None where it does not.

    Where the last losses of a sweep grow as gradient descent diverges, by $(2\eta/\eta_e - 1)^2$ in an update with rate $\eta$, the edge
    $\eta_e$ is read off that growth: on a quadratic of curvature $L$ it is $2/L$, however late the growth shows. Elsewhere it is the rate
    at which the smoothed loss, past its minimum, has taken back a quarter of what it had won.

    Source:
        The growth is that of gradient descent on a quadratic; Cohen et al. 2021, https://arxiv.org/abs/2103.00065 on the edge of stability.
    """
    x, y = cleaned(trace)
    if len(x) < LEAST_POINTS:
        return None
    crossing = _crossing(x, y)
    growth = growth_edge(trace)
    if growth is not None and (crossing is None or crossing / 10 <= growth <= 3 * crossing):
        return growth
    return crossing


def _crossing(x: Array, y: Array) -> float | None:
    """Returns where the loss has taken back a quarter of its fall for good (linearly interpolated), or None."""
    start = float(np.median(y[: max(3, len(y) // 20)]))
    i = int(y.argmin())
    limit = float(y[i]) + _RISE * max(start - float(y[i]), 0.0)
    below = np.nonzero(y <= limit)[0]
    last = int(below[-1])
    if last + 1 >= len(y) or y[-1] - y[i] <= 1e-6 * abs(start):  # no rise, or none but of rounding
        return None
    share = (limit - y[last]) / (y[last + 1] - y[last])
    return float(10 ** (x[last] + share * (x[last + 1] - x[last])))


def growth_edge(trace: Trace) -> float | None:
    """Returns the edge whose growth explains the last losses of the sweep, or None where none does: see `edge`.

    The losses in the upper half of the final rise, on a logarithmic scale, are fitted by `a + sum 2 log|2 rate/edge - 1|`.
    """
    n = trace.finite
    losses, rates = np.array(trace.losses[:n]), np.array(trace.rates[:n])
    if n < LEAST_POINTS or (losses <= 0).any():
        return None
    y = np.log(losses)
    half = (running_median(y).min() + y[-1]) / 2
    low = np.nonzero(y < half)[0]
    first = min(int(low[-1]) + 1 if len(low) else 0, n - _LEAST_TAIL)
    if y[-1] - y[first:].min() < _LEAST_GROWTH or first < 0:
        return None
    tail, eta = y[first:], rates[first:-1]
    edges = np.geomspace(eta[0] / 8, rates[-1], 2000)
    growth = 2 * np.log(np.maximum(np.abs(2 * eta[None, :] / edges[:, None] - 1), 1e-3))
    curves = np.concatenate([np.zeros((len(edges), 1)), np.cumsum(growth, 1)], 1)
    residual = tail[None, :] - curves
    residual -= residual.mean(1, keepdims=True)
    misfit = (residual**2).mean(1)
    best = int(misfit.argmin())
    allowed = min(_LAW_MISFIT * float(tail.var()), _LAW_NOISE**2)
    return float(edges[best]) if misfit[best] < allowed else None


RULES: dict[str, Callable[[Trace], float | None]] = {
    "steepest": steepest,
    "minimum/10": minimum_tenth,
    "valley": valley,
    "slide": slide,
    "edge": edge,
}
"""The rules by name."""

"""Smoothing without lag: a centred kernel in the logarithm of the rate."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
_MEDIAN = 5


def spacing(x: Array) -> float:
    """Returns the median distance of neighbouring points."""
    return float(np.median(np.diff(x))) if len(x) > 1 else 0.0


def running_median(y: Array, width: int = _MEDIAN) -> Array:
    """Returns the median of each point and its neighbours: a spike narrower than half the width is gone, an edge stays where it is.

    Args:
        y: The values.
        width: Odd, in points; near an end it shrinks, so that each window stays centred on its point.
    """
    half, last = min(width // 2, (len(y) - 1) // 2), len(y) - 1
    made = np.array(y, dtype=np.float64)
    if half > 0:
        made[half : last - half + 1] = np.median(np.lib.stride_tricks.sliding_window_view(y, 2 * half + 1), axis=1)
    for i in range(1, half):
        made[i], made[last - i] = np.median(y[: 2 * i + 1]), np.median(y[last - 2 * i :])
    return made


def smoothed(x: Array, y: Array, width: float) -> Array:
    """Returns a local linear fit at every point, weighted by a centred normal kernel: it does not lag behind the curve.

    An average of the past (an exponential one, say) shows every feature late; in a range test late means at too high a rate.

    Args:
        x: Rising positions, such as logarithms of the rate.
        y: The values.
        width: Standard deviation of the kernel, in the unit of `x`; never less than a point and a quarter.

    Source:
        Cleveland 1979, https://doi.org/10.1080/01621459.1979.10481038 (local linear fits); Fan 1992 (no bias at the ends).
    """
    return y.copy() if len(x) < 3 else weights(x, width) @ y


def weights(x: Array, width: float) -> Array:
    """Returns the matrix whose product with the values is `smoothed`: row i makes the value at point i.

    Args:
        x: Rising positions, at least 3.
        width: As in `smoothed`.
    """
    h = max(width, 1.25 * spacing(x))
    d = x[None, :] - x[:, None]
    w = np.exp(-0.5 * (d / h) ** 2)
    s0, s1, s2 = w.sum(1), (w * d).sum(1), (w * d * d).sum(1)
    return w * (s2[:, None] - s1[:, None] * d) / np.maximum(s0 * s2 - s1 * s1, 1e-300)[:, None]

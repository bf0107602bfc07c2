"""The noisy quadratic model: what a schedule does to stochastic gradient descent, exactly, without seeds or data.

Every coordinate i has curvature h_i = 1 / i and gradient noise of variance h_i, and starts with E[x_i²] = 1. One
update at rate a turns the second moment m_i into (1 - a h_i)² m_i + a² h_i σ², and the expected loss is ½ Σ h_i m_i.
So the whole expectation over all runs follows from a recursion of a hundred numbers.

Examples:
    >>> from glidepath import recipes
    >>> model = Quadratic()
    >>> decayed = model.tuned(recipes.warmup_linear(200), 200).loss
    >>> decayed < model.tuned(recipes.constant(), 200).loss
    True

Source:
    Zhang et al. 2019, "Which algorithmic choices matter at which batch sizes? Insights from a noisy quadratic model",
    https://arxiv.org/abs/1907.04164 (spectrum and noise of section 3.1; plain SGD, no momentum).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ... import Schedule
from ...core import Checks, settle
from ...core.fields import Count, Positive, Rate

_GOLDEN = (math.sqrt(5.0) - 1.0) / 2.0


class BestRate(NamedTuple):
    """The best peak rate of a schedule.

    Args:
        peak_rate: The rate.
        loss: Expected loss after the last update at that rate.
    """

    peak_rate: float
    loss: float


@dataclass(frozen=True, kw_only=True)
class Quadratic:
    """A noisy quadratic bowl.

    Args:
        dimensions: Coordinates. At least 1.
        noise: Standard deviation of the gradient noise, times √h_i. Finite, at least 0.

    Raises:
        GlidepathError: If an argument breaks its rule above.
    """

    dimensions: Count = 100
    noise: Rate = 1.0

    def __post_init__(self) -> None:
        settle(self, "quadratic").done()

    def losses(self, schedule: Schedule, peak_rate: float, budget: int) -> npt.NDArray[np.float64]:
        """The expected loss before the first update and after each one.

        Args:
            schedule: Factor on the peak rate, by update.
            peak_rate: Base learning rate. Finite, above 0.
            budget: Updates. At least 1.

        Returns:
            `budget + 1` numbers; infinite from where they leave the range of floats.

        Raises:
            GlidepathError: If an argument breaks its rule above.
        """
        checks = Checks("quadratic")
        peak_rate = checks.take("peak_rate", peak_rate, Positive)
        budget = checks.take("budget", budget, Count)
        checks.done()
        curvature = 1.0 / np.arange(1, self.dimensions + 1)
        moments = np.ones(self.dimensions)
        rates = peak_rate * np.asarray(schedule(np.arange(budget)), dtype=np.float64)
        expected = np.empty(budget + 1)
        expected[0] = 0.5 * float(curvature @ moments)
        with np.errstate(over="ignore", invalid="ignore"):
            for update, rate in enumerate(np.broadcast_to(rates, (budget,))):
                moments = (1.0 - rate * curvature) ** 2 * moments + rate**2 * curvature * self.noise**2
                expected[update + 1] = 0.5 * float(curvature @ moments)
        return np.where(np.isfinite(expected), expected, math.inf)

    def tuned(self, schedule: Schedule, budget: int, low: float = 1e-4, high: float = 10.0) -> BestRate:
        """The peak rate with the least final expected loss, to one part in a thousand.

        Args:
            schedule: Factor on the peak rate, by update.
            budget: Updates. At least 1.
            low: Least rate tried. Above 0.
            high: Greatest rate tried. Above `low`.

        Raises:
            GlidepathError: If an argument breaks its rule above.
        """
        checks = Checks("quadratic")
        low, high = checks.take("peak_rate", low, Positive), checks.take("peak_rate", high, Positive)
        checks.require(low < high, "high", f"above low ({low})", high)
        checks.done()

        def final(log_rate: float) -> float:
            return float(self.losses(schedule, math.exp(log_rate), budget)[-1])

        # A coarse grid first: the loss has one valley here, but it is flat or infinite far from it.
        grid = np.linspace(math.log(low), math.log(high), 24)
        best = int(np.argmin([final(float(at)) for at in grid]))
        left, right = float(grid[max(0, best - 1)]), float(grid[min(len(grid) - 1, best + 1)])
        while right - left > 1e-3:
            lower, upper = right - _GOLDEN * (right - left), left + _GOLDEN * (right - left)
            left, right = (left, upper) if final(lower) <= final(upper) else (lower, right)
        middle = 0.5 * (left + right)
        return BestRate(math.exp(middle), final(middle))

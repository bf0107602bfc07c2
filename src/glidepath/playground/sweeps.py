"""Range tests whose answer is known beforehand: to see at once what a good one looks like, and each way that one can say nothing."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..finder import Trace, rising, sweep

__all__ = ["SWEEPS", "Known"]

_REPEATS = 3
_CURVATURES = np.linspace(1.0, 10.0, 30)  # gradient descent diverges from 2 / 10


@dataclass(frozen=True)
class Known:
    """A range test with a known answer.

    Args:
        name: What it is called on the page.
        known: What is known of it.
        make: Makes its traces.
    """

    name: str
    known: str
    make: Callable[[], tuple[Trace, ...]]


def _descents(
    low: float = 1e-5,
    high: float = 10.0,
    *,
    start: float = 1.0,
    shaking: float = 0.0,
    noise: float = 0.0,
    spike: float = 1.0,
    least: float = 0.0,
) -> tuple[Trace, ...]:
    """Returns sweeps of gradient descent on a quadratic bowl, each from another place.

    Args:
        low: First rate.
        high: Last rate.
        start: How far from the minimum they begin.
        shaking: Standard deviation of the noise on the gradients, as of minibatches; a sixth of it is that of the loss's logarithm.
        noise: Standard deviation of the noise on the loss that is reported.
        spike: What one loss of the second repeat is multiplied by.
        least: The loss at the minimum.
    """
    rates = rising(low, high, 160)
    made = [_Descent(k, start, shaking, noise, spike if k == 1 else 1.0, least) for k in range(_REPEATS)]
    return tuple(sweep(each, rates, label=f"repeat {k + 1}") for k, each in enumerate(made))


class _Descent:
    """One training on the bowl; called with a rate it makes an update and returns the loss before it."""

    def __init__(self, seed: int, start: float, shaking: float, noise: float, spike: float, least: float) -> None:
        self.chance = np.random.default_rng(seed)
        self.weights = start * (1 + 0.1 * self.chance.normal(size=len(_CURVATURES)))
        self.shaking, self.noise, self.spike, self.least, self.made = shaking, noise, spike, least, 0

    def __call__(self, rate: float) -> float:
        loss = 0.5 * float((_CURVATURES * self.weights**2).mean()) + self.least + self.noise * self.chance.normal()
        loss *= float(np.exp(self.shaking / 6 * self.chance.normal()))
        shaken = self.shaking * self.chance.normal(size=len(_CURVATURES))
        self.weights = self.weights - rate * (_CURVATURES * self.weights + shaken)
        self.made += 1
        return loss * (self.spike if self.made == 40 else 1.0)


def _known(name: str, known: str, **options: float) -> Known:
    return Known(name, known, functools.cache(lambda: _descents(**options)))


SWEEPS = {
    "shaken": _known(
        "A bowl, minibatches",
        "Gradient descent on a quadratic bowl whose largest curvature is 10 diverges from 2/10 = 0.2; here with the noise of minibatches.",
        shaking=1.0,
    ),
    "clean": _known("A bowl, no noise", "As before, without noise: the textbook's answer, 0.2."),
    "spike": _known(
        "One spike", "As the bowl, but one loss of repeat 2 is 20 times too high.", shaking=1.0, spike=20.0
    ),
    "early": _known(
        "Ended too early", "The bowl again, swept only up to 0.01: nothing shows where it diverges.", high=0.01
    ),
    "late": _known("Begun too high", "The bowl again, swept from 0.15: too late to see the loss fall.", low=0.15),
    "flat": _known(
        "Trained already",
        "Begun at the minimum: no rate makes the loss fall.",
        start=1e-4,
        least=0.3,
        noise=0.001,
        high=0.1,
    ),
    "wild": _known("Too noisy", "The bowl again, its losses drowned in noise.", noise=12.0, high=0.15),
}
"""The range tests by key, in the order of the page."""

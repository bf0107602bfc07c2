"""Range tests whose answer is known beforehand: to see at once what a good one looks like, and each way that one can say nothing."""

from __future__ import annotations

import functools
from collections.abc import Callable
from itertools import count

import numpy as np

from ..finder import Trace, rising, sweep

_CURVATURES = np.linspace(1.0, 10.0, 30)  # gradient descent diverges from 2 / 10


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

    def training(seed: int) -> Callable[[float], float]:
        """Returns a function that makes an update at a rate and returns the loss before it."""
        chance, made = np.random.default_rng(seed), count(1)
        weights = start * (1 + 0.1 * chance.normal(size=len(_CURVATURES)))

        def update(rate: float) -> float:
            nonlocal weights
            loss = 0.5 * float((_CURVATURES * weights**2).mean()) + least + noise * chance.normal()
            loss *= float(np.exp(shaking / 6 * chance.normal()))
            shaken = shaking * chance.normal(size=len(_CURVATURES))
            weights = weights - rate * (_CURVATURES * weights + shaken)
            return loss * (spike if next(made) == 40 and seed == 1 else 1.0)

        return update

    rates = rising(low, high, 160)
    return tuple(sweep(training(k), rates, label=f"repeat {k + 1}") for k in range(3))


_BOWL = "Gradient descent on a quadratic bowl whose largest curvature is 10 diverges from 2/10 = 0.2; here with the noise of minibatches."
_CLEAN = "As before, without noise: the textbook's answer, 0.2."
_SPIKE = "As the bowl, but one loss of repeat 2 is 20 times too high."
_EARLY = "The bowl again, swept only up to 0.01: nothing shows where it diverges."
_LATE = "The bowl again, swept from 0.15: too late to see the loss fall."
_FLAT = "Begun at the minimum: no rate makes the loss fall."
_KNOWN: dict[str, tuple[str, str, dict[str, float]]] = {
    "shaken": ("A bowl, minibatches", _BOWL, {"shaking": 1.0}),
    "clean": ("A bowl, no noise", _CLEAN, {}),
    "spike": ("One spike", _SPIKE, {"shaking": 1.0, "spike": 20.0}),
    "early": ("Ended too early", _EARLY, {"high": 0.01}),
    "late": ("Begun too high", _LATE, {"low": 0.15}),
    "flat": ("Trained already", _FLAT, {"start": 1e-4, "least": 0.3, "noise": 0.001, "high": 0.1}),
    "wild": ("Too noisy", "The bowl again, its losses drowned in noise.", {"noise": 12.0, "high": 0.15}),
}
# The range tests by key, in the order of the page: what each is called there, what is known of it, and what makes its traces.
SWEEPS = {
    key: (name, known, functools.cache(functools.partial(_descents, **options)))
    for key, (name, known, options) in _KNOWN.items()
}

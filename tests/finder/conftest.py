"""Traces with a known answer."""

import numpy as np
import pytest

from glidepath.finder import Trace, rising, sweep


def curve(
    valley: float = 1e-2, depth: float = 1.0, noise: float = 0.0, seed: int = 0, points: int = 200, rise: float = 1.0
):
    """Return a sweep that falls from 2 to 2 - depth at `valley` and rises from there, explosively at ten times it."""
    rng = np.random.default_rng(seed)
    rates = np.geomspace(1e-6, 10.0, points)
    x = np.log10(rates / valley)
    fall = depth * np.exp(-0.5 * (np.minimum(x, 0) / 0.8) ** 2)
    climb = rise * np.maximum(x, 0) ** 2 * np.where(x > 0.7, np.exp(np.minimum(6 * (x - 0.7), 60)), 1.0)
    losses = iter(2.0 - fall + climb + noise * rng.standard_normal(points))
    return sweep(lambda rate: next(losses), rising(1e-6, 10.0, points), label=f"seed {seed}")


def quadratic(
    seed: int, curvature: float = 10.0, noise: float = 0.3, dimensions: int = 1, low=1e-4, high=10.0, steps: int = 120
) -> Trace:
    """Return a sweep of gradient descent on a quadratic whose divergence edge is 2 / curvature."""
    rng = np.random.default_rng(seed)
    curvatures = curvature * np.concatenate([[1.0], 10 ** -rng.uniform(0, 2, dimensions - 1)])
    at = 1 + 0.1 * rng.standard_normal(dimensions)

    def train_step(rate: float) -> float:
        nonlocal at
        loss = 0.5 * float(curvatures @ (at * at))
        at = at - rate * (curvatures * at + noise * rng.standard_normal(dimensions))
        return loss

    return sweep(train_step, rising(low, high, steps), label=f"seed {seed}")


@pytest.fixture(name="curve")
def curve_fixture():
    return curve


@pytest.fixture(name="quadratic")
def quadratic_fixture():
    return quadratic

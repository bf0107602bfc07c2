"""The update rules of `torch.optim`, fused form, with their arithmetic: what depends on the update alone is float64, the rest float32."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from jax import Array

from ...tasks.declared import AdamW, Sgd
from .networks import Weights

__all__ = ["Floats", "UpdateRule", "rule"]

Floats = npt.NDArray[np.float32]
_EPSILON = 1e-8
Moments = tuple[Weights, ...]


@dataclass(frozen=True)
class UpdateRule:
    """An update rule.

    Args:
        moments: How many running means each weight has; all begin at 0.
        numbers: What updates need besides, one row an update: from the rates of some updates and the number of the first.
        update: From weights, moments, gradients and a row of numbers to new weights and moments.
    """

    moments: int
    numbers: Callable[[list[float], int], Floats]
    update: Callable[[Weights, Moments, Weights, Array], tuple[Weights, Moments]]


def rule(declared: Sgd | AdamW) -> UpdateRule:
    """The update rule of a declaration.

    Args:
        declared: The optimizer part of a task.
    """
    return _sgd(declared) if isinstance(declared, Sgd) else _adamw(declared)


def _sgd(declared: Sgd) -> UpdateRule:
    def numbers(rates: list[float], first: int) -> Floats:
        del first
        return np.asarray(rates, dtype=np.float32)[:, None]

    def update(weights: Weights, moments: Moments, slopes: Weights, row: Array) -> tuple[Weights, Moments]:
        if declared.weight_decay:
            slopes = _each(lambda slope, weight: slope + declared.weight_decay * weight, slopes, weights)
        momentum = _each(lambda mean, slope: declared.momentum * mean + slope, moments[0], slopes)
        return _each(lambda weight, mean: weight - row[0] * mean, weights, momentum), (momentum,)

    return UpdateRule(1, numbers, update)


def _adamw(declared: AdamW) -> UpdateRule:
    beta1, beta2, decay = declared.beta1, declared.beta2, declared.weight_decay

    def numbers(rates: list[float], first: int) -> Floats:
        rate, count = np.asarray(rates), np.arange(first + 1, first + len(rates) + 1)
        columns = (1.0 - rate * decay, rate / (1.0 - beta1**count), np.sqrt(1.0 - beta2**count))
        return np.stack(columns, axis=1, dtype=np.float32)

    def update(weights: Weights, moments: Moments, slopes: Weights, row: Array) -> tuple[Weights, Moments]:
        mean = _each(lambda mean, slope: mean + (1.0 - beta1) * (slope - mean), moments[0], slopes)
        square = _each(lambda square, slope: beta2 * square + (1.0 - beta2) * slope * slope, moments[1], slopes)
        new = _each(
            lambda weight, mean, square: row[0] * weight - row[1] * mean / (jnp.sqrt(square) / row[2] + _EPSILON),
            weights,
            mean,
            square,
        )
        return new, (mean, square)

    return UpdateRule(2, numbers, update)


def _each(function: Callable[..., Array], *weights: Weights) -> Any:
    return jax.tree.map(function, *weights)

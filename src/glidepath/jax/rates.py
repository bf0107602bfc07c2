"""Schedules where JAX wants a function of the step, or a static part of a tree."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from ..core.rate import Rate, rate_of
from ..core.schedule import Scaled, Schedule

__all__ = ["Rounded", "rate", "static", "whole"]


def static() -> None:
    """Makes every kind of schedule a static node of JAX's trees: part of what is compiled, without leaves."""
    for kind in Schedule.registry.values():
        if kind not in _registered:
            jax.tree_util.register_static(kind)
            _registered.add(kind)


_registered: set[Any] = set()
static()
jax.tree_util.register_pytree_node(
    Scaled, lambda s: ((s.factor,), s.schedule), lambda schedule, f: Scaled(schedule, *f)
)


def rate(schedule: Any, base: float | None = None) -> Rate:
    """Returns a schedule of rates, for `optax.adam(learning_rate=…)` and whatever else takes a function of the step.

    Args:
        schedule: A schedule or its text: a factor, or absolute (`rate(…)` in the text).
        base: What a factor is multiplied by, above 0. Not given for an absolute schedule.

    Returns:
        The product, evaluated in float64 and rounded once; hashable, and a static node of JAX's trees.

    Raises:
        GlidepathError: If a factor has no base, or an absolute schedule has one.

    Examples:
        >>> rate("cosine(100)", 3e-4)(0)
        0.0003
    """
    static()
    return rate_of(schedule, base, "rate")


@dataclass(frozen=True)
class Rounded:
    """The values of a schedule to the nearest integer, halves up, as int32: see `whole`."""

    schedule: Schedule

    def __call__(self, step: Any) -> Any:
        """Returns the whole value at a step."""
        value = self.schedule(step)
        return math.floor(value + 0.5) if isinstance(value, float) else jnp.floor(value + 0.5).astype(jnp.int32)


jax.tree_util.register_static(Rounded)


def whole(schedule: Any) -> Rounded:
    """Returns a schedule of whole numbers, such as `optax.MultiSteps(…, every_k_schedule=whole("piecewise_constant([500], [1, 4])"))`.

    Args:
        schedule: A schedule or its text.
    """
    static()
    return Rounded(Schedule.of(schedule))

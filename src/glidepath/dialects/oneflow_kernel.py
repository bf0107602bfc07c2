"""OneFlow's graph kernel: decays that have had no Python front end since 0.7."""

from __future__ import annotations

from typing import Any

from ..core.schedule import Schedule
from . import pieces, shared
from .oneflow import ONEFLOW

__all__: list[str] = []


def _piecewise(a: Any, field: str, base: float) -> Schedule:
    return pieces.scaled(shared.levels(a, field, getattr(a, field), a.boundaries, late=True), base)


ONEFLOW.rows(
    {
        "ExponentialDecayConf": shared.exponential,
        "InverseTimeDecayConf": shared.inverse_time,
        "NaturalExpDecayConf": shared.natural_exponential,
        "PiecewiseConstantConf": lambda a: _piecewise(a, "values", 1.0),
        "PiecewiseScalingConf": lambda a: _piecewise(a, "scales", a.lr),
        "LinearCosineDecayConf": shared.linear_cosine,
    }
)

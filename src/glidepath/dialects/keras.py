"""Keras 3: `keras.optimizers.schedules`. A schedule has at step t the rate that Keras uses for update t, in float64 instead of float32."""

from __future__ import annotations

from typing import Any

from ..core.schedule import Schedule
from . import pieces, shared
from .table import dialect

__all__ = ["KERAS"]


def _floats(a: Any, made: Schedule) -> Schedule:
    """Refuses a whole number as the initial rate: Keras would compute in integers, differently on each backend."""
    rule, whole = "a float: Keras computes in whole numbers from an integer", isinstance(a.lr, int)
    a.at.require(not whole, "initial_learning_rate", rule, a.lr, f"write {a.lr}.0")
    return made


KERAS = dialect("keras", around=_floats)


def _cosine(a: Any) -> Schedule:
    peak = a.lr if a.warmup_target is None else a.warmup_target
    decay = pieces.cosine(peak, peak * a.alpha, a.decay_steps)
    return decay if a.warmup_target is None else pieces.warmed(a.lr, peak, a.warmup_steps, decay)


KERAS.rows(
    {
        "ExponentialDecay": shared.exponential,
        "PiecewiseConstantDecay": lambda a: shared.piecewise(a, late=True),
        "PolynomialDecay": lambda a: shared.polynomial(a, a.end_learning_rate),
        "InverseTimeDecay": shared.inverse_time,
        "CosineDecay": _cosine,
        "CosineDecayRestarts": shared.cosine_restarts,
    },
    plain=("PiecewiseConstantDecay",),
)

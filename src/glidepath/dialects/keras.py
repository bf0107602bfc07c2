"""Keras 3: `keras.optimizers.schedules`. A schedule has at step t the rate that Keras uses for update t, in float64 instead of float32."""

from __future__ import annotations

from typing import Any

from ..core.schedule import Schedule
from . import pieces, shared
from .reading import At, dialect

__all__ = ["KERAS"]

KERAS = dialect(
    "keras",
    title="Keras",
    follows="3",
    modules=(
        "keras.optimizers.schedules",
        "tf.keras.optimizers.schedules",
        "tensorflow.keras.optimizers.schedules",
        "tf.optimizers.schedules",
        "tf.keras.experimental",
        "keras.experimental",
        "keras.callbacks",
    ),
    aliases=("tf.keras",),
    base="initial_learning_rate",
)


def _float_base(at: At) -> None:
    """Refuses a whole number as the initial rate: Keras would compute in integers, differently on each backend."""
    if isinstance(at.base, int):
        raise at.refused(
            "initial_learning_rate",
            "a float: Keras computes in whole numbers from an integer",
            at.base,
            f"write {at.base}.0",
        )


@KERAS.reads("ExponentialDecay")
def exponential(at: At, decay_steps: Any, decay_rate: Any, staircase: Any = False) -> Schedule:
    """`decay_rate` to the power of the step over `decay_steps`."""
    _float_base(at)
    return shared.exponential_decay(at, decay_steps, decay_rate, staircase)


@KERAS.reads("PiecewiseConstantDecay", leading=())
def piecewise(at: At, boundaries: Any, values: Any) -> Schedule:
    """One value after another; at a boundary the old one still holds."""
    return shared.piecewise(at, boundaries, values, late=True)


@KERAS.reads("PolynomialDecay")
def polynomial(
    at: At, decay_steps: Any, end_learning_rate: Any = 0.0001, power: Any = 1.0, cycle: Any = False
) -> Schedule:
    """A power of what is left, down to `end_learning_rate`."""
    _float_base(at)
    return shared.polynomial_decay(at, decay_steps, ("end_learning_rate", end_learning_rate), power, cycle)


@KERAS.reads("InverseTimeDecay")
def inverse_time(at: At, decay_steps: Any, decay_rate: Any, staircase: Any = False) -> Schedule:
    """The reciprocal of the step over `decay_steps`."""
    _float_base(at)
    return shared.inverse_time_decay(at, decay_steps, decay_rate, staircase)


@KERAS.reads("CosineDecay")
def cosine(at: At, decay_steps: Any, alpha: Any = 0.0, warmup_target: Any = None, warmup_steps: Any = 0) -> Schedule:
    """Half a cosine down to the share `alpha`, after a warmup that comes on top of `decay_steps` if it has a target."""
    _float_base(at)
    checks = at.checks()
    span, floor = checks.span("decay_steps", decay_steps), checks.real("alpha", alpha)
    steps = checks.length("warmup_steps", warmup_steps, 0)
    peak = at.base if warmup_target is None else checks.real("warmup_target", warmup_target)
    checks.done()
    decay = pieces.cosine(peak, peak * floor, span)
    return decay if warmup_target is None else pieces.warmed(at.base, peak, steps, decay)


@KERAS.reads("CosineDecayRestarts")
def cosine_restarts(at: At, first_decay_steps: Any, t_mul: Any = 2.0, m_mul: Any = 1.0, alpha: Any = 0.0) -> Schedule:
    """Half a cosine again and again, longer and lower."""
    _float_base(at)
    return shared.cosine_restarts(at, first_decay_steps, t_mul, m_mul, alpha)

"""OneFlow's graph kernel: decays that have had no Python front end since 0.7."""

from __future__ import annotations

from typing import Any

from ..core.classics import DampedCosine
from ..core.schedule import Schedule
from ..core.segments import InverseTime, NaturalExponential
from . import pieces
from .oneflow import ONEFLOW
from .reading import At

__all__: list[str] = []


def _kernel(at: At, decay_batches: Any, decay_rate: Any, staircase: Any) -> tuple[float, float, bool]:
    checks = at.checks()
    found = (
        checks.span("decay_batches", decay_batches),
        checks.real("decay_rate", decay_rate, above=0),
        checks.flag("staircase", staircase),
    )
    checks.done()
    return found


@ONEFLOW.reads("ExponentialDecayConf")
def exponential_conf(at: At, decay_batches: Any, decay_rate: Any, staircase: Any = False) -> Schedule:
    """`decay_rate` to the power of the step over `decay_batches`."""
    span, rate, stairs = _kernel(at, decay_batches, decay_rate, staircase)
    return pieces.scaled(pieces.exponential(rate, span, stairs), at.base)


@ONEFLOW.reads("InverseTimeDecayConf")
def inverse_time_conf(at: At, decay_batches: Any, decay_rate: Any, staircase: Any = False) -> Schedule:
    """The reciprocal of the step over `decay_batches`."""
    span, rate, stairs = _kernel(at, decay_batches, decay_rate, staircase)
    return pieces.scaled(pieces.lasting(span, lambda n: InverseTime(rate, n, staircase=stairs)), at.base)


@ONEFLOW.reads("NaturalExpDecayConf")
def natural_exp_conf(at: At, decay_batches: Any, decay_rate: Any, staircase: Any = False) -> Schedule:
    """The natural exponential of the step over `decay_batches`."""
    span, rate, stairs = _kernel(at, decay_batches, decay_rate, staircase)
    return pieces.scaled(pieces.lasting(span, lambda n: NaturalExponential(rate, n, staircase=stairs)), at.base)


@ONEFLOW.reads("PiecewiseConstantConf")
def piecewise_constant_conf(at: At, boundaries: Any, values: Any) -> Schedule:
    """One value after another; each begins one step after its boundary."""
    return _piecewise(at, boundaries, "values", values, 1.0)


@ONEFLOW.reads("PiecewiseScalingConf")
def piecewise_scaling_conf(at: At, boundaries: Any, scales: Any) -> Schedule:
    """One factor after another; each begins one step after its boundary."""
    return _piecewise(at, boundaries, "scales", scales, at.base)


def _piecewise(at: At, boundaries: Any, field: str, values: Any, base: float) -> Schedule:
    checks = at.checks()
    marks, levels = checks.milestones("boundaries", boundaries), checks.reals(field, values, 1)
    checks.require(len(levels) == len(marks) + 1, field, f"one more than the boundaries, {len(marks) + 1}", values)
    checks.done()
    return pieces.scaled(pieces.levels([mark + 1 for mark in marks], levels), base)


@ONEFLOW.reads("LinearCosineDecayConf")
def linear_cosine_conf(
    at: At, decay_batches: Any, num_periods: Any = 0.5, alpha: Any = 0.0, beta: Any = 0.001
) -> Schedule:
    """A cosine whose height falls in a straight line."""
    checks = at.checks()
    span, periods = checks.span("decay_batches", decay_batches), checks.real("num_periods", num_periods)
    height, shift = checks.real("alpha", alpha), checks.real("beta", beta)
    checks.done()
    return pieces.scaled(pieces.lasting(span, lambda n: DampedCosine(n, periods, height, shift)), at.base)

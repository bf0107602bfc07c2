"""Learning-rate schedules as values: write one, see it, prove it, train with it, resume it exactly."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from . import recipes
from .core import curves
from .core.classics import DampedCosine, PolynomialCycle, Profile, Restarts
from .core.codec import schema
from .core.combinators import Chain, Clip, Maximum, Minimum, Product, Repeat, Shift, Stretch, Sum, Until
from .core.custom import Custom, register, unregister
from .core.errors import GlidepathError, Problem
from .core.expression import Expression
from .core.rate import Rate
from .core.recurrence import Recurrence
from .core.schedule import Schedule
from .core.segments import (
    Exponential,
    Hold,
    InverseSqrt,
    InverseTime,
    MultiStep,
    NaturalExponential,
    Ramp,
    Step,
    Table,
    Triangle,
)
from .core.shorthand import (
    chain,
    cosine,
    geometric,
    linear,
    maximum,
    minimum,
    one_minus_sqrt,
    polynomial,
    rex,
    sqrt,
    warmup,
)
from .core.text import parse, vocabulary
from .recipes import (
    constant,
    exp_range,
    knee,
    noam,
    one_cycle,
    piecewise_constant,
    sgdr,
    trapezoid,
    triangular,
    triangular2,
    warmup_cosine,
    warmup_hold_cosine,
    warmup_inverse_sqrt,
    warmup_linear,
    warmup_polynomial,
    warmup_rex,
    with_warmup,
    wsd,
)

if TYPE_CHECKING:
    from . import dialects

# The words of the text form are Python too: each kind under its own name.
damped_cosine, expression, polynomial_cycle, profile = DampedCosine, Expression, PolynomialCycle, Profile
rate, recurrence, restarts = Rate, Recurrence, Restarts
clip, exponential, hold, inverse_sqrt, inverse_time = Clip, Exponential, Hold, InverseSqrt, InverseTime
multistep, natural_exponential, ramp, repeat, shift = MultiStep, NaturalExponential, Ramp, Repeat, Shift
step, stretch, table, triangle, until = Step, Stretch, Table, Triangle, Until

__all__ = [
    "Chain",
    "Clip",
    "Custom",
    "DampedCosine",
    "Exponential",
    "Expression",
    "GlidepathError",
    "Hold",
    "InverseSqrt",
    "InverseTime",
    "Maximum",
    "Minimum",
    "MultiStep",
    "NaturalExponential",
    "PolynomialCycle",
    "Problem",
    "Product",
    "Profile",
    "Ramp",
    "Rate",
    "Recurrence",
    "Repeat",
    "Restarts",
    "Schedule",
    "Shift",
    "Step",
    "Stretch",
    "Sum",
    "Table",
    "Triangle",
    "Until",
    "chain",
    "clip",
    "constant",
    "cosine",
    "curves",
    "damped_cosine",
    "dialects",
    "exp_range",
    "exponential",
    "expression",
    "geometric",
    "hold",
    "inverse_sqrt",
    "inverse_time",
    "knee",
    "linear",
    "maximum",
    "minimum",
    "multistep",
    "natural_exponential",
    "noam",
    "one_cycle",
    "one_minus_sqrt",
    "parse",
    "piecewise_constant",
    "polynomial",
    "polynomial_cycle",
    "profile",
    "ramp",
    "rate",
    "recipes",
    "recurrence",
    "register",
    "repeat",
    "restarts",
    "rex",
    "schema",
    "sgdr",
    "shift",
    "sqrt",
    "step",
    "stretch",
    "table",
    "trapezoid",
    "triangle",
    "triangular",
    "triangular2",
    "unregister",
    "until",
    "vocabulary",
    "warmup",
    "warmup_cosine",
    "warmup_hold_cosine",
    "warmup_inverse_sqrt",
    "warmup_linear",
    "warmup_polynomial",
    "warmup_rex",
    "with_warmup",
    "wsd",
]


def _replay(program: str, start: float) -> Callable[[], Iterator[float]]:
    """Begins what a saved recurrence replays; the dialects are imported only then."""
    from .dialects.replay import begin

    return begin(program, start)


Recurrence.rules["pytorch"] = _replay


def __getattr__(name: str) -> Any:
    if name == "dialects":
        from importlib import import_module

        return import_module("glidepath.dialects")
    if name == "__version__":
        from .core.errors import version

        return version()
    raise AttributeError(f"module 'glidepath' has no attribute {name!r}")

"""Published schedules as functions, each named as in its source. All are factors: their peak is 1 and they multiply a base rate.

`steps` is the whole length, warmup included. A recipe returns a plain composition of the core's schedules; `warmup=0` adds no phase.
"""

from .cycles import exp_range, one_cycle, sgdr, triangular, triangular2
from .decays import (
    constant,
    knee,
    noam,
    piecewise_constant,
    trapezoid,
    warmup_cosine,
    warmup_hold_cosine,
    warmup_inverse_sqrt,
    warmup_linear,
    warmup_polynomial,
    warmup_rex,
    with_warmup,
    wsd,
)

__all__ = [
    "constant",
    "exp_range",
    "knee",
    "noam",
    "one_cycle",
    "piecewise_constant",
    "sgdr",
    "trapezoid",
    "triangular",
    "triangular2",
    "warmup_cosine",
    "warmup_hold_cosine",
    "warmup_inverse_sqrt",
    "warmup_linear",
    "warmup_polynomial",
    "warmup_rex",
    "with_warmup",
    "wsd",
]

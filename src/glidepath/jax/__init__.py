"""Drive any optax transformation by a plan or a schedule: one integer of position in its state, saved as data, resumed and extended."""

from __future__ import annotations

from ..core import missing

try:
    import jax as _jax
    import optax as _optax
except ModuleNotFoundError as error:
    raise missing(error, "glidepath.jax", "jax") from None

from .driven import Driven, optimizer, plan
from .settling import rate, whole
from .state import DrivenState, Resumed, count, learning_rates

__all__ = ["Driven", "DrivenState", "Resumed", "count", "learning_rates", "optimizer", "plan", "rate", "whole"]

del _jax, _optax

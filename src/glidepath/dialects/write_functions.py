"""Our schedules as functions of the step: Keras's classes, optax's functions, and plain Python."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeGuard

from ..core import curves
from ..core.combinators import Chain, Until
from ..core.errors import GlidepathError
from ..core.schedule import Schedule
from ..core.segments import Exponential, Hold, InverseTime, MultiStep, Ramp, Table
from .arrays import array_code
from .calls import Call
from .reading import load
from .writing import closed_or_refused, original, peeled, plain_source, refused

__all__ = ["keras", "optax", "python"]


def python(schedule: Schedule) -> str:
    """Returns a plain Python function `schedule(t)`, which needs nothing but the standard library."""
    closed_or_refused(schedule, "python")
    return plain_source(schedule, "schedule")


# Keras ----------------------------------------------------------------------------------------------------------------------------------

_KERAS = '''import keras
from keras import ops
{tables}

@keras.saving.register_keras_serializable(package="glidepath", name="{name}")
class Schedule(keras.optimizers.schedules.LearningRateSchedule):
    """The rate at a step, in float32. A model that was saved with it is loaded where this file is imported."""

    fingerprint = "{fingerprint}"

    def __init__(self, fingerprint=fingerprint):
        if fingerprint != self.fingerprint:
            raise ValueError(f"this schedule is {{self.fingerprint}}, the saved one {{fingerprint}}")

    def __call__(self, step):
        t = ops.convert_to_tensor(step)
{body}

    def get_config(self):
        return {{"fingerprint": self.fingerprint}}


schedule = Schedule()
'''


def keras(schedule: Schedule) -> str:
    """Returns Keras code that defines `schedule`."""
    known = original(schedule, "keras")
    if known:
        call, base = known
        leading = [] if call.name == "PiecewiseConstantDecay" else [f"initial_learning_rate={base!r}"]
        return _keras_call(call, leading)
    closed_or_refused(schedule, "keras")
    inner, scale = peeled(schedule)
    found = _keras_class(inner, scale)
    if found:
        call, base = found
        if _same(call, base, schedule):
            leading = [] if call.name == "PiecewiseConstantDecay" else [f"initial_learning_rate={base!r}"]
            return _keras_call(call, leading)
    lines, tables = array_code(_expression(schedule, "keras"), "ops", " " * 8)
    mark = schedule.fingerprint
    named = {"name": f"Schedule_{mark[:12]}", "fingerprint": mark}
    return _KERAS.format(**named, tables=_tables(tables, "ops.convert_to_tensor", '"float32"'), body="\n".join(lines))


def _expression(schedule: Schedule, framework: str) -> Any:
    """Returns the formula, for code of our own.

    It is written where a library has functions for a schedule too, but counts whole periods in float32 inside them: compiled, `step / 41`
    becomes a product with the reciprocal, whose floor is one too low at some whole periods, and far out the step itself is rounded.
    """
    try:
        return schedule.expression
    except RecursionError:
        raise refused(framework, "$", "nested less deep to be said there", "a deeper one") from None


def _keras_call(call: Call, leading: Sequence[str]) -> str:
    arguments = [*leading, *(f"{name}={value!r}" for name, value in call.arguments.items())]
    inside = ", ".join(arguments)
    if len(inside) > 60:
        inside = "\n    " + ",\n    ".join(arguments) + ",\n"
    return f"import keras\n\nschedule = keras.optimizers.schedules.{call.name}({inside})\n"


def _keras_class(node: Schedule, scale: float) -> tuple[Call, float] | None:
    """Returns Keras's own class for a schedule and its initial rate, or None."""
    if isinstance(node, Exponential | InverseTime) and not node.staircase:  # Keras's own stairs slip: see `_expression`
        name = "ExponentialDecay" if isinstance(node, Exponential) else "InverseTimeDecay"
        return Call(name, {"decay_steps": node.steps, "decay_rate": node.rate, "staircase": False}), node.start * scale
    levels = _levels(node, scale)
    if levels:
        marks, values = levels
        return Call("PiecewiseConstantDecay", {"boundaries": [m - 1 for m in marks], "values": values}), values[0]
    if isinstance(node, Ramp):
        return _keras_ramp(node, scale)
    if isinstance(node, Chain) and len(node.phases) == 2:
        rise, fall = node.phases
        if (
            isinstance(rise, Ramp)
            and isinstance(rise.curve, curves.Linear)
            and _cosine(fall)
            and rise.end == fall.start
            and node.duration < 2**24  # Keras counts in float32, and subtracts the warmup there
        ):
            decay, peak = _keras_ramp(fall, scale) or (None, 0.0)
            if decay is not None:
                more = {**decay.arguments, "warmup_target": peak, "warmup_steps": rise.steps}
                return Call("CosineDecay", more), rise.start * scale
    return None


def _keras_ramp(node: Ramp, scale: float) -> tuple[Call, float] | None:
    if isinstance(node.curve, curves.Cosine) and node.start != 0:
        return Call("CosineDecay", {"decay_steps": node.steps, "alpha": node.end / node.start}), node.start * scale
    power = _power(node)
    if power is None:
        return None
    more = {"decay_steps": node.steps, "end_learning_rate": node.end * scale, "power": power}
    return Call("PolynomialDecay", more), node.start * scale


def _same(call: Call, base: float, schedule: Schedule) -> bool:
    """Tells whether a call, read back, has the values of a schedule."""
    try:
        again = load("keras", call.name, dict(call.arguments), base_lr=float(base))
    except GlidepathError:
        return False
    last = 400 if schedule.duration == math.inf else min(int(schedule.duration) + 50, 4000)
    steps = [*range(0, last, max(1, last // 400)), *(10**k for k in range(2, 7))]
    scale = max(abs(schedule(step)) for step in steps) or 1.0
    return all(abs(again(step) - schedule(step)) <= 1e-12 * scale for step in steps)


# optax ------------------------------------------------------------------------------------------------------------------------------------

_OPTAX = '''import jax.numpy as jnp
{tables}

def schedule(count):
    """The rate at a step, in JAX's default float type."""
    t = jnp.asarray(count)
{body}
'''


def optax(schedule: Schedule) -> str:
    """Returns optax code that defines `schedule`."""
    closed_or_refused(schedule, "optax")
    inner, scale = peeled(schedule)
    text = _optax(inner, scale)
    if text:
        return f"import optax\n\nschedule = {text}\n"
    lines, tables = array_code(_expression(schedule, "optax"), "jnp", " " * 4)
    return _OPTAX.format(tables=_tables(tables, "jnp.asarray", "float"), body="\n".join(lines))


def _optax(node: Schedule, scale: float) -> str | None:
    """Returns the call of optax's own functions that says a schedule, or None."""
    node, more = peeled(node)
    scale *= more
    if isinstance(node, Until):
        return _optax(node.schedule, scale)
    if isinstance(node, Hold):
        return f"optax.constant_schedule({node.value * scale!r})"
    if isinstance(node, Exponential) and not node.staircase:
        return f"optax.exponential_decay({node.start * scale!r}, {node.steps}, {node.rate!r})"
    if isinstance(node, MultiStep):
        scales = dict.fromkeys(node.milestones, node.factor)
        return f"optax.piecewise_constant_schedule({node.start * scale!r}, {scales!r})" if len(scales) <= 50 else None
    if isinstance(node, Ramp):
        return _optax_ramp(node, scale)
    if isinstance(node, Chain) and len(node.phases) <= 50:
        parts = [_optax(phase, scale) for phase in node.phases]
        if all(parts):
            inside = ",\n        ".join(part for part in parts if part)
            return (
                f"optax.join_schedules(\n    [\n        {inside},\n    ],\n    boundaries={list(node.starts[1:])!r},\n)"
            )
    return None


def _optax_ramp(node: Ramp, scale: float) -> str | None:
    start, end = node.start * scale, node.end * scale
    if isinstance(node.curve, curves.Cosine) and start != 0:
        return f"optax.cosine_decay_schedule({start!r}, {node.steps}, alpha={end / start!r})"
    power = _power(node)
    if power == 1.0:
        return f"optax.linear_schedule({start!r}, {end!r}, {node.steps})"
    return None if power is None else f"optax.polynomial_schedule({start!r}, {end!r}, {power!r}, {node.steps})"


# Both -----------------------------------------------------------------------------------------------------------------------------------


def _tables(tables: dict[str, Any], make: str, dtype: str) -> str:
    whole = "int" if dtype == "float" else '"int32"'
    lines = [
        f"{name} = {make}({values!r}, dtype={whole if isinstance(values[0], int) else dtype})\n"
        for name, values in tables.items()
    ]
    return "\n" + "".join(lines) if lines else ""


def _cosine(node: Schedule) -> TypeGuard[Ramp]:
    return isinstance(node, Ramp) and isinstance(node.curve, curves.Cosine)


def _power(node: Ramp) -> float | None:
    """Returns the power of a polynomial ramp, or None for another curve."""
    if isinstance(node.curve, curves.Linear):
        return 1.0
    if isinstance(node.curve, curves.Sqrt):
        return 0.5
    return node.curve.power if isinstance(node.curve, curves.Polynomial) else None


def _levels(node: Schedule, scale: float) -> tuple[list[int], list[float]] | None:
    """Returns where the levels of a piecewise constant schedule begin, without the first, and the levels."""
    if isinstance(node, Table) and node.interpolation == "previous" and len(node.steps) > 1:
        return list(node.steps[1:]), [value * scale for value in node.values]
    if isinstance(node, MultiStep):
        return list(node.milestones), [node(step) * scale for step in (0, *node.milestones)]
    if isinstance(node, Chain) and all(isinstance(phase, Hold) for phase in node.phases):
        return list(node.starts[1:]), [phase(0) * scale for phase in node.phases]
    return None

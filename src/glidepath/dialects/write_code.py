"""Our schedules as code of libraries that can say any: with their own classes where they have one, else as functions of the step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeGuard

from ..core import PolynomialCycle, Rate, Recurrence, Schedule, curves
from ..core.combinators import Chain, Product, Repeat, Until
from ..core.segments import Exponential, Hold, InverseTime, MultiStep, Ramp, Step, Table, Triangle
from .arrays import array_code
from .calls import Call, read_value
from .writing import Writer, closed_or_refused, is_said, laid_out, original, peeled, plain_source, rate_line


def _python(schedule: Schedule) -> str:
    """Returns a plain Python function `schedule(t)`, which needs nothing but the standard library."""
    closed_or_refused(schedule, "python")
    return plain_source(schedule, "schedule")


def _is_one(x: float) -> bool:
    return abs(x - 1.0) <= 4e-16


def _cosine(node: Schedule) -> TypeGuard[Ramp]:
    return isinstance(node, Ramp) and isinstance(node.curve, curves.Cosine)


def _power(node: Ramp) -> float | None:
    """Returns the power of a polynomial ramp, or None for another curve."""
    known: Mapping[Any, float] = {curves.Linear: 1.0, curves.Sqrt: 0.5}
    return node.curve.power if isinstance(node.curve, curves.Polynomial) else known.get(type(node.curve))


# PyTorch and OneFlow: `base_lr` and `make_scheduler(optimizer)` ----------------------------------------------------------------------------

_HEADS = {
    "pytorch": (("from torch.optim import lr_scheduler", "from torch.optim import swa_utils"), "lr_scheduler."),
    "oneflow": (("import oneflow as flow",), "flow.optim.lr_scheduler."),
}


def _scheduler(framework: str) -> Callable[[Schedule], str]:
    def write(schedule: Schedule) -> str:
        call, base = _call(schedule, framework)
        imports, prefix = _HEADS[framework]
        writer = Writer(prefix)
        body = writer.call(call, 4)
        head = writer.head(*(line for line in imports if "swa_utils" not in line or "swa_utils." in body))
        many = "; the rate of every group is multiplied."
        whose = many if base is None else ", for an optimizer whose rate is base_lr."
        note = f'    """The scheduler{whose}"""\n'
        return f"{head}{rate_line(base)}def make_scheduler(optimizer):\n{note}    return {body}\n"

    return write


def _call(schedule: Schedule, framework: str) -> tuple[Call, float | None]:
    """Returns the call that says a schedule, and the base rate it needs (None: any)."""
    if found := original(schedule, framework):
        return found
    inner, scale = peeled(schedule)
    torch = framework == "pytorch"
    if torch and isinstance(inner, Recurrence) and inner.rule == "pytorch" and scale == 1.0:
        return read_value(inner.program), inner.start
    closed_or_refused(schedule, framework)
    base = _peak(inner) * scale if schedule.absolute else None
    if base != 0:
        call = _Vocabulary(torch, base).whole(inner, scale)
        if call is not None and is_said(call, schedule, framework, 1.0 if base is None else base):
            return call, base
    bare = schedule.schedule if isinstance(schedule, Rate) else schedule
    return Call("LambdaLR", {"lr_lambda": bare}), (1.0 if schedule.absolute else None)


# The fields that hold a schedule's values.
_SLOPES: Mapping[type[Schedule], tuple[str, ...]] = dict.fromkeys((Ramp, PolynomialCycle), ("start", "end"))
_ENDS: Mapping[type[Schedule], tuple[str, ...]] = {**_SLOPES, Triangle: ("low", "high"), Hold: ("value",)}


def _peak(schedule: Schedule) -> float:
    """Returns the largest of the values that a schedule is written with."""
    inner, scale = peeled(schedule)
    if names := _ENDS.get(type(inner)):
        return scale * max((getattr(inner, name) for name in names), key=abs)
    inside = inner.phases if isinstance(inner, Chain) else ()
    inside = (inner.schedule,) if isinstance(inner, Repeat | Until) else inside
    return scale * (max(map(_peak, inside), key=abs) if inside else inner(0))


class _Vocabulary:
    """The classes of PyTorch or OneFlow, found for schedules.

    Args:
        torch: Whether PyTorch's.
        base: The optimizer's rate, or None where the schedule is a factor of any.
    """

    def __init__(self, torch: bool, base: float | None) -> None:
        self.torch, self.base = torch, base

    def whole(self, node: Schedule, scale: float) -> Call | None:
        """Returns the call for a whole schedule."""
        if isinstance(node, Triangle) and self.torch and self.base is not None:
            ends = {"base_lr": node.low * scale, "max_lr": node.high * scale, "step_size_up": node.up}
            down = node.up if node.down is None else node.down
            return Call("CyclicLR", {**ends, "step_size_down": down, "cycle_momentum": False})
        phases = node.phases if isinstance(node, Chain) else (node,)
        if self.torch and _cosine(phases[-1]):
            phases = (*phases, Hold(value=phases[-1].end))  # PyTorch's cosine would climb back
        if len(phases) == 1:
            return self.piece(node, scale)
        calls: list[Call] = []
        for phase in phases:
            call = self.piece(phase, scale)
            if call is None and not self.torch:
                return None  # OneFlow cannot have a LambdaLR inside
            factor = phase if (share := self.share(scale)) == 1.0 else Product((phase,), share)
            calls.append(call or Call("LambdaLR", {"lr_lambda": factor}))
        if all(call.name == "LambdaLR" for call in calls):
            return None
        more = {} if self.torch else {"interval_rescaling": True}
        marks = [int(mark) for mark in Chain(tuple(phases)).starts[1:]]
        return Call("SequentialLR", {"schedulers": calls, "milestones": marks, **more})

    def share(self, scale: float) -> float:
        return scale if self.base is None else scale / self.base

    def piece(self, node: Schedule, scale: float) -> Call | None:
        """Returns the call for one schedule on its own clock, or None."""
        node, more = peeled(node)
        scale *= more
        share = self.share(scale)
        match node:
            case Until():
                return self.piece(node.schedule, scale)
            case Hold():
                level = node.value * share
                if self.torch:
                    return Call("LambdaLR", {"lr_lambda": Hold(value=level)})
                return Call("LinearLR", {"start_factor": level, "end_factor": level, "total_iters": 1})
            case Ramp(curve=curves.Linear()):
                ends = {"start_factor": min(node.start * share, 1.0), "end_factor": min(node.end * share, 1.0)}
                return Call("LinearLR", {**ends, "total_iters": node.steps})
            case Repeat():
                return self._repeat(node, scale)
            case Step() | MultiStep() | Exponential() | Ramp() if not _is_one(node.start * share):
                return None
            case Step():
                return Call("StepLR", {"step_size": node.period, "gamma": node.factor})
            case MultiStep():
                return Call("MultiStepLR", {"milestones": list(node.milestones), "gamma": node.factor})
            case Exponential(staircase=True):
                return Call("StepLR", {"step_size": node.steps, "gamma": node.rate})
            case Exponential():
                return Call("ExponentialLR", {"gamma": node.rate ** (1 / node.steps)})
            case Ramp(curve=curves.Cosine()) if not self.torch:
                return Call("CosineDecayLR", {"decay_steps": node.steps, "alpha": node.end * share})
            case Ramp(curve=curves.Cosine()):
                return self._floored("CosineAnnealingLR", {"T_max": node.steps}, node, scale)
            case Ramp() if (power := _power(node)) is not None and (
                node.end == 0 or not (self.torch or self.base is None)
            ):
                if self.torch:
                    return Call("PolynomialLR", {"total_iters": node.steps, "power": power})
                last = {"end_learning_rate": node.end * scale}
                return Call("PolynomialLR", {"decay_batch": node.steps, **last, "power": power})
            case _:
                return None

    def _floored(self, name: str, arguments: dict[str, Any], node: Ramp, scale: float) -> Call | None:
        """Returns a cosine with its floor, which is absolute: a factor cannot have one."""
        if not _is_one(node.start * self.share(scale)):
            return None
        if node.end == 0:
            return Call(name, arguments)
        return None if self.base is None else Call(name, {**arguments, "eta_min": node.end * scale})

    def _repeat(self, node: Repeat, scale: float) -> Call | None:
        cycle = node.schedule
        if isinstance(cycle, Chain) and len(cycle.phases) == 2 and node.growth == node.decay == 1.0 and not node.cycles:
            down, up = cycle.phases
            if _cosine(down) and up == Ramp(down.end, down.start, down.steps, down.curve):
                return self._floored("CosineAnnealingLR", {"T_max": down.steps}, down, scale)
        if not _cosine(cycle) or node.growth != int(node.growth):
            return None
        more: dict[str, Any] = {"T_0": cycle.steps, "T_mult": int(node.growth)}
        if node.decay != 1.0 or node.cycles:
            if self.torch or (node.decay != 1.0 and cycle.end != 0):
                return None
            more |= {"decay_rate": node.decay, "restart_limit": node.cycles or 0}
        return self._floored("CosineAnnealingWarmRestarts", more, cycle, scale)


# Keras: `schedule` -----------------------------------------------------------------------------------------------------------------------

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


def _keras(schedule: Schedule) -> str:
    found = original(schedule, "keras")
    if found is None:
        closed_or_refused(schedule, "keras")
        found = _keras_class(*peeled(schedule))
        if found and not is_said(found[0], schedule, "keras", float(found[1])):
            found = None
    if found:
        call, base = found
        leading = [] if call.name == "PiecewiseConstantDecay" else [f"initial_learning_rate={base!r}"]
        inside = [*leading, *(f"{name}={value!r}" for name, value in call.arguments.items())]
        name = f"keras.optimizers.schedules.{call.name}"
        return f"import keras\n\nschedule = {laid_out(name, inside, limit=len(name) + 62)}\n"
    mark = schedule.fingerprint
    named = {"name": f"Schedule_{mark[:12]}", "fingerprint": mark}
    code = _arrays(schedule, "ops", " " * 8, ("ops.convert_to_tensor", '"float32"', '"int32"'))
    return _KERAS.format(**named, **code)


def _keras_class(node: Schedule, scale: float) -> tuple[Call, float] | None:
    """Returns Keras's own class for a schedule and its initial rate, or None."""
    if isinstance(node, Exponential | InverseTime) and not node.staircase:  # Keras's own stairs slip: see `_arrays`
        name = "ExponentialDecay" if isinstance(node, Exponential) else "InverseTimeDecay"
        return Call(name, {"decay_steps": node.steps, "decay_rate": node.rate, "staircase": False}), node.start * scale
    if marks := _levels(node):
        values = [node(step) * scale for step in (0, *marks)]
        return Call("PiecewiseConstantDecay", {"boundaries": [m - 1 for m in marks], "values": values}), values[0]
    if isinstance(node, Ramp):
        if _cosine(node) and node.start != 0:
            return Call("CosineDecay", {"decay_steps": node.steps, "alpha": node.end / node.start}), node.start * scale
        if (power := _power(node)) is not None:
            more = {"decay_steps": node.steps, "end_learning_rate": node.end * scale, "power": power}
            return Call("PolynomialDecay", more), node.start * scale
    if isinstance(node, Chain) and len(node.phases) == 2 and node.duration < 2**24:  # Keras subtracts in float32
        rise, fall = node.phases
        if isinstance(rise, Ramp) and _power(rise) == 1.0 and _cosine(fall) and rise.end == fall.start != 0:
            own = {"decay_steps": fall.steps, "alpha": fall.end / fall.start, "warmup_target": fall.start * scale}
            return Call("CosineDecay", {**own, "warmup_steps": rise.steps}), rise.start * scale
    return None


def _levels(node: Schedule) -> list[int]:
    """Returns where the levels of a piecewise constant schedule begin, without the first; nothing for another schedule."""
    if isinstance(node, Table) and node.interpolation == "previous":
        return list(node.steps[1:])
    if isinstance(node, Chain) and all(isinstance(phase, Hold) for phase in node.phases):
        return list(node.starts[1:])
    return list(node.milestones) if isinstance(node, MultiStep) else []


# optax: `schedule` -------------------------------------------------------------------------------------------------------------------------

_OPTAX = '''import jax.numpy as jnp
{tables}

def schedule(count):
    """The rate at a step, in JAX's default float type."""
    t = jnp.asarray(count)
{body}
'''


def _optax(schedule: Schedule) -> str:
    closed_or_refused(schedule, "optax")
    if text := _optax_call(*peeled(schedule)):
        return f"import optax\n\nschedule = {text}\n"
    return _OPTAX.format(**_arrays(schedule, "jnp", " " * 4, ("jnp.asarray", "float", "int")))


def _optax_call(node: Schedule, scale: float) -> str | None:
    """Returns the call of optax's own functions that says a schedule, or None."""
    node, more = peeled(node)
    scale *= more
    start, end = (getattr(node, end, 0.0) * scale for end in ("start", "end"))
    match node:
        case Until():
            return _optax_call(node.schedule, scale)
        case Hold():
            return f"optax.constant_schedule({node.value * scale!r})"
        case Exponential(staircase=False):
            return f"optax.exponential_decay({start!r}, {node.steps}, {node.rate!r})"
        case MultiStep() if len(scales := dict.fromkeys(node.milestones, node.factor)) <= 50:
            return f"optax.piecewise_constant_schedule({start!r}, {scales!r})"
        case Ramp(curve=curves.Cosine()) if start != 0:
            return f"optax.cosine_decay_schedule({start!r}, {node.steps}, alpha={end / start!r})"
        case Ramp(curve=curves.Linear()):
            return f"optax.linear_schedule({start!r}, {end!r}, {node.steps})"
        case Ramp() if (power := _power(node)) is not None:
            return f"optax.polynomial_schedule({start!r}, {end!r}, {power!r}, {node.steps})"
        case Chain() if len(node.phases) <= 50 and all(parts := [_optax_call(phase, scale) for phase in node.phases]):
            inside = ",\n        ".join(part for part in parts if part)
            marks = list(node.starts[1:])
            return f"optax.join_schedules(\n    [\n        {inside},\n    ],\n    boundaries={marks!r},\n)"
        case _:
            return None


def _arrays(schedule: Schedule, module: str, indent: str, make: tuple[str, ...]) -> Mapping[str, str]:
    """Returns the formula as code for arrays, and its tables.

    It is written where a library has functions for a schedule too, but counts whole periods in float32 inside them: compiled, `step / 41`
    becomes a product with the reciprocal, whose floor is one too low at some whole periods, and far out the step itself is rounded.
    """
    lines, tables = array_code(schedule, module, indent)
    function, *kinds = make
    typed = {name: (values, kinds[isinstance(values[0], int)]) for name, values in tables.items()}
    made = [f"{name} = {function}({values!r}, dtype={kind})\n" for name, (values, kind) in typed.items()]
    return {"tables": "\n" * bool(made) + "".join(made), "body": "\n".join(lines)}


# What writes a schedule for a library that can say any, by the library's name.
WRITERS: Mapping[str, Callable[[Schedule], str]] = {
    "pytorch": _scheduler("pytorch"),
    "oneflow": _scheduler("oneflow"),
    "keras": _keras,
    "optax": _optax,
    "python": _python,
}

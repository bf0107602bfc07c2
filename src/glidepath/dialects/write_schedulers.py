"""Our schedules as schedulers of PyTorch and OneFlow: as their own classes where they have one, else as a LambdaLR."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeGuard

from ..core import curves
from ..core.classics import PolynomialCycle
from ..core.combinators import Chain, Product, Repeat, Until
from ..core.errors import GlidepathError
from ..core.rate import Rate
from ..core.recurrence import Recurrence
from ..core.schedule import Schedule
from ..core.segments import Exponential, Hold, MultiStep, Ramp, Step, Triangle
from .calls import Call, read_value
from .reading import load
from .writing import Writer, closed_or_refused, original, peeled

__all__ = ["oneflow", "pytorch"]

_TEMPLATES = {
    "pytorch": (("from torch.optim import lr_scheduler", "from torch.optim import swa_utils"), "lr_scheduler."),
    "oneflow": (("import oneflow as flow",), "flow.optim.lr_scheduler."),
}


def pytorch(schedule: Schedule) -> str:
    """Returns PyTorch code: `base_lr` and `make_scheduler(optimizer)`."""
    return _written(schedule, "pytorch")


def oneflow(schedule: Schedule) -> str:
    """Returns OneFlow code: `base_lr` and `make_scheduler(optimizer)`."""
    return _written(schedule, "oneflow")


def _written(schedule: Schedule, framework: str) -> str:
    call, base = _call(schedule, framework)
    imports, prefix = _TEMPLATES[framework]
    writer = Writer(prefix)
    body = writer.call(call, 4)
    lines = [line for line in imports if "swa_utils" not in line or "swa_utils." in body]
    rate, note = "", "The scheduler; the rate of every group is multiplied."
    if base is not None:
        rate = f"base_lr = {base!r}  # the optimizer's rate when the scheduler is made\n\n\n"
        note = "The scheduler, for an optimizer whose rate is base_lr."
    head = writer.head(*lines)
    return f'{head}{rate}def make_scheduler(optimizer):\n    """{note}"""\n    return {body}\n'


def _call(schedule: Schedule, framework: str) -> tuple[Call, float | None]:
    """Returns the call that says a schedule, and the base rate it needs (None: any)."""
    known = original(schedule, framework)
    if known:
        return known
    inner, scale = peeled(schedule)
    if framework == "pytorch" and isinstance(inner, Recurrence) and inner.rule == "pytorch" and scale == 1.0:
        return read_value(inner.program), inner.start
    closed_or_refused(schedule, framework)
    base = _peak(inner) * scale if schedule.absolute else None
    if base != 0:
        call = _Match(framework, base).top(inner, scale)
        if call is not None and _same(call, schedule, framework, base):
            return call, base
    return Call("LambdaLR", {"lr_lambda": _bare(schedule)}), (1.0 if schedule.absolute else None)


def _bare(schedule: Schedule) -> Schedule:
    return schedule.schedule if isinstance(schedule, Rate) else schedule


def _peak(schedule: Schedule) -> float:
    """Returns the largest of the values that a schedule is written with."""
    inner, scale = peeled(schedule)
    if isinstance(inner, Ramp | PolynomialCycle):
        return scale * max(inner.start, inner.end, key=abs)
    if isinstance(inner, Hold):
        return scale * inner.value
    if isinstance(inner, Triangle):
        return scale * max(inner.low, inner.high, key=abs)
    if isinstance(inner, Chain):
        return scale * max((_peak(phase) for phase in inner.phases), key=abs)
    if isinstance(inner, Repeat | Until):
        return scale * _peak(inner.schedule)
    return scale * inner(0)


def _same(call: Call, schedule: Schedule, framework: str, base: float | None) -> bool:
    """Tells whether a call, read back, has the values of a schedule."""
    try:
        again = load(framework, call.name, dict(call.arguments), base_lr=1.0 if base is None else base)
        last = 400 if schedule.duration == math.inf else min(int(schedule.duration) + 50, 4000)
        stride = max(1, last // 400)
        steps = sorted({*range(0, last, stride), *(10**k for k in range(2, 7))})
        values = [schedule(step) for step in steps]
        scale = max(map(abs, values)) or 1.0
        return all(abs(again(step) - value) <= 1e-12 * scale for step, value in zip(steps, values, strict=True))
    except GlidepathError:
        return False


class _Match:
    """Finds a library's own class for a schedule.

    Args:
        framework: `pytorch` or `oneflow`.
        base: The optimizer's rate, or None where the schedule is a factor of any.
    """

    def __init__(self, framework: str, base: float | None) -> None:
        self.torch, self.base = framework == "pytorch", base

    def top(self, node: Schedule, scale: float) -> Call | None:
        """Returns the call for a whole schedule."""
        if isinstance(node, Triangle) and self.torch and self.base is not None:
            down = node.up if node.down is None else node.down
            ends = {"base_lr": node.low * scale, "max_lr": node.high * scale}
            return Call("CyclicLR", {**ends, "step_size_up": node.up, "step_size_down": down, "cycle_momentum": False})
        if self.torch and _falls_by_cosine(node):
            node = Chain((node, Hold(value=node.end)))  # PyTorch's cosine would climb back
        if isinstance(node, Chain):
            return self._sequence(node.phases, scale)
        return self.piece(node, scale)

    def _sequence(self, phases: Sequence[Schedule], scale: float) -> Call | None:
        if _falls_by_cosine(phases[-1]) and self.torch:
            phases = (*phases, Hold(value=phases[-1].end))
        calls: list[Any] = []
        marks: list[int] = []
        for phase in phases:
            call = self.piece(phase, scale)
            if call is None and not self.torch:
                return None  # OneFlow cannot have a LambdaLR inside
            calls.append(call or Call("LambdaLR", {"lr_lambda": self._relative(phase, scale)}))
            marks.append((marks[-1] if marks else 0) + int(phase.duration) if phase is not phases[-1] else 0)
        if all(call.name == "LambdaLR" for call in calls):
            return None
        more = {} if self.torch else {"interval_rescaling": True}
        return Call("SequentialLR", {"schedulers": calls, "milestones": marks[:-1], **more})

    def _relative(self, node: Schedule, scale: float) -> Schedule:
        share = self._share(scale)
        return node if share == 1.0 else Product((node,), share)

    def _share(self, scale: float) -> float:
        return scale if self.base is None else scale / self.base

    def piece(self, node: Schedule, scale: float) -> Call | None:
        """Returns the call for one schedule on its own clock, or None."""
        node, more = peeled(node)
        scale *= more
        share = self._share(scale)
        if isinstance(node, Until):
            return self.piece(node.schedule, scale)
        if isinstance(node, Ramp):
            return self._ramp(node, scale)
        if isinstance(node, Repeat):
            return self._repeat(node, scale)
        if isinstance(node, Hold):
            level = node.value * share
            if self.torch:
                return Call("LambdaLR", {"lr_lambda": Hold(value=level)})
            return Call("LinearLR", {"start_factor": level, "end_factor": level, "total_iters": 1})
        if isinstance(node, Step | MultiStep | Exponential) and _is_one(node.start * share):
            return self._factor(node)
        if isinstance(node, PolynomialCycle):
            return None
        return None

    def _factor(self, node: Step | MultiStep | Exponential) -> Call | None:
        if isinstance(node, Step):
            return Call("StepLR", {"step_size": node.period, "gamma": node.factor})
        if isinstance(node, MultiStep):
            return Call("MultiStepLR", {"milestones": list(node.milestones), "gamma": node.factor})
        if node.staircase:
            return Call("StepLR", {"step_size": node.steps, "gamma": node.rate})
        return Call("ExponentialLR", {"gamma": node.rate if node.steps == 1 else node.rate ** (1 / node.steps)})

    def _ramp(self, node: Ramp, scale: float) -> Call | None:
        share = self._share(scale)
        start, end, steps = node.start * share, node.end * share, node.steps
        if isinstance(node.curve, curves.Linear):
            ends = {"start_factor": min(start, 1.0), "end_factor": min(end, 1.0)}
            return Call("LinearLR", {**ends, "total_iters": steps})
        if not _is_one(start):
            return None
        if isinstance(node.curve, curves.Polynomial | curves.Sqrt):
            power = node.curve.power if isinstance(node.curve, curves.Polynomial) else 0.5
            if not self.torch and (end == 0 or self.base is not None):
                last = {"end_learning_rate": node.end * scale}
                return Call("PolynomialLR", {"decay_batch": steps, **last, "power": power})
            return Call("PolynomialLR", {"total_iters": steps, "power": power}) if end == 0 else None
        if isinstance(node.curve, curves.Cosine):
            if not self.torch:
                return Call("CosineDecayLR", {"decay_steps": steps, "alpha": end})
            return self._cosine("CosineAnnealingLR", {"T_max": steps}, node, scale)
        return None

    def _cosine(self, name: str, arguments: dict[str, Any], node: Ramp, scale: float) -> Call | None:
        """Returns a cosine with its floor, which is absolute: a factor cannot have one."""
        if node.end == 0:
            return Call(name, arguments)
        return None if self.base is None else Call(name, {**arguments, "eta_min": node.end * scale})

    def _repeat(self, node: Repeat, scale: float) -> Call | None:
        cycle = node.schedule
        if isinstance(cycle, Chain) and len(cycle.phases) == 2 and node.growth == node.decay == 1.0 and not node.cycles:
            down, up = cycle.phases
            if (
                _falls_by_cosine(down)
                and isinstance(up, Ramp)
                and up == Ramp(down.end, down.start, down.steps, down.curve)
            ):
                return self._from_one(self._cosine("CosineAnnealingLR", {"T_max": up.steps}, down, scale), down, scale)
        if not _falls_by_cosine(cycle) or node.growth != int(node.growth):
            return None
        more: dict[str, Any] = {"T_0": cycle.steps, "T_mult": int(node.growth)}
        if node.decay != 1.0 or node.cycles:
            if self.torch or (node.decay != 1.0 and cycle.end != 0):
                return None
            more |= {"decay_rate": node.decay, "restart_limit": node.cycles or 0}
        return self._from_one(self._cosine("CosineAnnealingWarmRestarts", more, cycle, scale), cycle, scale)

    def _from_one(self, call: Call | None, ramp: Ramp, scale: float) -> Call | None:
        return call if _is_one(ramp.start * self._share(scale)) else None


def _falls_by_cosine(node: Schedule) -> TypeGuard[Ramp]:
    return isinstance(node, Ramp) and isinstance(node.curve, curves.Cosine)


def _is_one(x: float) -> bool:
    return abs(x - 1.0) <= 4e-16

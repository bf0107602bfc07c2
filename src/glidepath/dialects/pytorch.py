"""PyTorch: `torch.optim.lr_scheduler` and SWALR, as of 2.13. A schedule has at step t the rate after t calls of `step()`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from ..core import Exponential, Hold, Ramp, Recurrence, Repeat, Schedule, Step
from . import pieces
from .calls import Call
from .reading import nested
from .table import CallSite, dialect

PYTORCH = dialect("pytorch")

# Factors: schedulers that multiply the current rate -------------------------------------------------------------------------------------


FACTORS: dict[str, Callable[[Any], Schedule]] = {
    "StepLR": lambda a: Step(a.step_size, a.gamma),
    "MultiStepLR": lambda a: pieces.drops(a.milestones, a.gamma),
    "ConstantLR": lambda a: pieces.constant_then(a.factor, a.total_iters),
    "LinearLR": lambda a: Ramp(a.start_factor, a.end_factor, a.total_iters),
    "ExponentialLR": lambda a: Exponential(a.gamma),
    "PolynomialLR": lambda a: Ramp(1.0, 0.0, a.total_iters, pieces.curve_of_power(a.power)) if a.power else Hold(),
}

# Absolute values ------------------------------------------------------------------------------------------------------------------------


def _above(a: Any, *names: str) -> None:
    """Refuses rates below 0."""
    rule, remedy = "a finite number from 0 to 1e+100", "a rate below 0 climbs the loss"
    for name in names:
        a.require(getattr(a, name) >= 0 or not a.at.strict, name, rule, remedy)


def _moving(a: Any) -> bool:
    """Tells whether it is the momentum that is asked for."""
    momentum = a.at.value == "momentum"
    a.require(a.cycle_momentum or not momentum, "cycle_momentum", "true for the momentum to move")
    return momentum


def CosineAnnealingLR(a: Any) -> Schedule:
    _above(a, "eta_min")
    # 12.5 is the formula's, and PyTorch's own recursion where that is asked for
    a.require(a.T_max == int(a.T_max) or a.at.strict, "T_max", "a whole number of steps")
    return pieces.up_and_down(a.lr, a.eta_min, a.T_max)


def CyclicLR(a: Any) -> Schedule:
    _above(a, "base_lr", "max_lr")
    if a.scale_fn is None:
        a.require(a.mode in (modes := ("triangular", "triangular2", "exp_range")), "mode", f"one of {', '.join(modes)}")
    ends = (a.max_momentum, a.base_momentum) if _moving(a) else (a.base_lr, a.max_lr)
    down = a.step_size_down or a.step_size_up
    return pieces.cyclic(*ends, a.step_size_up, down, a.mode, a.gamma, a.scale_fn, a.scale_mode == "cycle")


def OneCycleLR(a: Any) -> Schedule:
    _above(a, "max_lr")
    total = a.total_steps or (a.epochs or 0) * (a.steps_per_epoch or 0)
    a.at.require(total > 0, "total_steps", "given, or epochs and steps_per_epoch both", None)
    start = a.max_lr / a.div_factor
    values = [start, a.max_lr, *([start] if a.three_phase else []), start / a.final_div_factor]
    if _moving(a):
        least, most = a.base_momentum, a.max_momentum
        values = [most, least, most, *([most] if a.three_phase else [])]
    return pieces.phased(a.at, "pct_start", a.pct_start, total, values, a.anneal_strategy)


def SWALR(a: Any) -> Schedule:
    return pieces.ramp(a.lr, a.swa_lr, a.anneal_epochs, pieces.CURVES[a.anneal_strategy])


def one(value: Any) -> Any:
    """Returns the first item of a list: a rate for each group, of which there is one."""
    return value[0] if isinstance(value, list | tuple) else value


# Schedulers of schedulers ---------------------------------------------------------------------------------------------------------------

_RELATIVE = (*FACTORS, "CosineAnnealingLR", "SWALR", "MultiplicativeLR")  # start from the rate they find


def SequentialLR(a: Any) -> Schedule:
    at, children, marks, more = a.at, _children(a.at, a.schedulers), a.milestones, len(a.schedulers) - 1
    a.require(len(marks) == more, "milestones", f"one fewer than the schedulers, {more}")
    remedy = "PyTorch steps a nested one once too often, or raises NotImplementedError when its turn comes"
    for i, child in enumerate(children):
        nested_too = isinstance(child, Call) and child.name in ("SequentialLR", "ChainedScheduler")
        at.require(not nested_too, f"schedulers[{i}]", "a single scheduler", str(child), remedy)
    bases, initial = _bases(at, children)
    first = next((i for i, end in enumerate(marks) if end > 0), len(children) - 1)
    started = children[first]
    relative = isinstance(started, Call) and started.name in _RELATIVE
    names = [child.name for child in children if isinstance(child, Call)]
    open_end = "MultiplicativeLR" in names or "SWALR" in names or names.count("OneCycleLR") > 1
    if open_end or (relative and initial != bases[first] and started.name == "CosineAnnealingLR"):  # type: ignore[union-attr]
        return _replayed(at, "SequentialLR", {"schedulers": children, "milestones": marks})
    if relative:
        bases[first] = initial
    return pieces.in_sequence([_child(at, child, base) for child, base in zip(children, bases, strict=True)], marks)


def _bases(at: CallSite, children: Sequence[Call | Schedule]) -> tuple[list[float], float]:
    """Returns the base rate that each child takes when it is made, and the optimizer's when all are.

    The first one made notes the rate it finds for all later ones; CyclicLR changes it before, and OneCycleLR overwrites the note.
    """
    noted: float | None = None
    bases: list[float] = []
    for child in children:
        if isinstance(child, Call) and child.name == "CyclicLR" and noted is None:
            noted = one(child.arguments.get("base_lr", next(iter(child.given), at.base)))
        elif isinstance(child, Call) and child.name == "OneCycleLR":
            arguments = at.dialect.bound(_named(at, child, at.base), child)[1]
            noted = float(one(arguments["max_lr"])) / float(arguments.get("div_factor", 25.0))
        noted = at.base if noted is None else noted
        bases.append(noted)
    return bases, at.base if noted is None else noted


def ChainedScheduler(a: Any) -> Schedule:
    """Returns the product of factors, or a replay where one is none."""
    at, children = a.at, _children(a.at, a.schedulers)
    if (product := _product(at, children)) is not None:
        return pieces.scaled(product, at.base)
    return _replayed(at, "ChainedScheduler", {"schedulers": children})


def _children(at: CallSite, schedulers: Any) -> list[Call | Schedule]:
    return [nested(at, f"schedulers[{i}]", item) for i, item in enumerate(schedulers)]


def _product(at: CallSite, children: Sequence[Call | Schedule]) -> Schedule | None:
    factors = [_factor_of(at, child) for child in children]
    return None if None in factors else pieces.times([factor for factor in factors if factor is not None])


def _factor_of(at: CallSite, child: Call | Schedule) -> Schedule | None:
    """Returns a child as a factor of whatever the rate is, or None if it is not one."""
    if isinstance(child, Schedule):
        return None if child.absolute else child
    inner = _named(at, child, at.base)
    if child.name == "ChainedScheduler":
        return _product(at, _children(inner, at.dialect.taken(inner, child).schedulers))
    return FACTORS[child.name](at.dialect.taken(inner, child)) if child.name in FACTORS else None


def _named(at: CallSite, child: Call, base: float) -> CallSite:
    return replace(at, name=child.name, base=base, value="lr")


def _child(at: CallSite, child: Call | Schedule, base: float) -> Schedule:
    """Returns the absolute values of a child on its own clock."""
    if isinstance(child, Schedule):
        return child if child.absolute else pieces.scaled(child, base)
    return at.dialect.inside(_named(at, child, base), child)


def _replayed(at: CallSite, name: str, arguments: dict[str, Any]) -> Schedule:
    """Returns schedulers of schedulers as a replay, after checking every one of them."""
    for child in arguments["schedulers"]:
        _child(at, child, at.base)
    return Recurrence("pytorch", str(Call(name, arguments)), at.base)


PYTORCH.rows(
    globals() | {name: lambda a, factor=factor: pieces.scaled(factor(a), a.lr) for name, factor in FACTORS.items()},
    LambdaLR=lambda a: pieces.scaled(a.lr_lambda, a.lr),
    MultiplicativeLR=lambda a: Recurrence("pytorch", str(Call("MultiplicativeLR", {"lr_lambda": a.lr_lambda})), a.lr),
    CosineAnnealingWarmRestarts=lambda a: Repeat(Ramp(a.lr, a.eta_min, a.T_0, pieces.COSINE), None, a.T_mult),
    moves="CyclicLR=momentum OneCycleLR=momentum",
)

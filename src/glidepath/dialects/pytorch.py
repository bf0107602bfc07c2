"""PyTorch: `torch.optim.lr_scheduler` and SWALR, as of 2.13. A schedule has at step t the rate after t calls of `step()`."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ..core.combinators import Repeat
from ..core.curves import Cosine, Linear
from ..core.expression import Expression
from ..core.fields import MAX_VALUE
from ..core.recurrence import Recurrence
from ..core.schedule import Schedule
from ..core.segments import Exponential, Hold, Ramp, Step
from . import pieces
from .calls import Call, read_value
from .reading import At, companion, dialect, nested, of_step

__all__ = ["PYTORCH"]

PYTORCH = dialect(
    "pytorch",
    title="PyTorch",
    follows="2.13",
    modules=("torch.optim.lr_scheduler", "torch.optim.swa_utils", "lrs"),
    aliases=("torch",),
    grouped=("max_lr", "base_lr", "lr_lambda", "swa_lr", "base_momentum", "max_momentum"),
    rule="pytorch",
)


_BELOW = "a rate below 0 climbs the loss"


def _least(at: At) -> float:
    """Returns the lowest rate that is taken."""
    return 0.0 if at.strict else -MAX_VALUE


# Factors: schedulers that multiply the current rate -------------------------------------------------------------------------------------


def step(at: At, step_size: Any, gamma: Any = 0.1) -> Schedule:
    """`StepLR`: one more gamma every `step_size` steps."""
    checks = at.checks()
    size, factor = checks.length("step_size", step_size), checks.real("gamma", gamma, above=0)
    checks.done()
    return Step(size, factor)


def multistep(at: At, milestones: Any, gamma: Any = 0.1) -> Schedule:
    """`MultiStepLR`: one more gamma at each milestone; a repeated one counts as often as it stands there."""
    checks = at.checks()
    marks = [checks.length(f"milestones[{i}]", m, 0) for i, m in enumerate(checks.items("milestones", milestones))]
    factor = checks.real("gamma", gamma, above=0)
    checks.done()
    return pieces.drops(marks, factor)


def constant(at: At, factor: Any = 1.0 / 3, total_iters: Any = 5) -> Schedule:
    """`ConstantLR`: `factor` for `total_iters` steps, then 1."""
    checks = at.checks()
    level = checks.real("factor", factor, above=0, high=1, remedy="PyTorch divides by it at the end")
    steps = checks.length("total_iters", total_iters, remedy="PyTorch would stay at factor for ever")
    checks.done()
    return pieces.constant_then(level, steps)


def linear(at: At, start_factor: Any = 1.0 / 3, end_factor: Any = 1.0, total_iters: Any = 5) -> Schedule:
    """`LinearLR`: a straight line from one factor to another."""
    checks = at.checks()
    start = checks.real("start_factor", start_factor, above=0, high=1)
    end = checks.real("end_factor", end_factor, 0, 1)
    steps = checks.length("total_iters", total_iters, remedy="PyTorch would stop before end_factor")
    checks.done()
    return Ramp(start, end, steps)


def exponential(at: At, gamma: Any) -> Schedule:
    """`ExponentialLR`: one more gamma every step."""
    checks = at.checks()
    rate = checks.real("gamma", gamma, above=0)
    checks.done()
    return Exponential(rate)


def polynomial(at: At, total_iters: Any = 5, power: Any = 1.0) -> Schedule:
    """`PolynomialLR`: a power of what is left of `total_iters` steps."""
    checks = at.checks()
    steps = checks.length("total_iters", total_iters, remedy="PyTorch would stop before 0")
    exponent = checks.real("power", power, 0)
    checks.done()
    return Ramp(1.0, 0.0, steps, pieces.curve_of_power(exponent)) if exponent else Hold()


FACTORS = {
    "StepLR": step,
    "MultiStepLR": multistep,
    "ConstantLR": constant,
    "LinearLR": linear,
    "ExponentialLR": exponential,
    "PolynomialLR": polynomial,
}


def _scaled(factor: Any) -> Any:
    """Returns the reader of a factor as one of absolute values."""

    def read(at: At, **arguments: Any) -> Schedule:
        return pieces.scaled(factor(at, **arguments), at.base)

    read.__signature__ = inspect.signature(factor)  # type: ignore[attr-defined]
    read.__doc__ = factor.__doc__
    return read


for _name, _factor in FACTORS.items():
    PYTORCH.reads(_name)(_scaled(_factor))


# Absolute values ------------------------------------------------------------------------------------------------------------------------


@PYTORCH.reads("LambdaLR")
def lambda_lr(at: At, lr_lambda: Any) -> Schedule:
    """A function of the step times the base rate."""
    return pieces.scaled(of_step(at, "lr_lambda", lr_lambda), at.base)


@PYTORCH.reads("MultiplicativeLR")
def multiplicative(at: At, lr_lambda: Any) -> Schedule:
    """The product of a function of the step over the steps so far: it has no closed form."""
    factor = of_step(at, "lr_lambda", lr_lambda)
    return Recurrence("pytorch", str(Call("MultiplicativeLR", {"lr_lambda": factor})), at.base)


@PYTORCH.reads("CosineAnnealingLR")
def cosine_annealing(at: At, T_max: Any, eta_min: Any = 0.0) -> Schedule:
    """Half a cosine down to `eta_min` in `T_max` steps, then back up, and so on."""
    checks = at.checks()
    steps, floor = checks.length("T_max", T_max), checks.real("eta_min", eta_min, _least(at), remedy=_BELOW)
    checks.done()
    return pieces.up_and_down(at.base, floor, steps)


@PYTORCH.reads("CosineAnnealingWarmRestarts")
def warm_restarts(at: At, T_0: Any, T_mult: Any = 1, eta_min: Any = 0.0) -> Schedule:
    """Half a cosine again and again, each `T_mult` times as long; `eta_min` itself falls between two steps."""
    checks = at.checks()
    steps, growth = checks.length("T_0", T_0), checks.length("T_mult", T_mult)
    floor = checks.real("eta_min", eta_min)
    checks.done()
    return Repeat(Ramp(at.base, floor, steps, Cosine()), None, growth)


@PYTORCH.reads("CyclicLR")
@companion
def cyclic(
    at: At,
    base_lr: Any,
    max_lr: Any,
    step_size_up: Any = 2000,
    step_size_down: Any = None,
    mode: Any = "triangular",
    gamma: Any = 1.0,
    scale_fn: Any = None,
    scale_mode: Any = "cycle",
    cycle_momentum: Any = True,
    base_momentum: Any = 0.8,
    max_momentum: Any = 0.9,
) -> Schedule:
    """A triangular wave, its height constant, halved every cycle, or falling with the step."""
    checks = at.checks()
    low, high = (
        checks.real(field, _one(rate), _least(at), remedy=_BELOW)
        for field, rate in (("base_lr", base_lr), ("max_lr", max_lr))
    )
    up = checks.length("step_size_up", step_size_up)
    down = up if step_size_down is None else checks.length("step_size_down", step_size_down)
    if scale_fn is None:
        mode = checks.choice("mode", mode, ("triangular", "triangular2", "exp_range"))
    else:
        scale_mode = checks.choice("scale_mode", scale_mode, ("cycle", "iterations"))
    rate = checks.real("gamma", gamma, above=0)
    cycles = checks.flag("cycle_momentum", cycle_momentum)
    least, most = (
        checks.real("base_momentum", _one(base_momentum)),
        checks.real("max_momentum", _one(max_momentum)),
    )
    if at.value == "momentum" and not cycles:
        checks.refuse("cycle_momentum", "true for the momentum to move", cycle_momentum)
    checks.done()
    scale = None if scale_fn is None else of_step(at, "scale_fn", scale_fn)
    if scale is not None and not isinstance(scale, Expression):
        raise at.refused("scale_fn", "the text of a function, such as 'lambda x: 0.9**x'", scale)
    ends = (most, least) if at.value == "momentum" else (low, high)
    return pieces.cyclic(*ends, up, down, mode, rate, scale, scale_mode == "cycle")


@PYTORCH.reads("OneCycleLR")
@companion
def one_cycle(
    at: At,
    max_lr: Any,
    total_steps: Any = None,
    epochs: Any = None,
    steps_per_epoch: Any = None,
    pct_start: Any = 0.3,
    anneal_strategy: Any = "cos",
    cycle_momentum: Any = True,
    base_momentum: Any = 0.85,
    max_momentum: Any = 0.95,
    div_factor: Any = 25.0,
    final_div_factor: Any = 1e4,
    three_phase: Any = False,
) -> Schedule:
    """Up to `max_lr` and far down again; the peak is not on a whole step in general. Held from `total_steps - 1` on."""
    checks = at.checks()
    peak = checks.real("max_lr", _one(max_lr), _least(at), remedy=_BELOW)
    if total_steps is not None:
        total = checks.length("total_steps", total_steps)
    elif epochs is not None and steps_per_epoch is not None:
        total = checks.length("epochs", epochs) * checks.length("steps_per_epoch", steps_per_epoch)
    else:
        checks.refuse("total_steps", "given, or epochs and steps_per_epoch both", total_steps)
        total = 2
    share = checks.real("pct_start", pct_start, 0, 1)
    curve = checks.choice("anneal_strategy", anneal_strategy, ("cos", "linear"))
    cycles, three = checks.flag("cycle_momentum", cycle_momentum), checks.flag("three_phase", three_phase)
    least, most = (
        checks.real("base_momentum", _one(base_momentum)),
        checks.real("max_momentum", _one(max_momentum)),
    )
    first = checks.real("div_factor", div_factor, above=0)
    final = checks.real("final_div_factor", final_div_factor, above=0)
    checks.require(
        share * total != 1, "pct_start", "such that the first phase has a length", pct_start, "PyTorch divides by it"
    )
    if at.value == "momentum" and not cycles:
        checks.refuse("cycle_momentum", "true for the momentum to move", cycle_momentum)
    checks.done()
    ends = [share * total - 1, *([2 * share * total - 2] if three else []), float(total - 1)]
    if at.value == "momentum":
        values = [most, least, most, *([most] if three else [])]
    else:
        values = [peak / first, peak, *([peak / first] if three else []), peak / first / final]
    return _past_the_end(at, pieces.one_cycle(ends, values, curve, total - 1), ends, values, curve, total)


def _past_the_end(
    at: At, schedule: Schedule, ends: Sequence[float], values: Sequence[float], curve: str, total: int
) -> Schedule:
    """Returns a one-cycle policy as it is, or with the library's step past its end where that is asked for."""
    if at.strict:
        return schedule
    try:
        return pieces.overshoot(schedule, ends, values, curve, total)
    except ZeroDivisionError:
        return schedule


@PYTORCH.reads("SWALR")
def swa(at: At, swa_lr: Any, anneal_epochs: Any = 10, anneal_strategy: Any = "cos") -> Schedule:
    """From the base rate to `swa_lr`, then there."""
    checks = at.checks()
    target = checks.real("swa_lr", _one(swa_lr))
    steps = checks.length("anneal_epochs", anneal_epochs, 0)
    curve = checks.choice("anneal_strategy", anneal_strategy, ("cos", "linear"))
    checks.done()
    return Ramp(at.base, target, steps, Cosine() if curve == "cos" else Linear()) if steps else Hold(value=target)


def _one(value: Any) -> Any:
    """Returns the only item of a list of one: a rate for each group, of which there is one."""
    return value[0] if isinstance(value, list | tuple) and len(value) == 1 else value


# Schedulers of schedulers ---------------------------------------------------------------------------------------------------------------

_COMPOSITE = ("SequentialLR", "ChainedScheduler")
_RELATIVE = (*FACTORS, "CosineAnnealingLR", "SWALR", "MultiplicativeLR")  # start from the rate they find


@PYTORCH.reads("SequentialLR")
def sequential(at: At, schedulers: Any, milestones: Any) -> Schedule:
    """One scheduler after another, each from its own beginning and from the base rate."""
    children = _children(at, schedulers)
    checks = at.checks()
    marks = checks.milestones("milestones", milestones)
    checks.require(
        len(marks) == len(children) - 1, "milestones", f"one fewer than the schedulers, {len(children) - 1}", milestones
    )
    for i, child in enumerate(children):
        if isinstance(child, Call) and child.name in _COMPOSITE:
            checks.refuse(
                f"schedulers[{i}]",
                "a single scheduler",
                str(child),
                "PyTorch steps a nested one once too often, or raises NotImplementedError when its turn comes",
            )
    checks.done()
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
    made = [_child(at, child, base) for child, base in zip(children, bases, strict=True)]
    return pieces.in_sequence(made, marks)


def _bases(at: At, children: Sequence[Call | Schedule]) -> tuple[list[float], float]:
    """Returns the base rate that each child takes when it is made, and the optimizer's when all are.

    The first one made notes the rate it finds for all later ones; CyclicLR changes it before, and OneCycleLR overwrites the note.
    """
    noted: float | None = None
    bases: list[float] = []
    for child in children:
        if isinstance(child, Call) and child.name == "CyclicLR" and noted is None:
            noted = _one(child.arguments.get("base_lr", next(iter(child.given), at.base)))
        elif isinstance(child, Call) and child.name == "OneCycleLR":
            arguments = at.dialect.bound(_named(at, child, at.base), child)[1]
            noted = float(_one(arguments["max_lr"])) / float(arguments.get("div_factor", 25.0))
        noted = at.base if noted is None else noted
        bases.append(noted)
    return bases, at.base if noted is None else noted


@PYTORCH.reads("ChainedScheduler")
def chained(at: At, schedulers: Any) -> Schedule:
    """Several schedulers on one optimizer, stepped in turn: the product of factors, or replayed where one is none."""
    children = _children(at, schedulers)
    factors = [_factor_of(at, child) for child in children]
    if all(factor is not None for factor in factors):
        return pieces.scaled(pieces.times([factor for factor in factors if factor is not None]), at.base)
    return _replayed(at, "ChainedScheduler", {"schedulers": children})


def _children(at: At, schedulers: Any) -> list[Call | Schedule]:
    if isinstance(schedulers, str):
        schedulers = read_value(schedulers)
    checks = at.checks()
    items = checks.items("schedulers", schedulers, 1)
    checks.done()
    return [nested(at, f"schedulers[{i}]", item) for i, item in enumerate(items)]


def _factor_of(at: At, child: Call | Schedule) -> Schedule | None:
    """Returns a child as a factor of whatever the rate is, or None if it is not one."""
    if isinstance(child, Schedule):
        return None if child.absolute else child
    inner = _named(at, child, at.base)
    if child.name == "ChainedScheduler":
        arguments = at.dialect.bound(inner, child)[1]
        factors = [_factor_of(at, grandchild) for grandchild in _children(inner, arguments["schedulers"])]
        return pieces.times([f for f in factors if f is not None]) if all(f is not None for f in factors) else None
    if child.name not in FACTORS:
        return None
    return FACTORS[child.name](inner, **at.dialect.bound(inner, child)[1])


def _named(at: At, child: Call, base: float) -> At:
    return replace(at, name=child.name, base=base, value="lr")


def _child(at: At, child: Call | Schedule, base: float) -> Schedule:
    """Returns the absolute values of a child on its own clock."""
    if isinstance(child, Schedule):
        return child if child.absolute else pieces.scaled(child, base)
    inner = _named(at, child, base)
    return at.dialect.readers[child.name](inner, **at.dialect.bound(inner, child)[1])


def _replayed(at: At, name: str, arguments: dict[str, Any]) -> Schedule:
    """Returns schedulers of schedulers as a replay, after checking every one of them."""
    for child in arguments["schedulers"]:
        _child(at, child, at.base)
    return Recurrence("pytorch", str(Call(name, arguments)), at.base)

"""OneFlow: `oneflow.optim.lr_scheduler`, 0.7 to master, eager and graph mode.

Every scheduler is a function of the step there. Inside others it takes the rate that they hand it, so each one is `base * factor + offset`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..core.classics import PolynomialCycle
from ..core.combinators import Chain, Product, Sum, Until
from ..core.expression import Expression
from ..core.fields import MAX_STEPS
from ..core.recurrence import Recurrence
from ..core.schedule import Schedule
from ..core.segments import Hold, Ramp
from . import pieces
from .calls import Call, read_value
from .reading import At, dialect, nested, of_step
from .shared import logarithmic_restarts

__all__ = ["ONEFLOW", "law"]

ONEFLOW = dialect(
    "oneflow",
    title="OneFlow",
    follows="0.7 to master",
    modules=("oneflow.optim.lr_scheduler", "flow.optim.lr_scheduler", "oneflow.nn.lr_scheduler"),
    aliases=("flow",),
    versioned=True,
)


@dataclass(frozen=True)
class _Law:
    """A scheduler as a function of the base rate: `base * factor + offset`."""

    factor: Schedule
    offset: Schedule | None = None
    direct: Callable[[float], Schedule] | None = None
    """The same values from one piece, with exact ends."""

    def on(self, base: float) -> Schedule:
        """Returns the absolute values for a base rate."""
        return self.direct(base) if self.direct else self.over(Hold(value=base))

    def over(self, rate: Schedule) -> Schedule:
        """Returns the absolute values where the base is itself a schedule."""
        if isinstance(rate, Hold):
            product: Schedule = pieces.scaled(self.factor, rate.value)
        else:
            product = Product((rate, self.factor))
        return product if self.offset is None else Sum((product, self.offset))


_laws: dict[str, Callable[..., _Law]] = {}


def _law(*names: str) -> Callable[[Callable[..., _Law]], Callable[..., _Law]]:
    """Registers a scheduler that may also stand inside others."""

    def register(make: Callable[..., _Law]) -> Callable[..., _Law]:
        def read(at: At, **arguments: Any) -> Schedule:
            return make(at, **arguments).on(at.base)

        read.__signature__ = inspect.signature(make)  # type: ignore[attr-defined]
        read.__doc__ = make.__doc__
        for name in names:
            _laws[name] = make
        ONEFLOW.reads(*names)(read)
        return make

    return register


def law(name: str, arguments: Mapping[str, Any]) -> tuple[Schedule, Schedule | None]:
    """Returns a scheduler for any base rate: the rate at a step is `base * factor + offset`, None being an offset of 0.

    Args:
        name: One that may stand inside others, such as `StepLR`.
        arguments: Its arguments under their own names.

    Raises:
        GlidepathError: With every problem found in the arguments.

    Examples:
        >>> factor, offset = law("CosineAnnealingLR", {"T_max": 10, "eta_min": 0.01})
        >>> 0.1 * factor(10) + offset(10)
        0.01
    """
    found = _laws[name](At(ONEFLOW, name, 1.0), **arguments)
    return found.factor, found.offset


@_law("StepLR")
def step(at: At, step_size: Any, gamma: Any = 0.1) -> _Law:
    """One more gamma every `step_size` steps."""
    checks = at.checks()
    size, factor = checks.span("step_size", step_size), checks.real("gamma", gamma, above=0)
    checks.done()
    return _Law(pieces.stairs(factor, size))


@_law("MultiStepLR")
def multistep(at: At, milestones: Any, gamma: Any = 0.1) -> _Law:
    """One more gamma at each milestone."""
    checks = at.checks()
    marks, factor = checks.milestones("milestones", milestones), checks.real("gamma", gamma, above=0)
    checks.require(bool(marks) or at.mode == "eager", "milestones", "one or more in graph mode", milestones)
    checks.done()
    return _Law(pieces.drops(marks, factor))


@_law("ConstantLR")
def constant(at: At, factor: Any = 1.0 / 3, total_iters: Any = 5) -> _Law:
    """`factor` for `total_iters` steps, then 1."""
    checks = at.checks()
    level = checks.real("factor", factor, 0, 1)
    steps = 0 if total_iters == 0 else checks.span("total_iters", total_iters)
    checks.done()
    return _Law(pieces.lasting(steps, lambda n: pieces.constant_then(level, n)) if steps else Hold())


@_law("LinearLR")
def linear(at: At, start_factor: Any = 1.0 / 3, end_factor: Any = 1.0, total_iters: Any = 5) -> _Law:
    """A straight line from one factor to another; before 0.9 it jumps to 1 at its end, whatever `end_factor` is."""
    checks = at.checks()
    start, end = checks.real("start_factor", start_factor, 0, 1), checks.real("end_factor", end_factor, 0, 1)
    steps = 0 if total_iters == 0 else checks.span("total_iters", total_iters)
    checks.done()
    jumps = at.older(0, 9)

    def line(n: int) -> Schedule:
        ramp = Ramp(start, end, n)
        return Chain((ramp, Hold())) if jumps and end != 1.0 else ramp

    return _Law(pieces.lasting(steps, line) if steps else Hold(value=1.0 if jumps else end))


@_law("ExponentialLR")
def exponential(at: At, gamma: Any) -> _Law:
    """One more gamma every step."""
    checks = at.checks()
    rate = checks.real("gamma", gamma, above=0)
    checks.done()
    return _Law(pieces.exponential(rate, 1, staircase=False))


@_law("PolynomialLR")
def polynomial(
    at: At,
    decay_batch: Any = None,
    end_learning_rate: Any = 0.0001,
    power: Any = 1.0,
    cycle: Any = False,
    steps: Any = None,
) -> _Law:
    """A power of what is left, down to `end_learning_rate`; with `cycle` again and again, and step 0 is like step 1.

    The length is called `steps` in 0.7 and `decay_batch` since.
    """
    checks = at.checks()
    old = at.older(0, 8)
    if at.version is not None and (decay_batch if old else steps) is not None:
        given = ("decay_batch", "called steps before 0.8", decay_batch)
        checks.refuse(*(given if old else ("steps", "called decay_batch since 0.8", steps)))
    span = checks.span("steps" if old else "decay_batch", steps if decay_batch is None else decay_batch)
    end, exponent = checks.real("end_learning_rate", end_learning_rate), checks.real("power", power, 0)
    cycles = checks.flag("cycle", cycle)
    checks.done()
    if exponent == 0:
        return _Law(Hold())
    curve = pieces.curve_of_power(exponent)

    def make(a: float, b: float) -> Schedule:
        if not cycles:
            return pieces.lasting(span, lambda n: Ramp(a, b, n, curve))
        wave = pieces.lasting(span, lambda n: PolynomialCycle(n, a, b, exponent))
        return pieces.in_sequence([Hold(value=wave(1)), pieces.after(wave, 1)], [1])

    return _Law(make(1.0, 0.0), make(0.0, end), lambda base: make(base, end))


@_law("CosineDecayLR")
def cosine_decay(at: At, decay_steps: Any, alpha: Any = 0.0) -> _Law:
    """Half a cosine down to the share `alpha`, then there."""
    checks = at.checks()
    steps, floor = checks.span("decay_steps", decay_steps), checks.real("alpha", alpha)
    checks.done()
    return _Law(pieces.cosine(1.0, floor, steps))


@_law("CosineAnnealingLR")
def cosine_annealing(at: At, T_max: Any, eta_min: Any = 0.0) -> _Law:
    """Half a cosine down to `eta_min` in `T_max` steps, then back up, and so on."""
    checks = at.checks()
    steps, floor = checks.span("T_max", T_max), checks.real("eta_min", eta_min)
    checks.require(
        at.mode == "eager" or floor < at.base, "eta_min", f"below the base rate {at.base:g} in graph mode", eta_min
    )
    checks.done()
    return _Law(
        pieces.up_and_down(1.0, 0.0, steps),
        pieces.up_and_down(0.0, floor, steps) if floor else None,
        lambda base: pieces.up_and_down(base, floor, steps),
    )


@_law("CosineAnnealingWarmRestarts")
def warm_restarts(
    at: At, T_0: Any, T_mult: Any = 1, eta_min: Any = 0.0, decay_rate: Any = 1.0, restart_limit: Any = 0
) -> _Law:
    """Half a cosine again and again; each cycle begins at the decayed base rate, which may fall below `eta_min`.

    `restart_limit` counts cycles; after them the rate is `eta_min`. Restarts are found by comparison; OneFlow takes a logarithm, which misses
    some where `T_mult` is 3, 9, 10 or 11 (`strict=False` follows it).
    """
    checks = at.checks()
    steps, growth = checks.length("T_0", T_0), checks.length("T_mult", T_mult)
    floor, decay = checks.real("eta_min", eta_min), checks.real("decay_rate", decay_rate, above=0)
    limit = checks.length("restart_limit", restart_limit, 0 if at.strict else -MAX_STEPS)
    checks.done()
    if limit < 0:
        return _Law(Hold(value=0.0), Hold(value=floor))
    if not at.strict and growth > 1:
        return _Law(
            Expression(logarithmic_restarts("1", 0.0, steps, growth, decay, limit)),
            Sum((Expression(logarithmic_restarts("1", 0.0, steps, growth, 1.0, limit)) * -floor,), floor)
            if floor
            else None,
            lambda base: Expression(logarithmic_restarts(repr(float(base)), floor, steps, growth, decay, limit)),
        )

    def repeated(a: float, b: float, decay: float) -> Schedule:
        cycle = Ramp(a, b, steps, pieces.COSINE)
        total = limit * steps if growth == 1 else steps * (growth ** min(limit, 60) - 1) // (growth - 1)
        wave = pieces.restarts(cycle, growth, decay)
        if not limit or total > MAX_STEPS:
            return wave
        return wave.replace(cycles=limit) if hasattr(wave, "cycles") else Chain((Until(wave, total), Hold(value=b)))

    return _Law(
        repeated(1.0, 0.0, decay),
        repeated(0.0, floor, 1.0) if floor else None,
        (lambda base: repeated(base, floor, 1.0)) if decay == 1.0 else None,
    )


# What stands outside --------------------------------------------------------------------------------------------------------------------


@ONEFLOW.reads("LambdaLR")
def lambda_lr(at: At, lr_lambda: Any) -> Schedule:
    """A function of the step times the base rate."""
    _eager(at)
    return pieces.scaled(of_step(at, "lr_lambda", lr_lambda), at.base)


@ONEFLOW.reads("MultiplicativeLR")
def multiplicative(at: At, lr_lambda: Any) -> Schedule:
    """The product of a function of the step over the steps so far: it has no closed form."""
    _eager(at)
    _since(at, 1, 0)
    factor = of_step(at, "lr_lambda", lr_lambda)
    return Recurrence("pytorch", str(Call("MultiplicativeLR", {"lr_lambda": factor})), at.base)


@ONEFLOW.reads("SWALR")
def swa(at: At, swa_lr: Any, anneal_epochs: Any = 10, anneal_strategy: Any = "cos", last_epoch: Any = -1) -> Schedule:
    """From the base rate to `swa_lr`, then there."""
    _eager(at)
    _since(at, 1, 0)
    checks = at.checks()
    target, steps = checks.real("swa_lr", swa_lr), checks.length("anneal_epochs", anneal_epochs, 0)
    curve = checks.choice("anneal_strategy", anneal_strategy, ("cos", "linear"))
    checks.length("last_epoch", last_epoch, -1)
    checks.done()
    return (
        Ramp(at.base, target, steps, pieces.COSINE if curve == "cos" else pieces.LINEAR)
        if steps
        else Hold(value=target)
    )


@ONEFLOW.reads("SequentialLR")
def sequential(at: At, schedulers: Any, milestones: Any, interval_rescaling: Any = False) -> Schedule:
    """One scheduler after another, on the common clock or (`interval_rescaling`) from its own beginning.

    In graph mode a scheduler on the common clock that follows a rescaled one keeps that one's beginning.
    """
    if isinstance(schedulers, str):
        schedulers = read_value(schedulers)
    checks = at.checks()
    items, marks = checks.items("schedulers", schedulers, 1), checks.milestones("milestones", milestones)
    count = len(items) - 1
    checks.require(len(marks) == count, "milestones", f"one fewer than the schedulers, {count}", milestones)
    if isinstance(interval_rescaling, list | tuple):
        own = [checks.flag(f"interval_rescaling[{i}]", flag) for i, flag in enumerate(interval_rescaling)]
        checks.require(len(own) == count, "interval_rescaling", f"as many as the milestones, {count}", own)
    else:
        own = [checks.flag("interval_rescaling", interval_rescaling)] * count
    checks.done()
    children = [_inside(at, f"schedulers[{i}]", item).on(at.base) for i, item in enumerate(items)]
    begun, clocks = 0, [0]
    for mark, rescaled in zip(marks, own, strict=True):
        begun = mark if rescaled else begun if at.mode == "graph" else 0
        clocks.append(mark - begun)
    return pieces.in_sequence([pieces.after(c, n) for c, n in zip(children, clocks, strict=True)], marks)


@ONEFLOW.reads("ChainedScheduler", leading=())
def chained(at: At, schedulers: Any) -> Schedule:
    """Each scheduler takes the rate of the one before as its base, at the same step."""
    _eager(at)
    if isinstance(schedulers, str):
        schedulers = read_value(schedulers)
    checks = at.checks()
    items = checks.items("schedulers", schedulers, 1)
    checks.done()
    rate: Schedule = Hold(value=at.base)
    for i, item in enumerate(items):
        law = _inside(at, f"schedulers[{i}]", item)
        rate = law.on(at.base) if i == 0 else law.over(rate)
    return rate


@ONEFLOW.reads("WarmupLR", "WarmUpLR", leading=())
def warmup(
    at: At,
    scheduler_or_optimizer: Any,
    warmup_factor: Any = 1.0 / 3,
    warmup_iters: Any = 5,
    warmup_method: Any = "linear",
    warmup_prefix: Any = False,
) -> Schedule:
    """A warmup before a scheduler (`warmup_prefix`) or over its first steps, up to where it will be by then."""
    checks = at.checks()
    factor = checks.real("warmup_factor", warmup_factor, 0, 1)
    method = checks.choice("warmup_method", warmup_method, ("linear", "constant"))
    prefix = checks.flag("warmup_prefix", warmup_prefix)
    alone = scheduler_or_optimizer == "optimizer" or (
        isinstance(scheduler_or_optimizer, Call)
        and not scheduler_or_optimizer.arguments
        and scheduler_or_optimizer.name.rpartition(".")[2] not in ONEFLOW.readers
    )
    steps = checks.length("warmup_iters", warmup_iters, 1 if alone else 0)
    checks.done()
    if alone:
        rise = Ramp(factor, 1.0, steps) if method == "linear" else pieces.constant_then(factor, steps)
        return pieces.scaled(rise, at.base)
    inner = _inside(at, "scheduler_or_optimizer", scheduler_or_optimizer).on(at.base)
    if steps == 0:
        return inner
    if method == "constant":
        rise = Hold(steps, factor)
    else:
        goal = 1.0
        if not prefix:
            if at.base == 0:
                raise at.refused("base_lr", "other than 0 for a warmup to where the scheduler will be", at.base)
            goal = inner(steps) / at.base
            if not 0 <= goal <= 1:
                raise at.refused(
                    "scheduler_or_optimizer",
                    f"at most the base rate at step {steps}",
                    inner(steps),
                    "OneFlow refuses it",
                )
        rise = Ramp(factor, goal, steps)
    return pieces.in_sequence([pieces.scaled(rise, at.base), inner if prefix else pieces.after(inner, steps)], [steps])


def _inside(at: At, field: str, value: Any) -> _Law:
    """Returns an inner scheduler.

    Raises:
        GlidepathError: If OneFlow cannot have it inside another.
    """
    child = nested(at, field, value)
    if isinstance(child, Schedule):
        return _Law(Hold(value=0.0), child, lambda base: child) if child.absolute else _Law(child)
    if child.name not in _laws:
        raise at.refused(
            field,
            f"one of {', '.join(_laws)}",
            str(child),
            "OneFlow raises NotImplementedError when its turn comes",
        )
    inner = replace(at, name=child.name)
    return _laws[child.name](inner, **at.dialect.bound(inner, child)[1])


def _eager(at: At) -> None:
    if at.mode == "graph":
        raise at.refused("mode", "'eager': OneFlow's graph mode does not know this scheduler", at.mode)


def _since(at: At, *version: int) -> None:
    if at.older(*version):
        raise at.refused("version", f"{'.'.join(map(str, version))} or newer", at.edition)

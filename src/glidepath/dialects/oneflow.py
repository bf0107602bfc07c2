"""OneFlow: `oneflow.optim.lr_scheduler`, 0.7 to master, eager and graph mode.

Every scheduler is a function of the step there. Inside others it takes the rate that they hand it, so each one is `base * factor + offset`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..core import Chain, Expression, Hold, PolynomialCycle, Product, Ramp, Recurrence, Schedule, Sum, Until
from ..core.fields import MAX_STEPS
from . import pieces
from .calls import Call
from .reading import nested
from .table import CallSite, dialect

ONEFLOW = dialect("oneflow")


@dataclass(frozen=True)
class _Law:
    """A scheduler as a function of the base rate: `base * factor + offset`."""

    factor: Schedule
    offset: Schedule | None = None
    direct: Callable[[float], Schedule] | None = None  # the same values from one piece, with exact ends

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
    found = _LAWS[name](ONEFLOW.taken(CallSite(ONEFLOW, name, 1.0), Call(name, arguments)))
    return found.factor, found.offset


def _multistep(a: Any) -> _Law:
    a.require(bool(a.milestones) or a.at.mode == "eager", "milestones", "one or more in graph mode")
    return _Law(pieces.drops(a.milestones, a.gamma))


def _constant(a: Any) -> _Law:
    return _Law(pieces.lasting(a.total_iters, lambda n: pieces.constant_then(a.factor, n)) if a.total_iters else Hold())


def _linear(a: Any) -> _Law:
    """Returns a straight line; before 0.9 it jumps to 1 at its end, whatever `end_factor` is."""
    jumps = a.at.older(0, 9)

    def line(n: int) -> Schedule:
        ramp = Ramp(a.start_factor, a.end_factor, n)
        return Chain((ramp, Hold())) if jumps and a.end_factor != 1.0 else ramp

    still = Hold(value=1.0 if jumps else a.end_factor)
    return _Law(pieces.lasting(a.total_iters, line) if a.total_iters else still)


def _polynomial(a: Any) -> _Law:
    """Returns a power of what is left; step 0 of a cycle is like step 1. The length is called `steps` in 0.7 and `decay_batch` since."""
    old, checks, span = a.at.older(0, 8), a.at.checks(), a.steps if a.decay_batch is None else a.decay_batch
    if a.at.version is not None and (a.decay_batch if old else a.steps) is not None:
        given = ("decay_batch", "called steps before 0.8", a.decay_batch)
        checks.refuse(*(given if old else ("steps", "called decay_batch since 0.8", a.steps)))
    checks.span("steps" if old else "decay_batch", span)
    checks.done()
    if not a.power:
        return _Law(Hold())

    def make(start: float, end: float) -> Schedule:
        if not a.cycle:
            return pieces.lasting(span, lambda n: Ramp(start, end, n, pieces.curve_of_power(a.power)))
        wave = pieces.lasting(span, lambda n: PolynomialCycle(n, start, end, a.power))
        return pieces.held(wave(1), 1, pieces.after(wave, 1))

    return _Law(make(1.0, 0.0), make(0.0, a.end_learning_rate), lambda base: make(base, a.end_learning_rate))


def _annealing(a: Any) -> _Law:
    a.require(a.at.mode == "eager" or a.eta_min < a.lr, "eta_min", f"below the base rate {a.lr:g} in graph mode")
    wave = pieces.up_and_down
    offset = wave(0.0, a.eta_min, a.T_max) if a.eta_min else None
    return _Law(wave(1.0, 0.0, a.T_max), offset, lambda base: wave(base, a.eta_min, a.T_max))


def _warm_restarts(a: Any) -> _Law:
    """Returns half a cosine again and again; each cycle begins at the decayed base rate, which may fall below `eta_min`.

    `restart_limit` counts cycles; after them the rate is `eta_min`. Restarts are found by comparison; OneFlow takes a logarithm, which misses
    some where `T_mult` is 3, 9, 10 or 11 (`strict=False` follows it).
    """
    at, steps, growth, floor, decay, limit = a.at, a.T_0, a.T_mult, a.eta_min, a.decay_rate, a.restart_limit
    if limit < 0:
        return _Law(Hold(value=0.0), Hold(value=floor))
    if not at.strict and growth > 1:
        k = f"floor(log(1 - step / {steps} * (1 - {growth})) / log({growth}))"
        begun = f"(1 - {growth} ** {k}) / (1 - {growth}) * {steps}"
        wave = f"0.5 * (1 + cos(pi * (step - {begun}) / ({growth} ** {k} * {steps})))"

        def formula(base: str, low: float, decay: float) -> Expression:
            peak = base if decay == 1.0 else f"({base} * {decay!r} ** {k})"
            text = f"({low!r}) + ({peak} - ({low!r})) * {wave}"
            return Expression(f"{text} if {k} < {limit} else {low!r}" if limit else text)

        offset = Sum((formula("1", 0.0, 1.0) * -floor,), floor) if floor else None
        return _Law(formula("1", 0.0, decay), offset, lambda base: formula(repr(float(base)), floor, decay))

    def repeated(a: float, b: float, decay: float) -> Schedule:
        cycle = Ramp(a, b, steps, pieces.COSINE)
        total = limit * steps if growth == 1 else steps * (growth ** min(limit, 60) - 1) // (growth - 1)
        wave = pieces.restarts(cycle, growth, decay)
        if not limit or total > MAX_STEPS:
            return wave
        return wave.replace(cycles=limit) if hasattr(wave, "cycles") else Chain((Until(wave, total), Hold(value=b)))

    direct = (lambda base: repeated(base, floor, 1.0)) if decay == 1.0 else None
    return _Law(repeated(1.0, 0.0, decay), repeated(0.0, floor, 1.0) if floor else None, direct)


_LAWS: Mapping[str, Callable[[Any], _Law]] = {  # what may stand inside others
    "StepLR": lambda a: _Law(pieces.stairs(a.gamma, a.step_size)),
    "MultiStepLR": _multistep,
    "ConstantLR": _constant,
    "LinearLR": _linear,
    "ExponentialLR": lambda a: _Law(pieces.exponential(a.gamma, 1, staircase=False)),
    "PolynomialLR": _polynomial,
    "CosineDecayLR": lambda a: _Law(pieces.cosine(1.0, a.alpha, a.decay_steps)),
    "CosineAnnealingLR": _annealing,
    "CosineAnnealingWarmRestarts": _warm_restarts,
}

# What stands outside --------------------------------------------------------------------------------------------------------------------


def LambdaLR(a: Any) -> Schedule:
    _eager(a.at)
    return pieces.scaled(a.lr_lambda, a.lr)


def MultiplicativeLR(a: Any) -> Schedule:
    _eager(a.at, 1, 0)
    return Recurrence("pytorch", str(Call("MultiplicativeLR", {"lr_lambda": a.lr_lambda})), a.lr)


def SWALR(a: Any) -> Schedule:
    _eager(a.at, 1, 0)
    return pieces.ramp(a.lr, a.swa_lr, a.anneal_epochs, pieces.CURVES[a.anneal_strategy])


def SequentialLR(a: Any) -> Schedule:
    """Returns one scheduler after another, on the common clock or (`interval_rescaling`) from its own beginning.

    In graph mode a scheduler on the common clock that follows a rescaled one keeps that one's beginning.
    """
    at, checks, count, own = a.at, a.at.checks(), len(a.schedulers) - 1, a.interval_rescaling
    checks.require(len(a.milestones) == count, "milestones", f"one fewer than the schedulers, {count}", a.milestones)
    if isinstance(own, list | tuple):
        own = [checks.flag(f"interval_rescaling[{i}]", flag) for i, flag in enumerate(own)]
        checks.require(len(own) == count, "interval_rescaling", f"as many as the milestones, {count}", own)
    else:
        own = [checks.flag("interval_rescaling", own)] * count
    checks.done()
    children = [_inside(at, f"schedulers[{i}]", item).on(at.base) for i, item in enumerate(a.schedulers)]
    begun, clocks = 0, [0]
    for mark, rescaled in zip(a.milestones, own, strict=True):
        begun = mark if rescaled else begun if at.mode == "graph" else 0
        clocks.append(mark - begun)
    return pieces.in_sequence([pieces.after(c, n) for c, n in zip(children, clocks, strict=True)], a.milestones)


def ChainedScheduler(a: Any) -> Schedule:
    """Returns what comes of it where each scheduler takes the rate of the one before as its base, at the same step."""
    _eager(a.at)
    rate: Schedule = Hold(value=a.lr)
    for i, item in enumerate(a.schedulers):
        law = _inside(a.at, f"schedulers[{i}]", item)
        rate = law.on(a.lr) if i == 0 else law.over(rate)
    return rate


def _warmup(a: Any) -> Schedule:
    """Returns a warmup before a scheduler (`warmup_prefix`) or over its first steps, up to where it will be by then."""
    at, given, checks = a.at, a.scheduler_or_optimizer, a.at.checks()
    variable = isinstance(given, Call) and not given.arguments and not ONEFLOW.find(given.name)
    alone = given == "optimizer" or variable
    factor = checks.real("warmup_factor", a.warmup_factor, 0, 1)
    steps = checks.length("warmup_iters", a.warmup_iters, 1 if alone else 0)  # all problems at once
    linear = checks.choice("warmup_method", a.warmup_method, ("linear", "constant")) == "linear"
    prefix = checks.flag("warmup_prefix", a.warmup_prefix)
    checks.done()
    if alone:
        return pieces.scaled(Ramp(factor, 1.0, steps) if linear else pieces.constant_then(factor, steps), a.lr)
    inner = _inside(at, "scheduler_or_optimizer", given).on(a.lr)
    if steps == 0:
        return inner
    rise, goal = Hold(steps, factor), 1.0
    if linear:
        if not prefix:
            at.require(a.lr != 0, "base_lr", "other than 0 for a warmup to where the scheduler will be", a.lr)
            goal, rule = inner(steps) / a.lr, f"at most the base rate at step {steps}"
            at.require(0 <= goal <= 1, "scheduler_or_optimizer", rule, inner(steps), "OneFlow refuses it")
        rise = Ramp(factor, goal, steps)
    return pieces.in_sequence([pieces.scaled(rise, a.lr), inner if prefix else pieces.after(inner, steps)], [steps])


def _inside(at: CallSite, field: str, value: Any) -> _Law:
    """Returns an inner scheduler.

    Raises:
        GlidepathError: If OneFlow cannot have it inside another.
    """
    child = nested(at, field, value)
    if isinstance(child, Schedule):
        return _Law(Hold(value=0.0), child, lambda base: child) if child.absolute else _Law(child)
    remedy = "OneFlow raises NotImplementedError when its turn comes"
    at.require(child.name in _LAWS, field, f"one of {', '.join(_LAWS)}", str(child), remedy)
    return _LAWS[child.name](ONEFLOW.taken(replace(at, name=child.name), child))


def _eager(at: CallSite, *since: int) -> None:
    """Refuses what graph mode does not know, and versions that do not have it yet."""
    at.require(at.mode == "eager", "mode", "'eager': OneFlow's graph mode does not know this scheduler", at.mode)
    at.require(not since or not at.older(*since), "version", f"{'.'.join(map(str, since))} or newer", at.edition)


ONEFLOW.rows(
    globals() | {name: lambda a, make=make: make(a).on(a.lr) for name, make in _LAWS.items()},
    WarmupLR=_warmup,
    WarmUpLR=_warmup,
)

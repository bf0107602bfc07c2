"""PyTorch's protocol, replayed step by step: for what has no closed form, and for what PyTorch does with arguments that we refuse.

Each scheduler reads and writes the rate of one shared optimizer and counts its own steps, in the order and with the exceptions of PyTorch
2.13; see `Recurrence` for what that costs.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from types import SimpleNamespace
from typing import Any

from ..core import GlidepathError, Recurrence, Schedule
from .calls import Call, read
from .pytorch import PYTORCH, one
from .reading import of_step
from .table import CallSite


class _Replayed:
    """What all schedulers share: construction is step 0, and every step writes the rate. Its arguments are its attributes."""

    def __init__(self, optimizer: Any, name: str, arguments: Mapping[str, Any]) -> None:
        defaults = {p.name: p.default for p in PYTORCH.parameters(name)} if name else {}
        vars(self).update({**defaults, **arguments})
        self.optimizer, self.name, self.given, self.made = optimizer, name, arguments, False
        self.prepare()
        if optimizer.initial is None:
            optimizer.initial = optimizer.rate
        self.base = optimizer.initial
        self.last, self.count, self.beginning = -1, 0, False
        self.begin()
        self.made = True

    def prepare(self) -> None:
        """Refuses what the class refuses, and puts into the group what it puts there."""
        s: Any = self
        match self.name:
            case "MultiStepLR":
                s.milestones = Counter(s.milestones)
            case "ConstantLR":
                _between("factor", s.factor, 0, 1)
            case "LinearLR":
                _between("start_factor", s.start_factor, 0, 1, above=True)
                _between("end_factor", s.end_factor, 0, 1)
            case "CosineAnnealingWarmRestarts":
                if type(s.T_0) is not int or s.T_0 <= 0 or type(s.T_mult) is not int or s.T_mult < 1:
                    raise ValueError("T_0 and T_mult must be integers from 1 on")
                s.at = -1
            case "SWALR":
                n = s.anneal_epochs
                if s.anneal_strategy not in ("cos", "linear") or type(n) is not int or n < 0:
                    raise ValueError("anneal_strategy must be 'cos' or 'linear', anneal_epochs an integer from 0 on")
                self.optimizer.target = one(s.swa_lr)
            case "CyclicLR":
                self.optimizer.rate = one(s.base_lr)
                s.schedule = self.read({})
            case "OneCycleLR":
                s.end = s.epochs * s.steps_per_epoch if s.total_steps is None else s.total_steps
                flat = 2 * s.pct_start * s.end - 2 if s.three_phase else s.pct_start * s.end - 1
                s.flat, s.rates = flat == s.end - 1, ()
                self.read({})
                group, peak = self.optimizer, one(s.max_lr)
                group.peak, group.initial = peak, peak / s.div_factor
                group.bottom = group.initial / s.final_div_factor
            case _:
                pass

    def read(self, more: Mapping[str, Any]) -> Schedule:
        """Returns the scheduler's schedule, which is a function of the step."""
        plain = {key: value for key, value in {**self.given, **more}.items() if "momentum" not in key}
        return PYTORCH.readers[self.name](CallSite(PYTORCH, self.name, self.optimizer.rate, strict=False), **plain)

    def begin(self) -> None:
        """Takes step 0."""
        self.count, self.beginning = 0, True
        self.step()
        self.beginning = False

    def step(self) -> None:
        """Takes one step."""
        self.count += 1
        self.last += 1
        if self.name == "CosineAnnealingWarmRestarts":
            _around(self)
        self.optimizer.rate = _NEXT[self.name](self, self.optimizer.rate)

    def restart(self) -> None:
        """Goes to step 0 in the middle of a sequence: by the closed form where the class has one."""
        self.last = 0
        self.optimizer.rate = _CLOSED.get(self.name, _NEXT[self.name])(self, self.optimizer.rate)

    def undo(self) -> None:
        """Takes one step off the count."""
        self.last -= 1


def _linear(s: Any, rate: float) -> float:
    if s.last == 0:
        return rate * s.start_factor
    if s.beginning or s.last > s.total_iters:
        return rate
    slope = s.end_factor - s.start_factor
    return rate * (1.0 + slope / (s.total_iters * s.start_factor + (s.last - 1) * slope))


def _polynomial(s: Any, rate: float) -> float:
    if s.beginning or s.last > s.total_iters:
        return rate
    left, before = 1.0 - s.last / s.total_iters, 1.0 - (s.last - 1) / s.total_iters
    return rate * (left / before) ** s.power


def _height(step: float, period: float) -> float:
    return 1 + math.cos(math.pi * step / period)


def _cosine(s: Any, rate: float) -> float:
    period, floor = s.T_max, s.eta_min
    if s.beginning:
        return rate
    if s.count == 1 and s.last > 0:
        return _CLOSED[s.name](s, rate)
    if (s.last - 1 - period) % (2 * period) == 0:
        return rate + (s.base - floor) * (1 - math.cos(math.pi / period)) / 2
    return _height(s.last, period) / _height(s.last - 1, period) * (rate - floor) + floor


def _around(s: Any) -> None:
    """Counts the steps of a cycle of warm restarts."""
    s.at = s.at + 1 if s.last else 0
    if s.at >= s.T_0:
        s.at, s.T_0 = s.at % s.T_0, s.T_0 * s.T_mult


def _swa(s: Any, rate: float) -> float:
    def share(step: int) -> float:
        u = max(0, min(1, step / max(1, s.anneal_epochs)))
        return u if s.anneal_strategy == "linear" else (1 - math.cos(math.pi * u)) / 2

    step = s.count - 1 if s.anneal_epochs else max(1, s.count - 1)
    before, now, target = share(step - 1), share(step), s.optimizer.target
    start = target if before == 1 else (rate - before * target) / (1 - before)
    return target * now + start * (1 - now)


def _one_cycle(s: Any, rate: float) -> float:
    """Returns a function of the step and of the three rates that the last one made has put into the group."""
    del rate
    if s.last > s.end:
        raise ValueError(f"OneCycleLR has only {s.end} steps")
    if s.last == s.end and s.flat:
        raise ZeroDivisionError("the last phase has no length")
    peak, start, end = rates = (s.optimizer.peak, s.optimizer.initial, s.optimizer.bottom)
    if rates != s.rates:
        shared = {"max_lr": peak, "div_factor": peak / start, "final_div_factor": start / end}
        s.schedule, s.rates = s.read(shared), rates
    return s.schedule(s.last)


def _ours(s: Any, rate: float) -> float:
    """Returns a schedule of ours, as a factor of the rate or (`absolute`) in its place."""
    now = s.schedule(s.last)
    if s.schedule.absolute:
        return now
    before = s.schedule(s.last - 1) if s.last > 0 else 1.0
    return rate * (now / before) if before else s.base * now


_Formula = Callable[[Any, float], float]
_NEXT: Mapping[str, _Formula] = {  # the next rate, given the present one
    "": _ours,
    "LambdaLR": lambda s, rate: s.base * s.lr_lambda(s.last),
    "MultiplicativeLR": lambda s, rate: rate if s.beginning else rate * s.lr_lambda(s.last),
    "StepLR": lambda s, rate: rate if s.last == 0 or s.last % s.step_size != 0 else rate * s.gamma,
    "MultiStepLR": lambda s, rate: rate * s.gamma ** s.milestones[s.last] if s.last in s.milestones else rate,
    "ConstantLR": lambda s, rate: (
        rate * s.factor if s.last == 0 else rate if s.last != s.total_iters else rate * (1.0 / s.factor)
    ),
    "LinearLR": _linear,
    "ExponentialLR": lambda s, rate: rate if s.beginning else rate * s.gamma,
    "PolynomialLR": _polynomial,
    "CosineAnnealingLR": _cosine,
    "CosineAnnealingWarmRestarts": lambda s, rate: s.eta_min + (s.base - s.eta_min) * _height(s.at, s.T_0) / 2,
    "CyclicLR": lambda s, rate: s.schedule(s.last) if s.made else s.base,  # it begins from what others found
    "OneCycleLR": _one_cycle,
    "SWALR": _swa,
}
_CLOSED: Mapping[str, _Formula] = {  # the same without the present rate, where there is such a formula
    "": lambda s, rate: s.schedule(s.last) * (1.0 if s.schedule.absolute else s.base),
    "StepLR": lambda s, rate: s.base * s.gamma ** (s.last // s.step_size),
    "MultiStepLR": lambda s, rate: s.base * s.gamma ** bisect_right(sorted(s.milestones.elements()), s.last),
    "ConstantLR": lambda s, rate: s.base * (s.factor + (s.last >= s.total_iters) * (1 - s.factor)),
    "LinearLR": lambda s, rate: (
        s.base * (s.start_factor + (s.end_factor - s.start_factor) * min(s.total_iters, s.last) / s.total_iters)
    ),
    "ExponentialLR": lambda s, rate: s.base * s.gamma**s.last,
    "PolynomialLR": lambda s, rate: s.base * (1.0 - min(s.total_iters, s.last) / s.total_iters) ** s.power,
    "CosineAnnealingLR": lambda s, rate: s.eta_min + (s.base - s.eta_min) * _height(s.last, s.T_max) / 2,
}


class _Chained:
    """Several at every step, or (with `marks`) one after another."""

    def __init__(self, optimizer: Any, name: str, arguments: Mapping[str, Any]) -> None:
        self.name, self.optimizer, self.last = name, optimizer, 0
        self.children: list[Any] = [_made(optimizer, child) for child in arguments["schedulers"]]
        self.marks: list[float] = arguments.get("milestones", [])
        if name == "ChainedScheduler":
            return
        if len(self.marks) != len(self.children) - 1:
            raise ValueError(f"milestones must be {len(self.children) - 1}, got {len(self.marks)}")
        optimizer.rate = optimizer.initial
        self.undo()
        self.children[bisect_right(self.marks, 0)].begin()

    def undo(self) -> None:
        for child in self.children:
            child.undo()

    def step(self) -> None:
        if self.name == "ChainedScheduler":
            for child in self.children:
                child.step()
            return
        self.last += 1
        child = self.children[bisect_right(self.marks, self.last)]
        (child.restart if self.last in self.marks else child.step)()

    begin = step

    def restart(self) -> None:
        # PyTorch raises the same when its turn comes; `Recurrence` refuses the step with what it says.
        raise NotImplementedError(f"{self.name} has no rate of its own inside another scheduler")


def _between(name: str, value: float, low: float, high: float, above: bool = False) -> None:
    if value > high or value < low or (above and value == low):
        raise ValueError(f"{name} must be from {low} to {high}, got {value}")


def _made(optimizer: Any, child: Any) -> _Replayed | _Chained:
    """Returns a child scheduler, constructed on the shared optimizer."""
    if isinstance(child, Schedule):
        return _Replayed(optimizer, "", {"schedule": child})
    name = PYTORCH.named(child.name)
    at = CallSite(PYTORCH, name, optimizer.rate, strict=False)
    _, arguments = PYTORCH.bound(at, child)
    if "lr_lambda" in arguments:
        arguments["lr_lambda"] = of_step(at, "lr_lambda", arguments["lr_lambda"])
    for field, value in arguments.items():
        items = value if isinstance(value, list) else [value]
        others = [item for item in items if not isinstance(item, Call | Schedule | str)]
        plain = all(isinstance(item, int | float) and abs(item) <= 1e100 for item in others)  # NaN and infinities fail
        if not plain or len(items) > 100_000:
            raise at.refused(field, "made of finite numbers, words and schedulers", value)
    return (_Replayed if name in _NEXT else _Chained)(optimizer, name, arguments)


def begin(program: str, start: float) -> Callable[[], Iterator[float]]:
    """Returns what begins the replay of one call on an optimizer with the rate `start`."""
    call = read(program)

    def replay() -> Iterator[float]:
        # one group: its rate, the rate that the first scheduler found, and what the last SWALR and OneCycleLR have put there for all
        optimizer = SimpleNamespace(rate=start, initial=None, target=0.0, peak=0.0, bottom=0.0)
        try:
            scheduler = _made(optimizer, call)
            while True:
                yield optimizer.rate
                scheduler.step()
        except GlidepathError:
            raise
        except (AttributeError, KeyError, IndexError) as error:
            raise ValueError(f"PyTorch cannot run this: {error}") from None

    return replay


Recurrence.rules["pytorch"] = begin

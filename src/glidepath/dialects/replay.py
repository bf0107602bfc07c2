"""PyTorch's protocol, replayed step by step: for what has no closed form, and for what PyTorch does with arguments that we refuse.

Each scheduler reads and writes the rate of one shared optimizer and counts its own steps, in the order and with the exceptions of PyTorch
2.13; see `Recurrence` for what that costs.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ..core.errors import GlidepathError
from ..core.recurrence import Recurrence
from ..core.schedule import Schedule
from .calls import Call, read
from .protocol import Optimizer, Scheduler
from .pytorch import PYTORCH
from .reading import At, of_step

__all__ = ["begin"]


class _Factor(Scheduler):
    """A schedule of ours, as a factor of the rate or (`absolute`) in its place."""

    def __init__(self, optimizer: Optimizer, schedule: Schedule) -> None:
        self.schedule = schedule
        super().__init__(optimizer)

    def next(self, rate: float) -> float:
        now = self.schedule(self.last)
        if self.schedule.absolute:
            return now
        before = self.schedule(self.last - 1) if self.last > 0 else 1.0
        return rate * (now / before) if before else self.base * now

    def closed(self) -> float:
        return self.schedule(self.last) * (1.0 if self.schedule.absolute else self.base)


class _Lambda(Scheduler):
    def __init__(self, optimizer: Optimizer, lr_lambda: Schedule) -> None:
        self.function = lr_lambda
        super().__init__(optimizer)

    def next(self, rate: float) -> float:
        del rate
        return self.base * self.function(self.last)


class _Multiplicative(_Lambda):
    def next(self, rate: float) -> float:
        return rate if self.beginning else rate * self.function(self.last)


class _Step(Scheduler):
    def __init__(self, optimizer: Optimizer, step_size: float, gamma: float = 0.1) -> None:
        self.size, self.gamma = step_size, gamma
        super().__init__(optimizer)

    def next(self, rate: float) -> float:
        return rate if self.last == 0 or self.last % self.size != 0 else rate * self.gamma

    def closed(self) -> float:
        return self.base * self.gamma ** (self.last // self.size)


class _MultiStep(Scheduler):
    def __init__(self, optimizer: Optimizer, milestones: list[float], gamma: float = 0.1) -> None:
        self.marks, self.gamma = Counter(milestones), gamma
        super().__init__(optimizer)

    def next(self, rate: float) -> float:
        return rate * self.gamma ** self.marks[self.last] if self.last in self.marks else rate

    def closed(self) -> float:
        return self.base * self.gamma ** bisect_right(sorted(self.marks.elements()), self.last)


class _Constant(Scheduler):
    def __init__(self, optimizer: Optimizer, factor: float = 1.0 / 3, total_iters: float = 5) -> None:
        _between("factor", factor, 0, 1)
        self.factor, self.total = factor, total_iters
        super().__init__(optimizer)

    def next(self, rate: float) -> float:
        if self.last == 0:
            return rate * self.factor
        return rate if self.last != self.total else rate * (1.0 / self.factor)

    def closed(self) -> float:
        return self.base * (self.factor + (self.last >= self.total) * (1 - self.factor))


class _Linear(Scheduler):
    def __init__(
        self, optimizer: Optimizer, start_factor: float = 1.0 / 3, end_factor: float = 1.0, total_iters: float = 5
    ) -> None:
        _between("start_factor", start_factor, 0, 1, above=True)
        _between("end_factor", end_factor, 0, 1)
        self.start, self.end, self.total = start_factor, end_factor, total_iters
        super().__init__(optimizer)

    def next(self, rate: float) -> float:
        if self.last == 0:
            return rate * self.start
        if self.beginning or self.last > self.total:
            return rate
        slope = self.end - self.start
        return rate * (1.0 + slope / (self.total * self.start + (self.last - 1) * slope))

    def closed(self) -> float:
        return self.base * (self.start + (self.end - self.start) * min(self.total, self.last) / self.total)


class _Exponential(Scheduler):
    def __init__(self, optimizer: Optimizer, gamma: float) -> None:
        self.gamma = gamma
        super().__init__(optimizer)

    def next(self, rate: float) -> float:
        return rate if self.beginning else rate * self.gamma

    def closed(self) -> float:
        return self.base * self.gamma**self.last


class _Polynomial(Scheduler):
    def __init__(self, optimizer: Optimizer, total_iters: float = 5, power: float = 1.0) -> None:
        self.total, self.power = total_iters, power
        super().__init__(optimizer)

    def next(self, rate: float) -> float:
        if self.beginning or self.last > self.total:
            return rate
        left, before = 1.0 - self.last / self.total, 1.0 - (self.last - 1) / self.total
        return rate * (left / before) ** self.power

    def closed(self) -> float:
        return self.base * (1.0 - min(self.total, self.last) / self.total) ** self.power


class _CosineAnnealing(Scheduler):
    def __init__(self, optimizer: Optimizer, T_max: float, eta_min: float = 0.0) -> None:
        self.period, self.floor = T_max, eta_min
        super().__init__(optimizer)

    def next(self, rate: float) -> float:
        if self.beginning:
            return rate
        if self.count == 1 and self.last > 0:
            return self.closed()
        if (self.last - 1 - self.period) % (2 * self.period) == 0:
            return rate + (self.base - self.floor) * (1 - math.cos(math.pi / self.period)) / 2
        return self._height(self.last) / self._height(self.last - 1) * (rate - self.floor) + self.floor

    def _height(self, step: float) -> float:
        return 1 + math.cos(math.pi * step / self.period)

    def closed(self) -> float:
        return self.floor + (self.base - self.floor) * self._height(self.last) / 2


class _WarmRestarts(Scheduler):
    def __init__(self, optimizer: Optimizer, T_0: int, T_mult: int = 1, eta_min: float = 0.0) -> None:
        if type(T_0) is not int or T_0 <= 0 or type(T_mult) is not int or T_mult < 1:
            raise ValueError("T_0 and T_mult must be integers from 1 on")
        self.length, self.growth, self.floor, self.at = T_0, T_mult, eta_min, -1
        super().__init__(optimizer)

    def step(self) -> None:
        self.count += 1
        if self.last < 0:
            self.last, self.at = 0, 0
        else:
            self.last, self.at = self.last + 1, self.at + 1
            if self.at >= self.length:
                self.at, self.length = self.at % self.length, self.length * self.growth
        self.optimizer.rate = self.next(self.optimizer.rate)

    def next(self, rate: float) -> float:
        del rate
        return self.floor + (self.base - self.floor) * (1 + math.cos(math.pi * self.at / self.length)) / 2


class _Swa(Scheduler):
    def __init__(
        self, optimizer: Optimizer, swa_lr: Any, anneal_epochs: int = 10, anneal_strategy: str = "cos"
    ) -> None:
        if anneal_strategy not in ("cos", "linear") or type(anneal_epochs) is not int or anneal_epochs < 0:
            raise ValueError("anneal_strategy must be 'cos' or 'linear', anneal_epochs an integer from 0 on")
        optimizer.target, self.length, self.curve = _one(swa_lr), anneal_epochs, anneal_strategy
        super().__init__(optimizer)

    def _share(self, step: int) -> float:
        u = max(0, min(1, step / max(1, self.length)))
        return u if self.curve == "linear" else (1 - math.cos(math.pi * u)) / 2

    def next(self, rate: float) -> float:
        step = self.count - 1 if self.length else max(1, self.count - 1)
        before, now, target = self._share(step - 1), self._share(step), self.optimizer.target
        start = target if before == 1 else (rate - before * target) / (1 - before)
        return target * now + start * (1 - now)


class _Cyclic(Scheduler):
    """CyclicLR: a function of the step, whose lower rate the others may take for their base."""

    def __init__(self, optimizer: Optimizer, **arguments: Any) -> None:
        optimizer.rate = _one(arguments["base_lr"])
        self.schedule, self.made = _read(optimizer, "CyclicLR", arguments), False
        super().__init__(optimizer)
        self.made = True

    def next(self, rate: float) -> float:
        del rate
        return (
            self.schedule(self.last) if self.made else self.base
        )  # while it is made, it begins from what others found


class _OneCycle(Scheduler):
    """OneCycleLR: a function of the step and of the three rates that the last one made has put into the group."""

    def __init__(self, optimizer: Optimizer, **arguments: Any) -> None:
        total = arguments.get("total_steps")
        self.end = arguments["epochs"] * arguments["steps_per_epoch"] if total is None else total
        self.arguments = arguments
        share, three = arguments.get("pct_start", 0.3), arguments.get("three_phase", False)
        self.flat = (2 * share * self.end - 2 if three else share * self.end - 1) == self.end - 1
        _read(optimizer, "OneCycleLR", arguments)
        optimizer.peak = _one(arguments["max_lr"])
        optimizer.initial = optimizer.peak / arguments.get("div_factor", 25.0)
        optimizer.bottom = optimizer.initial / arguments.get("final_div_factor", 1e4)
        self.rates: tuple[float, ...] = ()
        super().__init__(optimizer)

    def next(self, rate: float) -> float:
        del rate
        if self.last > self.end:
            raise ValueError(f"OneCycleLR has only {self.end} steps")
        if self.last == self.end and self.flat:
            raise ZeroDivisionError("the last phase has no length")
        peak, start, end = rates = (self.optimizer.peak, self.optimizer.initial or 0.0, self.optimizer.bottom)
        if rates != self.rates:
            shared = {"max_lr": peak, "div_factor": peak / start, "final_div_factor": start / end}
            self.schedule = _read(self.optimizer, "OneCycleLR", {**self.arguments, **shared})
            self.rates = rates
        return self.schedule(self.last)


def _read(optimizer: Optimizer, name: str, arguments: Mapping[str, Any]) -> Schedule:
    plain = {key: value for key, value in arguments.items() if "momentum" not in key}
    return PYTORCH.readers[name](At(PYTORCH, name, optimizer.rate, strict=False), **plain)


class _Sequential(Scheduler):
    def __init__(self, optimizer: Optimizer, schedulers: list[Any], milestones: list[float]) -> None:
        self.children = [_made(optimizer, child) for child in schedulers]
        if len(milestones) != len(self.children) - 1:
            raise ValueError(f"milestones must be {len(self.children) - 1}, got {len(milestones)}")
        self.marks, self.optimizer, self.last = milestones, optimizer, 0
        optimizer.rate = optimizer.initial  # type: ignore[assignment]
        self.undo()
        self.children[bisect_right(self.marks, 0)].begin()

    def undo(self) -> None:
        for child in self.children:
            child.undo()

    def step(self) -> None:
        self.last += 1
        i = bisect_right(self.marks, self.last)
        if i > 0 and self.marks[i - 1] == self.last:
            self.children[i].restart()
        else:
            self.children[i].step()


class _Chained(Scheduler):
    def __init__(self, optimizer: Optimizer, schedulers: list[Any]) -> None:
        self.children = [_made(optimizer, child) for child in schedulers]
        self.optimizer = optimizer

    def begin(self) -> None:
        self.step()

    def undo(self) -> None:
        for child in self.children:
            child.undo()

    def step(self) -> None:
        for child in self.children:
            child.step()


_CLASSES: dict[str, Callable[..., Scheduler]] = {
    "LambdaLR": _Lambda,
    "MultiplicativeLR": _Multiplicative,
    "StepLR": _Step,
    "MultiStepLR": _MultiStep,
    "ConstantLR": _Constant,
    "LinearLR": _Linear,
    "ExponentialLR": _Exponential,
    "PolynomialLR": _Polynomial,
    "CosineAnnealingLR": _CosineAnnealing,
    "CosineAnnealingWarmRestarts": _WarmRestarts,
    "CyclicLR": _Cyclic,
    "OneCycleLR": _OneCycle,
    "SWALR": _Swa,
    "SequentialLR": _Sequential,
    "ChainedScheduler": _Chained,
}


def _between(name: str, value: float, low: float, high: float, above: bool = False) -> None:
    if value > high or value < low or (above and value == low):
        raise ValueError(f"{name} must be from {low} to {high}, got {value}")


def _one(value: Any) -> Any:
    return value[0] if isinstance(value, list) else value


def _made(optimizer: Optimizer, child: Any) -> Scheduler:
    """Returns a child scheduler, constructed on the shared optimizer."""
    if isinstance(child, Schedule):
        return _Factor(optimizer, child)
    name = PYTORCH.named(child.name)
    at = At(PYTORCH, name, optimizer.rate, strict=False)
    _, arguments = PYTORCH.bound(at, child)
    if "lr_lambda" in arguments:
        arguments["lr_lambda"] = of_step(at, "lr_lambda", arguments["lr_lambda"])
    _check_types(at, arguments)
    return _CLASSES[name](optimizer, **arguments)


def _check_types(at: At, arguments: Mapping[str, Any]) -> None:
    """Refuses arguments that are of another type than numbers, words, lists of them, and schedulers."""
    for name, value in arguments.items():
        items = value if isinstance(value, list) else [value]
        plain = all(
            isinstance(item, Call | Schedule | str)
            or (isinstance(item, int | float) and abs(item) <= 1e100)  # NaN and infinities fail this
            for item in items
        )
        if not plain or len(items) > 100_000:
            raise at.refused(name, "made of finite numbers, words and schedulers", value)


def begin(program: str, start: float) -> Callable[[], Iterator[float]]:
    """Returns what begins the replay of one call on an optimizer with the rate `start`."""
    call = read(program)

    def replay() -> Iterator[float]:
        optimizer = Optimizer(start)
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

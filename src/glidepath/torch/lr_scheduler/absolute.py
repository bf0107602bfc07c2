"""Drop-ins that overwrite the rate they find: a function of the step, warm restarts."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import torch
from torch.optim import Optimizer
from torch.optim import lr_scheduler as torchs

from ...core.errors import GlidepathError
from ...dialects import load
from .base import Scheduler, unit
from .lanes import Rates, between
from .relative import functions_of
from .tensors import plain

__all__ = ["CosineAnnealingWarmRestarts", "LambdaLR"]


class LambdaLR(Scheduler, torchs.LambdaLR):
    """The base rate times a function of the step.

    Args:
        optimizer: Whose rates are set.
        lr_lambda: A function of the step, or one for each group; one that several groups share is called once a step.
        last_epoch: The index of the last epoch, -1 for a new run.

    Raises:
        TypeError: If one is no function.
        ValueError: If there are not as many as groups.

    Source:
        `torch.optim.lr_scheduler.LambdaLR`, version 2.13.0.
    """

    __slots__ = ()
    live: ClassVar[frozenset[str]] = frozenset({"lr_lambdas"})
    per_group: ClassVar[tuple[str, ...]] = ("lr_lambdas",)
    relative: ClassVar[bool] = False
    _functions: ClassVar[str] = "lr_lambdas"

    def __init__(self, optimizer: Optimizer, lr_lambda: Any, last_epoch: int = -1) -> None:
        self.lr_lambdas = functions_of(optimizer, lr_lambda)
        super().__init__(optimizer, last_epoch)

    def _marks(self) -> Any:
        return list(self.lr_lambdas)

    def _still(self, marks: Any, at: Any) -> bool:
        del at
        return marks == self.__dict__["lr_lambdas"]

    def _unit(self) -> Any:
        functions = self.lr_lambdas
        if functions and all(fn is functions[0] for fn in functions):
            only: Any = functions[0]

            def shared(step: float) -> Any:
                value = only(step)
                return value if type(value) is float else float(value)

            return shared
        return lambda step: [float(fn(step)) for fn in functions]

    def _between(self, weight: Any, highs: list[float] | None = None) -> list[float]:
        bases: Any = self.base_lrs if highs is None else highs
        if isinstance(weight, list):
            if (
                len(weight) != len(bases) or self._cache.marks != self.lr_lambdas
            ):  # groups have come, gone or changed places
                weight = self._weight_of()(self._cache.target)
            return [base * factor for base, factor in zip(bases, weight, strict=True)]
        return [base * weight for base in bases]

    def _quick_rates(self) -> Rates:
        if type(self)._between is not LambdaLR._between:
            return super()._quick_rates()
        if len(set(map(id, self.lr_lambdas))) == 1:
            return between(None, None, None, self.base_lrs)
        if any(isinstance(base, torch.Tensor) for base in self.base_lrs):
            return super()._quick_rates()
        known: list[Any] = list(self.base_lrs)

        def each(scheduler: Any, state: dict[str, Any], weights: list[float]) -> list[float] | None:
            del scheduler
            if state["base_lrs"] != known:
                return None
            return [base * factor for base, factor in zip(known, weights, strict=True)]

        return each


class CosineAnnealingWarmRestarts(Scheduler, torchs.CosineAnnealingWarmRestarts):
    """Half a cosine again and again, each `T_mult` times as long.

    Args:
        optimizer: Whose rates are set.
        T_0: The steps of the first one.
        T_mult: How many times as long the next one is.
        eta_min: The lowest rate, of every group.
        last_epoch: The index of the last epoch, -1 for a new run.

    Raises:
        GlidepathError: If an argument is not usable.

    Source:
        `torch.optim.lr_scheduler.CosineAnnealingWarmRestarts`, version 2.13.0.
    """

    __slots__ = ()
    live: ClassVar[frozenset[str]] = frozenset({"T_i", "T_0", "T_mult", "eta_min"})
    lows_live: ClassVar[bool] = False
    relative: ClassVar[bool] = False

    def __init__(
        self,
        optimizer: Optimizer,
        T_0: int,
        T_mult: int = 1,
        eta_min: float = 0.0,
        last_epoch: int = -1,
    ) -> None:
        for name, value in (("T_0", T_0), ("T_mult", T_mult)):
            if not isinstance(value, int) or isinstance(value, bool):
                raise GlidepathError.of("CosineAnnealingWarmRestarts", name, "an integer from 1 on", value)
        load("pytorch", "CosineAnnealingWarmRestarts", {"T_0": T_0, "T_mult": T_mult, "eta_min": plain(eta_min)})
        self.T_0 = T_0
        self.T_i = T_0
        self.T_mult = T_mult
        self.eta_min = eta_min
        self.T_cur: float = last_epoch
        super().__init__(optimizer, last_epoch)

    def _unit(self) -> Any:
        cycle = unit("CosineAnnealingWarmRestarts", T_0=self.T_i)
        state = self.__dict__
        del self  # the cache must not hold the scheduler
        return _Within(cycle, state)

    def _lows(self) -> Sequence[float] | None:
        return [plain(self.eta_min)] * len(self.base_lrs) if self.eta_min else None

    def step(self, epoch: float | None = None) -> None:
        """Takes a step, or goes to an epoch, which need not be whole.

        Args:
            epoch: The epoch to go to, from 0 on.

        Raises:
            GlidepathError: If the epoch is below 0 or no number.
        """
        state = self.__dict__
        last = state["last_epoch"]
        if epoch is None and (last < 0 or self._is_initial):
            epoch = max(last + 1, 0)  # a new run, or one that is resumed
        if epoch is None:
            at = state["T_cur"] + 1
            if at >= state["T_i"]:
                at %= state["T_i"]
                if state["T_mult"] != 1:
                    self.T_i = state["T_i"] * state["T_mult"]
            state["T_cur"] = at
            Scheduler._update_lr(self)
            return
        self._go_to(epoch)
        self.__dict__["last_epoch"] = math.floor(epoch) - 1
        self._update_lr()

    def _update_lr(self, epoch: Any = None) -> None:
        if epoch is not None:  # a sequence of schedulers begins this one anew
            self._go_to(epoch)
        super()._update_lr(epoch)

    def _go_to(self, epoch: float) -> None:
        """Finds the cycle of an epoch by comparison: a rounded logarithm would miss restarts."""
        if not epoch >= 0:
            raise GlidepathError.of("CosineAnnealingWarmRestarts", "epoch", "a number from 0 on", epoch)
        length, begun = self.T_0, 0
        if self.T_mult == 1:
            begun = int(epoch // length) * length
        else:
            while epoch - begun >= length:
                begun, length = begun + length, length * self.T_mult
        self.T_i = length
        self.T_cur = epoch - begun


class _Within:
    """The weight at the place within the present cycle, whatever the step."""

    __slots__ = ("cycle", "state")

    def __init__(self, cycle: Callable[[float], float], state: dict[str, Any]) -> None:
        self.cycle, self.state = cycle, state

    def __call__(self, step: float) -> float:
        del step
        return self.cycle(self.state["T_cur"])

"""Drop-ins that follow functions of the step, and warm restarts."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any, ClassVar

from torch.optim import Optimizer
from torch.optim import lr_scheduler as torchs

from ...core.errors import GlidepathError
from ..rows import Values, plain
from .base import Scheduler

__all__ = ["CosineAnnealingWarmRestarts", "LambdaLR", "MultiplicativeLR", "functions_of", "shared"]


def functions_of(optimizer: Any, given: Any) -> list[Callable[[Any], Any]]:
    """Returns one function for each group.

    Raises:
        TypeError: If the optimizer is none or a function is none.
        GlidepathError: If there are not as many as groups.
    """
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")
    groups = len(optimizer.param_groups)
    functions = list(given) if isinstance(given, list | tuple) else [given] * groups
    for fn in functions:
        if not callable(fn):
            raise TypeError(f"lr_lambda should be a function, but got {type(fn).__name__}")
    if len(functions) != groups:
        rule = f"one function or {groups} of them"
        raise GlidepathError.of("lr_scheduler", "lr_lambda", rule, f"{len(functions)} of them")
    return functions


def shared(functions: list[Callable[[Any], Any]]) -> bool:
    """Returns whether all groups have the same function."""
    return bool(functions) and functions.count(functions[0]) == len(functions)


class OfFunctions(Scheduler):
    """What has a function of the step for each group; one that all share is called once a step."""

    __slots__ = ()
    per_group: ClassVar[tuple[str, ...]] = ("lr_lambdas",)
    functions: ClassVar[str] = "lr_lambdas"
    lr_lambdas: list[Callable[[Any], Any]]

    def _refuse(self, optimizer: Optimizer, arguments: dict[str, Any]) -> None:
        functions_of(optimizer, arguments["lr_lambda"])

    def _directly(self) -> list[float]:
        state = self.__dict__
        functions = state["lr_lambdas"]
        if len(functions) == 1 or not shared(functions):
            return Scheduler._directly(self)
        value = float(functions[0](state["last_epoch"]))
        state["lr_lambdas"] = [lambda _: value] * len(functions)
        try:
            return Scheduler._directly(self)
        finally:
            state["lr_lambdas"] = functions

    def _stack(self, view: dict[str, Any], groups: Sequence[dict[str, Any]], current: Values) -> None:
        functions = view.pop("lr_lambdas")
        if shared(functions):
            super()._stack(view, groups, current)
            functions = functions[:1]
        else:
            view["optimizer"] = SimpleNamespace(param_groups=[{"lr": rate} for rate in current])
            view["base_lrs"] = plain(self.base_lrs)
        view["lr_lambdas"] = [lambda step, fn=fn: float(fn(step)) for fn in functions]


class LambdaLR(torchs.LambdaLR, OfFunctions):
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
    relative: ClassVar[bool] = False


class MultiplicativeLR(torchs.MultiplicativeLR, OfFunctions):
    """The rate it finds times a function of the step, every step but the first.

    Args:
        optimizer: Whose rates are set.
        lr_lambda: A function of the step, or one for each group.
        last_epoch: The index of the last epoch, -1 for a new run.

    Raises:
        TypeError: If one is no function.
        ValueError: If there are not as many as groups.

    Source:
        `torch.optim.lr_scheduler.MultiplicativeLR`, version 2.13.0.
    """

    __slots__ = ()


class CosineAnnealingWarmRestarts(torchs.CosineAnnealingWarmRestarts, Scheduler):
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
    relative: ClassVar[bool] = False
    whole: ClassVar[frozenset[str]] = frozenset({"T_0", "T_mult"})

    def step(self, epoch: float | None = None) -> None:
        """Takes a step, or goes to an epoch, which need not be whole.

        Args:
            epoch: The epoch to go to, from 0 on.

        Raises:
            GlidepathError: If the epoch is below 0 or no number.
        """
        last = self.last_epoch
        if epoch is None and (last < 0 or self._is_initial):
            epoch = max(last + 1, 0)  # a new run, or one that is resumed
        if epoch is None:
            self.T_cur = self.T_cur + 1
            if self.T_cur >= self.T_i:
                self.T_cur = self.T_cur % self.T_i
                self.T_i = self.T_i * self.T_mult
            super()._update_lr()
            return
        self._go_to(epoch)
        self._move(last, math.floor(epoch))

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

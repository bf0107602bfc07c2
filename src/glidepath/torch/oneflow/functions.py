"""OneFlow's schedulers that follow a function of the step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from torch.optim import Optimizer

from ..lr_scheduler import absolute
from ..lr_scheduler.relative import functions_of
from ..lr_scheduler.tensors import plain
from .base import OneFlow

__all__ = [
    "LambdaLR",
    "MultiplicativeLR",
]


class _OfFunctions(OneFlow, absolute.LambdaLR):
    """What has a function for each group."""

    __slots__ = ()

    def __init__(self, optimizer: Optimizer, lr_lambda: Any, last_step: int = -1, verbose: bool = False) -> None:
        self.lr_lambdas = functions_of(optimizer, lr_lambda)
        OneFlow.__init__(self, optimizer, last_step, verbose)


class LambdaLR(_OfFunctions):
    """The base rate times a function of the step.

    Args:
        optimizer: Whose rates are set.
        lr_lambda: A function of the step, or one for each group; one that several groups share is called once a step.
        last_step: The index of the last step, -1 for a new run.
        verbose: Whether every rate that is set is printed.

    Raises:
        TypeError: If one is no function.
        GlidepathError: If there are not as many as groups.

    Source:
        `oneflow.optim.lr_scheduler.LambdaLR`, versions 0.7.0 to 1.0.0.
    """

    __slots__ = ()


class MultiplicativeLR(_OfFunctions):
    """The rate it finds times a function of the step, every step but step 0.

    Args:
        optimizer: Whose rates are set.
        lr_lambda: A function of the step, or one for each group; one that several groups share is called once a step.
        last_step: The index of the last step, -1 for a new run.
        verbose: Whether every rate that is set is printed.

    Raises:
        TypeError: If one is no function.
        GlidepathError: If there are not as many as groups.

    Source:
        `oneflow.optim.lr_scheduler.MultiplicativeLR`, version 1.0.0.
    """

    __slots__ = ()

    def _unit(self) -> Callable[[float], Any]:
        made = super()._unit()
        return lambda step: made(step) if step > 0 else 1.0

    def _between(self, weight: Any, highs: Sequence[float] | None = None) -> list[float]:
        del highs
        return super()._between(weight, [plain(group["lr"]) for group in self.optimizer.param_groups])

"""OneFlow's schedulers that follow a function of the step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
from torch.optim import Optimizer

from ..lr_scheduler.absolute import functions_of, shared
from ..rows import Values
from .base import OneFlow

__all__ = [
    "LambdaLR",
    "MultiplicativeLR",
]


class LambdaLR(OneFlow):
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
    kept_as: ClassVar[dict[str, str]] = {"lr_lambda": "lr_lambdas"}
    per_group: ClassVar[tuple[str, ...]] = ("lr_lambdas",)
    functions: ClassVar[str] = "lr_lambdas"
    lr_lambdas: list[Callable[[Any], Any]]

    def _keep(self, arguments: dict[str, Any]) -> Optimizer:
        arguments["lr_lambda"] = functions_of(arguments["optimizer"], arguments["lr_lambda"])
        return super()._keep(arguments)

    def _values(self, bases: Values, step: Any) -> Values:
        functions = self.lr_lambdas
        if shared(functions):
            return bases * float(functions[0](step))
        return bases * np.array([float(fn(step)) for fn in functions])


class MultiplicativeLR(LambdaLR):
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

    def _next(self, groups: Any, current: Values, last: Any, at: Any) -> Values:
        return self._values(current, at) if at > 0 else current

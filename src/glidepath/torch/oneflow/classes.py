"""OneFlow's schedulers of one schedule each, as their dialect says, of functions of the step, and the one that follows a metric."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
from torch.optim import Optimizer

from .. import lr_scheduler
from ..lr_scheduler.classes import functions_of, shared
from ..rows import Values
from .base import TAIL, Closed, OneFlow, called

__all__ = [
    "ConstantLR",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "CosineDecayLR",
    "ExponentialLR",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "MultiplicativeLR",
    "PolynomialLR",
    "ReduceLROnPlateau",
    "StepLR",
]

_PLATEAU = inspect.signature(lr_scheduler.ReduceLROnPlateau)


class StepLR(Closed):
    """One more `gamma` every `step_size` steps.

    Args:
        optimizer: Whose rates are set.
        step_size: The steps between two drops; they need not be whole.
        gamma: What a drop multiplies the rate by, above 0.
        last_step: The index of the last step, -1 for a new run.
        verbose: Whether every rate that is set is printed.

    Raises:
        GlidepathError: With every argument that is not usable.

    Source:
        `oneflow.optim.lr_scheduler.StepLR`, versions 0.7.0 to 1.0.0.
    """


class MultiStepLR(Closed):
    """One more `gamma` at each milestone.

    Args:
        optimizer: Whose rates are set.
        milestones: The steps of the drops, in order and each once.
        gamma: What a drop multiplies the rate by, above 0.
        last_step: The index of the last step, -1 for a new run.
        verbose: Whether every rate that is set is printed.

    Raises:
        GlidepathError: With every argument that is not usable.

    Source:
        `oneflow.optim.lr_scheduler.MultiStepLR`, versions 0.7.0 to 1.0.0.
    """


class ConstantLR(Closed):
    """`factor` for `total_iters` steps, then the whole rate.

    Args:
        optimizer: Whose rates are set.
        factor: What the rate is multiplied by at first, from 0 to 1.
        total_iters: For how many steps; 0 leaves the rate as it is.
        last_step: The index of the last step, -1 for a new run.
        verbose: Whether every rate that is set is printed.

    Raises:
        GlidepathError: With every argument that is not usable.

    Source:
        `oneflow.optim.lr_scheduler.ConstantLR`, versions 0.7.0 to 1.0.0.
    """


class LinearLR(Closed):
    """A straight line from one factor to another, then that one.

    Args:
        optimizer: Whose rates are set.
        start_factor: The factor of the first step, from 0 to 1.
        end_factor: The factor from step `total_iters` on, from 0 to 1.
        total_iters: The steps between them; 0 goes to the end at once.
        last_step: The index of the last step, -1 for a new run.
        verbose: Whether every rate that is set is printed.

    Raises:
        GlidepathError: With every argument that is not usable.

    Source:
        `oneflow.optim.lr_scheduler.LinearLR`, versions 0.7.0 to 1.0.0.
    """


class ExponentialLR(Closed):
    """One more `gamma` every step.

    Args:
        optimizer: Whose rates are set.
        gamma: What a step multiplies the rate by, above 0.
        last_step: The index of the last step, -1 for a new run.
        verbose: Whether every rate that is set is printed.

    Raises:
        GlidepathError: With every argument that is not usable.

    Source:
        `oneflow.optim.lr_scheduler.ExponentialLR`, versions 0.7.0 to 1.0.0.
    """


class PolynomialLR(Closed):
    """A power of what is left of `decay_batch` steps, down to a rate that is the same for every group.

    Args:
        optimizer: Whose rates are set.
        decay_batch: The steps down; OneFlow 0.7 called them `steps`.
        end_learning_rate: The last rate.
        power: The power, from 0 on.
        cycle: Whether to begin again and again, each time lower; step 0 is then like step 1.
        last_step: The index of the last step, -1 for a new run.
        verbose: Whether every rate that is set is printed.

    Raises:
        GlidepathError: With every argument that is not usable.

    Source:
        `oneflow.optim.lr_scheduler.PolynomialLR`, versions 0.7.0 to 1.0.0.
    """

    kept_as: ClassVar[dict[str, str]] = {"decay_batch": "max_decay_steps"}

    @classmethod
    def _arguments_of(cls, reader: inspect.Signature) -> inspect.Signature:
        first, length, *more = (p for p in reader.parameters.values() if p.name != "steps")
        return super()._arguments_of(inspect.Signature([first, length.replace(default=length.empty), *more]))

    def __init__(self, *given: Any, **named: Any) -> None:
        if "steps" in named and "decay_batch" not in named:  # its name in OneFlow 0.7
            named["decay_batch"] = named.pop("steps")
        super().__init__(*given, **named)


class CosineDecayLR(Closed):
    """Half a cosine down to the share `alpha` of the rate, then there.

    Args:
        optimizer: Whose rates are set.
        decay_steps: The steps down.
        alpha: The share that is left.
        last_step: The index of the last step, -1 for a new run.
        verbose: Whether every rate that is set is printed.

    Raises:
        GlidepathError: With every argument that is not usable.

    Source:
        `oneflow.optim.lr_scheduler.CosineDecayLR`, versions 0.7.0 to 1.0.0.
    """


class CosineAnnealingLR(Closed):
    """Half a cosine down to `eta_min` in `T_max` steps, then back up, and so on.

    Args:
        optimizer: Whose rates are set.
        T_max: The steps down.
        eta_min: The lowest rate, of every group.
        last_step: The index of the last step, -1 for a new run.
        verbose: Whether every rate that is set is printed.

    Raises:
        GlidepathError: With every argument that is not usable.

    Source:
        `oneflow.optim.lr_scheduler.CosineAnnealingLR`, versions 0.7.0 to 1.0.0.
    """


class CosineAnnealingWarmRestarts(Closed):
    """Half a cosine again and again, each `T_mult` times as long and from a peak `decay_rate` times as high.

    Args:
        optimizer: Whose rates are set.
        T_0: The steps of the first one.
        T_mult: How many times as long the next one is.
        eta_min: The lowest rate, of every group; a peak that has decayed below it makes its cycle rise.
        decay_rate: What a restart multiplies the peak by, above 0.
        restart_limit: How many cycles there are, after which the rate is `eta_min`; 0 for no end.
        last_step: The index of the last step, -1 for a new run.
        verbose: Whether every rate that is set is printed.

    Raises:
        GlidepathError: With every argument that is not usable.

    Source:
        `oneflow.optim.lr_scheduler.CosineAnnealingWarmRestarts`, versions 0.7.0 to 1.0.0.
    """


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

    def _next(self, groups: Any, current: Values, last: Any, at: Any) -> Values:
        return self._values(current, at) if at > 0 else current


class ReduceLROnPlateau(lr_scheduler.ReduceLROnPlateau):
    """Cuts the rates once a metric has not improved for more than `patience` calls in a row.

    Args:
        optimizer: Whose rates are set.
        mode: `min` where lower is better, or `max`.
        factor: What a cut multiplies the rates by, from 0 on and below 1.
        patience: The calls without improvement that are tolerated.
        threshold: How much better a metric must be.
        threshold_mode: Whether the threshold is relative (`rel`) or absolute (`abs`).
        cooldown: The calls after a cut that are not counted.
        min_lr: The lowest rate, one or one for each group.
        eps: A cut of at most so much is not made.
        verbose: Whether every cut is printed.

    Raises:
        TypeError: If the optimizer is none.
        GlidepathError: With every argument that is not usable.

    Source:
        `oneflow.optim.lr_scheduler.ReduceLROnPlateau`, versions 0.7.0 to 1.0.0.
    """

    library: ClassVar[str] = "oneflow"
    _digits: ClassVar[str] = "5d"
    renamed: ClassVar[dict[str, str]] = {"last_epoch": "last_step", "num_bad_epochs": "num_bad_steps"}
    __signature__: ClassVar[inspect.Signature] = _PLATEAU.replace(parameters=[*_PLATEAU.parameters.values(), TAIL[1]])

    last_step = called("last_epoch", "How many metrics there were")
    num_bad_steps = called("num_bad_epochs", "The metrics in a row that did not improve")

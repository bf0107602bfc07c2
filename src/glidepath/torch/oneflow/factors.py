"""OneFlow's schedulers that are a factor of the base rate: drops, a constant, a line, an exponential."""

from __future__ import annotations

from .base import Closed

__all__ = [
    "ConstantLR",
    "ExponentialLR",
    "LinearLR",
    "MultiStepLR",
    "StepLR",
]


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

    __slots__ = ()


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

    __slots__ = ()


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

    __slots__ = ()


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

    __slots__ = ()


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

    __slots__ = ()

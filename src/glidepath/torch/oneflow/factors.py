"""OneFlow's schedulers that are a factor of the base rate: drops, a constant, a line, an exponential."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from torch.optim import Optimizer

from .base import Closed, weights

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
    live: ClassVar[frozenset[str]] = frozenset({"step_size", "gamma"})

    def __init__(
        self,
        optimizer: Optimizer,
        step_size: float,
        gamma: float = 0.1,
        last_step: int = -1,
        verbose: bool = False,
    ) -> None:
        self.step_size = step_size
        self.gamma = gamma
        super().__init__(optimizer, last_step, verbose)

    def _unit(self) -> Callable[[float], Any]:
        return weights("StepLR", step_size=self.step_size, gamma=self.gamma)


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
    live: ClassVar[frozenset[str]] = frozenset({"milestones", "gamma"})

    def __init__(
        self,
        optimizer: Optimizer,
        milestones: Sequence[int],
        gamma: float = 0.1,
        last_step: int = -1,
        verbose: bool = False,
    ) -> None:
        self.milestones = list(milestones) if isinstance(milestones, tuple) else milestones
        self.gamma = gamma
        super().__init__(optimizer, last_step, verbose)

    def _marks(self) -> Any:
        return list(self.milestones)

    def _unit(self) -> Callable[[float], Any]:
        return weights("MultiStepLR", milestones=self.milestones, gamma=self.gamma)


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
    live: ClassVar[frozenset[str]] = frozenset({"factor", "total_iters"})

    def __init__(
        self,
        optimizer: Optimizer,
        factor: float = 1.0 / 3,
        total_iters: float = 5,
        last_step: int = -1,
        verbose: bool = False,
    ) -> None:
        self.factor = factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_step, verbose)

    def _unit(self) -> Callable[[float], Any]:
        return weights("ConstantLR", factor=self.factor, total_iters=self.total_iters)


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
    live: ClassVar[frozenset[str]] = frozenset({"start_factor", "end_factor", "total_iters"})

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1.0 / 3,
        end_factor: float = 1.0,
        total_iters: float = 5,
        last_step: int = -1,
        verbose: bool = False,
    ) -> None:
        self.start_factor = start_factor
        self.end_factor = end_factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_step, verbose)

    def _unit(self) -> Callable[[float], Any]:
        return weights(
            "LinearLR", start_factor=self.start_factor, end_factor=self.end_factor, total_iters=self.total_iters
        )


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
    live: ClassVar[frozenset[str]] = frozenset({"gamma"})

    def __init__(
        self,
        optimizer: Optimizer,
        gamma: float,
        last_step: int = -1,
        verbose: bool = False,
    ) -> None:
        self.gamma = gamma
        super().__init__(optimizer, last_step, verbose)

    def _unit(self) -> Callable[[float], Any]:
        return weights("ExponentialLR", gamma=self.gamma)

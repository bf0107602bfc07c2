"""OneFlow's schedulers that come down along a polynomial or a cosine, most of them to a rate that is the same for every group."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from torch.optim import Optimizer

from .base import Closed, weights

__all__ = [
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "CosineDecayLR",
    "PolynomialLR",
]


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

    __slots__ = ()
    live: ClassVar[frozenset[str]] = frozenset({"max_decay_steps", "end_learning_rate", "power", "cycle"})

    def __init__(
        self,
        optimizer: Optimizer,
        decay_batch: float,
        end_learning_rate: float = 0.0001,
        power: float = 1.0,
        cycle: bool = False,
        last_step: int = -1,
        verbose: bool = False,
    ) -> None:
        self.max_decay_steps = decay_batch
        self.end_learning_rate = end_learning_rate
        self.power = power
        self.cycle = cycle
        super().__init__(optimizer, last_step, verbose)

    def _unit(self) -> Callable[[float], Any]:
        return weights(
            "PolynomialLR",
            decay_batch=self.max_decay_steps,
            end_learning_rate=self.end_learning_rate,
            power=self.power,
            cycle=self.cycle,
        )


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

    __slots__ = ()
    live: ClassVar[frozenset[str]] = frozenset({"decay_steps", "alpha"})

    def __init__(
        self,
        optimizer: Optimizer,
        decay_steps: float,
        alpha: float = 0.0,
        last_step: int = -1,
        verbose: bool = False,
    ) -> None:
        self.decay_steps = decay_steps
        self.alpha = alpha
        super().__init__(optimizer, last_step, verbose)

    def _unit(self) -> Callable[[float], Any]:
        return weights("CosineDecayLR", decay_steps=self.decay_steps, alpha=self.alpha)


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

    __slots__ = ()
    live: ClassVar[frozenset[str]] = frozenset({"T_max", "eta_min"})

    def __init__(
        self,
        optimizer: Optimizer,
        T_max: float,
        eta_min: float = 0.0,
        last_step: int = -1,
        verbose: bool = False,
    ) -> None:
        self.T_max = T_max
        self.eta_min = eta_min
        super().__init__(optimizer, last_step, verbose)

    def _unit(self) -> Callable[[float], Any]:
        return weights("CosineAnnealingLR", T_max=self.T_max, eta_min=self.eta_min)


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

    __slots__ = ()
    live: ClassVar[frozenset[str]] = frozenset({"T_0", "T_mult", "eta_min", "decay_rate", "restart_limit"})

    def __init__(
        self,
        optimizer: Optimizer,
        T_0: int,
        T_mult: int = 1,
        eta_min: float = 0.0,
        decay_rate: float = 1.0,
        restart_limit: int = 0,
        last_step: int = -1,
        verbose: bool = False,
    ) -> None:
        self.T_0 = T_0
        self.T_mult = T_mult
        self.eta_min = eta_min
        self.decay_rate = decay_rate
        self.restart_limit = restart_limit
        super().__init__(optimizer, last_step, verbose)

    def _unit(self) -> Callable[[float], Any]:
        return weights(
            "CosineAnnealingWarmRestarts",
            T_0=self.T_0,
            T_mult=self.T_mult,
            eta_min=self.eta_min,
            decay_rate=self.decay_rate,
            restart_limit=self.restart_limit,
        )

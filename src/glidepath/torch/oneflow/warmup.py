"""OneFlow's warmup before a scheduler, or over its first steps."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from torch.optim import Optimizer

from ...core.errors import GlidepathError
from ...core.segments import Hold
from ...dialects import load
from ...dialects.checks import Checks
from ..lr_scheduler.tensors import plain
from .base import OneFlow, weights
from .composite import Composite, members

__all__ = ["WarmupLR"]


class WarmupLR(Composite):
    """A warmup before a scheduler, or over its first steps and up to where it will be by then.

    Args:
        scheduler_or_optimizer: The scheduler that follows, or an optimizer whose own rates do.
        warmup_factor: What the rate is multiplied by at first, from 0 to 1.
        warmup_iters: The steps of the warmup.
        warmup_method: `linear`, or `constant` for `warmup_factor` all the while.
        warmup_prefix: Whether the scheduler begins after the warmup; else it has run all the while, and a linear warmup ends on its rate.
        last_step: The index of the last step, -1 for a new run.
        verbose: Whether every rate that is set is printed.

    Raises:
        GlidepathError: With every argument that is not usable.

    Source:
        `oneflow.optim.lr_scheduler.WarmupLR`, versions 0.7.0 to 1.0.0.
    """

    __slots__ = ()
    live: ClassVar[frozenset[str]] = frozenset({"warmup_factor", "warmup_iters", "warmup_method", "warmup_prefix"})

    def __init__(
        self,
        scheduler_or_optimizer: OneFlow | Optimizer,
        warmup_factor: float = 1.0 / 3,
        warmup_iters: int = 5,
        warmup_method: str = "linear",
        warmup_prefix: bool = False,
        last_step: int = -1,
        verbose: bool = False,
    ) -> None:
        inner = None if isinstance(scheduler_or_optimizer, Optimizer) else scheduler_or_optimizer
        self.schedulers = [] if inner is None else [inner]
        optimizer: Any = getattr(inner, "optimizer", scheduler_or_optimizer)
        self.optimizer = optimizer
        self.warmup_factor = warmup_factor
        self.warmup_iters = warmup_iters
        self.warmup_method = warmup_method
        self.warmup_prefix = warmup_prefix
        if not isinstance(optimizer, Optimizer):
            rule = "an optimizer, or a scheduler of glidepath.torch.oneflow"
            raise GlidepathError.of("oneflow WarmupLR", "scheduler_or_optimizer", rule, scheduler_or_optimizer)
        super().__init__(optimizer, last_step, verbose)

    def _check(self, checks: Checks) -> None:
        for inner in self.schedulers:
            members(checks, "scheduler_or_optimizer", inner, self.optimizer)
        names = ("warmup_factor", "warmup_iters", "warmup_method", "warmup_prefix")
        given = {name: getattr(self, name) for name in names}
        follows = Hold() if self.schedulers else "optimizer"
        try:
            load("oneflow", "WarmupLR", {"scheduler_or_optimizer": follows, **given})
        except GlidepathError as error:
            checks.problems.extend(error.problems)
        if checks.problems or not self._meets():
            return
        bases = [float(plain(group.get("initial_lr", group["lr"]))) for group in self.optimizer.param_groups]
        for base, goal in zip(bases, self._goals(bases), strict=True):
            fits = 0 <= goal <= base or math.isclose(goal, base)
            rule = f"from 0 to the base rate at step {self.warmup_iters}"
            checks.require(fits, "scheduler_or_optimizer", rule, goal, f"the base rate is {base:g}")

    def _meets(self) -> bool:
        """Returns whether the warmup goes to where the scheduler will be, not to the base rate."""
        return bool(self.schedulers) and not self.warmup_prefix and self.warmup_method == "linear"

    def _goals(self, bases: list[float]) -> list[float]:
        """Returns the rates that the warmup ends on."""
        return self.schedulers[0]._rates(bases, self.warmup_iters) if self._meets() else bases

    def _unit(self) -> Callable[[float], Any]:
        super()._unit()
        steps, factor = self.warmup_iters, self.warmup_factor
        if self.warmup_method == "constant":
            held = weights("ConstantLR", factor=factor, total_iters=steps)
            return lambda step: (step, held(step), 0.0)
        fall = weights("LinearLR", start_factor=factor, end_factor=0.0, total_iters=steps)
        rise = weights("LinearLR", start_factor=0.0, end_factor=1.0, total_iters=steps)
        return lambda step: (step, fall(step), rise(step))

    def _between(self, weight: Any, highs: Sequence[float] | None = None) -> list[float]:
        step, near, far = weight
        bases: Any = self._highs() if highs is None else highs
        if step >= self.warmup_iters:
            return super()._between(step, bases)
        return [base * near + goal * far for base, goal in zip(bases, self._goals(bases), strict=True)]

    def _active(self, step: float) -> list[tuple[OneFlow, Any]]:
        if step < self.warmup_iters:
            return []
        return [(inner, step - self.warmup_iters if self.warmup_prefix else step) for inner in self.schedulers]

    def _inside(self, state: Mapping[str, Any]) -> Any:
        found = super()._inside(state)
        if isinstance(found, list) and len(found) == len(self.schedulers) + 1:
            return found[1:]  # OneFlow keeps a scheduler for the warmup itself
        return found

    def _restore(self, state: Mapping[str, Any]) -> None:
        super()._restore({k: v for k, v in state.items() if k not in ("milestones", "interval_rescaling")})

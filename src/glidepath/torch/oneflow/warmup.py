"""OneFlow's warmup before a scheduler, or over its first steps."""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping
from typing import Any

from torch.optim import Optimizer

from ...core.checks import Checks
from ...core.errors import GlidepathError
from ...core.segments import Hold
from ...dialects import load
from ..lr_scheduler.base import packed
from ..rows import Values, plain
from .base import OneFlow
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
    warmup_factor: float
    warmup_iters: int
    warmup_method: str
    warmup_prefix: bool

    @classmethod
    def _arguments_of(cls, reader: inspect.Signature) -> inspect.Signature:
        return inspect.Signature(list(super()._arguments_of(reader).parameters.values())[1:])

    def _keep(self, arguments: dict[str, Any]) -> Optimizer:
        given = arguments.pop("scheduler_or_optimizer")
        self.schedulers = [] if isinstance(given, Optimizer) else [given]
        self.optimizer = getattr(given, "optimizer", given)
        if not isinstance(self.optimizer, Optimizer):
            rule = "an optimizer, or a scheduler of glidepath.torch.oneflow"
            raise GlidepathError.of("oneflow WarmupLR", "scheduler_or_optimizer", rule, given)
        return super()._keep({**arguments, "optimizer": self.optimizer})

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
        bases = packed([plain(group.get("initial_lr", group["lr"])) for group in self.optimizer.param_groups])
        for base, goal in zip(bases.tolist(), self._goals(bases).tolist(), strict=True):
            fits = 0 <= goal <= base or math.isclose(goal, base)
            rule = f"from 0 to the base rate at step {self.warmup_iters}"
            checks.require(fits, "scheduler_or_optimizer", rule, goal, f"the base rate is {base:g}")

    def _meets(self) -> bool:
        """Returns whether the warmup goes to where the scheduler will be, not to the base rate."""
        return bool(self.schedulers) and not self.warmup_prefix and self.warmup_method == "linear"

    def _goals(self, bases: Values) -> Values:
        """Returns the rates that the warmup ends on."""
        return self.schedulers[0]._values(bases, self.warmup_iters) if self._meets() else bases

    def _values(self, bases: Values, step: Any) -> Values:
        if step >= self.warmup_iters:
            return super()._values(bases, step)
        if self.warmup_method == "constant":
            return bases * self.warmup_factor
        share = step / self.warmup_iters
        return bases * (self.warmup_factor * (1 - share)) + self._goals(bases) * share

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

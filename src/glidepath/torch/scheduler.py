"""A schedule that drives an optimizer through its own hooks."""

from __future__ import annotations

import math
import weakref
from typing import Any

from torch import Tensor
from torch.optim import Optimizer

from ..core.errors import GlidepathError, Problem, shown
from ..core.schedule import Schedule

__all__ = ["Scheduler", "attach"]


def attach(optimizer: Optimizer, schedule: Schedule | str, *, absolute: bool = False) -> Scheduler:
    """Lets `schedule` drive the learning rate of every group of `optimizer`.

    Update `k` is made with `base * schedule(k)`, where `base` is the group's own rate: `group["initial_lr"]` where there is one, else its
    `lr`. The value is written right before the update that uses it; between updates `group["lr"]` is the value last used. Only updates
    that really happen are counted.

    Args:
        optimizer: Held weakly.
        schedule: A factor of each group's base, or its text.
        absolute: Whether the schedule gives rates instead of factors.

    Returns:
        The scheduler: how many updates were made, and how to let go of the optimizer.

    Raises:
        GlidepathError: If an argument or a group's rate is refused; the optimizer is then as it was.

    Examples:
        >>> import torch, glidepath as gp
        >>> optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
        >>> scheduler = attach(optimizer, gp.linear(10))
        >>> optimizer.step(), optimizer.step()
        (None, None)
        >>> scheduler.updates, optimizer.param_groups[0]["lr"]
        (2, 0.09000000000000001)
    """
    if not isinstance(optimizer, Optimizer):
        raise GlidepathError.of("attach", "optimizer", "a torch.optim.Optimizer", optimizer)
    return Scheduler(optimizer, Schedule.of(schedule), absolute)


class Scheduler:
    """Drives an optimizer; made by `attach`."""

    def __init__(self, optimizer: Optimizer, schedule: Schedule, absolute: bool) -> None:
        self.schedule, self.absolute = schedule, absolute
        self.updates = 0
        problems = [
            Problem(f"group {i}", "lr", "finite and at least 0", shown(base))
            for i, group in enumerate(optimizer.param_groups)
            if not math.isfinite(base := _base(group)) or base < 0
        ]
        if problems:
            raise GlidepathError(problems)
        self._optimizer = weakref.ref(optimizer)
        self._armed = False
        self._added = [group for group in optimizer.param_groups if "initial_lr" not in group]
        self._handles = [
            optimizer.register_step_pre_hook(self._before),
            optimizer.register_step_post_hook(self._after),
        ]

    @property
    def last(self) -> list[float]:
        """The value of each group, in the order of the groups."""
        optimizer = self._optimizer()
        return [] if optimizer is None else [float(group["lr"]) for group in optimizer.param_groups]

    def detach(self) -> None:
        """Lets go of the optimizer: its hooks are removed, and each group has its own rate again."""
        for handle in self._handles:
            handle.remove()
        optimizer = self._optimizer()
        if optimizer is not None and self._handles:
            for group in optimizer.param_groups:
                if "initial_lr" in group:
                    _write(group, _base(group))
                if any(group is other for other in self._added):
                    group.pop("initial_lr", None)
        self._handles, self._added = [], []

    def _before(self, optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        del args, kwargs
        factor = self.schedule.scalar(self.updates)
        for group in optimizer.param_groups:
            base = group.setdefault("initial_lr", _base(group))
            _write(group, factor if self.absolute else float(base) * factor)
        self._armed = True

    def _after(self, optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        del optimizer, args, kwargs
        if self._armed:
            self._armed = False
            self.updates += 1


def _base(group: dict[str, Any]) -> float:
    return float(group["initial_lr"] if "initial_lr" in group else group["lr"])


def _write(group: dict[str, Any], value: float) -> None:
    if isinstance(group["lr"], Tensor):
        group["lr"].fill_(value)
    else:
        group["lr"] = value

"""A plan as the `LRScheduler` that other libraries ask for."""

from __future__ import annotations

import warnings
from typing import Any

from torch import Tensor
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from ..core.errors import GlidepathError
from .attaching import attach
from .resume import Policy, Resumed

__all__ = ["ScheduleLR"]

_PATIENCE = 8  # so many steps without a single update are no accident


class ScheduleLR(LRScheduler):
    """A plan for code that wants a `torch.optim.lr_scheduler.LRScheduler`: Lightning, Hugging Face's Trainer, Accelerate.

    As PyTorch's schedulers do, it writes when it is made and in every `step()`: between updates `group["lr"]` is the value of the coming
    update. Unlike them it counts the updates that the optimizer really made, not the calls of `step()`: stepping once per process, as
    Accelerate does, for a skipped update, or once per epoch bends nothing. It does not patch `optimizer.step`.

    Before an update it goes on along the schedule where the group still holds what it wrote last. What anybody else wrote stays until
    `step()`, where `foreign=` decides about it; so a bridge that nobody steps any more never takes a rate back.

    Args:
        optimizer: Its groups are written at once with the values of the first update.
        plan: What `attach` takes; the steps of its schedules are updates of the optimizer.
        options: Those of `attach`.

    Raises:
        GlidepathError: As `attach` does.

    Examples:
        >>> import torch
        >>> optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.5)
        >>> scheduler = ScheduleLR(optimizer, "linear(10)")
        >>> optimizer.step(), scheduler.step(), scheduler.step()
        (None, None, None)
        >>> scheduler.get_last_lr()
        [0.45]
    """

    def __init__(self, optimizer: Optimizer, plan: Any, **options: Any) -> None:
        # LRScheduler's constructor would patch optimizer.step and write by its own rules
        self.scheduler = attach(optimizer, plan, **options)
        self.optimizer = optimizer
        self._run, live = self.scheduler._run, self.scheduler._live()
        if len(live) != 1:
            self.scheduler.detach()
            raise GlidepathError.of("ScheduleLR", "optimizer", "one optimizer", optimizer, "several take attach")
        self._driven, self._bound = live[0]
        self._run.ahead = True
        self._step_count = 1
        self._bound.show(self._driven.param_groups)

    @property
    def last_epoch(self) -> int:  # type: ignore[override]
        """The updates done, under PyTorch's name."""
        return self.scheduler.updates

    @property
    def base_lrs(self) -> list[float]:  # type: ignore[override]
        """The base of each group's learning rate."""
        return [float(group.get("initial_lr", group["lr"])) for group in self.optimizer.param_groups]

    def step(self, epoch: int | None = None) -> None:
        """Writes the values of the coming update, which is found by the updates that the optimizer made.

        Args:
            epoch: Must be None: PyTorch's deprecated argument.

        Raises:
            GlidepathError: If `epoch` is given.
        """
        if epoch is not None:
            raise GlidepathError.of("ScheduleLR.step", "epoch", "None", epoch, "seek() goes to an update")
        self._step_count += 1
        run, bound, optimizer = self._run, self._bound, self._driven
        if run.late is not None:
            bound.settle_late()
        at = run.position()
        for channel in bound.channels:
            channel.states = run.states
        if bound.handles and not bound.writes(optimizer.param_groups, at):
            bound.repair(optimizer, at, run.states, "step")
        if self._step_count == _PATIENCE and not run.updates:
            warnings.warn(
                f"ScheduleLR: step() was called {_PATIENCE - 1} times, and this optimizer has made no update: is it the one that trains?",
                UserWarning,
                stacklevel=2,
            )

    def get_lr(self) -> list[float | Tensor]:
        """Returns the values of the coming update, in the order of the groups."""
        return self.get_last_lr()

    def get_last_lr(self) -> list[float | Tensor]:
        """Returns the learning rates that the groups hold now; tensors are copies."""
        rates = (group["lr"] for group in self.optimizer.param_groups)
        return [rate.clone() if isinstance(rate, Tensor) else rate for rate in rates]

    def state_dict(self) -> dict[str, Any]:
        """Returns the state of the scheduler: see `Scheduler.state_dict`."""
        return self.scheduler.state_dict()

    def load_state_dict(self, state_dict: Any, resume: Policy | None = None) -> Resumed:  # type: ignore[override]
        """Goes on from a state: see `Scheduler.load_state_dict`."""
        return self.scheduler.load_state_dict(state_dict, resume)

"""A plan as the `LRScheduler` that other libraries ask for."""

from __future__ import annotations

import copy
import copyreg
import warnings
import weakref
from typing import TYPE_CHECKING, Any, Literal

from torch import Tensor
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from ..core import GlidepathError
from ..plan.given import Policy
from .attaching import attach
from .optimizers import optimizers_of
from .resume import Resumed, ResumedWarning
from .scheduler import Scheduler

__all__ = ["ScheduleLR"]

_PATIENCE = 8  # so many steps without a single update are no accident
_OWN = ("scheduler", "_run", "_driven", "_bound", "_said")  # what a copy makes anew


class ScheduleLR(LRScheduler):
    """A plan for code that wants a `torch.optim.lr_scheduler.LRScheduler`: Lightning, Hugging Face's Trainer, Accelerate.

    As PyTorch's schedulers do, it writes when it is made and in every `step()`: between updates `group["lr"]` is the value of the coming
    update. Unlike them it counts the updates that the optimizer really made, not the calls of `step()`: stepping once per process, as
    Accelerate does, for a skipped update, or once per epoch bends nothing. It does not patch `optimizer.step`.

    Before an update it goes on along the schedule where the group still holds what it wrote last. What anybody else wrote stays until
    `step()`, where `foreign=` decides about it; so a bridge that nobody steps any more never takes a rate back.

    All that `attach` returns is here too: `updates`, `last`, `observe`, `count`, `scale`, `on_update`, loggers. `copy.copy` gives one to
    plot with: each `step()` of it goes on by one, until the optimizer makes updates, and when it is gone the groups are as before.
    `copy.deepcopy` and `pickle` take the optimizer along, alone or together with it; who listens is left behind.

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
        self._take(optimizer, attach(optimizer, plan, **options))
        self._step_count = 1

    def _take(self, optimizer: Optimizer, scheduler: Scheduler) -> None:
        live = scheduler._live()
        if len(live) != 1:
            scheduler.detach()
            raise GlidepathError.of("ScheduleLR", "optimizer", "one optimizer", optimizer, "several take attach")
        self.optimizer, self.scheduler, self._run = optimizer, scheduler, scheduler._run
        self._driven, self._bound = live[0]
        self._said: tuple[int, int] | None = None  # a count that is shown, and the updates done when it was said
        self._run.ahead = True
        self._bound.show(self._driven.param_groups)

    if TYPE_CHECKING:  # what `attach` gives, below

        def __getattr__(self, name: str) -> Any: ...

    def __copy__(self) -> ScheduleLR:
        made = type(self).__new__(type(self))
        vars(made).update(vars(self), _said=(self.last_epoch, self._run.updates))
        weakref.finalize(made, _restored, weakref.ref(self)).atexit = False
        return made

    def __deepcopy__(self, memo: Any) -> ScheduleLR:
        made = memo[id(self)] = type(self).__new__(type(self))
        made.__setstate__(copy.deepcopy(self.__getstate__(), memo))
        made._said = (self.last_epoch, self._run.updates)
        return made

    def __reduce__(self) -> Any:
        return copyreg.__newobj__, (type(self),), self.__getstate__()  # type: ignore[attr-defined]

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in vars(self).items() if k not in _OWN} | {"scheduler": self.scheduler.packed()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._take(state["optimizer"], Scheduler.unpacked(optimizers_of(state["optimizer"]), state["scheduler"]))

    @property
    def last_epoch(self) -> int:  # type: ignore[override]
        """The updates done, under PyTorch's name. A number written here is shown instead until the next update, which it does not bend."""
        said, made = self._said, self.scheduler.updates
        return said[0] if said and said[1] == made else made

    @last_epoch.setter
    def last_epoch(self, updates: int) -> None:
        self._said = (int(updates), self.scheduler.updates)

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
        run, bound = self._run, self._bound
        if self._said is not None:
            self._said = (self.last_epoch + 1, run.updates) if self._said[1] == run.updates else None
        elif self._step_count != _PATIENCE and run.plain and run.late is None and bound.handles:
            bound.shower = 0  # as below, on the way that nearly every step goes
            if bound.writes(self._driven.param_groups, run.updates):
                return
        elif self._step_count == _PATIENCE and not run.updates:
            said = f"step() was called {_PATIENCE - 1} times, and this optimizer has made no update: is it the one that trains?"
            remedy = "To plot a schedule, step a copy: copy.copy(scheduler)"
            warnings.warn(f"ScheduleLR: {said} {remedy}", UserWarning, stacklevel=2)
        self._show("step")

    def _show(self, mode: Literal["keep", "step"]) -> None:
        """Writes the values of the coming update, or of the count that is shown instead."""
        run, bound, optimizer = self._run, self._bound, self._driven
        if run.late is not None:
            bound.settle_late()
        if self._said is not None and self._said[1] == run.updates:
            at, bound.shower = run.plan.position(updates=max(0, self._said[0])), id(self)
        else:
            at, bound.shower = run.updates if run.plain else run.position(), 0
        if not run.plain:
            for channel in bound.channels:
                channel.states = run.states
        if bound.handles and not bound.writes(optimizer.param_groups, at):
            bound.repair(optimizer, at, run.states, mode)

    def get_lr(self) -> list[float | Tensor]:
        """Writes and returns the values of the coming update, in the order of the groups."""
        self._show("step")
        return self.get_last_lr()

    def get_last_lr(self) -> list[float | Tensor]:
        """Returns the learning rates that the groups hold now; tensors are copies."""
        if self._bound.shower not in (0, id(self)):  # another has written its own
            self._show("keep")
        rates = (group["lr"] for group in self.optimizer.param_groups)
        return [rate.clone() if isinstance(rate, Tensor) else rate for rate in rates]

    def state_dict(self) -> dict[str, Any]:
        """Returns the state of the scheduler: see `Scheduler.state_dict`."""
        return self.scheduler.state_dict()

    def load_state_dict(self, state_dict: Any, resume: Policy | None = None) -> Resumed:  # type: ignore[override]
        """Goes on from a state: see `Scheduler.load_state_dict`. What differs is told by a `ResumedWarning` where `resume` is not given.

        Frameworks load the state, and throw away the report that is returned.
        """
        self._said, report = None, self.scheduler.load_state_dict(state_dict, resume)
        if resume is None and (report.differences or report.bases or report.jump):
            warnings.warn(ResumedWarning(str(report)), stacklevel=2)
        return report


for _name in [*vars(Scheduler), "resumed"]:  # a `__getattr__` would make every other attribute slower
    if not _name.startswith("_") and _name not in vars(ScheduleLR):
        _told = property(lambda bridge, name=_name: getattr(bridge.scheduler, name), doc=f"See `Scheduler.{_name}`.")
        setattr(ScheduleLR, _name, _told)


def _restored(bridge: weakref.ref[ScheduleLR]) -> None:
    """Puts the values of the coming update back where a copy has written its own."""
    left = bridge()
    if left is not None and left._bound.shower:
        left._show("keep")

"""Drop-ins made of schedulers: one after another, or all at every step; they may nest."""

from __future__ import annotations

from bisect import bisect_right
from itertools import pairwise
from typing import Any, ClassVar

import torch
from torch.optim import lr_scheduler as torchs

from ...core import Checks, GlidepathError
from .making import Made, saved, write_rate

__all__ = ["ChainedScheduler", "SequentialLR"]


def _undo(scheduler: Any) -> None:
    """Takes a scheduler, and all inside, back to before its first step."""
    for child in getattr(scheduler, "_schedulers", ()):
        _undo(child)
    if not hasattr(scheduler, "_schedulers") and hasattr(scheduler, "last_epoch"):
        scheduler.last_epoch = max(scheduler.last_epoch - 1, -1)


def _restart(scheduler: Any) -> None:
    """Begins a scheduler anew when its turn has come: one of schedulers from the initial rates, a single one as PyTorch does."""
    if hasattr(scheduler, "_schedulers"):
        _begin_anew(scheduler)
    else:
        scheduler._update_lr(0)


def _begin_anew(scheduler: Any) -> None:
    """Takes the first step of schedulers once more, from the initial rates."""
    for group in scheduler.optimizer.param_groups:
        write_rate(group, float(group["initial_lr"]))
    _forget(scheduler)
    scheduler._initial_step()


def _forget(scheduler: Any) -> None:
    for child in getattr(scheduler, "_schedulers", ()):
        _forget(child)
    if not hasattr(scheduler, "_schedulers"):
        scheduler.last_epoch = -1


class _Composite(Made):
    """What both do alike: a state with those of the schedulers inside."""

    _schedulers: Any
    unsaved: ClassVar[frozenset[str]] = frozenset({"optimizer", "_schedulers"})

    def state_dict(self) -> dict[str, Any]:
        """Returns PyTorch's state: the attributes but the optimizer, and the states of the schedulers inside."""
        return super().state_dict() | {"_schedulers": [child.state_dict() for child in self._schedulers]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restores a state, of PyTorch's class too, and writes its rates into the groups.

        Args:
            state_dict: What `state_dict` returned; it is left as it is.

        Raises:
            GlidepathError: If it is of another number of schedulers; nothing is changed then.
        """
        children = state_dict.get("_schedulers") if isinstance(state_dict, dict) else None
        if not isinstance(children, list) or len(children) != len(self._schedulers):
            rule, got = f"the state of {len(self._schedulers)} schedulers", children and len(children)
            raise GlidepathError.of(type(self).__name__, "state_dict", rule, got or sorted(state_dict))
        for child, state in zip(self._schedulers, children, strict=True):
            child.load_state_dict(state)
        super().load_state_dict(state_dict)


class SequentialLR(_Composite, torchs.SequentialLR):
    """One scheduler after another, each from its own beginning.

    Args:
        optimizer: Whose rates are set.
        schedulers: The schedulers, on the same optimizer; they may be of schedulers themselves.
        milestones: The steps at which the next one's turn comes, in order.
        last_epoch: The index of the last epoch, -1 for a new run. The steps before it are taken again, from the initial rates.

    Raises:
        TypeError: If one is no scheduler.
        ValueError: If one is of another optimizer or follows a metric, or the milestones do not fit.

    Source:
        `torch.optim.lr_scheduler.SequentialLR`, version 2.13.0.
    """

    def _refuse(self, optimizer: torch.optim.Optimizer, arguments: dict[str, Any]) -> None:
        checks = Checks("pytorch SequentialLR")
        marks, last = arguments["milestones"], arguments.get("last_epoch", -1)
        if any(a > b for a, b in pairwise([0, *marks])):
            checks.refuse("milestones", "steps from 0 on, in order", marks)
        if not isinstance(last, int) or last < -1:
            checks.refuse("last_epoch", "an integer from -1 on", last)
        checks.done()

    def _begun(self, arguments: dict[str, Any]) -> None:
        if arguments.get("last_epoch", -1) >= 0:
            self._go_to(arguments["last_epoch"] + 1)

    def _go_to(self, epoch: int) -> None:
        """Takes all steps up to an epoch: where a scheduler inside begins may depend on where the one before has come."""
        _begin_anew(self)
        called = getattr(self.optimizer, "_opt_called", False)
        self.optimizer._opt_called = True  # type: ignore[attr-defined]  (no warning of steps that a run before this has taken)
        for _ in range(epoch):
            self.step()
        self.optimizer._opt_called = called  # type: ignore[attr-defined]

    def recursive_undo(self, sched: Any = None) -> None:
        """Takes back the first step of every scheduler inside, or of another one."""
        _undo(self if sched is None else sched)

    def _initial_step(self) -> None:
        self.last_epoch = 0
        _undo(self)
        self._schedulers[bisect_right(self._milestones, 0)]._initial_step()
        self._last_lr = [saved(group["lr"]) for group in self.optimizer.param_groups]

    def step(self) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Takes a step of the scheduler whose turn it is."""
        state = self.__dict__
        at = state["last_epoch"] = state["last_epoch"] + 1
        marks = state["_milestones"]
        i = bisect_right(marks, at)
        scheduler = state["_schedulers"][i]
        if i and marks[i - 1] == at:
            _restart(scheduler)
        else:
            scheduler.step()
        found = scheduler.__dict__.get("_last_lr")
        state["_last_lr"] = scheduler.get_last_lr() if found is None else found
        if self.verbose:
            self._tell(None)


class ChainedScheduler(_Composite, torchs.ChainedScheduler):
    """Several schedulers on one optimizer, all stepped in turn.

    Args:
        schedulers: The schedulers; they may be of schedulers themselves.
        optimizer: Theirs, if it is given.

    Raises:
        TypeError: If one is no scheduler.
        ValueError: If there is none, or one is of another optimizer or follows a metric.

    Source:
        `torch.optim.lr_scheduler.ChainedScheduler`, version 2.13.0.
    """

    def _refuse(self, optimizer: torch.optim.Optimizer, arguments: dict[str, Any]) -> None:
        """Leaves the checks to PyTorch's constructor."""

    def _initial_step(self) -> None:
        _undo(self)
        for child in self._schedulers:
            child._initial_step()
        self._last_lr = [saved(group["lr"]) for group in self.optimizer.param_groups]

    def step(self) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Takes a step of every scheduler."""
        for child in self._schedulers:
            child.step()
        last = self._schedulers[-1]
        found = last.__dict__.get("_last_lr")
        found = last.get_last_lr() if found is None else found
        self.__dict__["_last_lr"] = list(found) if type(found) is list else found
        if self.verbose:
            self._tell(None)

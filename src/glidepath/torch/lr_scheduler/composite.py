"""Drop-ins made of schedulers: one after another, or all at every step; they may nest."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
import torch
from torch.optim import lr_scheduler as torchs

from ...core import Checks
from ..rows import Mixed
from .making import Made, saved

__all__ = ["ChainedScheduler", "SequentialLR"]


def _leaves(scheduler: Any) -> Iterator[Any]:
    """Yields a scheduler, or of schedulers those inside."""
    if not hasattr(scheduler, "_schedulers"):
        yield scheduler
    for child in getattr(scheduler, "_schedulers", ()):
        yield from _leaves(child)


def _begin_anew(scheduler: Any) -> None:
    """Takes the first step of schedulers once more, from the initial rates."""
    groups: Any = scheduler.optimizer.param_groups
    Mixed().write(groups, "lr", np.array([float(group["initial_lr"]) for group in groups]))
    for leaf in _leaves(scheduler):
        leaf.last_epoch = -1
    scheduler._initial_step()


class _Composite(Made):
    """What both do alike: the first step of schedulers that have taken theirs already."""

    inside: ClassVar[str] = "_schedulers"
    _schedulers: Any

    def recursive_undo(self, sched: Any = None) -> None:
        """Takes every scheduler inside, or another one, back to before its first step."""
        for leaf in _leaves(self if sched is None else sched):
            leaf.last_epoch = max(leaf.last_epoch - 1, -1)

    def _first(self, schedulers: Sequence[Any]) -> None:
        """Takes the first step of some of the schedulers inside."""
        self.recursive_undo()
        for child in schedulers:
            child._initial_step()
        self._last_lr = [saved(group["lr"]) for group in self.optimizer.param_groups]


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
        """Takes all steps up to an epoch: where a scheduler inside begins may depend on where the one before has come."""
        if arguments.get("last_epoch", -1) >= 0:
            _begin_anew(self)
            called = getattr(self.optimizer, "_opt_called", False)
            self.optimizer._opt_called = True  # type: ignore[attr-defined]  (no warning of steps that a run before this has taken)
            for _ in range(arguments["last_epoch"] + 1):
                self.step()
            self.optimizer._opt_called = called  # type: ignore[attr-defined]

    def _initial_step(self) -> None:
        self.last_epoch = 0
        self._first([self._schedulers[bisect_right(self._milestones, 0)]])

    def step(self) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Takes a step of the scheduler whose turn it is."""
        state = self.__dict__
        at = state["last_epoch"] = state["last_epoch"] + 1
        marks = state["_milestones"]
        i = bisect_right(marks, at)
        scheduler = state["_schedulers"][i]
        if not i or marks[i - 1] != at:
            scheduler.step()
        elif hasattr(scheduler, "_schedulers"):
            _begin_anew(scheduler)
        else:
            scheduler._update_lr(0)
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
        self._first(self._schedulers)

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

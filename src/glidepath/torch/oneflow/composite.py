"""OneFlow's schedulers of schedulers and its warmup: functions of the base rate inside functions of the base rate, so that they nest."""

from __future__ import annotations

import inspect
import math
from abc import abstractmethod
from bisect import bisect_right
from typing import Any, ClassVar

from torch.optim import Optimizer

from ...core import Checks, GlidepathError, Hold, Problem
from ...dialects import load
from ..lr_scheduler.base import packed
from ..rows import Values, plain
from .base import OneFlow
from .classes import MultiplicativeLR

__all__ = ["ChainedScheduler", "SequentialLR", "WarmUpLR", "WarmupLR"]


def members(checks: Checks, field: str, given: Any, optimizer: Any) -> None:
    """Notes what cannot stand inside a scheduler of schedulers."""
    if not isinstance(given, OneFlow) or isinstance(given, MultiplicativeLR):
        rule = "a scheduler of glidepath.torch.oneflow that is a function of the step"
    elif given.optimizer is not optimizer:
        rule = "a scheduler of the same optimizer"
    else:
        return
    checks.problems.append(Problem(checks.where, field, rule, f"a {type(given).__name__}"))


class Composite(OneFlow):
    """A scheduler that hands base rates to others and has their states in its own."""

    inside: ClassVar[str] = "schedulers"
    schedulers: list[OneFlow]

    @abstractmethod
    def _active(self, step: float) -> list[tuple[OneFlow, Any]]:
        """Returns the schedulers whose turn it is, in order, each with its step."""

    def _values(self, bases: Values, step: Any) -> Values:
        for child, inner in self._active(step):
            bases = child._values(bases, inner)
        return bases

    def _move(self, last: Any, at: Any, epoch: Any = None) -> None:
        super()._move(last, at, epoch)
        self._noted(at)

    def _noted(self, step: Any) -> None:
        super()._noted(step)
        for child, inner in self._active(step):
            child._noted(inner)

    def _align(self, groups: list[Any]) -> None:
        for child in self.schedulers:
            child._align(groups)
        super()._align(groups)


class SequentialLR(Composite):
    """One scheduler after another, on the common clock or each from its own beginning.

    Args:
        optimizer: Whose rates are set.
        schedulers: The schedulers, on the same optimizer; they may be of schedulers themselves.
        milestones: The steps at which the next one's turn comes, in order.
        interval_rescaling: Whether a scheduler counts from its milestone, one answer or one for each milestone; else it goes by the common
            clock, as if it had run from the beginning.
        last_step: The index of the last step, -1 for a new run.
        verbose: Whether every rate that is set is printed.

    Raises:
        GlidepathError: With every argument that is not usable.

    Source:
        `oneflow.optim.lr_scheduler.SequentialLR`, versions 0.7.0 to 1.0.0.
    """

    milestones: list[int]
    interval_rescaling: list[bool]

    def _keep(self, arguments: dict[str, Any]) -> Optimizer:
        own = arguments["interval_rescaling"]
        if isinstance(own, bool) and isinstance(arguments["milestones"], list):
            arguments["interval_rescaling"] = [own] * len(arguments["milestones"])
        self.optimizer = super()._keep(arguments)
        return self.optimizer

    def _check(self, checks: Checks) -> None:
        inside = checks.items("schedulers", self.schedulers, 1)
        for i, child in enumerate(inside):
            members(checks, f"schedulers[{i}]", child, self.optimizer)
        given = {"milestones": self.milestones, "interval_rescaling": self.interval_rescaling}
        with checks.kept():
            load("oneflow", "SequentialLR", {"schedulers": [Hold()] * max(len(inside), 1), **given})

    def _active(self, step: float) -> list[tuple[OneFlow, Any]]:
        marks = self.milestones
        i = bisect_right(marks, step)
        return [(self.schedulers[i], step - marks[i - 1] if i and self.interval_rescaling[i - 1] else step)]


class ChainedScheduler(Composite):
    """Several schedulers, each taking the rate of the one before as its base, all at the same step.

    Args:
        schedulers: The schedulers, on one optimizer; they may be of schedulers themselves.

    Raises:
        GlidepathError: If there is none, or one does not fit.

    Source:
        `oneflow.optim.lr_scheduler.ChainedScheduler`, versions 0.7.0 to 1.0.0.
    """

    @classmethod
    def _arguments_of(cls, reader: inspect.Signature) -> inspect.Signature:
        return inspect.Signature([reader.parameters["schedulers"]])

    def _keep(self, arguments: dict[str, Any]) -> Optimizer:
        self.schedulers = given = arguments["schedulers"]
        self.optimizer = getattr(given[0], "optimizer", None) if isinstance(given, list) and given else None
        if not isinstance(self.optimizer, Optimizer):
            rule = "a list of schedulers of glidepath.torch.oneflow, one or more"
            raise GlidepathError.of("oneflow ChainedScheduler", "schedulers", rule, given)
        return self.optimizer

    def _check(self, checks: Checks) -> None:
        for i, child in enumerate(self.schedulers):
            members(checks, f"schedulers[{i}]", child, self.optimizer)

    def _active(self, step: float) -> list[tuple[OneFlow, Any]]:
        return [(child, step) for child in self.schedulers]


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

    unsaved: ClassVar[frozenset[str]] = frozenset({"milestones", "interval_rescaling"})  # of OneFlow's own class
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
        given = {name: getattr(self, name) for name in self.configuration}
        with checks.kept():
            load("oneflow", "WarmupLR", {"scheduler_or_optimizer": Hold() if self.schedulers else "optimizer", **given})
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

    def _parts(self, states: Any) -> Any:
        # OneFlow keeps a scheduler for the warmup itself
        return states[1:] if isinstance(states, list) and len(states) == len(self.schedulers) + 1 else states


WarmUpLR = WarmupLR

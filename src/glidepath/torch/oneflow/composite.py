"""OneFlow's schedulers of schedulers: functions of the base rate inside functions of the base rate, so that they nest."""

from __future__ import annotations

import inspect
from abc import abstractmethod
from bisect import bisect_right
from collections.abc import Mapping
from typing import Any

from torch.optim import Optimizer

from ...core.checks import Checks
from ...core.errors import GlidepathError, Problem
from ...core.segments import Hold
from ...dialects import load
from ..rows import Values
from .base import OneFlow
from .functions import MultiplicativeLR

__all__ = ["ChainedScheduler", "Composite", "SequentialLR", "members"]


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

    __slots__ = ()
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

    # State -----------------------------------------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """Returns OneFlow's state: the attributes but the optimizer, and the states of the schedulers inside."""
        state = super().state_dict()
        state["schedulers"] = [child.state_dict() for child in self.schedulers]
        return state

    def _inside(self, state: Mapping[str, Any]) -> Any:
        """Returns the states of the schedulers inside."""
        return state.get("schedulers")

    def _refuse_state(self, state: Any) -> None:
        super()._refuse_state(state)
        inside = self._inside(state)
        if not isinstance(inside, list) or len(inside) != len(self.schedulers):
            rule = f"the state of {len(self.schedulers)} schedulers"
            got = len(inside) if isinstance(inside, list) else inside
            raise GlidepathError.of(f"oneflow {type(self).__name__}", "state_dict", rule, got)
        for child, part in zip(self.schedulers, inside, strict=True):
            child._refuse_state(part)

    def _restore(self, state: Mapping[str, Any]) -> None:
        for child, part in zip(self.schedulers, self._inside(state), strict=True):
            child._restore(part)
        super()._restore({name: value for name, value in state.items() if name != "schedulers"})


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

    __slots__ = ()
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
        try:
            load("oneflow", "SequentialLR", {"schedulers": [Hold()] * max(len(inside), 1), **given})
        except GlidepathError as error:
            checks.problems.extend(error.problems)

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

    __slots__ = ()

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

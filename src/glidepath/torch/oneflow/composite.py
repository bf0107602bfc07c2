"""OneFlow's schedulers of schedulers: functions of the base rate inside functions of the base rate, so that they nest."""

from __future__ import annotations

from abc import abstractmethod
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from torch.optim import Optimizer

from ...core.errors import GlidepathError, Problem
from ...core.segments import Hold
from ...dialects import load
from ...dialects.checks import Checks
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

    @abstractmethod
    def _check(self, checks: Checks) -> None:
        """Notes what is wrong with the arguments."""

    def _unit(self) -> Callable[[float], Any]:
        checks = Checks(f"oneflow {type(self).__name__}")
        self._check(checks)
        checks.done()
        return _step

    def _between(self, weight: Any, highs: Sequence[float] | None = None) -> list[float]:
        rates: Any = list(self._highs() if highs is None else highs)
        for child, step in self._active(weight):
            rates = child._rates(rates, step)
        return rates

    def _update_lr(self, epoch: Any = None) -> None:
        super()._update_lr(epoch)
        self._tell(self.last_epoch)

    def _tell(self, step: int) -> None:
        super()._tell(step)
        for child, inner in self._active(step):
            child._tell(inner)

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

    def _refuse(self, state: Any) -> None:
        super()._refuse(state)
        inside = self._inside(state)
        if not isinstance(inside, list) or len(inside) != len(self.schedulers):
            rule = f"the state of {len(self.schedulers)} schedulers"
            got = len(inside) if isinstance(inside, list) else inside
            raise GlidepathError.of(f"oneflow {type(self).__name__}", "state_dict", rule, got)
        for child, part in zip(self.schedulers, inside, strict=True):
            child._refuse(part)

    def _restore(self, state: Mapping[str, Any]) -> None:
        for child, part in zip(self.schedulers, self._inside(state), strict=True):
            child._restore(part)
        super()._restore({name: value for name, value in state.items() if name != "schedulers"})


def _step(step: float) -> float:
    """Returns the step: what is made of it, the schedulers inside know."""
    return step


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
    live: ClassVar[frozenset[str]] = frozenset({"milestones", "interval_rescaling"})
    milestones: list[int]
    interval_rescaling: list[bool]

    def __init__(
        self,
        optimizer: Optimizer,
        schedulers: Sequence[OneFlow],
        milestones: Sequence[int],
        interval_rescaling: bool | Sequence[bool] = False,
        last_step: int = -1,
        verbose: bool = False,
    ) -> None:
        self.optimizer = optimizer
        self.schedulers, self.milestones = _listed(schedulers), _listed(milestones)
        self.interval_rescaling = _listed(interval_rescaling)
        if isinstance(interval_rescaling, bool) and isinstance(self.milestones, list):
            self.interval_rescaling = [interval_rescaling] * len(milestones)
        super().__init__(optimizer, last_step, verbose)

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

    def __init__(self, schedulers: Sequence[OneFlow]) -> None:
        self.schedulers = _listed(schedulers)
        first = self.schedulers[0] if isinstance(self.schedulers, list) and self.schedulers else None
        self.optimizer = getattr(first, "optimizer", None)  # type: ignore[assignment]
        if not isinstance(self.optimizer, Optimizer):
            rule = "a list of schedulers of glidepath.torch.oneflow, one or more"
            raise GlidepathError.of("oneflow ChainedScheduler", "schedulers", rule, schedulers)
        super().__init__(self.optimizer)

    def _check(self, checks: Checks) -> None:
        for i, child in enumerate(self.schedulers):
            members(checks, f"schedulers[{i}]", child, self.optimizer)

    def _active(self, step: float) -> list[tuple[OneFlow, Any]]:
        return [(child, step) for child in self.schedulers]


def _listed(given: Any) -> Any:
    """Returns a list of the caller's list or tuple; anything else is left to be refused."""
    return list(given) if isinstance(given, list | tuple) else given

"""What OneFlow's schedulers do alike, on the mechanism of the drop-ins: their clock, their arguments, their prints and their state."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from torch.optim import Optimizer

from ...core.errors import GlidepathError
from ...dialects.checks import Checks
from ...dialects.oneflow import law
from ..lr_scheduler.base import Scheduler
from ..lr_scheduler.state import check
from ..lr_scheduler.tensors import plain

__all__ = ["Closed", "OneFlow", "weights"]


class OneFlow(Scheduler):
    """A scheduler of OneFlow bound to a PyTorch optimizer: every step writes the rate of that step, whatever it finds.

    Args:
        optimizer: Whose rates are set.
        last_step: The index of the last step, -1 for a new run; the constructor takes the next one.
        verbose: Whether every rate that is set is printed.

    Raises:
        TypeError: If the optimizer is none.
        KeyError: If a run is resumed and a group has no `initial_lr`.
        GlidepathError: With every argument that is not usable, before anything is changed.
    """

    __slots__ = ()
    relative: ClassVar[bool] = False
    verbose: bool

    def __init__(self, optimizer: Optimizer, last_step: int = -1, verbose: bool = False) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")
        checks = Checks(f"oneflow {type(self).__name__}")
        try:
            self._unit()
        except GlidepathError as error:
            checks.problems.extend(error.problems)
        checks.length("last_step", last_step, -1)
        checks.done()
        self.verbose = verbose
        Scheduler.__init__(self, optimizer, last_step)

    @property
    def last_step(self) -> Any:
        """The index of the last step; PyTorch calls it `last_epoch`."""
        return self.last_epoch

    @last_step.setter
    def last_step(self, step: int) -> None:
        self.last_epoch = step

    def get_lr(self, base_lr: float | None = None, step: float | None = None) -> Any:
        """Returns the rate that a base rate has at a step, as OneFlow's; without arguments PyTorch's list of the present rates.

        Args:
            base_lr: The base rate.
            step: The step.
        """
        if base_lr is None or step is None:
            return Scheduler.get_lr(self)
        return self._rates([base_lr] * len(self.base_lrs), step)[0]

    def print_lr(self, group: int, lr: float) -> None:
        """Prints a rate that was set."""
        where = f"param_groups[{group}]"
        print(f"Last step {self.last_step} of {type(self)} adjusting learning rate of {where} to {lr:.5f}")  # noqa: T201

    def _update_lr(self, epoch: Any = None) -> None:
        super()._update_lr(epoch)
        if self.verbose:
            for i, rate in enumerate(self._last_lr):
                self.print_lr(i, plain(rate))

    def _rates(self, bases: list[float], step: float) -> list[float]:
        """Returns the rates that base rates have at a step."""
        cache = self._cache
        made = cache.unit
        if made is None or (cache.marks is not None and cache.marks != self._marks()):
            made = self._weight_of()
        return self._between(made(step), bases)

    def _tell(self, step: int) -> None:
        """Notes the step that a scheduler around this one has taken."""
        self.__dict__["last_epoch"] = step

    # State -----------------------------------------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """Returns OneFlow's state: every attribute but the optimizer; of functions only objects' attributes."""
        state = super().state_dict()
        state["last_step"] = state.pop("last_epoch")
        return state

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restores a state, of OneFlow's class too, and writes its rates into the groups.

        Args:
            state_dict: What `state_dict` returned; it is left as it is.

        Raises:
            GlidepathError: If it is of another kind of scheduler or of another number of groups; nothing is changed then.
        """
        self._refuse(state_dict)
        self._restore(state_dict)

    def _refuse(self, state: Any) -> None:
        """Refuses a state that does not fit."""
        check(f"oneflow {type(self).__name__}", _renamed(state), self.live, len(self.optimizer.param_groups))

    def _restore(self, state: Mapping[str, Any]) -> None:
        Scheduler.load_state_dict(self, _renamed(state))


def _renamed(state: Any) -> Any:
    """Returns a state with the step under PyTorch's name."""
    if not isinstance(state, Mapping):
        return state
    return {"last_epoch" if name == "last_step" else name: value for name, value in state.items()}


def weights(name: str, **arguments: Any) -> Callable[[float], Any]:
    """Returns what a scheduler of OneFlow makes of a base rate at a step: a factor, or a factor and an offset.

    Raises:
        GlidepathError: With every problem found in the arguments.
    """
    factor, offset = law(name, arguments)
    first = factor.scalar
    if offset is None:
        return first
    second = offset.scalar
    return lambda step: (first(step), second(step))


class Closed(OneFlow):
    """A scheduler whose rate is a factor of the base rate and perhaps an offset, both of the step, as its dialect says."""

    __slots__ = ()

    def _between(self, weight: Any, highs: Sequence[float] | None = None) -> list[float]:
        bases: Any = self._highs() if highs is None else highs
        if isinstance(weight, tuple):
            factor, offset = weight
            return [base * factor + offset for base in bases]
        return [base * weight for base in bases]

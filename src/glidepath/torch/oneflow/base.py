"""What OneFlow's schedulers do alike, on the mechanism of the drop-ins: their clock, their arguments, their prints and their state."""

from __future__ import annotations

import inspect
from typing import Any, ClassVar

import numpy as np
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from ...core import Checks
from ...dialects.oneflow import ONEFLOW, law
from ..lr_scheduler.base import DropIn, packed
from ..lr_scheduler.making import parameter, saved
from ..rows import Values, plain

TAIL = [parameter("last_step", -1), parameter("verbose", False)]
_NO_CONFIGURATION = {"optimizer", "scheduler_or_optimizer", "schedulers", "last_step", "verbose"}


def called(theirs: str, doc: str) -> Any:
    """Returns the property that is an attribute of PyTorch's under OneFlow's name."""
    told = f"{doc}; PyTorch calls it `{theirs}`."
    return property(lambda held: getattr(held, theirs), lambda held, value: setattr(held, theirs, value), doc=told)


class OneFlow(DropIn):
    """A scheduler of OneFlow bound to a PyTorch optimizer: every step writes the rate of that step, whatever it finds.

    A subclass has the arguments that the dialect's scheduler of its name has, and keeps them as attributes.

    Args:
        optimizer: Whose rates are set.
        last_step: The index of the last step, -1 for a new run; the constructor takes the next one.
        verbose: Whether every rate that is set is printed.

    Raises:
        TypeError: If the optimizer is none.
        KeyError: If a run is resumed and a group has no `initial_lr`.
        GlidepathError: With every argument that is not usable, before anything is changed.
    """

    library: ClassVar[str] = "oneflow"
    relative: ClassVar[bool] = False
    few: ClassVar[int] = 0  # there is no formula of PyTorch to ask
    renamed: ClassVar[dict[str, str]] = {"last_epoch": "last_step"}
    kept_as: ClassVar[dict[str, str]] = {}  # the attributes that are called otherwise than their arguments
    __signature__: ClassVar[inspect.Signature]
    _called: ClassVar[str]  # the name of OneFlow's class
    _attributes: ClassVar[dict[str, str]]  # that the arguments are kept as

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if cls.__module__.startswith("glidepath.torch.") and cls.__name__ in ONEFLOW.readers:
            cls.__signature__ = cls._arguments_of(inspect.signature(ONEFLOW.readers[cls.__name__]))
            cls._called = cls.__name__
            names = [name for name in cls.__signature__.parameters if name not in _NO_CONFIGURATION]
            cls._attributes = {name: cls.kept_as.get(name, name) for name in names}
            cls.configuration = frozenset(cls._attributes.values())

    @classmethod
    def _arguments_of(cls, reader: inspect.Signature) -> inspect.Signature:
        """Returns the constructor's arguments, from those of the dialect's reader."""
        _, *own = reader.parameters.values()
        return inspect.Signature([parameter("optimizer"), *own, *TAIL])

    def __init__(self, *given: Any, **named: Any) -> None:
        bound = self.__signature__.bind(*given, **named)
        bound.apply_defaults()
        rows = bound.arguments.items()
        arguments: Any = {name: list(value) if isinstance(value, list | tuple) else value for name, value in rows}
        last, self.verbose = arguments.pop("last_step", -1), arguments.pop("verbose", False)
        optimizer = self._keep(arguments)
        checks = Checks(f"oneflow {type(self).__name__}")
        self._check(checks)
        checks.length("last_step", last, -1)
        checks.done()
        LRScheduler.__init__(self, optimizer, last)

    def _keep(self, arguments: dict[str, Any]) -> Optimizer:
        """Makes attributes of the arguments and returns the optimizer.

        Raises:
            TypeError: If it is none.
        """
        optimizer = arguments.pop("optimizer")
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")
        for name, value in arguments.items():
            setattr(self, self.kept_as.get(name, name), value)
        return optimizer

    def _check(self, checks: Checks) -> None:
        """Notes what is wrong with the arguments."""

    def _values(self, bases: Values, step: Any) -> Values:
        """Returns the rates that base rates have at a step."""
        raise NotImplementedError  # each class that OneFlow computes by a formula has its own

    def _rates(self, groups: Any, current: Values, last: Any, at: Any, epoch: Any = None) -> Values:
        return self._next(groups, current, last, at)

    def _next(self, groups: Any, current: Values, last: Any, at: Any) -> Values:
        return self._values(packed(self.base_lrs), at)

    last_step = called("last_epoch", "The index of the last step")

    def get_lr(self, base_lr: float | None = None, step: float | None = None) -> Any:
        """Returns the rate that a base rate has at a step, as OneFlow's; without arguments PyTorch's list of the present rates.

        Args:
            base_lr: The base rate.
            step: The step.
        """
        if base_lr is None or step is None:
            return DropIn.get_lr(self)
        return self._values(np.full(len(self.base_lrs), float(base_lr)), step).tolist()[0]

    def print_lr(self, group: int, lr: float) -> None:
        """Prints a rate that was set."""
        told = f"adjusting learning rate of param_groups[{group}] to {lr:.5f}"
        print(f"Last step {self.last_step} of {type(self)} {told}")  # noqa: T201

    def _tell(self, epoch: Any) -> None:
        for i, rate in enumerate(self.get_last_lr()):
            self.print_lr(i, plain(rate))

    def _noted(self, step: Any) -> None:
        """Notes the step that a scheduler around this one has taken."""
        self.__dict__["last_epoch"] = step


class Closed(OneFlow):
    """A scheduler whose rate is a factor of the base rate and perhaps an offset, both of the step, as its dialect says."""

    def _law(self) -> Any:
        """Returns the factor and the offset, or None, as functions of the step; made anew where an argument has been changed.

        Raises:
            GlidepathError: With every problem found in the arguments.
        """
        found = {name: saved(self.__dict__[attribute]) for name, attribute in self._attributes.items()}
        known = self._arrays.get("law")
        if known is None or known[0] != found:
            factor, offset = law(type(self)._called, found)
            known = self._arrays["law"] = found, (factor.scalar, None if offset is None else offset.scalar)
        return known[1]

    def _check(self, checks: Checks) -> None:
        with checks.kept():
            self._law()

    def _values(self, bases: Values, step: Any) -> Values:
        factor, offset = self._law()
        rates = bases * factor(step)
        return rates if offset is None else rates + offset(step)

"""How a drop-in scheduler is made: its arguments checked, all of them, before PyTorch's own constructor touches the optimizer."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, ClassVar

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from ...core.checks import Checks
from ...core.errors import GlidepathError
from ...dialects import load
from ..rows import plain

__all__ = ["Made", "torchs_class"]

_RATES = ("base_lr", "max_lr", "eta_min", "swa_lr")
_VERBOSE = inspect.Parameter("verbose", inspect.Parameter.POSITIONAL_OR_KEYWORD, default=None)


class Made:
    """Gives a class PyTorch's constructor, with checks before it and `verbose`, which PyTorch had before 2.7."""

    __slots__ = ()
    lists: ClassVar[frozenset[str]] = frozenset()  # the arguments that may be lists with one item for each group
    whole: ClassVar[frozenset[str]] = frozenset()  # the arguments that PyTorch wants as integers
    configuration: ClassVar[frozenset[str]] = frozenset()  # the attributes by which a state is known
    torchs: ClassVar[str]  # the name of PyTorch's class
    functions: ClassVar[str] = ""  # the attribute that holds functions, one or a list
    verbose: bool = False  # whether every rate that is set is printed
    get_last_lr: Callable[[], list[Any]]

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        theirs = torchs_class(cls)
        if theirs is not None and "__init__" not in cls.__dict__:
            signature = inspect.signature(theirs.__init__)
            cls.torchs = theirs.__name__
            cls.__init__ = _constructor(theirs.__init__, signature)
            cls.configuration = frozenset(signature.parameters) - {"self", "optimizer", "last_epoch"}

    def _names(self) -> set[str]:
        """Returns the attributes by which a state is known to be of this kind."""
        return {name for name in (*self.configuration, self.functions) if name in self.__dict__}

    def _refuse(self, optimizer: Optimizer, arguments: dict[str, Any]) -> None:
        """Refuses arguments that are of no use.

        Raises:
            GlidepathError: With every problem found.
        """
        groups, listed = len(optimizer.param_groups), {}
        checks = Checks(f"pytorch {self.torchs}")
        for field in self.lists & arguments.keys():
            given = arguments[field]
            if isinstance(given, list | tuple):
                listed[field] = given
                if len(given) != groups:
                    checks.refuse(field, f"one number or {groups} of them", f"{len(given)} of them")
        for field in self.whole & arguments.keys():
            value = arguments[field]
            if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
                checks.refuse(field, "an integer from 1 on", value)
        for field in _RATES:
            for rate in (arguments[field] if field in listed else [arguments[field]]) if field in arguments else []:
                checks.real(field, rate, 0)
        known = {problem.field for problem in checks.problems}
        columns = zip(*listed.values(), strict=False) if listed else [()]
        for values in dict.fromkeys(columns):
            try:
                self._checked({**arguments, **dict(zip(listed, values, strict=True))})
            except GlidepathError as error:
                checks.problems += [problem for problem in error.problems if problem.field not in known]
                break
        checks.done()

    def _checked(self, arguments: dict[str, Any]) -> None:
        """Reads the arguments, of one group, as the dialect does.

        Raises:
            GlidepathError: With every problem found.
        """
        given = {name: value for name, value in arguments.items() if name != "last_epoch"}
        load("pytorch", self.torchs, given, base_lr=1.0)

    def _begun(self, arguments: dict[str, Any]) -> None:
        """Does what is left once PyTorch's constructor is through."""

    def _tell(self, epoch: Any) -> None:
        """Prints the rates as PyTorch's `verbose` did."""
        when = "" if epoch is None else f"Epoch {epoch:.2f}: a" if isinstance(epoch, float) else f"Epoch {epoch:05d}: a"
        for i, rate in enumerate(self.get_last_lr()):
            print(f"{when or 'A'}djusting learning rate of group {i} to {plain(rate):.4e}.")  # noqa: T201


def torchs_class(cls: type[Any]) -> Any:
    """Returns the class of PyTorch that a class of this package stands for, None for a user's and for one that stands for none."""
    if not cls.__module__.startswith("glidepath.torch."):
        return None
    return next(
        (base for base in cls.__mro__ if base.__module__.startswith("torch.optim.") and base is not LRScheduler), None
    )


def _constructor(theirs: Callable[..., None], signature: inspect.Signature) -> Callable[..., None]:
    """Returns PyTorch's constructor, with the checks before it."""
    own = [parameter for parameter in signature.parameters.values() if parameter.name != "verbose"]
    accepted = signature.replace(parameters=[*own, _VERBOSE])

    @functools.wraps(theirs)
    def begin(self: Any, *given: Any, **named: Any) -> None:
        arguments = accepted.bind(self, *given, **named).arguments
        verbose = arguments.pop("verbose", None)
        del arguments["self"]
        arguments = {name: plain(value) for name, value in arguments.items()}
        if "milestones" in arguments:
            arguments["milestones"] = list(arguments["milestones"])  # they may come once
        optimizer = arguments.get("optimizer")
        if isinstance(optimizer, Optimizer):
            self._refuse(optimizer, {name: value for name, value in arguments.items() if name != "optimizer"})
        theirs(self, **arguments)
        self._begun(arguments)
        if verbose is not None and verbose != "deprecated":
            self.verbose = bool(verbose)
            if verbose:
                self._tell(None)

    return begin

"""What every drop-in does alike: its arguments are checked before PyTorch's constructor touches the optimizer, and its state is PyTorch's."""

from __future__ import annotations

import functools
import inspect
import types
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np
import torch
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from ...core import Checks, GlidepathError
from ...dialects import load
from ..rows import Mixed, plain

_RATES = ("base_lr", "max_lr", "eta_min", "swa_lr")


def _last_rates(held: Any) -> Any:
    """Returns the rates of the last step, of which tensors are copied when they are asked for."""
    state = held.__dict__
    if "_last_lr" not in state:
        raise AttributeError(f"{type(held).__name__} has no _last_lr before its first step")
    if type(state["_last_lr"]) is np.ndarray:
        with torch.no_grad():
            state["_last_lr"] = list(torch.from_numpy(state["_last_lr"]).unbind())
    return state["_last_lr"]


class Made:
    """Gives a class PyTorch's constructor, with checks before it and `verbose`, which PyTorch had before 2.7, and PyTorch's state."""

    __slots__ = ()
    lists: ClassVar[frozenset[str]] = frozenset()  # the arguments that may be lists with one item for each group
    whole: ClassVar[frozenset[str]] = frozenset()  # the arguments that PyTorch wants as integers
    configuration: ClassVar[frozenset[str]] = frozenset()  # the attributes by which a state is known
    library: ClassVar[str] = "pytorch"
    torchs: ClassVar[str]  # the name of PyTorch's class
    functions: ClassVar[str] = ""  # the attribute that holds functions, one or a list
    inside: ClassVar[str] = ""  # the attribute that holds schedulers
    unsaved: ClassVar[frozenset[str]] = frozenset()  # the attributes that a state does not have, beside the optimizer
    renamed: ClassVar[dict[str, str]] = {}  # the attributes that a state calls otherwise than PyTorch does
    verbose: bool = False  # whether every rate that is set is printed
    get_last_lr: Callable[[], list[Any]]
    optimizer: Any
    _last_lr: Any = property(_last_rates, lambda held, rates: held.__dict__.update(_last_lr=rates))

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
        groups, checks = len(optimizer.param_groups), Checks(f"pytorch {self.torchs}")
        listed = {f: arguments[f] for f in self.lists & arguments.keys() if isinstance(arguments[f], list | tuple)}
        for field, given in listed.items():
            if len(given) != groups:
                checks.refuse(field, f"one number or {groups} of them", f"{len(given)} of them")
        for field in self.whole & arguments.keys():
            value = arguments[field]
            if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
                checks.refuse(field, "an integer from 1 on", value)
        for field in filter(arguments.__contains__, _RATES):
            for rate in listed.get(field, [arguments[field]]):
                checks.real(field, rate, 0)
        known = {problem.field for problem in checks.problems}
        for values in dict.fromkeys(zip(*listed.values(), strict=False) if listed else [()]):
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

    def _align(self, groups: list[Any]) -> None:
        """Brings what there is of each group into the order of the groups."""

    def _forget(self) -> None:
        """Takes what there is of each group to be in the order of the groups."""

    def state_dict(self) -> dict[str, Any]:
        """Returns the library's state of this scheduler: every attribute but the optimizer; of functions only objects' attributes.

        Its `_last_lr` are the rates of this moment, so that a restored run goes on with them whatever moved them. Of schedulers inside it has
        the states.
        """
        groups, left = self.optimizer.param_groups, {"optimizer", self.inside, *self.unsaved}
        self._align(groups)
        own = {name: saved(value) for name, value in self.__dict__.items() if name not in left}
        state = {self.renamed.get(name, name): value for name, value in own.items()}
        state["_last_lr"] = [saved(group["lr"]) for group in groups]
        held = state.get(self.functions)
        if held is not None:
            state[self.functions] = list(map(_attributes, held)) if isinstance(held, list) else _attributes(held)
        if self.inside:
            state[self.inside] = [child.state_dict() for child in getattr(self, self.inside)]
        return state

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restores a state, of the library's own class too, and writes its rates into the groups.

        Args:
            state_dict: What `state_dict` returned; it is left as it is.

        Raises:
            GlidepathError: If it is of another kind of scheduler, of another number of groups, or of schedulers inside; nothing is
                changed then.
        """
        state = self._fitting(state_dict)
        for child, part in zip(getattr(self, self.inside, ()), state.get(self.inside, ()), strict=True):
            child.load_state_dict(part)
        groups, left = self.optimizer.param_groups, {"optimizer", self.inside, self.functions, *self.unsaved}
        self.__dict__.update({name: saved(value) for name, value in state.items() if name not in left})
        held, found = self.__dict__.get(self.functions), state.get(self.functions)
        pairs = zip(held, found or (), strict=False) if isinstance(held, list) else [(held, found)]
        for fn, attributes in pairs:
            if attributes:
                fn.__dict__.update(attributes)
        self._forget()
        rates = self.__dict__.get("_last_lr")
        if isinstance(rates, list) and len(rates) == len(groups):
            Mixed().write(groups, "lr", np.array(plain(rates), "f8"))
        self._align(groups)
        self._restored(state, groups)

    def _fitting(self, given: Any) -> dict[str, Any]:
        """Returns a state under PyTorch's names, with those of schedulers inside looked at too.

        Raises:
            GlidepathError: If it is of another kind of scheduler or of another number of groups.
        """
        theirs = {ours: name for name, ours in self.renamed.items()}
        held: Any = given if isinstance(given, Mapping) else {}
        state: Any = {theirs.get(name, name): value for name, value in held.items()}
        names, groups, rule, got = self._names(), len(self.optimizer.param_groups), "", given
        rates, children = state.get("base_lrs"), getattr(self, self.inside, ())
        parts = state[self.inside] = self._parts(state.get(self.inside, []))
        if not isinstance(parts, list) or len(parts) != len(children):
            rule, got = f"the state of {len(children)} schedulers", parts
        elif "last_epoch" in self.__dict__ and "last_epoch" not in state:
            rule = "the state of a scheduler"
        elif not names <= state.keys():
            rule, got = f"of the same kind, with {', '.join(sorted(names))}", sorted(state)
        elif rates is not None and len(rates) != groups:
            rule, got = f"of {groups} groups", f"{len(rates)} groups"
        if rule:
            raise GlidepathError.of(f"{self.library} {type(self).__name__}", "state_dict", rule, got)
        for child, part in zip(children, parts, strict=True):
            if isinstance(child, Made):
                child._fitting(part)
        return state

    def _parts(self, states: Any) -> Any:
        """Returns the states of the schedulers inside, of those that a state has."""
        return states

    def _restored(self, state: dict[str, Any], groups: Any) -> None:
        """Brings what a state does not hold, or an older PyTorch's state held otherwise, in line with it."""

    def _tell(self, epoch: Any) -> None:
        """Prints the rates as PyTorch's `verbose` did."""
        when = "" if epoch is None else f"Epoch {epoch:.2f}: a" if isinstance(epoch, float) else f"Epoch {epoch:05d}: a"
        for i, rate in enumerate(self.get_last_lr()):
            print(f"{when or 'A'}djusting learning rate of group {i} to {plain(rate):.4e}.")  # noqa: T201


def torchs_class(cls: type[Any]) -> Any:
    """Returns the class of PyTorch that a class of this package stands for, None for a user's and for one that stands for none."""
    bases = [base for base in cls.__mro__ if base.__module__.startswith("torch.optim.") and base is not LRScheduler]
    return bases[0] if bases and cls.__module__.startswith("glidepath.torch.") else None


def _constructor(theirs: Callable[..., None], signature: inspect.Signature) -> Callable[..., None]:
    """Returns PyTorch's constructor, with the checks before it."""
    own = [each for each in signature.parameters.values() if each.name != "verbose"]
    accepted = signature.replace(parameters=[*own, parameter("verbose", None)])

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


def parameter(name: str, default: Any = inspect.Parameter.empty) -> inspect.Parameter:
    """Returns a parameter of a signature."""
    return inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=default)


def saved(value: Any) -> Any:
    """Returns an attribute as it goes into a state: its own lists and counters, so that later steps do not change it."""
    if isinstance(value, Counter):
        return Counter(value)
    if isinstance(value, list):
        return [saved(item) for item in value]
    return value.detach().clone() if isinstance(value, torch.Tensor) else value


def _attributes(fn: Any) -> dict[str, Any] | None:
    """Returns the attributes of a callable object; plain functions and builtins have none to save."""
    return None if isinstance(fn, types.FunctionType) or not hasattr(fn, "__dict__") else dict(fn.__dict__)

"""The one mechanism of the drop-in schedulers: PyTorch's own formula, asked once for all groups, and its rates written at once."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import torch
from torch.optim.lr_scheduler import EPOCH_DEPRECATION_WARNING, LRScheduler

from ..rows import Copies, Numbers, Values, plain, row
from .groups import Groups
from .making import Made, torchs_class
from .state import check, functions_left_out, functions_restored, restore_rates, saved

__all__ = ["LastRates", "Scheduler", "packed", "unpacked"]

_FEW = 12  # for so many groups PyTorch's formula, asked for each, is faster than NumPy
_SEE = "See more details at https://pytorch.org/docs/stable/optim.html#how-to-adjust-learning-rate"
_ORDER = (
    "Detected call of `lr_scheduler.step()` before `optimizer.step()`. In PyTorch 1.1.0 and later, you should call them "
    "in the opposite order: `optimizer.step()` before `lr_scheduler.step()`.  Failure to do this will result in PyTorch "
    f"skipping the first value of the learning rate schedule. {_SEE}"
)
_OVERRIDDEN = (
    "Seems like `optimizer.step()` has been overridden after learning rate scheduler initialization. Please, make sure "
    f"to call `optimizer.step()` before `lr_scheduler.step()`. {_SEE}"
)
_ASKED = "To get the last learning rate computed by the scheduler, please use `get_last_lr()`."


def _close(found: Values, known: Values) -> bool:
    """Returns whether all rates agree up to a rounding to float32."""
    return len(found) == len(known) and bool(
        np.all(np.abs(found - known) <= 1e-6 * np.maximum(np.abs(found), np.abs(known)))
    )


class LastRates:
    """The attribute `_last_lr`: the rates of the last step, of which tensors are copied when they are asked for."""

    __slots__ = ()

    def __get__(self, held: Any, kind: Any = None) -> Any:
        if held is None:
            return self
        found = held.__dict__.get("_last_lr", self)
        if found is self:
            raise AttributeError(f"{type(held).__name__} has no _last_lr before its first step")
        return found.made() if type(found) is Copies else found

    def __set__(self, held: Any, rates: Any) -> None:
        held.__dict__["_last_lr"] = rates


class Scheduler(Made, Groups, LRScheduler):
    """Stands behind a scheduler of PyTorch among the bases of a class and steps it.

    PyTorch's constructor, attributes and formula serve as they are. The formula is asked through a view of the scheduler with one group,
    whose rate is an array of all rates; of few groups it is asked directly. A subclass says what of the view is other than PyTorch's.
    """

    __slots__ = ("_arrays", "_groups", "_joined", "_owners", "_quick", "_row")
    relative: ClassVar[bool] = True  # whether it multiplies the rate it finds; else it overwrites it
    joins_at_base: ClassVar[bool] = False  # whether a group that joins is given the factor of the moment
    unsaved: ClassVar[frozenset[str]] = frozenset({"optimizer"})
    _last_lr: Any = LastRates()
    last_epoch: Any
    optimizer: Any
    _formula: Callable[[Any], Any]  # PyTorch's get_lr
    _closed: ClassVar[Callable[[Any], Any] | None] = None  # PyTorch's _get_closed_form_lr
    _own: ClassVar[bool] = True  # whether the formulas are these, not those of a user's subclass

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        theirs = torchs_class(cls)
        if theirs is not None:
            cls._formula, cls._closed = theirs.get_lr, getattr(theirs, "_get_closed_form_lr", None)
            front = ["get_lr", "state_dict", "load_state_dict", *(["_get_closed_form_lr"] if cls._closed else [])]
            for name in front:
                setattr(cls, name, getattr(Scheduler, name if hasattr(Scheduler, name) else "_closed_form"))
        formulas = (getattr(cls, name, None) for name in ("get_lr", "_get_closed_form_lr"))
        cls._own = all(formula is None or formula.__module__.startswith("glidepath.torch.") for formula in formulas)

    def __getstate__(self) -> dict[str, Any]:
        self._align(self.optimizer.param_groups)
        return self.__dict__

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._align(self.optimizer.param_groups)

    # What a subclass says --------------------------------------------------------------------------------------------------------------

    def _mended(self, last: Any, at: Any) -> dict[str, Any] | None:
        """Returns the attributes that the formula is to see for a step other than they are, None where it may see the scheduler itself.

        Args:
            last: The step that the rates are of.
            at: The step that is taken.
        """
        del last, at
        return None

    def _few(self, groups: Sequence[Any]) -> bool:
        """Returns whether the formula, seeing the scheduler itself, is quick."""
        return self._own and len(groups) <= _FEW

    def _stack(self, view: dict[str, Any], groups: Sequence[dict[str, Any]], current: Values) -> None:
        """Makes one group of all groups in the attributes of a view."""
        view["optimizer"] = SimpleNamespace(param_groups=[_One(groups, current)])
        for name in ("base_lrs", *self.per_group):
            if isinstance(view.get(name), list):
                view[name] = _Line(self._arrays, name, view[name])

    def _written(self, view: Any, groups: Sequence[dict[str, Any]]) -> None:
        """Writes what the formula has written into the view's group beside a rate."""

    # The mechanism ---------------------------------------------------------------------------------------------------------------------

    def step(self, epoch: Any = None) -> None:
        """Takes a step, after the optimizer's.

        Args:
            epoch: The epoch to go to; deprecated by PyTorch, which warns.
        """
        state = self.__dict__
        count = state["_step_count"]
        if count == 1:
            self._check_order()
        state["_step_count"] = count + 1
        if epoch is not None:
            warnings.warn(EPOCH_DEPRECATION_WARNING, UserWarning, stacklevel=2)
        self._update_lr(epoch)

    def _initial_step(self) -> None:
        self._get_lr_called_within_step = False
        super()._initial_step()

    def _check_order(self) -> None:
        if not hasattr(self.optimizer.step, "_wrapped_by_lr_sched"):
            warnings.warn(_OVERRIDDEN, UserWarning, stacklevel=3)
        elif not getattr(self.optimizer, "_opt_called", False):
            warnings.warn(_ORDER, UserWarning, stacklevel=3)

    def _update_lr(self, epoch: Any = None) -> None:
        state = self.__dict__
        last = state["last_epoch"]
        at = last + 1 if epoch is None else epoch
        if epoch is None and self._quick and not state["_is_initial"] and self._mended(last, at) is None:
            groups, known = state["optimizer"].param_groups, self._groups
            for group, found in zip(groups, known):  # noqa: B905  (the keyword takes as long as the step)
                if group is not found or type(group["lr"]) is not float:
                    break
            else:
                if len(groups) == len(known):
                    state["last_epoch"] = at
                    values = state["_last_lr"] = self._directly()
                    for group, value in zip(groups, values):  # noqa: B905  (PyTorch's formula gives one for each)
                        group["lr"] = value
                    if self.verbose:
                        self._tell(None)
                    return
        self._move(last, at, epoch)

    def _move(self, last: Any, at: Any, epoch: Any = None) -> None:
        """Goes from one step to another, asked for by its number or not."""
        state = self.__dict__
        if self._own:
            state["last_epoch"] = at
            groups = state["optimizer"].param_groups
            current = self._read(groups)
            if self._joined:
                current = self._welcome(groups, current, at)
            state["_last_lr"] = self._row.write(groups, "lr", self._rates(groups, current, last, at, epoch))
        else:
            self._align(self.optimizer.param_groups)
            super()._update_lr(epoch)
        if self.verbose:
            self._tell(epoch)

    def _read(self, groups: list[dict[str, Any]]) -> Values:
        """Returns the rates."""
        found = [group["lr"] for group in groups]
        current = self._row.kept(found)
        if current is not None:
            return current
        self._align(groups)
        if not self._row.holds(found):
            self._row = row(found)
        return self._row.read(found)

    def _rates(self, groups: Any, current: Values, last: Any, at: Any, epoch: Any = None) -> Values:
        """Returns the rates that a step makes of the present ones."""
        if epoch is not None and self._closed is not None:
            return self._on_curve(groups, current, at)
        if self._is_initial and at > 0 and self.relative:
            return self._resumed(groups, current, at)
        if at < 0:
            changes = self._mended(last, 0) or {}
            return self._asked(type(self)._formula, groups, current, {"last_epoch": 0, **changes})
        return self._next(groups, current, last, at)

    def _next(self, groups: Any, current: Values, last: Any, at: Any) -> Values:
        changes = self._mended(last, at)
        if changes is None and self._quick and type(self._row) is Numbers:
            return np.array(self._directly(), "f8")
        return self._asked(type(self)._formula, groups, current, changes or {})

    def _directly(self) -> list[float]:
        """Returns what PyTorch's formula gives the scheduler itself."""
        state = self.__dict__
        state["_get_lr_called_within_step"] = True
        try:
            found = self._formula()  # pyright: ignore[reportCallIssue]
        finally:
            state["_get_lr_called_within_step"] = False
        for value in found:
            if type(value) is not float:
                return [float(value) for value in found]
        return found

    def _asked(self, formula: Any, groups: Any, current: Values, changes: dict[str, Any]) -> Values:
        """Returns what a formula of PyTorch gives all groups at once."""
        view: Any = object.__new__(type(self))
        state = view.__dict__
        state.update(self.__dict__)
        state["_get_lr_called_within_step"] = True
        self._stack(state, groups, current)
        state.update(changes)
        found = formula(view)
        self._written(view, groups)
        return unpacked(found)

    def _on_curve(self, groups: Any, current: Values, at: Any, **more: Any) -> Any:
        """Returns the rates that the base rates have at a step, None for a scheduler without a curve."""
        if self._closed is None:
            return None
        at = max(at, 0)
        return self._asked(
            type(self)._closed, groups, current, {"last_epoch": at, **(self._mended(at, at) or {}), **more}
        )

    def _resumed(self, groups: Any, current: Values, at: Any) -> Values:
        """Returns the rates of a run that is resumed through `last_epoch`.

        They are put on the curve if this schedule alone explains them: as those of this epoch, of the one before, or the base rates. Rates
        that a hand or another scheduler has moved stay as they are.
        """
        known = self._on_curve(groups, current, at)
        if known is None or _close(current, known):
            return current
        if _close(current, self._on_curve(groups, current, at - 1)):
            changes = self._mended(at - 1, at) or {}
            more = {"_is_initial": False, "_step_count": at + 1}
            return self._asked(type(self)._formula, groups, current, {**changes, **more})
        return known if _close(current, packed(self.base_lrs)) else current

    def _welcome(self, groups: Any, current: Values, at: Any) -> Values:
        """Returns the rates with those of groups that have just joined made what they would be had they been there all the while."""
        if self.joins_at_base:
            factor = self._on_curve([], np.ones(1), at - 1, base_lrs=[1.0])
            current = np.where([owner in self._joined for owner in self._owners], current * factor, current)
            self._row.write(groups, "lr", current)
        self._joined.clear()
        self._quick = self._few(groups)
        return current

    # PyTorch's other methods -----------------------------------------------------------------------------------------------------------

    def get_lr(self) -> list[Any]:
        """Returns what a step to `last_epoch` makes of the present rates; warns outside a step, as PyTorch's does."""
        if not self._get_lr_called_within_step:
            warnings.warn(_ASKED, UserWarning, stacklevel=2)
        groups, at = self.optimizer.param_groups, self.last_epoch
        self._align(groups)
        within = self._get_lr_called_within_step
        values = self._next(groups, self._read(groups), at - 1, at)
        self._get_lr_called_within_step = within
        return _like(groups, values)

    def _closed_form(self) -> list[Any]:
        groups = self.optimizer.param_groups
        self._align(groups)
        return _like(groups, self._on_curve(groups, self._read(groups), self.last_epoch))

    # State -----------------------------------------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """Returns PyTorch's state of this scheduler: every attribute but the optimizer; of functions only objects' attributes.

        Its `_last_lr` are the rates of this moment, so that a restored run goes on with them whatever moved them.
        """
        groups = self.optimizer.param_groups
        self._align(groups)
        left = {*self.unsaved, self.functions}
        state = {name: saved(value) for name, value in self.__dict__.items() if name not in left}
        if "_last_lr" in state:  # a hand or another scheduler may have moved them since
            state["_last_lr"] = [saved(group["lr"]) for group in groups]
        if self.functions:
            held = self.__dict__[self.functions]
            several = held if isinstance(held, list) else [held]
            kept = functions_left_out(several)
            state[self.functions] = kept if isinstance(held, list) else kept[0]
        return state

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restores a state, of PyTorch's class too, and writes its rates into the groups.

        Args:
            state_dict: What `state_dict` returned; it is left as it is.

        Raises:
            GlidepathError: If it is of another kind of scheduler or of another number of groups; nothing is changed then.
        """
        groups = self.optimizer.param_groups
        check(type(self).__name__, state_dict, self._names(), len(groups))
        left = {*self.unsaved, self.functions}
        self.__dict__.update({name: saved(value) for name, value in state_dict.items() if name not in left})
        attributes = state_dict.get(self.functions) if self.functions else None
        if attributes:
            held = self.__dict__[self.functions]
            functions_restored(*((held, attributes) if isinstance(held, list) else ([held], [attributes])))
        self._forget()
        restore_rates(self.optimizer, self.__dict__.get("_last_lr"))
        self._align(groups)
        self._restored(state_dict, groups)

    def _restored(self, state: dict[str, Any], groups: Any) -> None:
        """Brings what a state does not hold, or an older PyTorch's state held otherwise, in line with it."""


def packed(values: Any) -> Values:
    """Returns an array of numbers."""
    if isinstance(values, list) and values and isinstance(values[0], torch.Tensor):
        values = plain(values)
    return np.asarray(values, "f8")


class _One(dict[str, Any]):
    """One group that stands for all: what is read is an array of what the groups have.

    Args:
        groups: The groups.
        rates: Their rates.
    """

    def __init__(self, groups: Sequence[dict[str, Any]], rates: Values) -> None:
        self.groups, self.rates = groups, rates

    def __missing__(self, key: str) -> Any:
        self[key] = found = self.rates if key == "lr" else packed([group[key] for group in self.groups])
        return found


class _Line:
    """A list with one item for each group, read as the array of its numbers.

    Args:
        known: The arrays that were made last, by the lists' names, each between what they were made of and a copy of it.
        name: The name of the list.
        values: The list.
    """

    __slots__ = ("known", "name", "values")

    def __init__(self, known: dict[str, Any], name: str, values: list[Any]) -> None:
        self.known, self.name, self.values = known, name, values

    def __iter__(self) -> Iterator[Any]:
        known, values = self.known.get(self.name), self.values
        # to read a tensor on a GPU waits for it: versions tell whether it has to be read again
        if values and type(values[0]) is not float and isinstance(values[0], torch.Tensor):
            mark: Any = [(id(value), getattr(value, "_version", None)) for value in values]
        else:
            mark = values
        if known is None or known[0] != mark:
            known = self.known[self.name] = list(mark), packed(values), list(values)
        yield known[1]


def unpacked(found: Sequence[Any]) -> Values:
    """Returns what a formula gave the one group of a view, or each of several."""
    return found[0] if len(found) == 1 and isinstance(found[0], np.ndarray) else packed(found)


def _like(groups: Sequence[Any], values: Values) -> list[Any]:
    """Returns numbers as the groups hold theirs: a new tensor for a tensor."""
    return [
        torch.full_like(group["lr"], value) if isinstance(group["lr"], torch.Tensor) else value
        for group, value in zip(groups, values.tolist(), strict=True)
    ]

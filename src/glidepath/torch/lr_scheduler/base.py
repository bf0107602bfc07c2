"""The one mechanism of the drop-in schedulers: PyTorch's own formula, asked once for all groups, and its rates written at once."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from operator import is_
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import torch
from torch.optim.lr_scheduler import LRScheduler

from ..rows import Numbers, Row, Values, like, plain, row
from .making import Made, torchs_class

_ASKED = "To get the last learning rate computed by the scheduler, please use `get_last_lr()`."


def _close(found: Values, known: Values) -> bool:
    """Returns whether all rates agree up to a rounding to float32."""
    return len(found) == len(known) and np.allclose(found, known, 1e-6, 0)


class DropIn(Made, LRScheduler):
    """Stands behind a scheduler of PyTorch among the bases of a class and steps it.

    PyTorch's constructor, attributes and formula serve as they are. The formula is asked through a view of the scheduler with one group,
    whose rate is an array of all rates; of few groups it is asked directly. A subclass says what of the view is other than PyTorch's.
    """

    __slots__ = ("_arrays", "_groups", "_joined", "_owners", "_quick", "_row")
    relative: ClassVar[bool] = True  # whether it multiplies the rate it finds; else it overwrites it
    joins_at_base: ClassVar[bool] = False  # whether a group that joins is given the factor of the moment
    per_group: ClassVar[tuple[str, ...]] = ()  # the lists with one item for each group, beside the base rates
    few: ClassVar[int] = 12  # for so many groups PyTorch's formula, asked for each, is faster than NumPy
    last_epoch: Any
    _formula: Callable[[Any], Any]  # PyTorch's get_lr
    _closed: ClassVar[Callable[[Any], Any] | None] = None  # PyTorch's _get_closed_form_lr
    _own: ClassVar[bool] = True  # whether the formulas are these, not those of a user's subclass

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        theirs = torchs_class(cls)
        if theirs is not None:
            cls._formula, cls._closed = theirs.get_lr, getattr(theirs, "_get_closed_form_lr", None)
            for name in ("get_lr", "state_dict", "load_state_dict"):
                setattr(cls, name, getattr(DropIn, name))
            if cls._closed:
                cls._get_closed_form_lr = cls._closed_form  # type: ignore[attr-defined]
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
        return self._own and len(groups) <= self.few

    def _stack(self, view: dict[str, Any], groups: Sequence[dict[str, Any]], current: Values) -> None:
        """Makes one group of all groups in the attributes of a view."""
        view["optimizer"] = SimpleNamespace(param_groups=[_One(groups, current)])
        for name in ("base_lrs", *self.per_group):
            if isinstance(view.get(name), list):
                view[name] = self._line(name, view[name])

    def _line(self, name: str, values: list[Any]) -> Iterator[Values]:
        """Yields the array of the numbers in a list with one for each group, made anew where they have changed."""
        known, mark = self._arrays.get(name), values
        # to read a tensor on a GPU waits for it: versions tell whether it has to be read again
        if values and type(values[0]) is not float and isinstance(values[0], torch.Tensor):
            mark = [(id(value), getattr(value, "_version", None)) for value in values]
        if known is None or known[0] != mark:
            # the list keeps its items, and so their `id`, alive
            known = self._arrays[name] = list(mark), packed(values), list(values)
        yield known[1]

    def _written(self, view: Any, groups: Sequence[dict[str, Any]]) -> None:
        """Writes what the formula has written into the view's group beside a rate."""

    # The mechanism ---------------------------------------------------------------------------------------------------------------------

    def _initial_step(self) -> None:
        self._get_lr_called_within_step = False
        super()._initial_step()

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
        changes = {"last_epoch": at, **(self._mended(at, at) or {}), **more}
        return self._asked(type(self)._closed, groups, current, changes)

    def _resumed(self, groups: Any, current: Values, at: Any) -> Values:
        """Returns the rates of a run that is resumed through `last_epoch`.

        They are put on the curve if this schedule alone explains them: as those of this epoch, of the one before, or the base rates. Rates
        that a hand or another scheduler has moved stay as they are.
        """
        known = self._on_curve(groups, current, at)
        if known is None or _close(current, known):
            return current
        if _close(current, self._on_curve(groups, current, at - 1)):
            changes = {**(self._mended(at - 1, at) or {}), "_is_initial": False, "_step_count": at + 1}
            return self._asked(type(self)._formula, groups, current, changes)
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

    # Groups that come, go and change places -------------------------------------------------------------------------------------------

    def __new__(cls, *_: Any, **__: Any) -> Any:
        """Returns a scheduler that knows of no group yet."""
        made = super().__new__(cls)
        made._forget()
        return made

    def _forget(self) -> None:
        """Takes the lists to be in the order of the groups."""
        self._row: Row = Numbers()
        self._groups: list[Any] = []
        self._owners: list[int] = []  # whom each place of the lists belongs to
        self._joined: set[int] = set()  # who has joined since the last step
        self._quick = False  # whether there are few groups
        self._arrays: dict[str, Any] = {}  # the lists as arrays

    def _align(self, groups: list[Any]) -> None:
        """Brings every list with one item for each group into the order of the groups, and notes which groups have joined."""
        if len(groups) == len(self._groups) and all(map(is_, groups, self._groups)):
            return
        state: dict[str, Any] = self.__dict__
        owners = [id(group["params"][0]) if group["params"] else id(group) for group in groups]
        known = self._owners or owners[: len(state["base_lrs"])]
        self._groups, self._owners, self._quick = list(groups), owners, self._few(groups) and not self._joined
        if known == owners:
            return
        rows = list(zip(owners, groups, strict=True))
        for name in ("base_lrs", *self.per_group):
            items = state.get(name)
            if isinstance(items, list):
                kept = dict(zip(known, items, strict=False))
                state[name] = [kept[own] if own in kept else self._new_item(name, items, group) for own, group in rows]
        for owner, group in rows:
            if owner not in known:
                self._joined.add(owner)
                self._quick = False
                self._join(group)

    def _new_item(self, name: str, items: list[Any], group: dict[str, Any]) -> Any:
        """Returns the item of a group that has joined in a list with one for each."""
        if name == "base_lrs":
            rate = group["lr"]
            return group.setdefault("initial_lr", rate.clone() if isinstance(rate, torch.Tensor) else rate)
        return items[0] if items else None

    def _join(self, group: dict[str, Any]) -> None:
        """Prepares a group that has joined."""


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


def unpacked(found: Sequence[Any]) -> Values:
    """Returns what a formula gave the one group of a view, or each of several."""
    return found[0] if len(found) == 1 and isinstance(found[0], np.ndarray) else packed(found)


def _like(groups: Sequence[Any], values: Values) -> list[Any]:
    """Returns numbers as the groups hold theirs: a new tensor for a tensor."""
    return [like(group["lr"], value) for group, value in zip(groups, values.tolist(), strict=True)]

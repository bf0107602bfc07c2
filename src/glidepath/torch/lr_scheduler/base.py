"""The one mechanism of the drop-in schedulers: a weight of the step, written between two ends of every group, PyTorch's way."""

from __future__ import annotations

import math
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from operator import is_, itemgetter
from typing import Any, ClassVar

import torch
from torch.optim.lr_scheduler import EPOCH_DEPRECATION_WARNING, LRScheduler

from ...core.errors import GlidepathError
from ...dialects import load
from .tensors import Sinks, plain

__all__ = ["Scheduler", "unit"]

_RATE = itemgetter("lr")
_ORDER = (
    "Detected call of `lr_scheduler.step()` before `optimizer.step()`. In PyTorch 1.1.0 and later, you should call them "
    "in the opposite order: `optimizer.step()` before `lr_scheduler.step()`. Failure to do this will result in PyTorch "
    "skipping the first value of the learning rate schedule."
)
_OVERRIDDEN = (
    "Seems like `optimizer.step()` has been overridden after learning rate scheduler initialization. Please, make sure "
    "to call `optimizer.step()` before `lr_scheduler.step()`."
)
_ASKED = "To get the last learning rate computed by the scheduler, please use `get_last_lr()`."


def unit(name: str, **arguments: Any) -> Callable[[float], float]:
    """Returns the weight of a PyTorch scheduler at a step: its dialect's schedule for a base rate of 1.

    Raises:
        GlidepathError: If the arguments are not usable.
    """
    return load("pytorch", name, arguments, base_lr=1.0).scalar


class Cache:
    """What a scheduler remembers between two steps beside its attributes; never part of a state, a copy or a pickle."""

    __slots__ = ("anchored", "expected", "marks", "owners", "sinks", "step", "unit", "weight", "written")

    def __init__(self) -> None:
        self.unit: Callable[[float], float] | None = None
        self.marks: Any = None  # a copy of what the unit was made of, where that can change in place
        self.step: Any = None  # the step of the last write
        self.weight = 1.0
        self.anchored = False  # whether the rates are the base rates times the weight, nobody else having moved them
        self.written: list[Any] = []  # the objects that were left in the groups
        self.expected: list[float] = []
        self.owners: list[int] | None = None  # whom each place of the lists belongs to
        self.sinks: Sinks | None = None


class Scheduler(LRScheduler):
    """A schedule of PyTorch bound to an optimizer, stepped as PyTorch's own.

    A subclass names its live arguments in `live`, the lists with one item for each group in `per_group`, and returns its weight from
    `_unit`. A relative one multiplies what it finds by the change of its weight; an absolute one overwrites it.

    Args:
        optimizer: Whose rates are set.
        last_epoch: The index of the last epoch, -1 for a new run.

    Raises:
        TypeError: If the optimizer is none.
        KeyError: If a run is resumed and a group has no `initial_lr`.
    """

    __slots__ = ("_cache",)
    live: ClassVar[frozenset[str]] = frozenset()
    per_group: ClassVar[tuple[str, ...]] = ()
    relative: ClassVar[bool] = True
    _own: ClassVar[bool] = True  # whether get_lr and its kin are ours, not a user's subclass's
    _cache: Cache
    last_epoch: Any

    def __init__(self, optimizer: torch.optim.Optimizer, last_epoch: int = -1) -> None:
        if not isinstance(optimizer, torch.optim.Optimizer):
            raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")
        self._cache = Cache()
        self._weight_of()
        super().__init__(optimizer, last_epoch)

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        ours = cls.__module__.startswith(__package__ or "glidepath")
        changed = any(name in cls.__dict__ for name in ("get_lr", "_get_closed_form_lr"))
        cls._own = cls._own and (ours or not changed)

    def __setattr__(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)
        if name in self.live and hasattr(self, "_cache"):
            self._cache.unit = None

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._cache = Cache()

    # What a subclass says --------------------------------------------------------------------------------------------------------------

    def _unit(self) -> Callable[[float], float]:
        """Returns the weight at a step, made of the live arguments."""
        raise NotImplementedError

    def _lows(self) -> Sequence[float] | None:
        """Returns the ends that a weight of 0 stands for, one for each group, or None where all are 0."""
        return None

    def _marks(self) -> Any:
        """Returns a copy of those live arguments that can change in place."""
        return None

    def _highs(self) -> list[Any]:
        """Returns the ends that a weight of 1 stands for."""
        return self.__dict__["base_lrs"]

    def _companions(self, weight: float) -> None:
        """Writes what moves with the rate."""

    def _before(self, made: Callable[[float], float]) -> float:
        """Returns the weight one step before step 0, for `get_lr` outside a step."""
        del made
        return 1.0

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

    def _check_order(self) -> None:
        if not hasattr(self.optimizer.step, "_wrapped_by_lr_sched"):
            warnings.warn(_OVERRIDDEN, UserWarning, stacklevel=3)
        elif not getattr(self.optimizer, "_opt_called", False):
            warnings.warn(_ORDER, UserWarning, stacklevel=3)

    def _update_lr(self, epoch: Any = None) -> None:
        if not self._own:
            super()._update_lr(epoch)
            return
        state, cache = self.__dict__, self._cache
        if epoch is None:
            at = state["last_epoch"] + 1
            follows = cache.step == state["last_epoch"]
        else:
            at, follows = epoch, False
        made = cache.unit
        if made is None or (cache.marks is not None and cache.marks != self._marks()):
            made, follows = self._weight_of(), False
        weight = made(at)
        state["last_epoch"] = at
        groups = state["optimizer"].param_groups
        now = list(map(_RATE, groups))
        if follows and cache.sinks is None and len(now) == len(cache.written) and all(map(is_, now, cache.written)):
            if not self.relative or cache.anchored:
                if weight != cache.weight or not self.relative:
                    cache.weight = weight
                    values = self._between(weight)
                    for group, value in zip(groups, values, strict=True):
                        group["lr"] = value
                    cache.written = state["_last_lr"] = values
                cache.step = at
                if not self.relative:
                    self._companions(weight)
                return
        self._settle(made, weight, at, epoch, groups, now)

    def _weight_of(self) -> Callable[[float], float]:
        cache = self._cache
        made = cache.unit = self._unit()
        cache.marks = self._marks()
        return made

    def _between(self, weight: float) -> list[float]:
        """Returns the rate of every group on the curve itself."""
        lows = self._lows()
        if lows is None:
            return [high * weight for high in self._highs()]
        return [low + (high - low) * weight for low, high in zip(lows, self._highs(), strict=True)]

    def _settle(self, made: Any, weight: float, at: Any, epoch: Any, groups: list[Any], now: list[Any]) -> None:
        """Takes a step where something is not as the last one left it: rates, groups, arguments, or tensors for rates."""
        cache = self._cache
        self._align(groups)
        highs = [plain(high) for high in self._highs()]
        current, tensors = self._read(now)
        if not self.relative or (epoch is not None and self._closed_form):
            values, cache.anchored = self._on_curve(weight), True
        elif self._is_initial and at != 0:
            values = self._resumed(made, at, highs, current)
        else:
            if at == cache.step is None or self._is_initial or at == 0:
                before = 1.0
                cache.anchored = current == highs
            else:
                before = cache.weight if cache.step == at - 1 and cache.unit is made and epoch is None else made(at - 1)
                if not (cache.step == at - 1 and cache.anchored and self._expected(current, now)):
                    cache.anchored = False
            values = self._on_curve(weight) if cache.anchored else self._changed(current, highs, before, weight)
        cache.step, cache.weight = at, weight
        self._write(groups, now, values, tensors)
        self._companions(weight)

    _closed_form: ClassVar[bool] = False

    def _on_curve(self, weight: float) -> list[float]:
        return [plain(value) for value in self._between(weight)]

    def _changed(self, current: list[float], highs: list[float], before: float, weight: float) -> list[float]:
        """Returns the rates as they are found, moved on by the change of the weight."""
        if before == weight:
            return current
        lows = self._lows()
        if before == 0:
            ends = lows or [0.0] * len(highs)
            return [
                rate + (plain(high) - low) * weight for rate, low, high in zip(current, ends, highs, strict=True)
            ]
        change = weight / before
        if lows is None:
            return [rate * change for rate in current]
        return [low + (rate - low) * change for low, rate in zip(lows, current, strict=True)]

    def _resumed(self, made: Any, at: Any, highs: list[float], current: list[float]) -> list[float]:
        """Returns the rates of a run that is resumed through `last_epoch`.

        A rate that this schedule alone explains (that of this epoch, of the one before, or the base rate) is put on the curve; one that a
        hand or another scheduler has moved stays.
        """
        curve, earlier = self._on_curve(made(at)), self._on_curve(made(at - 1))
        values = [
            there if any(math.isclose(rate, known, rel_tol=1e-6) for known in (there, before, base)) else rate
            for rate, there, before, base in zip(current, curve, earlier, highs, strict=True)
        ]
        self._cache.anchored = values == curve
        return values

    def _expected(self, current: list[float], now: list[Any]) -> bool:
        """Returns whether the rates are those of the last step, be they other objects."""
        expected = self._cache.expected
        if len(current) != len(expected):
            return False
        return all(
            a == b or (isinstance(there, torch.Tensor) and math.isclose(a, b, rel_tol=1e-6))
            for a, b, there in zip(current, expected, now, strict=True)
        )

    def _read(self, now: list[Any]) -> tuple[list[float], bool]:
        """Returns the rates as numbers and whether any is a tensor."""
        if set(map(type, now)) <= {float}:
            self._cache.sinks = None
            return now, False
        sinks = self._cache.sinks
        if sinks is not None and sinks.untouched(now):
            return self._cache.expected, True
        return [plain(rate) for rate in now], any(isinstance(rate, torch.Tensor) for rate in now)

    def _write(self, groups: list[Any], now: list[Any], values: list[float], tensors: bool) -> None:
        cache = self._cache
        cache.expected = values
        if not tensors:
            for group, value in zip(groups, values, strict=True):
                group["lr"] = value
            cache.written = self.__dict__["_last_lr"] = values if values is not now else list(values)
            cache.sinks = None
            return
        if cache.sinks is None or not cache.sinks.same(now):
            cache.sinks = Sinks(now)
        self.__dict__["_last_lr"] = cache.sinks.write(groups, values)
        cache.written = now

    # Groups that come, go and change places --------------------------------------------------------------------------------------------

    def _align(self, groups: list[Any]) -> None:
        """Brings every list with one item for each group into the order of the groups."""
        owners = [id(group["params"][0]) if group["params"] else id(group) for group in groups]
        cache, state = self._cache, self.__dict__
        if cache.owners is None or cache.owners == owners:
            if len(state["base_lrs"]) != len(owners):  # made before groups were added, and never stepped since
                cache.owners = (cache.owners or owners)[: len(state["base_lrs"])]
            else:
                cache.owners = owners
                return
        places = {owner: i for i, owner in enumerate(cache.owners)}
        found = [places.get(owner) for owner in owners]
        before = cache.expected
        for name in ("base_lrs", *self.per_group):
            items = state.get(name)
            if isinstance(items, list):
                made = [
                    items[place] if place is not None and place < len(items) else self._new_item(name, items, group)
                    for place, group in zip(found, groups, strict=True)
                ]
                object.__setattr__(self, name, made)
        cache.expected = [
            before[place] if place is not None and place < len(before) else math.nan for place in found
        ]
        for place, group in zip(found, groups, strict=True):
            if place is None:
                self._join(group)
        if None in found and self.relative:
            lows = self._lows()
            weight = cache.weight
            for i, (place, group) in enumerate(zip(found, groups, strict=True)):
                if place is None:  # a group that joins has its own rate now, which is its base rate at this step's weight
                    del lows, weight
                    cache.expected[i] = plain(group["lr"])
                    lows, weight = self._lows(), cache.weight
        cache.owners = owners

    def _new_item(self, name: str, items: list[Any], group: dict[str, Any]) -> Any:
        """Returns the item of a group that has joined in a list with one for each."""
        if name == "base_lrs":
            rate = group["lr"]
            return group.setdefault("initial_lr", rate.clone() if isinstance(rate, torch.Tensor) else rate)
        return items[0] if items else None

    def _join(self, group: dict[str, Any]) -> None:
        """Prepares a group that has joined."""

    # PyTorch's other methods -----------------------------------------------------------------------------------------------------------

    def get_lr(self) -> list[Any]:
        """Returns what a step to `last_epoch` makes of the present rates; warns outside a step, as PyTorch's does."""
        if not self._get_lr_called_within_step:
            warnings.warn(_ASKED, UserWarning, stacklevel=2)
        made = self._cache.unit or self._weight_of()
        groups, at = self.optimizer.param_groups, self.last_epoch
        self._align(groups)
        weight = made(at)
        if not self.relative:
            return self._like(groups, self._on_curve(weight))
        current = [plain(group["lr"]) for group in groups]
        before = made(at - 1) if at > 0 else 1.0 if self._is_initial else self._before(made)
        return self._like(groups, self._changed(current, [plain(high) for high in self._highs()], before, weight))

    def _like(self, groups: list[Any], values: list[float]) -> list[Any]:
        """Returns numbers as the groups hold theirs: a new tensor for a tensor."""
        return [
            torch.full_like(group["lr"], value) if isinstance(group["lr"], torch.Tensor) else value
            for group, value in zip(groups, values, strict=True)
        ]

"""The one mechanism of the drop-in schedulers: a weight of the step, written between two ends of every group, PyTorch's way."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from operator import is_, itemgetter
from typing import Any, ClassVar

import torch
from torch.optim.lr_scheduler import EPOCH_DEPRECATION_WARNING, LRScheduler

from ...dialects import load
from .cache import Cache, close
from .state import check, functions_left_out, functions_restored, restore_rates, saved
from .tensors import Sinks, plain

__all__ = ["Closed", "Scheduler", "unit"]

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
    joins_at_base: ClassVar[bool] = False  # whether a group that joins is given the weight of the moment
    _own: ClassVar[bool] = True  # whether get_lr and its kin are ours, not a user's subclass's
    _cache: Cache
    last_epoch: Any

    def __init__(self, optimizer: torch.optim.Optimizer, last_epoch: int = -1) -> None:
        if not isinstance(optimizer, torch.optim.Optimizer):
            raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")
        self._cache = Cache()
        self._weight_of()
        self._get_lr_called_within_step = False
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
        state["last_epoch"] = cache.target = at
        groups = state["optimizer"].param_groups
        written = cache.written
        if follows and cache.quick and len(groups) == len(written):
            if len(written) == 1:
                group = groups[0]
                if group["lr"] is written[0] and cache.anchored:
                    if weight != cache.weight or not self.relative:
                        cache.weight = weight
                        cache.written = cache.expected = state["_last_lr"] = values = self._between(weight)
                        group["lr"] = values[0]
                    cache.step = at
                    if not self.relative:
                        self._companions(weight)
                    return
                if self.relative and group is cache.groups[0] and type(group["lr"]) is float:
                    cache.anchored = cache.anchored and group["lr"] == written[0]
                    now = [group["lr"]]
                    values = self._between(weight) if cache.anchored else self._changed(now, cache.weight, weight)
                    group["lr"] = values[0]
                    cache.written = cache.expected = state["_last_lr"] = values
                    cache.weight, cache.step = weight, at
                    return
            now = list(map(_RATE, groups))
            same = all(map(is_, now, written))
            if same and cache.anchored:
                values = self._between(weight) if weight != cache.weight or not self.relative else written
            elif all(map(is_, groups, cache.groups)) and set(map(type, now)) == {float}:
                cache.anchored = cache.anchored and (now == written or not self.relative)
                values = self._between(weight) if cache.anchored else self._changed(now, cache.weight, weight)
            else:
                self._settle(made, weight, at, epoch, groups, now)
                return
            cache.weight, cache.step = weight, at
            if values is not written:
                for group, value in zip(groups, values, strict=True):
                    group["lr"] = value
                cache.written = cache.expected = state["_last_lr"] = values
            if not self.relative:
                self._companions(weight)
            return
        self._settle(made, weight, at, epoch, groups, list(map(_RATE, groups)))

    def _weight_of(self) -> Callable[[float], float]:
        cache = self._cache
        made = cache.unit = self._unit()
        cache.marks = self._marks()
        return made

    def _between(self, weight: float, highs: list[float] | None = None) -> list[float]:
        """Returns the rate of every group on the curve itself."""
        lows = self._lows()
        ends = self._highs() if highs is None else highs
        if lows is None:
            return [high * weight for high in ends]
        return [low + (high - low) * weight for low, high in zip(lows, ends, strict=True)]

    def _settle(self, made: Any, weight: float, at: Any, epoch: Any, groups: list[Any], now: list[Any]) -> None:
        """Takes a step where something is not as the last one left it: rates, groups, arguments, or tensors for rates."""
        cache = self._cache
        cache.target = at
        joined = self._align(groups)
        current, tensors = self._read(now)
        if not self.relative or (epoch is not None and self._closed_form):
            cache.anchored = True
        elif self._is_initial and at != 0:
            self._resume(made, at, current)
        else:
            before = 1.0 if self._is_initial or (epoch is not None and at == 0) else self._earlier(made, at)
            if joined and self.joins_at_base:
                current = [rate * before if i in joined else rate for i, rate in enumerate(current)]
            follows = cache.step == at - 1 and not self._is_initial
            if not follows:
                cache.anchored = close(current, self._on_curve(before), 1e-12)
            elif not self._expected(current, now):
                cache.anchored = False
        cache.anchored = cache.anchored and self._curved
        if cache.anchored:
            values = self._on_curve(weight)
        elif self._is_initial and at != 0:
            values = current
        else:
            values = self._changed(current, before, weight)  # type: ignore[possibly-undefined]
        cache.step, cache.weight, cache.fresh = at, weight, made
        self._write(groups, now, values, tensors)
        self._companions(weight)

    def _earlier(self, made: Any, at: Any) -> float:
        """Returns the weight one step before a step."""
        cache = self._cache
        return cache.weight if cache.step == at - 1 and cache.fresh is made else made(at - 1) if at > 0 else 1.0

    _closed_form: ClassVar[bool] = False
    _curved: ClassVar[bool] = True  # whether there is a curve of the step, not only a factor from one step to the next

    def _on_curve(self, weight: float) -> list[float]:
        return self._between(weight, [plain(high) for high in self._highs()])

    def _changed(self, current: list[float], before: float, weight: float) -> list[float]:
        """Returns the rates as they are found, moved on by the change of the weight."""
        if before == weight:
            return current
        lows = self._lows()
        if before == 0:
            ends, highs = lows or [0.0] * len(current), self._highs()
            return [rate + (plain(high) - low) * weight for rate, low, high in zip(current, ends, highs, strict=True)]
        change = weight / before
        if lows is None:
            return [rate * change for rate in current]
        return [low + (rate - low) * change for low, rate in zip(lows, current, strict=True)]

    def _resume(self, made: Any, at: Any, current: list[float]) -> None:
        """Finds out whether the rates of a run that is resumed through `last_epoch` are put on the curve.

        They are if this schedule alone explains them: as those of this epoch, of the one before, or the base rates. Rates that a hand or
        another scheduler has moved stay as they are.
        """
        known = (self._on_curve(made(at)), self._on_curve(made(at - 1)), [plain(high) for high in self._highs()])
        self._cache.anchored = any(close(current, rates, 1e-6) for rates in known)

    def _expected(self, current: list[float], now: list[Any]) -> bool:
        """Returns whether the rates are those of the last step, be they other objects."""
        if current is self._cache.expected:
            return True
        exact = not any(isinstance(rate, torch.Tensor) for rate in now)
        return close(current, self._cache.expected, 0.0 if exact else 1e-6)

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
        cache, state = self._cache, self.__dict__
        cache.groups = list(groups)
        if not tensors:
            values = list(values) if values is now else values
            for group, value in zip(groups, values, strict=True):
                group["lr"] = value
            cache.written = cache.expected = state["_last_lr"] = values
            cache.sinks = None
            cache.quick = not any(isinstance(end, torch.Tensor) for end in self._highs())
            return
        cache.quick = False
        if cache.sinks is None or not cache.sinks.same(now):
            cache.sinks = Sinks(now)
        elif values == cache.expected and cache.sinks.untouched(now):
            return
        cache.expected = list(values)
        state["_last_lr"] = cache.sinks.write(groups, values)
        cache.written = now

    # Groups that come, go and change places --------------------------------------------------------------------------------------------

    def _align(self, groups: list[Any]) -> set[int]:
        """Brings every list with one item for each group into the order of the groups; returns which groups have joined."""
        cache, state = self._cache, self.__dict__
        if len(groups) == len(cache.groups) and all(map(is_, groups, cache.groups)):
            return set()
        owners = [id(group["params"][0]) if group["params"] else id(group) for group in groups]
        known = cache.owners if cache.owners is not None else owners[: len(state["base_lrs"])]
        cache.owners = owners
        if known == owners:
            return set()
        places = {owner: i for i, owner in enumerate(known)}
        found = [places.get(owner) for owner in owners]
        for name in ("base_lrs", *self.per_group):
            items = state.get(name)
            if isinstance(items, list):
                state[name] = [
                    items[place] if place is not None and place < len(items) else self._new_item(name, items, group)
                    for place, group in zip(found, groups, strict=True)
                ]
        cache.expected = [
            cache.expected[place] if place is not None and place < len(cache.expected) else math.nan for place in found
        ]
        cache.sinks = None
        joined = {i for i, place in enumerate(found) if place is None}
        for i in joined:
            self._join(groups[i])
        return joined

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
        self._cache.target = at
        self._align(groups)
        weight = made(at)
        if not self.relative:
            return self._like(groups, self._on_curve(weight))
        current = [plain(group["lr"]) for group in groups]
        before = made(at - 1) if at > 0 else 1.0 if self._is_initial else self._before(made)
        return self._like(groups, self._changed(current, before, weight))

    def _like(self, groups: list[Any], values: list[float]) -> list[Any]:
        """Returns numbers as the groups hold theirs: a new tensor for a tensor."""
        return [
            torch.full_like(group["lr"], value) if isinstance(group["lr"], torch.Tensor) else value
            for group, value in zip(groups, values, strict=True)
        ]

    # State -----------------------------------------------------------------------------------------------------------------------------

    _functions: ClassVar[str] = ""  # the attribute that holds functions, one or a list

    def state_dict(self) -> dict[str, Any]:
        """Returns PyTorch's state of this scheduler: every attribute but the optimizer; of functions only objects' attributes.

        Its `_last_lr` are the rates of this moment, so that a restored run goes on with them whatever moved them.
        """
        state = {
            name: saved(value) for name, value in self.__dict__.items() if name not in ("optimizer", self._functions)
        }
        if "_last_lr" in state:  # a hand or another scheduler may have moved them since
            state["_last_lr"] = [saved(group["lr"]) for group in self.optimizer.param_groups]
        if self._functions:
            held = self.__dict__[self._functions]
            state[self._functions] = (
                functions_left_out(held) if isinstance(held, list) else functions_left_out([held])[0] if held else None
            )
        return state

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restores a state, of PyTorch's class too, and writes its rates into the groups.

        Args:
            state_dict: What `state_dict` returned; it is left as it is.

        Raises:
            GlidepathError: If it is of another kind of scheduler or of another number of groups; nothing is changed then.
        """
        groups = self.optimizer.param_groups
        check(type(self).__name__, state_dict, self.live, len(groups))
        state = {name: saved(value) for name, value in state_dict.items() if name not in ("optimizer", self._functions)}
        self._translate(state)
        self.__dict__.update(state)
        attributes = state_dict.get(self._functions) if self._functions else None
        if attributes:
            held = self.__dict__[self._functions]
            functions_restored(*((held, attributes) if isinstance(held, list) else ([held], [attributes])))
        self._cache = Cache()
        restore_rates(self.optimizer, state.get("_last_lr"))
        if type(self)._companions is not Scheduler._companions and self.last_epoch >= 0:
            self._align(groups)
            self._companions(self._weight_of()(self.last_epoch))

    def _translate(self, state: dict[str, Any]) -> None:
        """Brings the state of an older version of PyTorch into the present form."""


class Closed(Scheduler):
    """A relative scheduler with PyTorch's `_get_closed_form_lr`, which `step(epoch)` follows."""

    __slots__ = ()
    _closed_form: ClassVar[bool] = True

    def _get_closed_form_lr(self) -> list[Any]:
        made = self._cache.unit or self._weight_of()
        groups = self.optimizer.param_groups
        self._align(groups)
        return self._like(groups, self._on_curve(made(self.last_epoch)))

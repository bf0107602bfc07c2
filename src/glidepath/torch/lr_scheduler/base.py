"""The one mechanism of the drop-in schedulers: a weight of the step, written between two ends of every group, PyTorch's way."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any, ClassVar

import torch
from torch.optim.lr_scheduler import EPOCH_DEPRECATION_WARNING, LRScheduler

from ...dialects import load
from .cache import Cache, Lane
from .careful import Careful
from .lanes import Rates, between, drifting, filling, following, scaling
from .state import check, functions_left_out, functions_restored, restore_rates, saved
from .tensors import LastRates, plain

__all__ = ["Closed", "Scheduler", "unit"]

_RATE = itemgetter("lr")
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


def unit(name: str, **arguments: Any) -> Callable[[float], float]:
    """Returns the weight of a PyTorch scheduler at a step: its dialect's schedule for a base rate of 1.

    Raises:
        GlidepathError: If the arguments are not usable.
    """
    numbers = {argument: plain(value) for argument, value in arguments.items()}
    return load("pytorch", name, numbers, base_lr=1.0).scalar


class Scheduler(Careful, LRScheduler):
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
    lows_live: ClassVar[bool] = True  # whether the lower ends can change without one of `live` being assigned
    catches_up: ClassVar[bool] = False  # whether get_lr before the second step gives the curve, as PyTorch's does
    _own: ClassVar[bool] = True  # whether get_lr and its kin are ours, not a user's subclass's
    _moves: ClassVar[bool] = False  # whether anything moves with the rate
    _last_lr: Any = LastRates()
    last_epoch: Any

    def __init__(self, optimizer: torch.optim.Optimizer, last_epoch: int = -1) -> None:
        if not isinstance(optimizer, torch.optim.Optimizer):
            raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")
        self._cache = Cache()
        self._weight_of()
        self._get_lr_called_within_step = False
        LRScheduler.__init__(self, optimizer, last_epoch)

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        ours = cls.__module__.startswith("glidepath.torch.")
        changed = any(name in cls.__dict__ for name in ("get_lr", "_get_closed_form_lr"))
        cls._own = cls._own and (ours or not changed)
        cls._moves = cls._companions is not Scheduler._companions

    def __setattr__(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)
        if name in self.live and hasattr(self, "_cache"):
            self._cache.unit = self._cache.lane = self._cache.moves = None

    def __getstate__(self) -> dict[str, Any]:
        self._align(self.optimizer.param_groups)
        return self.__dict__

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._cache = Cache()
        self._align(self.optimizer.param_groups)

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

    def _still(self, marks: Any, at: Any) -> bool:
        """Returns whether those arguments are as that copy has them, as far as the next step goes."""
        del at
        return marks == self._marks()

    def _highs(self) -> list[Any]:
        """Returns the ends that a weight of 1 stands for."""
        return self.__dict__["base_lrs"]

    def _companions(self, weight: float) -> None:
        """Writes what moves with the rate."""

    def _before(self, made: Callable[[float], float]) -> float:
        """Returns the weight one step before step 0, for `get_lr` outside a step."""
        del made
        return 1.0

    def _quick_rates(self) -> Rates:
        """Returns the quick way from a weight to the rates on the curve."""
        kind = type(self)
        if kind._between is not Scheduler._between:
            if any(isinstance(high, torch.Tensor) for high in self._highs()):
                return lambda scheduler, state, weight: scheduler._on_curve(weight)
            return lambda scheduler, state, weight: scheduler._between(weight)
        lows = kind._lows if self.lows_live and kind._lows is not Scheduler._lows else None
        highs = None if kind._highs is Scheduler._highs else kind._highs
        return between(lows, highs, self._lows(), self._highs())

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
        self._cache.lane = None
        super()._initial_step()

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
            last, lane = state["last_epoch"], cache.lane
            at = state["last_epoch"] = cache.target = last + 1
            still = cache.marks is None or self._still(cache.marks, at)
            if lane is not None and cache.step == last and still and lane(self, cache, state, at):
                cache.step = at
                if self._moves:
                    self._companions(cache.weight)
                return
        else:
            at = state["last_epoch"] = cache.target = epoch
        made = cache.unit
        if made is None or (cache.marks is not None and cache.marks != self._marks()):
            made = self._weight_of()
        self._settle(made, made(at), at, epoch)

    def _lane(self) -> Lane | None:
        """Returns the quick way of the next step, None where there is none."""
        cache = self._cache
        count, unit = len(cache.groups), cache.unit or self._weight_of()
        if cache.memory is not None:
            return filling(cache.memory, unit, self._quick_rates(), self.relative, cache.anchored)
        if not count or set(map(type, map(_RATE, cache.groups))) != {float}:
            return None
        if not cache.anchored:
            factor = self._factor() if count > 1 else None
            last = cache.groups[-1]
            return drifting(count, last, unit) if factor is None else scaling(count, last, unit, factor)
        return following(count, unit, self._quick_rates(), self.relative)

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

    def _factor(self) -> Callable[[Any, Any, Any], float] | None:
        """Returns what gives the one number that `_changed` multiplies all rates by, from the weights of two steps and the later step."""
        kind = type(self)
        usual = kind._lows is Scheduler._lows and kind._changed is Scheduler._changed
        return (lambda before, weight, at: weight / before) if usual else None

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
            self._companions(weight)
            return self._like(groups, self._on_curve(weight))
        if self.catches_up and self._step_count == 1 and at > 0:
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
        self._align(self.optimizer.param_groups)
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
        self._align(groups)
        if self._moves and self.last_epoch >= 0:
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

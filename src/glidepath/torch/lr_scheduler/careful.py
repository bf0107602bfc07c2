"""The careful way of a step, for schedulers that may find rates, groups or arguments other than their last step left them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from operator import is_
from typing import Any, ClassVar

import torch

from .cache import Cache, close
from .tensors import fill, plain, sink

__all__ = ["Careful"]


class Careful:
    """Finds out what has changed since the last step, and writes the rates of this one."""

    __slots__ = ()
    per_group: ClassVar[tuple[str, ...]] = ()
    relative: ClassVar[bool] = True
    joins_at_base: ClassVar[bool] = False  # whether a group that joins is given the weight of the moment
    _closed_form: ClassVar[bool] = False
    _curved: ClassVar[bool] = True  # whether there is a curve of the step, not only a factor from one step to the next
    _cache: Cache
    _is_initial: bool
    optimizer: Any

    def _settle(self: Any, made: Any, weight: Any, at: Any, epoch: Any) -> None:
        cache, groups = self._cache, self.optimizer.param_groups
        self._align(groups)
        now = [group["lr"] for group in groups]
        current, moved = self._read(now)
        ends = self._ends()
        if not self.relative or (epoch is not None and self._closed_form):
            cache.anchored = True
        elif self._is_initial and at != 0:
            self._resume(made, at, current)
        else:
            before = 1.0 if self._is_initial or (epoch is not None and at == 0) else self._earlier(made, at)
            if cache.joined and self.joins_at_base:
                pairs = zip(current, cache.owners, strict=True)
                current = [rate * before if owner in cache.joined else rate for rate, owner in pairs]
            if cache.step != at - 1 or self._is_initial or cache.weighed is not made or cache.ends != ends:
                cache.anchored = close(current, self._on_curve(before), 1e-12)
            elif moved:
                cache.anchored = False
        cache.anchored = cache.anchored and self._curved
        if cache.anchored:
            values = self._on_curve(weight)
        elif self._is_initial and at != 0:
            values = current
        else:
            values = self._changed(current, before, weight)  # type: ignore[possibly-undefined]
        cache.step, cache.weight, cache.weighed, cache.ends = at, weight, made, ends
        self._write(groups, now, values)
        cache.joined.clear()
        self._companions(weight)
        cache.lane = self._lane()

    def _earlier(self: Any, made: Any, at: Any) -> float:
        """Returns the weight one step before a step."""
        cache = self._cache
        return cache.weight if cache.step == at - 1 and cache.weighed is made else made(at - 1) if at > 0 else 1.0

    def _ends(self: Any) -> Any:
        """Returns copies of the ends of the curve, as numbers."""
        lows = self._lows()
        return (None if lows is None else list(lows), [plain(high) for high in self._highs()])

    def _resume(self: Any, made: Any, at: Any, current: list[float]) -> None:
        """Finds out whether the rates of a run that is resumed through `last_epoch` are put on the curve.

        They are if this schedule alone explains them: as those of this epoch, of the one before, or the base rates. Rates that a hand or
        another scheduler has moved stay as they are.
        """
        known = (self._on_curve(made(at)), self._on_curve(made(at - 1)), [plain(high) for high in self._highs()])
        self._cache.anchored = any(close(current, rates, 1e-6) for rates in known)

    def _read(self, now: list[Any]) -> tuple[list[float], bool]:
        """Returns the rates as numbers, and whether they are others than those of the last step."""
        cache = self._cache
        memory = cache.memory
        if memory is not None and memory.holds(now) and not memory.touched():
            return cache.written, False
        tensors = any(isinstance(rate, torch.Tensor) for rate in now)
        current = [float(plain(rate)) for rate in now] if set(map(type, now)) != {float} else now
        return current, not close(current, cache.written, 1e-6 if tensors else 0.0)

    def _write(self: Any, groups: list[Any], now: list[Any], values: Sequence[float]) -> None:
        cache = self._cache
        cache.groups, cache.written = list(groups), list(values)
        if cache.memory is None or not cache.memory.holds(now):
            cache.memory = sink(now) if now else None
        if cache.memory is None:
            self.__dict__["_last_lr"] = fill(groups, cache.written)
        else:
            self.__dict__["_last_lr"] = cache.memory.write(cache.written)

    # Groups that come, go and change places --------------------------------------------------------------------------------------------

    def _align(self: Any, groups: list[Any]) -> None:
        """Brings every list with one item for each group into the order of the groups, and notes which groups have joined."""
        cache, state = self._cache, self.__dict__
        if len(groups) == len(cache.groups) and all(map(is_, groups, cache.groups)):
            return
        owners = [id(group["params"][0]) if group["params"] else id(group) for group in groups]
        known = cache.owners if cache.owners is not None else owners[: len(state["base_lrs"])]
        cache.owners = owners
        if known == owners:
            return
        places = {owner: i for i, owner in enumerate(known)}
        found = [places.get(owner) for owner in owners]
        for name in ("base_lrs", *self.per_group):
            items = state.get(name)
            if isinstance(items, list):
                state[name] = [
                    items[place] if place is not None and place < len(items) else self._new_item(name, items, group)
                    for place, group in zip(found, groups, strict=True)
                ]
        for place, owner, group in zip(found, owners, groups, strict=True):
            if place is None:
                cache.joined.add(owner)
                self._join(group)
        written = cache.written
        cache.written = [written[place] if place is not None and place < len(written) else math.nan for place in found]
        if cache.ends is not None:  # the ends move with their groups, which does not make them others
            cache.ends = self._ends()
        cache.memory = None

    def _new_item(self: Any, name: str, items: list[Any], group: dict[str, Any]) -> Any:
        """Returns the item of a group that has joined in a list with one for each."""
        if name == "base_lrs":
            rate = group["lr"]
            return group.setdefault("initial_lr", rate.clone() if isinstance(rate, torch.Tensor) else rate)
        return items[0] if items else None

    def _join(self, group: dict[str, Any]) -> None:
        """Prepares a group that has joined."""

"""Groups that come, go and change places: every list with one item for each group follows them."""

from __future__ import annotations

from collections.abc import Callable
from operator import is_
from typing import Any, ClassVar

import torch

from ..rows import Numbers, Row

__all__ = ["Groups"]


class Groups:
    """What a scheduler remembers of the groups, beside its attributes; never part of a state, a copy or a pickle."""

    __slots__ = ()
    per_group: ClassVar[tuple[str, ...]] = ()  # the lists with one item for each group, beside the base rates
    optimizer: Any
    _row: Row
    _groups: list[Any]
    _owners: list[int]  # whom each place of the lists belongs to
    _joined: set[int]  # who has joined since the last step
    _arrays: dict[str, Any]  # the lists as arrays
    _quick: bool  # whether there are few groups
    _few: Callable[[Any], bool]

    def __new__(cls, *_: Any, **__: Any) -> Any:
        """Returns a scheduler that knows of no group yet."""
        made = super().__new__(cls)
        made._forget()
        return made

    def _forget(self) -> None:
        """Takes the lists to be in the order of the groups."""
        self._row, self._groups, self._owners, self._joined, self._quick = Numbers(), [], [], set(), False
        self._arrays = {}

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

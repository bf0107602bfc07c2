"""Tensors for rates: written in place, never aliased, their exact values remembered as Python numbers."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter, is_
from typing import Any

import numpy as np
import torch

__all__ = ["Elsewhere", "LastRates", "Memory", "fill", "last_rates", "plain", "sink"]

_VERSION = attrgetter("_version")
_DTYPES = {torch.float32: np.dtype("f4"), torch.float64: np.dtype("f8")}


def plain(value: Any) -> Any:
    """Returns a number as it is, and a tensor's as a Python number."""
    return value.item() if isinstance(value, torch.Tensor) else value


def fill(groups: Sequence[dict[str, Any]], values: Sequence[float]) -> list[Any]:
    """Writes rates, in place where a group has a tensor, and returns copies of them as the groups hold theirs."""
    copies: list[Any] = []
    for group, value in zip(groups, values, strict=True):
        rate = group["lr"]
        if isinstance(rate, torch.Tensor):
            with torch.no_grad():
                rate.fill_(value)
            copies.append(rate.detach().clone())
        else:
            group["lr"] = value
            copies.append(value)
    return copies


class Copies:
    """Copies of rates that nobody has asked for yet: to make a tensor of each takes longer than the step.

    Args:
        row: Their values.
    """

    __slots__ = ("_made", "_row")

    def __init__(self, row: Any) -> None:
        self._row, self._made = row, None

    def made(self) -> list[torch.Tensor]:
        """Returns a tensor for each rate, the same ones every time."""
        if self._made is None:
            with torch.no_grad():
                self._made = list(torch.from_numpy(self._row).unbind())
        return self._made


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


def last_rates(scheduler: Any) -> Any:
    """Returns the rates of a scheduler's last step as it keeps them, its copies not made yet."""
    found = scheduler.__dict__.get("_last_lr")
    return found if type(found) is Copies else scheduler.get_last_lr()


class Memory:
    """Tensors for rates in the memory of the processor, written and read where they lie: ten times faster than `fill_`.

    Args:
        rates: The tensors, of one kind, of one number each.
    """

    __slots__ = ("_addresses", "_dtype", "_left", "_rates", "_views")

    def __init__(self, rates: Sequence[Any]) -> None:
        self._rates, self._dtype = list(rates), _DTYPES[rates[0].dtype]
        self._addresses = [rate.data_ptr() for rate in rates]
        self._views: list[Any] = [memoryview(rate.detach().numpy().reshape(1)) for rate in rates]
        self._left = b"".join(self._views)

    def holds(self, rates: Sequence[Any]) -> bool:
        """Returns whether these are the tensors still, each where it was."""
        mine = self._rates
        return (
            len(rates) == len(mine)
            and all(map(is_, rates, mine))
            and [rate.data_ptr() for rate in mine] == self._addresses
        )

    def touched(self) -> bool:
        """Returns whether anybody else has written a tensor since the last write."""
        return b"".join(self._views) != self._left

    def values(self) -> list[float]:
        """Returns what the tensors hold."""
        return np.frombuffer(b"".join(self._views), self._dtype).tolist()

    def write(self, values: Sequence[float]) -> Copies:
        """Writes the tensors and returns copies of them, to be made when they are asked for."""
        row = np.array(values, self._dtype)
        self._left = row.tobytes()
        for view, value in zip(self._views, values, strict=True):
            view[0] = value
        return Copies(row)


class Elsewhere:
    """Tensors for rates of any one kind and place, such as on a GPU, written together; their versions tell whether anybody else wrote.

    Args:
        rates: The tensors, of one number each.
    """

    __slots__ = ("_rates", "_versions")

    def __init__(self, rates: Sequence[Any]) -> None:
        self._rates = list(rates)
        self._versions = list(map(_VERSION, rates))

    def holds(self, rates: Sequence[Any]) -> bool:
        """Returns whether these are the tensors still."""
        return len(rates) == len(self._rates) and all(map(is_, rates, self._rates))

    def touched(self) -> bool:
        """Returns whether anybody else has written a tensor since the last write."""
        return list(map(_VERSION, self._rates)) != self._versions

    def values(self) -> list[float]:
        """Returns what the tensors hold."""
        return [rate.item() for rate in self._rates]

    def write(self, values: Sequence[float]) -> list[torch.Tensor]:
        """Writes the tensors and returns copies of them."""
        first = self._rates[0]
        with torch.no_grad():
            copies = list(torch.tensor(values, dtype=first.dtype, device=first.device).unbind())
            torch._foreach_copy_(self._rates, copies)  # pyright: ignore[reportPrivateImportUsage]
        self._versions = list(map(_VERSION, self._rates))
        return copies


def sink(rates: Sequence[Any]) -> Memory | Elsewhere | None:
    """Returns the way into rates that all are tensors of one number and one kind; None for any others."""
    if not all(isinstance(rate, torch.Tensor) and rate.ndim == 0 for rate in rates):
        return None
    if len({(rate.dtype, rate.device) for rate in rates}) != 1 or len(set(map(id, rates))) != len(rates):
        return None
    plain_ones = all(type(rate) is torch.Tensor for rate in rates) and rates[0].device.type == "cpu"
    if not plain_ones or rates[0].dtype not in _DTYPES:
        return Elsewhere(rates)
    return Memory(rates) if len({rate.data_ptr() for rate in rates}) == len(rates) else None

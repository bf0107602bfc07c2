"""Tensors for rates: written in place, never aliased, their exact values remembered as Python numbers."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter, is_
from typing import Any

import torch

__all__ = ["Sinks", "plain"]

_VERSION = attrgetter("_version")


def plain(value: Any) -> Any:
    """Returns a number as it is, and a tensor's as a Python number."""
    return value.item() if isinstance(value, torch.Tensor) else value


class Sinks:
    """The rates of the groups, some of them tensors, which are filled in place.

    Args:
        rates: What the groups hold.
    """

    __slots__ = ("rates", "same_kind", "versions")

    def __init__(self, rates: Sequence[Any]) -> None:
        self.rates = list(rates)
        kinds = {
            (rate.dtype, rate.device) if isinstance(rate, torch.Tensor) and rate.ndim == 0 else None for rate in rates
        }
        self.same_kind = kinds.pop() if len(kinds) == 1 else None
        self.versions: list[Any] = []

    def same(self, rates: Sequence[Any]) -> bool:
        """Returns whether the groups hold the same tensors still."""
        return len(rates) == len(self.rates) and all(map(is_, rates, self.rates))

    def untouched(self, rates: Sequence[Any]) -> bool:
        """Returns whether nobody else has written a rate since the last write."""
        return self.same_kind is not None and self.same(rates) and list(map(_VERSION, rates)) == self.versions

    def write(self, groups: Sequence[dict[str, Any]], values: Sequence[float]) -> list[Any]:
        """Writes the rates and returns copies of them."""
        if self.same_kind is not None:
            dtype, device = self.same_kind
            copies = list(torch.tensor(values, dtype=dtype, device=device).unbind())
            with torch.no_grad():
                torch._foreach_copy_(self.rates, copies)  # pyright: ignore[reportPrivateImportUsage]
            self.versions = list(map(_VERSION, self.rates))
            return copies
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
        self.rates = [group["lr"] for group in groups]
        return copies

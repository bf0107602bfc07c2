"""The state of the drop-in schedulers: PyTorch's own form, without functions, restored in any order."""

from __future__ import annotations

import types
from collections import Counter
from collections.abc import Mapping
from typing import Any

import torch

from ...core.errors import GlidepathError

__all__ = ["functions_left_out", "functions_restored", "restore_rates", "saved"]


def saved(value: Any) -> Any:
    """Returns an attribute as it goes into a state: its own lists and counters, so that later steps do not change it."""
    if isinstance(value, Counter):
        return Counter(value)
    if isinstance(value, list):
        return [saved(item) for item in value]
    if isinstance(value, torch.Tensor):
        return value.detach().clone()
    return value


def functions_left_out(functions: list[Any]) -> list[dict[str, Any] | None]:
    """Returns the attributes of callable objects; plain functions and builtins have none to save."""
    return [
        None if isinstance(fn, types.FunctionType) or not hasattr(fn, "__dict__") else dict(fn.__dict__)
        for fn in functions
    ]


def functions_restored(functions: list[Any], attributes: list[dict[str, Any] | None]) -> None:
    """Gives callable objects their saved attributes."""
    for fn, found in zip(functions, attributes, strict=False):
        if found:
            fn.__dict__.update(found)


def restore_rates(optimizer: torch.optim.Optimizer, rates: Any) -> None:
    """Writes saved rates into the groups, in place where a group has a tensor."""
    if not isinstance(rates, list) or len(rates) != len(optimizer.param_groups):
        return
    for group, rate in zip(optimizer.param_groups, rates, strict=True):
        value = rate.item() if isinstance(rate, torch.Tensor) else rate
        if isinstance(group["lr"], torch.Tensor):
            with torch.no_grad():
                group["lr"].fill_(value)
        else:
            group["lr"] = value


def check(where: str, state: Any, names: Any, groups: int) -> None:
    """Refuses a state that is of another kind of scheduler or of another number of groups; nothing is changed before.

    Raises:
        GlidepathError: If it is.
    """
    if not isinstance(state, Mapping) or "last_epoch" not in state:
        raise GlidepathError.of(where, "state_dict", "the state of a scheduler", state)
    if not all(name in state for name in names):
        raise GlidepathError.of(
            where, "state_dict", f"of the same kind, with {', '.join(sorted(names))}", sorted(state)
        )
    rates = state.get("base_lrs")
    if rates is not None and len(rates) != groups:
        raise GlidepathError.of(where, "state_dict", f"of {groups} groups", f"{len(rates)} groups")

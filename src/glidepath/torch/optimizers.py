"""Which objects make the updates, inside wrappers and of several; and what is read off them: a step that is none, and updates made before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch.optim import Optimizer

from ..core import GlidepathError
from .channels import Channel
from .group_rules import Group, Seat, read

_APPLY = "glidepath.torch.apply(optimizer, schedule, update) before each update"


def optimizers_of(given: Any) -> dict[str, Optimizer]:
    """Returns the optimizers that make the updates, by the names that were given; where none were, by empty names and their numbers.

    Raises:
        GlidepathError: If there is none, one twice, or one that makes updates elsewhere than in its `step()`.
    """
    if isinstance(given, Mapping):
        rows = [(str(name), each) for name, each in given.items()]
        if any("/" in name or not name for name, _ in rows):
            raise GlidepathError.of("attach", "optimizer", "named by words without slashes", list(given))
    else:
        several = isinstance(given, Sequence) and not isinstance(given, str)
        rows = [("", each) for each in (given if several else [given])]
    pairs = [(name, one) for name, each in rows for one in _makers(each)]
    if not pairs or len({id(one) for _, one in pairs}) != len(pairs):
        raise GlidepathError.of("attach", "optimizer", "one or several optimizers, each once", given)
    names = [name for name, _ in pairs]
    said = [f"{n}.{i}" if n and names.count(n) > 1 else n or f" {i}" for i, n in enumerate(names)]
    return {name: one for name, (_, one) in zip(said, pairs, strict=True)}


def _makers(given: Any) -> list[Optimizer]:
    """Returns what makes the updates of an optimizer: itself, what it wraps, or those that it is made of."""
    if not isinstance(given, Optimizer) and not hasattr(given, "param_groups"):
        raise GlidepathError.of("attach", "optimizer", "a torch.optim.Optimizer", given)
    inner = innermost(given)
    if _hooked(inner):
        step: Any = type(inner).step
        stepless = getattr(step, "__wrapped__", step) in (Optimizer.step, getattr(Optimizer.step, "__wrapped__", None))
        if stepless or hasattr(inner, "fused_backward"):
            what = f"{type(inner).__name__}, which updates elsewhere, as in fused_backward()"
            raise GlidepathError.worded("attach", "optimizer", "one whose step() makes the updates", what, _APPLY)
        return [inner]
    parts = [innermost(each) for each in _inside(inner)]
    groups = {id(group) for part in parts for group in part.param_groups}
    if parts and all(_hooked(part) for part in parts) and {id(group) for group in inner.param_groups} <= groups:
        return parts
    raise GlidepathError.worded("attach", "optimizer", "one with hooks, or made of such", type(inner).__name__, _APPLY)


def innermost(optimizer: Any) -> Any:
    """Returns the optimizer whose `step()` makes the updates: a wrapper shares its groups, and may never be stepped itself."""
    met: set[int] = set()
    while id(optimizer) not in met:
        met.add(id(optimizer))
        mine = {id(group) for group in optimizer.param_groups}
        shared = [each for each in _inside(optimizer) if mine and mine == {id(group) for group in each.param_groups}]
        optimizer = shared[0] if len(shared) == 1 else optimizer
    return optimizer


def _inside(optimizer: Any) -> list[Any]:
    """Returns the optimizers that an object holds, alone or in lists and mappings."""
    found: dict[int, Any] = {}
    for value in list(getattr(optimizer, "__dict__", {}).values()):
        several = list(value.values()) if isinstance(value, Mapping) else value
        for item in several if isinstance(several, list | tuple) else (several,):
            # or one in all but its class, as DeepSpeed's are
            like = isinstance(getattr(item, "param_groups", None), list) and callable(getattr(item, "step", None))
            if item is not optimizer and (isinstance(item, Optimizer) or like):
                found[id(item)] = item
    return list(found.values())


def _hooked(optimizer: Any) -> bool:
    return "_optimizer_step_pre_hooks" in getattr(optimizer, "__dict__", {})


def dummy(groups: list[Group], channels: Iterable[Channel]) -> bool:
    """Returns whether a call of `step()` makes no update, but the optimizer's state.

    `torch.distributed.checkpoint.state_dict` sets every rate to 0 and every gradient to zeros, steps, and puts the rates back. A rate of
    0 alone is no sign (a warmup may begin there): somebody else must have written it, and there must be gradients, all of them zeros.
    """
    if not groups or any("lr" not in group or float(group["lr"] or 0.0) != 0.0 for group in groups):
        return False
    here = {id(group) for group in groups}
    rates = [seat for channel in channels for seat in channel.seats if seat.rule.parameter == "lr"]
    ours = [seat for seat in rates if id(seat.group) in here]
    if ours and not any(_rewritten(seat) for seat in ours):
        return False
    gradients = [one.grad for group in groups for one in group["params"] if one.grad is not None]
    # a DTensor would ask the other processes
    local: Any = (getattr(gradient, "_local_tensor", gradient) for gradient in gradients)
    return bool(gradients) and not any(torch.count_nonzero(each.detach()).item() for each in local)


def _rewritten(seat: Seat) -> bool:
    held = read(seat.rule, seat.group, seat.label)
    tensor = isinstance(held, torch.Tensor)
    return (held is not seat.tensor or float(held) != seat.seen) if tensor else held is not seat.seen


def has_past(optimizer: Optimizer, dummied: bool) -> bool:
    """Returns whether the state of an optimizer comes from updates; a dummy step makes one too, but counts no more than 1."""
    counts = [entry["step"] for entry in optimizer.state.values() if isinstance(entry, dict) and "step" in entry]
    return max(map(float, counts[:8])) > dummied if counts else bool(optimizer.state) and not dummied


def past_of(channels: Iterable[Channel]) -> str:
    """Returns the sign that an optimizer has made updates, or nothing."""
    seats = [seat for channel in channels for seat in channel.seats if seat.rule.parameter == "lr" and seat.carried]
    said = "lr of group {0.label} was {0.found!r} where its initial_lr, {0.base!r}, is taken as the base"
    return next((said.format(seat) for seat in seats if seat.found != seat.base), "")

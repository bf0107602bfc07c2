"""Two signs that are read off an optimizer: a step that only makes its state, and updates that were made before."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch.optim import Optimizer

from .channels import Channel
from .group_rules import Group, Seat, read

__all__ = ["dummy", "has_past", "past_of"]


def dummy(groups: list[Group], channels: Iterable[Channel]) -> bool:
    """Returns whether a call of `step()` makes no update, but the optimizer's state.

    `torch.distributed.checkpoint.state_dict` sets every rate to 0 and every gradient to zeros, steps, and puts the rates back. A rate of
    0 alone is no sign (a warmup may begin there): somebody else must have written it, and there must be gradients, all of them zeros.
    """
    if not groups or any("lr" not in group or float(group["lr"] or 0.0) != 0.0 for group in groups):
        return False
    here = {id(group) for group in groups}
    ours = [
        seat for channel in channels for seat in channel.seats if id(seat.group) in here and seat.rule.parameter == "lr"
    ]
    if ours and not any(_rewritten(seat) for seat in ours):
        return False
    found = False
    for group in groups:
        for parameter in group["params"]:
            if parameter.grad is not None:
                # a DTensor would ask the other processes
                local: Any = getattr(parameter.grad, "_local_tensor", parameter.grad)
                if torch.count_nonzero(local.detach()).item():
                    return False
                found = True
    return found


def _rewritten(seat: Seat) -> bool:
    held = read(seat.rule, seat.group, seat.label)
    if isinstance(held, torch.Tensor):
        return held is not seat.tensor or float(held) != seat.seen
    return held is not seat.seen


def has_past(optimizer: Optimizer, dummied: bool) -> bool:
    """Returns whether the state of an optimizer comes from updates; a dummy step makes one too, but counts no more than 1."""
    counts = [entry["step"] for entry in optimizer.state.values() if isinstance(entry, dict) and "step" in entry]
    return max(map(float, counts[:8])) > dummied if counts else bool(optimizer.state) and not dummied


def past_of(channels: Iterable[Channel]) -> str:
    """Returns the sign that an optimizer has made updates, or nothing."""
    for channel in channels:
        for seat in channel.seats:
            if seat.rule.parameter == "lr" and seat.carried and seat.found != seat.base:
                return f"lr of group {seat.label} was {seat.found!r} where its initial_lr, {seat.base!r}, is taken as the base"
    return ""

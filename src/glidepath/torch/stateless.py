"""For loops that count themselves."""

from __future__ import annotations

from typing import Any

from torch.optim import Optimizer

from ..core.errors import GlidepathError, Problem
from ..core.fields import number
from ..core.schedule import Schedule
from .drives import drives_of
from .seats import Seat, name_of, write

__all__ = ["apply"]


def apply(optimizer: Optimizer, schedule: Schedule | Any, step: int, *, absolute: bool = False) -> None:
    """Writes the values of update `step` into the groups of `optimizer`: call it right before that update.

    Each group's base is its `initial_lr`; where there is none, what the group holds now is kept under that key.

    Args:
        optimizer: Its groups are written to; nothing else is kept.
        schedule: What `attach` takes.
        step: The updates already done, at least 0.
        absolute: Whether the schedule gives the values themselves instead of factors.

    Raises:
        GlidepathError: If an argument or a group is refused; nothing is written then.

    Examples:
        >>> import torch
        >>> optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.5)
        >>> apply(optimizer, "linear(10)", 2)
        >>> optimizer.param_groups[0]["lr"]
        0.4
    """
    plain = number(step)
    if plain is None or plain != plain // 1 or plain < 0:
        raise GlidepathError.of("apply", "step", "a whole number, at least 0", step)
    drives = drives_of(schedule, absolute=absolute)
    seats: list[Seat] = []
    problems: list[Problem] = []
    for drive in drives:
        values = drive.values()
        for i, group in enumerate(optimizer.param_groups):
            if drive.matches(name_of(group)):
                try:
                    seat = Seat.take(drive, group, name_of(group) or str(i), 0, rebase=False)
                except GlidepathError as error:
                    problems += error.problems
                    continue
                problems += seat.check(*values)
                seats.append(seat)
    if problems:
        raise GlidepathError(problems)
    for seat in seats:
        seat.sit()
        write(seat.drive, seat.group, seat.value(plain))

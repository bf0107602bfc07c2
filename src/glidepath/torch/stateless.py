"""For loops that count themselves."""

from __future__ import annotations

from typing import Any

from torch.optim import Optimizer

from ..core.checks import Checks, taken
from ..core.errors import GlidepathError
from ..core.fields import Index
from ..plan import plan_of
from .group_rules import Seat, extent, name_of, write

__all__ = ["apply"]


def apply(optimizer: Optimizer, plan: Any, step: int, *, total: Any = None, absolute: bool = False) -> None:
    """Writes the values of update `step` into the groups of `optimizer`: call it right before that update.

    Each group's base is its `initial_lr`; where there is none, what the group holds now is kept under that key.

    Args:
        optimizer: Its groups are written to; nothing else is kept.
        plan: What `attach` takes, without controllers.
        step: The updates already done, at least 0.
        total: As in `attach`.
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
    plain = taken("apply", "step", step, Index)
    made = plan_of(plan, "apply", total=total, absolute=absolute)
    if made.feedback:
        heard = ", ".join(str(part.controller) for part in made.feedback)
        raise GlidepathError.worded(
            "apply", "plan", "without controllers, whose state it does not keep", heard, "use attach"
        )
    at = made.position(updates=plain)
    seats: list[Seat] = []
    checks = Checks("apply")
    for rule in made.driven:
        values = extent(rule.complete)
        for i, group in enumerate(optimizer.param_groups):
            label = name_of(group) or str(i)
            if rule.matches(label):
                with checks.kept():
                    seats.append(Seat.take(rule, group, label, 0, rebase=False))
                    checks.problems += seats[-1].check(*values)
    checks.done()
    for seat in seats:
        seat.group.setdefault(f"initial_{seat.rule.parameter}", seat.base)
        write(seat.rule, seat.group, seat.value(at))

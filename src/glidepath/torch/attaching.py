"""A schedule that drives an optimizer through its own hooks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from torch.optim import Optimizer

from ..core.errors import GlidepathError, Problem, shown
from ..core.schedule import Schedule
from .drives import Drive, drives_of
from .progress import Foreign, Run
from .resume import POLICIES, Policy
from .scheduler import Scheduler, count_problems

__all__ = ["attach"]

FOREIGN = ("restore", "adopt", "refuse")


def attach(
    optimizer: Optimizer,
    schedule: Schedule | str | Mapping[str, Schedule | str] | Sequence[Drive],
    *,
    absolute: bool = False,
    floor: float | None = None,
    join: Literal["progress", "start"] = "progress",
    samples: int = 0,
    tokens: int = 0,
    foreign: Foreign = "restore",
    resume: Policy = "strict",
    rebase: bool = False,
    tensors: bool = False,
) -> Scheduler:
    """Lets schedules drive the hyper-parameters of `optimizer`, through its hooks.

    Update `k` is made with `base * schedule(k)`, where `base` is the group's own value: `group["initial_lr"]` where there is one, as
    after loading a checkpoint, else what the group holds now. The value is written right before the update that uses it; between updates
    the group holds the value last used. Updates are counted when they really happened: accumulation, steps that a gradient scaler
    skipped, exceptions and the number of processes do not bend the curve. Until the first update nothing is written but the bases.

    Args:
        optimizer: Held weakly.
        schedule: Factors of each group's learning rate; or a schedule for each hyper-parameter, `{"lr": …, "weight_decay": …}`; or a list
            of `Drive`, to choose groups by name.
        absolute: Whether the schedule gives the values themselves instead of factors. Checked against every group.
        floor: In the unit of the hyper-parameter: no value falls below it. At most each group's base.
        join: Where a group that is added later begins: `"progress"` at the update where the run is, `"start"` at the schedule's step 0.
        samples: Samples that an update consumes, unless `count` states it.
        tokens: Tokens that an update consumes, unless `count` states it.
        foreign: What becomes of a value that somebody else wrote: `"restore"` goes on with the schedule, `"adopt"` rescales the group's
            base so that the schedule goes on from that value (not where it is absolute,
            or was 0), `"refuse"` raises before the update. It is reported in each case.
        resume: What `load_state_dict` does with a plan that differs from this one: see there.
        rebase: Whether the values that the groups hold now are their bases, whatever bases they carry.
        tensors: Whether learning rates that are numbers become tensors, so that a compiled step is compiled once and a CUDA graph sees
            them change. Where the optimizer accepts none they stay numbers, with a warning.

    Returns:
        The scheduler: progress, events, checkpoints.

    Raises:
        GlidepathError: With every problem found in the arguments and in the groups; the optimizer is then as it was.

    Examples:
        >>> import torch, glidepath as gp
        >>> optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.5)
        >>> scheduler = attach(optimizer, gp.linear(10))
        >>> optimizer.step(), optimizer.step()
        (None, None)
        >>> scheduler.updates, optimizer.param_groups[0]["lr"]
        (2, 0.45)
    """
    if not isinstance(optimizer, Optimizer):
        raise GlidepathError.of("attach", "optimizer", "a torch.optim.Optimizer", optimizer)
    optimizer = _within(optimizer)
    problems = [
        Problem("attach", name, f"one of {', '.join(known)}", shown(value))
        for name, value, known in (("foreign", foreign, FOREIGN), ("resume", resume, POLICIES))
        if value not in known
    ]
    for name, value in (("samples", samples), ("tokens", tokens)):
        problems += count_problems("attach", name, value)
    if problems:
        raise GlidepathError(problems)
    drives = drives_of(schedule, absolute=absolute, floor=floor, join=join)
    return Scheduler(optimizer, Run(drives, foreign, int(samples), int(tokens), bool(rebase), bool(tensors)), resume)


def _within(optimizer: Optimizer) -> Optimizer:
    """Returns the optimizer that makes the updates: a wrapper such as Accelerate's has no hooks of its own."""
    while "_optimizer_step_pre_hooks" not in vars(optimizer):
        inner = getattr(optimizer, "optimizer", None)
        if not isinstance(inner, Optimizer):
            raise GlidepathError.of("attach", "optimizer", "one with hooks", type(optimizer).__name__)
        optimizer = inner
    return optimizer

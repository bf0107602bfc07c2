"""A plan that drives one or several optimizers through their own hooks, or writes into one whose loop counts by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any, Literal, get_args

from torch.optim import Optimizer

from ..core import Checks, GlidepathError, Schedule, taken
from ..core.fields import Index
from ..plan import Horizon, Plan, Rule, plan_of
from ..plan.given import Policy, policy_problems
from .binding import bindings_of
from .group_rules import Seat, extent, name_of, write
from .optimizers import innermost, optimizers_of
from .progress import Attachment, Foreign
from .scheduler import Scheduler

__all__ = ["apply", "attach", "detach"]


def attach(
    optimizer: Optimizer | Sequence[Optimizer] | Mapping[str, Optimizer],
    plan: Plan | Schedule | Rule | str | PathLike[str] | Mapping[str, Any] | Sequence[Rule],
    *,
    total: int | str | Horizon | Mapping[str, Any] | None = None,
    absolute: bool = False,
    floor: float | None = None,
    join: Literal["progress", "start"] = "progress",
    samples: int = 0,
    tokens: int = 0,
    foreign: Foreign = "restore",
    resume: Policy = "strict",
    rebase: bool = False,
    restart: bool = False,
    tensors: bool = False,
    scale_key: str | None = None,
) -> Scheduler:
    """Lets a plan drive the hyper-parameters of an optimizer, or of several, through their hooks.

    Update `k` is made with `base * schedule(k)`, where `base` is the group's own value: `group["initial_lr"]` where there is one, as
    after loading a checkpoint, else what the group holds now. On a clock of samples or tokens `k` is what was seen before the update. The
    value is written right before the update that uses it; between updates the group holds the value last used. Updates are counted when
    they really happened: accumulation, steps that a gradient scaler skipped, exceptions and the number of processes do not bend the curve.
    Until the first update nothing is written but the bases.

    Args:
        optimizer: Held weakly. Of several, given as a list or by names (groups are then `name/group`), each makes a part of every update:
            the next update begins with the first optimizer that steps again.
        plan: Factors of each group's learning rate, as a schedule or its text; a schedule for each hyper-parameter,
            `{"lr": …, "weight_decay": …}`, or the fields of its `Rule`; a list of rules, to choose groups by name; a whole `Plan`, its file,
            its data or its text.
        total: The length of the run that quoted durations are parts of: a number of updates, a length such as `"2e9 tokens"`, or the fields
            of a `Horizon`.
        absolute: Whether the schedule gives the values themselves instead of factors. Checked against every group.
        floor: In the unit of the hyper-parameter: no value falls below it. At most each group's base.
        join: Where a group that is added later begins: `"progress"` at the update where the run is, `"start"` at the schedule's step 0.
        samples: Samples that an update consumes, unless `count` states it.
        tokens: Tokens that an update consumes, unless `count` states it.
        foreign: What becomes of a value that somebody else wrote: `"restore"` goes on with the schedule, `"adopt"` rescales the group's
            base so that the schedule goes on from that value (not where it is absolute,
            or either is 0), `"refuse"` raises before the update. It is reported in each case.
        resume: What `load_state_dict` does with a plan that differs from this one: see there.
        rebase: Whether the values that the groups hold now are their bases, whatever bases they carry.
        restart: Whether an optimizer that the same plan drives already begins anew; otherwise it goes on where it is.
        tensors: Whether learning rates that are numbers become tensors, so that a compiled step is compiled once and a CUDA graph sees
            them change. Where the optimizer accepts none they stay numbers, with a warning.
        scale_key: The key under which groups carry a factor of their rate, such as timm's `"lr_scale"`: it multiplies what the schedule
            gives. Groups with an `lr_scale` that nobody asks for are told of; `""` says that their rates have it inside already.

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
    driven = optimizers_of(optimizer)
    checks = Checks("attach")
    checks.choice("foreign", foreign, get_args(Foreign))
    checks.problems += policy_problems("attach", resume)
    if not isinstance(scale_key, str | None):
        checks.refuse("scale_key", "a key of the groups, or None", scale_key)
    samples, tokens = checks.length("samples", samples, 0), checks.length("tokens", tokens, 0)
    checks.done()
    options: dict[str, Any] = {"absolute": absolute, "floor": floor, "join": join}
    made = plan_of(plan, "attach", total=total, samples=samples, tokens=tokens, **options)
    run = Attachment(made, foreign, (samples, tokens), bool(rebase), bool(tensors), scale_key)
    return Scheduler(driven, run, resume, bool(restart))


def detach(optimizer: Optimizer | Sequence[Optimizer] | Mapping[str, Optimizer], *, keep: bool = False) -> None:
    """Frees an optimizer of every scheduler that drives it, also where nobody has the scheduler any more.

    Args:
        optimizer: What `attach` takes.
        keep: Whether the groups keep the values last used instead of getting their bases back.
    """
    for each in optimizers_of(optimizer).values():
        for binding in bindings_of(innermost(each)):
            binding.release(keep)


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
        rule = "without controllers, whose state it does not keep"
        raise GlidepathError.worded("apply", "plan", rule, heard, "use attach")
    at = made.position(updates=plain)
    seats, checks = list[Seat](), Checks("apply")
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
        seat.group.setdefault(seat.base_key, seat.base)
        write(seat.rule, seat.group, seat.finish(seat.schedule.scalar(at - seat.start), 1.0))

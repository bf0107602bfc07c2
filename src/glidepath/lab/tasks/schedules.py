"""The six schedules that a comparison takes by default, the controllers that texts stand for, and whether a schedule fits its run."""

from __future__ import annotations

import math
from collections.abc import Callable

from ... import MultiStep, Schedule, Step, recipes
from ...core import GlidepathError
from ...dialects.plateaus import plateau_of
from ...feedback import Controller


def default_schedule(name: str, budget: int, warmup: int = 0) -> Schedule:
    """One of the default schedules, as a factor with peak 1.

    Args:
        name: A key of `DEFAULT_SCHEDULES`.
        budget: Length of the run, in updates.
        warmup: Updates of linear warmup, the same for all but `one_cycle`, which has its own.

    Examples:
        >>> default_schedule("linear", 100)(50)
        0.5
        >>> default_schedule("constant", 100, warmup=9)(0)
        0.1
    """
    return DEFAULT_SCHEDULES[name](budget, warmup)


DEFAULT_SCHEDULES: dict[str, Callable[[int, int], Schedule]] = {
    "constant": lambda budget, warmup: recipes.with_warmup(recipes.constant(), warmup),
    "step": lambda budget, warmup: recipes.with_warmup(Step(max(1, -(-(budget - warmup) // 3)), 0.1), warmup),
    "cosine": lambda budget, warmup: recipes.warmup_cosine(budget, warmup=warmup),
    "linear": lambda budget, warmup: recipes.warmup_linear(budget, warmup=warmup),
    "one_cycle": lambda budget, warmup: recipes.one_cycle(budget),
    "wsd": lambda budget, warmup: recipes.wsd(budget, warmup=warmup, cooldown=max(1, budget // 5)),
}
"""By name: a function of the budget and the warmup, both in updates."""


def steered(text: str, rate: float = 0.1, where: str = "compare") -> Controller | None:
    """The controller that a library's plateau class or our own word stands for; None for any other text.

    Args:
        text: Any.
        rate: The peak rate.
        where: Name of the command, for errors.

    Raises:
        GlidepathError: With every problem in its arguments; or if it waits for a metric to rise.
    """
    controller = plateau_of(text, rate)
    if getattr(controller, "mode", "min") == "max":
        raise GlidepathError.of(where, "mode", "'min': what is watched is the validation's loss", "max")
    return controller


def misfit(name: str, schedule: Schedule, budget: int) -> str:
    """What a run sees of a schedule of another length, in words; empty if the lengths agree or the schedule is endless.

    What comes after the last of several milestones is meant to go on: they are endless too.

    Args:
        name: Of the schedule, as the reader knows it.
        schedule: Factors, by update.
        budget: Updates of the run.

    Examples:
        >>> from glidepath import parse
        >>> misfit("short", parse("linear(1500)"), 2000)
        'short ends at update 1500 of 2000: the rest runs at its end, 0'
        >>> misfit("long", parse("cosine(500)"), 60)
        'long is cut at update 60 of 500, at 0.97'
        >>> misfit("endless", parse("hold()"), 60), misfit("milestones", parse("warmup(5) >> multistep([20])"), 60)
        ('', '')
    """
    length = schedule.duration
    if length > budget and not math.isinf(length):
        return f"{name} is cut at update {budget} of {length:g}, at {schedule(budget - 1):.2g}"
    last = next(iter(schedule.schedules()[-1:]), schedule)
    # A schedule whose last value is that of the last update is whole.
    if length < budget - 1 and not isinstance(last, MultiStep):
        return f"{name} ends at update {length:g} of {budget}: the rest runs at its end, {schedule(budget):.2g}"
    return ""

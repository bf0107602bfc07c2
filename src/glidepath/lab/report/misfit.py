"""Whether a schedule is as long as the run that it drives: what is told before training, and again in the report."""

from __future__ import annotations

import math

from ... import MultiStep, Schedule


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
    if length < budget - 1 and not isinstance(
        last, MultiStep
    ):  # a schedule whose last value is that of the last update is whole
        return f"{name} ends at update {length:g} of {budget}: the rest runs at its end, {schedule(budget):.2g}"
    return ""

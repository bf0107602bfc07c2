"""How long a command will take, told as soon as its first updates are measured, and what is cheaper and answers nearly the same."""

from __future__ import annotations

import re

from ..tasks.declared import TASKS, Cifar100, Images, Task

_WORTH_SAYING = 60.0
_LONG = 900.0
_FEWER = 3
_SHORTER = 4


def estimate(task: Task, seconds: float, updates: int, side_by_side: int, command: str) -> str:
    """The time that the updates of a task will take, in words; empty for less than a minute.

    Args:
        task: The task.
        seconds: Of one update, as measured.
        updates: All that are to be made.
        side_by_side: Jobs that go on at the same time.
        command: What was asked for; a cheaper one is proposed where it takes more than a quarter of an hour.

    Examples:
        >>> from glidepath.lab import find_task
        >>> print(estimate(find_task("cifar100"), 8.1, 315_900, 2, "glidepath compare -t cifar100 --seeds 5"))
        cifar100: about 355 hours (315,900 updates of 8.1 s, 2 at a time).
        Nearly the same far sooner, on generated images of the same shape: glidepath compare -t images --seeds 5
        >>> estimate(find_task("images"), 0.02, 18_000, 2, "glidepath compare -t images")
        'images: about 0.05 hours (3 minutes; 18,000 updates of 0.02 s, 2 at a time).'
    """
    total = updates * seconds / side_by_side
    if total < _WORTH_SAYING:
        return ""
    hours = total / 3600
    short = "" if hours >= 2 else f"{total / 60:.0f} minutes; "
    took = f"{hours:.0f}" if hours >= 10 else f"{hours:.2g}"
    many = f", {side_by_side} at a time" if side_by_side > 1 else ""
    text = f"{task.name}: about {took} hours ({short}{updates:,} updates of {seconds:.2g} s{many})."
    return f"{text}\n{_cheaper(task, command)}" if total > _LONG else text


def _cheaper(task: Task, command: str) -> str:
    shell = command.startswith("glidepath ")
    if isinstance(task.data, Cifar100) and task.name in command:
        other = (
            _small(command.replace(task.name, "images"), task.budget) if shell else command.replace(task.name, "images")
        )
        return f"Nearly the same far sooner, on generated images of the same shape: {other}"
    if isinstance(task.data, Images) and shell and task.model != TASKS["images"].model:
        return f"Nearly the same far sooner, with the small network of the task: {_small(command, task.budget)}"
    if " find " in command:
        return "Cheaper: without --verify, or with a lower --budget, which is another question."
    seeds = re.search(r" (?:--seeds|-s)[ =](\d+)", command)
    several = not command.startswith("glidepath train")
    if shell and several and (seeds is None or int(seeds[1]) > _FEWER):
        fewer = (command if seeds is None else command.replace(seeds[0], "")) + f" --seeds {_FEWER}"
        return f"Nearly the same with wider intervals: {fewer}"
    shorter = f"fewer updates a run, such as a budget of {max(1, task.budget // _SHORTER)}"
    return f"Cheaper: {shorter}, to which the named schedules are sized; or fewer schedules."


def _small(command: str, budget: int) -> str:
    """A command without what makes a run of the generated images long: another network, its precision, passes over all the data."""
    lengths = r" (?:-n|--budget|--epochs|--length)[ =](?:'[^']*'|\S+)"
    # A schedule that is written out is as long as it says: the runs stay as long as it.
    written = "(" in command and " compare" in command
    kept = re.sub(r" --amp| --model[ =]\S+" + ("" if written else "|" + lengths), "", command)
    return kept + (f" --budget {budget}" if written and not re.search(lengths, command) else "")

"""A task by its name: one that comes with the package, or the user's own."""

from __future__ import annotations

from ...core.errors import GlidepathError, did_you_mean
from .declared import TASKS, Task
from .user import own_task

__all__ = ["find_task", "task_remedy"]


def find_task(name: str) -> Task:
    """The task of this name, or the user's own.

    Args:
        name: A key of `TASKS`, or `module:object`: see `glidepath.lab.tasks.user`.

    Raises:
        GlidepathError: If there is none; the message names the nearest.

    Examples:
        >>> find_task("text").budget
        1500
    """
    if name in TASKS:
        return TASKS[name]
    if ":" in name:
        return own_task(name)
    raise GlidepathError.of("lab", "task", f"one of {', '.join(TASKS)} or module:object", name, task_remedy(name))


def task_remedy(name: str) -> str:
    """What to do instead where no task has this name.

    Examples:
        >>> task_remedy("mnist")
        "did you mean 'mnist1d'?"
    """
    if name.lower() == "quadratic":
        return (
            "the noisy quadratic model is exact and has no runs or seeds to compare: use glidepath.lab.Quadratic, "
            "or glidepath reproduce C10"
        )
    if name.endswith(".py") and (module := name.removesuffix(".py").replace("/", ".").strip(".")):
        return f"module:object, such as {module}:moons for the class moons in {name}"
    return did_you_mean(name, TASKS)

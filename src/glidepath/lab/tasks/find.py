"""A task by its name, one that comes with the package or the user's own; and the same with other settings than its own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, get_args, get_type_hints

from pydantic import ValidationError

from ...core import Checks, GlidepathError, did_you_mean
from ...core.fields import Count
from ..plain import from_pydantic
from .declared import TASKS, Cifar100, Images, Own, Prose, ResNet, Task
from .user import own_task


def find_task(name: str | Task, where: str = "lab") -> Task:
    """The task of this name, or the user's own.

    Args:
        name: A key of `TASKS`, or `module:object`: see `glidepath.lab.tasks.user`. A task is returned as it is.
        where: Who asks, for errors.

    Raises:
        GlidepathError: If there is none; the message names the nearest.

    Examples:
        >>> find_task("text").budget
        1500
    """
    if isinstance(name, str) and ":" in name and name not in TASKS:
        return own_task(name)
    task, remedy = (TASKS.get(name), task_remedy(name)) if isinstance(name, str) else (name, "")
    if not isinstance(task, Task):
        raise GlidepathError.of(where, "task", f"one of {', '.join(TASKS)} or module:object", name, remedy)
    return task


def task_remedy(name: str) -> str:
    """What to do instead where no task has this name.

    Examples:
        >>> task_remedy("mnist")
        "did you mean 'mnist1d'?"
    """
    if name.lower() == "quadratic":
        return "the noisy quadratic model is exact and has no runs or seeds to compare: use glidepath.lab.Quadratic"
    if name.endswith(".py") and (module := name.removesuffix(".py").replace("/", ".").strip(".")):
        return f"module:object, such as {module}:moons for the class moons in {name}"
    return did_you_mean(name, TASKS)


# The networks that tasks of images can be given.
NETWORKS = get_args(get_type_hints(ResNet)["kind"])


def adjusted(
    task: Task | str,
    *,
    model: str | None = None,
    augment: bool | None = None,
    label_smoothing: float | None = None,
    weight_decay: float | None = None,
    epochs: int | None = None,
    precision: str | None = None,
) -> Task:
    """The same task with some of its settings changed, which its sentence then says.

    Args:
        task: Name or task.
        model: For images: `resnet18`, `resnet34` or `resnet50` of width 64, or `resnet8`, the small one of the task `images`.
        augment: For images: whether each is moved and mirrored at random.
        label_smoothing: Share of the target spread over all classes, in [0, 1).
        weight_decay: Of the optimizer, at least 0.
        epochs: Length of a run, in passes over the training data, in place of the task's own budget.
        precision: `float32` or `bfloat16`, of the forward pass.

    Raises:
        GlidepathError: If a setting breaks its rule or does not go with the task; all problems at once.

    Examples:
        >>> found = adjusted("images", epochs=10, weight_decay=1e-4)
        >>> found.budget, found.optimizer.weight_decay
        (780, 0.0001)
    """
    task = find_task(task)
    where, images = f"task {task.name}", isinstance(task.data, Cifar100 | Images)
    checks = Checks(where)
    if model and images:
        checks.choice("model", model, NETWORKS)
    elif model:
        checks.refuse("model", "left out: the task has its own", model)
    if augment and not images and not isinstance(task.data, Own):
        checks.refuse("augment", "left out: it is for images", augment)
    if epochs is not None and isinstance(task.data, Prose):
        checks.refuse("epochs", "left out: a text is read at random places", epochs, "budget, in updates")
    epochs = checks.take("epochs", epochs, Count | None)
    checks.done()
    changes: dict[str, Any] = {"augment": augment, "label_smoothing": label_smoothing, "precision": precision}
    changes = {name: value for name, value in changes.items() if value is not None}
    if model is not None:
        changes["model"] = ResNet(kind="resnet8", width=8, stride=2) if model == "resnet8" else ResNet(kind=model)  # type: ignore[arg-type]
    try:
        if weight_decay is not None:
            changes["optimizer"] = replace(task.optimizer, weight_decay=weight_decay)
        if epochs is not None:
            changes["budget"] = epochs * _epoch(task)
        moved = {None: None, True: "augmented", False: "not augmented"}[augment]
        numbers = {"label smoothing": label_smoothing, "weight decay": weight_decay}
        told = [f"{name} {value:g}" for name, value in numbers.items() if value is not None]
        said = [model, moved, *told, f"{epochs} epochs" if epochs else None, precision]
        about = f"{task.about} Changed: {', '.join(filter(None, said))}."
        return replace(task, **changes, about=about) if changes else task
    except ValidationError as error:
        raise from_pydantic(where, error) from None


def _epoch(task: Task) -> int:
    """Updates of one pass over a task's training examples; loads the data where only they say how many there are."""
    known = 45_000 if isinstance(task.data, Cifar100) else getattr(task.data, "train", None)
    if known is None:
        from .data import load

        known = len(load(task.data).train[1])
    return max(1, known // min(task.batch, known))

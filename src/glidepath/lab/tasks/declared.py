"""Tasks: what is trained, on which data, by which optimizer, and how the result is measured.

A task is a declaration, a frozen value that turns into JSON and back, put together from `glidepath.lab.tasks.parts`.
`glidepath.lab.engines.training` trains it.

Examples:
    >>> from dataclasses import replace
    >>> TASKS["mnist1d"].metric.unit
    '%'
    >>> wider = replace(TASKS["mnist1d"], name="mnist1d-wide", model=Mlp(hidden=(256, 256)))
    >>> Task.from_dict(wider.to_dict()) == wider
    True
"""

from __future__ import annotations

from dataclasses import field
from typing import Annotated, Any, Literal

from pydantic import Field

from ..plain import Plain, plain
from .parts import (
    AdamW,
    AnyData,
    AnyModel,
    CharTransformer,
    Cifar100,
    Cnn1d,
    Count,
    Data,
    Digits,
    Images,
    Metric,
    Mlp,
    Mnist1d,
    Model,
    Optimizer,
    Own,
    Prose,
    Rate,
    ResNet,
    Sgd,
    Share,
)

__all__ = [
    "TASKS",
    "AdamW",
    "AnyData",
    "AnyModel",
    "CharTransformer",
    "Cifar100",
    "Cnn1d",
    "Digits",
    "Images",
    "Metric",
    "Mlp",
    "Mnist1d",
    "Own",
    "Prose",
    "ResNet",
    "Sgd",
    "Task",
]


@plain(kw_only=True, strict=True)
class Task(Plain):
    """One thing to train: data, model, optimizer, loss, metric, and the settings at which schedules are told apart.

    Args:
        name: Short name, as on the command line.
        about: One sentence for the report.
        data: Where the examples come from.
        model: The network.
        optimizer: The update rule; its rate is the peak rate times the schedule.
        loss: The training loss: mean cross entropy, in nats.
        metric: What is reported, on validation while training and on test at the end.
        batch: Examples in a minibatch (for text: windows).
        evaluations: Validations in a run, evenly spaced, the last at the end.
        peak_rate: Default base learning rate; schedules are factors on it.
        budget: Default length of a run, in optimizer updates.
        augment: Whether images are moved by up to four pixels and mirrored at random, each time they are trained on.
        label_smoothing: Share of the training target that is spread evenly over all classes, in [0, 1).
        precision: Of the forward pass while training and measuring; weights are always float32.
        warmup: Default share of the budget spent on warmup by the schedules that take one, in [0, 1).
        revision: Raised when the meaning of the training code changes, so that old records are not taken for new ones.

    Raises:
        GlidepathError: If an argument breaks its rule above.
    """

    name: Annotated[str, Field(min_length=1, max_length=80)]
    about: str = ""
    data: Data
    model: Model
    optimizer: Optimizer
    loss: Literal["cross_entropy"] = "cross_entropy"
    metric: Metric
    batch: Count = 32
    evaluations: Count = 20
    augment: bool = False
    label_smoothing: Share = 0.0
    precision: Literal["float32", "bfloat16"] = "float32"
    peak_rate: Rate
    budget: Count
    warmup: Share = 0.0
    revision: Count = field(default=1)

    @property
    def changed(self) -> str:
        """What is other than in the task of this name, as its sentence says it; empty where nothing is."""
        return "".join(self.about.partition("Changed: ")[1:])

    def identity(self) -> dict[str, Any]:
        """What decides the outcome of a run, as plain JSON data: the declaration without its texts and defaults."""
        hidden = ("about", "peak_rate", "budget", "warmup")
        whole = {key: value for key, value in self.to_dict().items() if key not in hidden}
        # What is newer than the first records stands in a hash only where it is used.
        for key, usual in {"augment": False, "label_smoothing": 0.0, "precision": "float32"}.items():
            if whole[key] == usual:
                del whole[key]
        return whole


_ERROR = Metric("error", "%")
_LOSS = Metric("loss", "nats per character")

TASKS: dict[str, Task] = {
    task.name: task
    for task in (
        Task(
            name="mnist1d",
            about="Ten classes of short signals (MNIST-1D), a perceptron 40-64-64-10, SGD with momentum 0.9.",
            data=Mnist1d(),
            model=Mlp(),
            optimizer=Sgd(),
            metric=_ERROR,
            batch=32,
            peak_rate=0.1,
            budget=2000,
        ),
        Task(
            name="mnist1d-cnn",
            about="Ten classes of short signals (MNIST-1D), three convolutions and 2474 parameters, SGD with momentum 0.9.",
            data=Mnist1d(),
            model=Cnn1d(),
            optimizer=Sgd(),
            metric=_ERROR,
            batch=32,
            peak_rate=0.1,
            budget=2000,
        ),
        Task(
            name="digits",
            about="Small handwritten digits, a fifth of the training labels wrong, a perceptron 64-64-10, SGD with momentum 0.9.",
            data=Digits(),
            model=Mlp(hidden=(64,)),
            optimizer=Sgd(),
            metric=_ERROR,
            batch=32,
            peak_rate=0.02,
            budget=1000,
        ),
        Task(
            name="images",
            about="A hundred classes of generated images of CIFAR-100's shape, ResNet-8 of width 8, SGD with momentum 0.9.",
            data=Images(),
            model=ResNet(kind="resnet8", width=8, stride=2),
            optimizer=Sgd(weight_decay=5e-4),
            metric=_ERROR,
            batch=64,
            evaluations=10,
            peak_rate=0.1,
            budget=600,
        ),
        Task(
            name="cifar100",
            about="CIFAR-100 from a local copy, ResNet-18 for 32 by 32, SGD with momentum 0.9.",
            data=Cifar100(),
            model=ResNet(),
            optimizer=Sgd(weight_decay=5e-4),
            metric=_ERROR,
            batch=128,
            peak_rate=0.1,
            budget=10_530,
        ),
        Task(
            name="text",
            about="The next character of Python's own documentation, a transformer of 20,000 parameters, AdamW.",
            data=Prose(),
            model=CharTransformer(),
            optimizer=AdamW(),
            metric=_LOSS,
            batch=16,
            peak_rate=0.01,
            budget=1500,
            warmup=0.05,
        ),
    )
}
"""The tasks that come with the package, by name."""

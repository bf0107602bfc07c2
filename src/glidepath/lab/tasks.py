"""Tasks: what is trained, on which data, by which optimizer, and how the result is measured.

A task is a declaration, a frozen value that turns into JSON and back; nothing here imports torch or loads data.
`glidepath.lab.data` makes the arrays, `glidepath.lab.models` the networks, `glidepath.lab.training` trains.

Examples:
    >>> from dataclasses import replace
    >>> TASKS["mnist1d"].metric.unit
    '%'
    >>> wider = replace(TASKS["mnist1d"], name="mnist1d-wide", model=Mlp(hidden=(256, 256)))
    >>> Task.from_dict(wider.to_dict()) == wider
    True
"""

import json
from dataclasses import field
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from glidepath.core.errors import GlidepathError, did_you_mean
from glidepath.lab._checks import from_pydantic

__all__ = [
    "TASKS",
    "AdamW",
    "AnyData",
    "AnyModel",
    "CharTransformer",
    "Cifar100",
    "Cnn1d",
    "Digits",
    "Metric",
    "Mlp",
    "Mnist1d",
    "Own",
    "Prose",
    "ResNet18",
    "Sgd",
    "Task",
    "find_task",
]

_CONFIG = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)
_Count = Annotated[int, Field(ge=1, le=2**53)]
_Rate = Annotated[float, Field(gt=0.0)]
_Share = Annotated[float, Field(ge=0.0, lt=1.0)]


@dataclass(frozen=True, kw_only=True, config=_CONFIG)
class Mnist1d:
    """The MNIST-1D benchmark: ten classes of one-dimensional signals, 40 numbers each, made by its published generator.

    Nothing is downloaded: the generator of the `mnist1d` package draws the examples from `seed`.

    Args:
        train: Examples to train on. At least 1.
        validation: Examples for the evaluations during training. At least 1.
        test: Examples for the final figure. At least 1.
        seed: Seed of the generator. The published data use 42.

    Source:
        Greydanus & Kobak 2020, "Scaling down deep learning with MNIST-1D", https://arxiv.org/abs/2011.14439
    """

    kind: Literal["mnist1d"] = "mnist1d"
    train: _Count = 4000
    validation: _Count = 3000
    test: _Count = 3000
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 42


@dataclass(frozen=True, kw_only=True, config=_CONFIG)
class Digits:
    """The 1797 digits of 8 by 8 pixels that ship inside scikit-learn, with wrong labels among those to train on.

    Without wrong labels every sensible schedule ends at the same error. Validation and test labels are never changed.

    Args:
        noise: Share of training labels replaced by another class, drawn evenly. In [0, 1).
        seed: Decides the parts and the replaced labels. In [0, 2^32).
    """

    kind: Literal["digits"] = "digits"
    noise: _Share = 0.2
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0


@dataclass(frozen=True, kw_only=True, config=_CONFIG)
class Cifar100:
    """CIFAR-100 from the user's own copy, fine labels, a tenth of the training rows kept for validation.

    Never downloaded: see `glidepath.lab.cifar` for where the copy is looked for.
    """

    kind: Literal["cifar100"] = "cifar100"


@dataclass(frozen=True, kw_only=True, config=_CONFIG)
class Own:
    """A user's own data and model: an object with the functions `data()` and `model()`, see `glidepath.lab.own`.

    Args:
        place: Where it is, as `module:object`.
        sha256: Hash of the module's file, in hex, so that records of an older text of it are not taken for new ones.
    """

    kind: Literal["own"] = "own"
    place: Annotated[str, Field(min_length=3, max_length=200)]
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


@dataclass(frozen=True, kw_only=True, config=_CONFIG)
class Prose:
    """The English prose that ships inside Python (`pydoc_data.topics`, about 465,000 characters), a character a token.

    The text differs between minor versions of Python: losses compare only where the sha256 in the records is equal.
    Stretches of `stretch` characters go in turn, eight to training, one to validation, one to test.

    Args:
        stretch: Length of a stretch, in characters. At least 64.
    """

    kind: Literal["prose"] = "prose"
    stretch: Annotated[int, Field(ge=64)] = 4096


@dataclass(frozen=True, kw_only=True, config=_CONFIG)
class Mlp:
    """A multi-layer perceptron with ReLU.

    Args:
        hidden: Widths of the hidden layers, in units. At least one layer.
    """

    kind: Literal["mlp"] = "mlp"
    hidden: Annotated[tuple[_Count, ...], Field(min_length=1, max_length=64, strict=False)] = (64, 64)


@dataclass(frozen=True, kw_only=True, config=_CONFIG)
class Cnn1d:
    """Three convolutions of stride 2 over a signal, with ReLU, then one linear layer: 2474 parameters on MNIST-1D.

    Args:
        channels: Channels of each convolution. At least 1.

    Source:
        After the convolutional baseline of Greydanus & Kobak 2020, https://arxiv.org/abs/2011.14439, made narrower.
    """

    kind: Literal["cnn1d"] = "cnn1d"
    channels: _Count = 16


@dataclass(frozen=True, kw_only=True, config=_CONFIG)
class ResNet18:
    """The residual network of 18 layers for images of 32 by 32: a first convolution of 3 by 3 and stride 1, no pooling.

    Args:
        width: Channels of the first stage; each of the four has twice those of the one before. At least 1.

    Source:
        He et al. 2016, https://arxiv.org/abs/1512.03385; the first layer as is usual for CIFAR.
    """

    kind: Literal["resnet18"] = "resnet18"
    width: _Count = 64


@dataclass(frozen=True, kw_only=True, config=_CONFIG)
class CharTransformer:
    """A small causal transformer over characters: pre-norm blocks, learned positions, GELU.

    Args:
        width: Size of the embedding. A multiple of `heads`.
        layers: Number of blocks.
        heads: Attention heads in a block.
        context: Characters that the model sees at once.

    Source:
        Vaswani et al. 2017, https://arxiv.org/abs/1706.03762; pre-norm: Xiong et al. 2020, https://arxiv.org/abs/2002.04745
    """

    kind: Literal["char_transformer"] = "char_transformer"
    width: _Count = 32
    layers: _Count = 1
    heads: _Count = 2
    context: _Count = 32

    def __post_init__(self) -> None:
        if self.width % self.heads:
            msg = f"width must be a multiple of heads ({self.heads}), got {self.width}"
            raise ValueError(msg)


@dataclass(frozen=True, kw_only=True, config=_CONFIG)
class Sgd:
    """Stochastic gradient descent with heavy-ball momentum (`torch.optim.SGD`).

    Args:
        momentum: In [0, 1).
        weight_decay: L2 penalty, at least 0.
    """

    kind: Literal["sgd"] = "sgd"
    momentum: _Share = 0.9
    weight_decay: Annotated[float, Field(ge=0.0)] = 0.0


@dataclass(frozen=True, kw_only=True, config=_CONFIG)
class AdamW:
    """Adam with decoupled weight decay (`torch.optim.AdamW`).

    Args:
        beta1: Decay of the first moment, in [0, 1).
        beta2: Decay of the second moment, in [0, 1).
        weight_decay: Decoupled weight decay, at least 0.

    Source:
        Loshchilov & Hutter 2019, https://arxiv.org/abs/1711.05101
    """

    kind: Literal["adamw"] = "adamw"
    beta1: _Share = 0.9
    beta2: _Share = 0.99
    weight_decay: Annotated[float, Field(ge=0.0)] = 0.01


@dataclass(frozen=True, config=_CONFIG)
class Metric:
    """The one number by which runs of a task are compared.

    Args:
        name: What it is, in words.
        unit: Its unit, as printed.
        direction: Which way is better.
    """

    name: str
    unit: str
    direction: Literal["lower", "higher"] = "lower"


_ERROR = Metric("error", "%")
_LOSS = Metric("loss", "nats per character")

AnyData = Mnist1d | Digits | Cifar100 | Prose | Own
AnyModel = Mlp | Cnn1d | ResNet18 | CharTransformer | Own
Data = Annotated[AnyData, Field(discriminator="kind")]
Model = Annotated[AnyModel, Field(discriminator="kind")]
Optimizer = Annotated[Sgd | AdamW, Field(discriminator="kind")]


@dataclass(frozen=True, kw_only=True, config=_CONFIG)
class Task:
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
    batch: _Count = 32
    evaluations: _Count = 20
    peak_rate: _Rate
    budget: _Count
    warmup: _Share = 0.0
    revision: _Count = field(default=1)

    def to_dict(self) -> dict[str, Any]:
        """The whole declaration as plain JSON data."""
        return _ADAPTER.dump_python(self, mode="json")

    @classmethod
    def from_dict(cls, data: object) -> "Task":
        """The task that `to_dict` wrote.

        Args:
            data: Plain JSON data.

        Raises:
            GlidepathError: If a field is missing, unknown or breaks its rule; all problems in one message.
        """
        try:
            return _ADAPTER.validate_json(json.dumps(data))
        except ValidationError as error:
            raise from_pydantic("task", error) from None

    def identity(self) -> dict[str, Any]:
        """What decides the outcome of a run, as plain JSON data: the declaration without its texts and defaults."""
        hidden = ("about", "peak_rate", "budget", "warmup")
        return {key: value for key, value in self.to_dict().items() if key not in hidden}


_ADAPTER: TypeAdapter[Task] = TypeAdapter(Task)


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
            peak_rate=0.1,
            budget=1000,
        ),
        Task(
            name="cifar100",
            about="CIFAR-100 from a local copy, ResNet-18 for 32 by 32 without augmentation, SGD with momentum 0.9, 30 epochs.",
            data=Cifar100(),
            model=ResNet18(),
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


def find_task(name: str) -> Task:
    """The task of this name, or the user's own.

    Args:
        name: A key of `TASKS`, or `module:object`: see `glidepath.lab.own`.

    Raises:
        GlidepathError: If there is none; the message names the nearest.

    Examples:
        >>> find_task("text").budget
        1500
    """
    if name in TASKS:
        return TASKS[name]
    if ":" in name:
        from glidepath.lab.own import own_task

        return own_task(name)
    raise GlidepathError.of(
        "lab", "task", f"one of {', '.join(TASKS)} or module:object", name, did_you_mean(name, TASKS)
    )

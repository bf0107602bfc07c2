"""Tasks: what is trained, on which data, by which optimizer, and how the result is measured.

A task is a declaration, a frozen value that turns into JSON and back. Nothing here imports torch or loads data:
`glidepath.lab.tasks.data` makes the arrays, `glidepath.lab.tasks.models` the networks, `glidepath.lab.engines.training` trains.
The declarations stand in one file, which is longer than most: they are one table, read side by side.

Examples:
    >>> from dataclasses import replace
    >>> TASKS["mnist1d"].metric.unit
    '%'
    >>> wider = replace(TASKS["mnist1d"], name="mnist1d-wide", model=Mlp(hidden=(256, 256)))
    >>> Task.from_dict(wider.to_dict()) == wider
    True
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from ..plain import Plain, plain

Count = Annotated[int, Field(ge=1, le=2**53)]
Rate = Annotated[float, Field(gt=0.0)]
Share = Annotated[float, Field(ge=0.0, lt=1.0)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]


@plain(kw_only=True, strict=True)
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
    train: Count = 4000
    validation: Count = 3000
    test: Count = 3000
    seed: Seed = 42


@plain(kw_only=True, strict=True)
class Digits:
    """The 1797 digits of 8 by 8 pixels that ship inside scikit-learn, with wrong labels among those to train on.

    Without wrong labels every sensible schedule ends at the same error. Validation and test labels are never changed.

    Args:
        noise: Share of training labels replaced by another class, drawn evenly. In [0, 1).
        seed: Decides the parts and the replaced labels. In [0, 2^32).
    """

    kind: Literal["digits"] = "digits"
    noise: Share = 0.2
    seed: Seed = 0


@plain(kw_only=True, strict=True)
class Cifar100:
    """CIFAR-100 from the user's own copy, fine labels, a tenth of the training rows kept for validation.

    Never downloaded: see `glidepath.lab.tasks.cifar` for where the copy is looked for.
    """

    kind: Literal["cifar100"] = "cifar100"


@plain(kw_only=True, strict=True)
class Images:
    """Made-up images of CIFAR-100's shape: 100 classes in 20 families, 32 by 32 pixels in three colours, as bytes.

    A class is a pattern of 8 by 8 patches, part its family's and part its own. An image shows it moved, perhaps mirrored, brighter or
    paler, under the pattern of another class and noise: few examples can be learnt by heart, and more updates do not help the rest.

    Args:
        train: Examples to train on, as many of each class. At least 1.
        validation: Examples for the evaluations during training. At least 1.
        test: Examples for the final figure. At least 1.
        seed: Decides patterns and images. In [0, 2^32).
    """

    kind: Literal["images"] = "images"
    train: Count = 5000
    validation: Count = 1000
    test: Count = 2000
    seed: Seed = 0


@plain(kw_only=True, strict=True)
class Own:
    """A user's own data and model: an object with the functions `data()` and `model()`, see `glidepath.lab.tasks.user`.

    Args:
        place: Where it is, as `module:object`.
        sha256: Hash of the module's file, in hex, so that records of an older text of it are not taken for new ones.
    """

    kind: Literal["own"] = "own"
    place: Annotated[str, Field(min_length=3, max_length=200)]
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


@plain(kw_only=True, strict=True)
class Prose:
    """The English prose that ships inside Python (`pydoc_data.topics`, about 465,000 characters), a character a token.

    The text differs between minor versions of Python: losses compare only where the sha256 in the records is equal.
    Stretches of `stretch` characters go in turn, eight to training, one to validation, one to test.

    Args:
        stretch: Length of a stretch, in characters. At least 64.
    """

    kind: Literal["prose"] = "prose"
    stretch: Annotated[int, Field(ge=64)] = 4096


@plain(kw_only=True, strict=True)
class Mlp:
    """A multi-layer perceptron with ReLU.

    Args:
        hidden: Widths of the hidden layers, in units. At least one layer.
    """

    kind: Literal["mlp"] = "mlp"
    hidden: Annotated[tuple[Count, ...], Field(min_length=1, max_length=64, strict=False)] = (64, 64)


@plain(kw_only=True, strict=True)
class Cnn1d:
    """Three convolutions of stride 2 over a signal, with ReLU, then one linear layer: 2474 parameters on MNIST-1D.

    Args:
        channels: Channels of each convolution. At least 1.

    Source:
        After the convolutional baseline of Greydanus & Kobak 2020, https://arxiv.org/abs/2011.14439, made narrower.
    """

    kind: Literal["cnn1d"] = "cnn1d"
    channels: Count = 16


@plain(kw_only=True, strict=True)
class ResNet:
    """A residual network for images of 32 by 32: a first convolution of 3 by 3, no pooling.

    Args:
        kind: Number of layers. 18 and 34 have four stages of basic blocks, 50 of bottlenecks, 8 three stages of one basic block.
        width: Channels of the first stage (of a bottleneck: its narrow ones); each stage has twice those of the one before.
            At least 1.
        stride: Of the first convolution. At least 1.

    Source:
        He et al. 2016, https://arxiv.org/abs/1512.03385; the first layer as is usual for CIFAR.
    """

    kind: Literal["resnet8", "resnet18", "resnet34", "resnet50"] = "resnet18"
    width: Count = 64
    stride: Count = 1


@plain(kw_only=True, strict=True)
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
    width: Count = 32
    layers: Count = 1
    heads: Count = 2
    context: Count = 32

    def __post_init__(self) -> None:
        if self.width % self.heads:
            raise ValueError(f"width must be a multiple of heads ({self.heads}), got {self.width}")


@plain(kw_only=True, strict=True)
class Sgd:
    """Stochastic gradient descent with heavy-ball momentum (`torch.optim.SGD`).

    Args:
        momentum: In [0, 1).
        weight_decay: L2 penalty, at least 0.
    """

    kind: Literal["sgd"] = "sgd"
    momentum: Share = 0.9
    weight_decay: Annotated[float, Field(ge=0.0)] = 0.0


@plain(kw_only=True, strict=True)
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
    beta1: Share = 0.9
    beta2: Share = 0.99
    weight_decay: Annotated[float, Field(ge=0.0)] = 0.01


@plain(strict=True)
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


AnyData = Mnist1d | Digits | Cifar100 | Images | Prose | Own
AnyModel = Mlp | Cnn1d | ResNet | CharTransformer | Own
Data = Annotated[AnyData, Field(discriminator="kind")]
Model = Annotated[AnyModel, Field(discriminator="kind")]
Optimizer = Annotated[Sgd | AdamW, Field(discriminator="kind")]


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
    revision: Count = 1

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


ERROR = Metric("error", "%")


def _classes(
    name: str, about: str, data: AnyData, model: AnyModel, budget: int, rate: float = 0.1, **more: Any
) -> Task:
    """A task of classes, by SGD with momentum 0.9."""
    told = f"{about}, SGD with momentum 0.9."
    made: dict[str, Any] = {"optimizer": Sgd(), "metric": ERROR, "peak_rate": rate, "budget": budget, **more}
    return Task(name=name, about=told, data=data, model=model, **made)


_SIGNALS = "Ten classes of short signals (MNIST-1D)"
_DIGITS = "Small handwritten digits, a fifth of the training labels wrong, a perceptron 64-64-10"
_IMAGES = "A hundred classes of generated images of CIFAR-100's shape, ResNet-8 of width 8"
_DECAYED: dict[str, Any] = {"optimizer": Sgd(weight_decay=5e-4)}
_SMALL = ResNet(kind="resnet8", width=8, stride=2)
_NEXT = "The next character of Python's own documentation, a transformer of 20,000 parameters, AdamW."
_NATS = Metric("loss", "nats per character")
_SIZES: dict[str, Any] = {"batch": 16, "peak_rate": 0.01, "budget": 1500, "warmup": 0.05}
_MODEL: dict[str, Any] = {"model": CharTransformer(), "optimizer": AdamW(), "metric": _NATS}
_TEXT = Task(name="text", about=_NEXT, data=Prose(), **_MODEL, **_SIZES)
_CIFAR = "CIFAR-100 from a local copy, ResNet-18 for 32 by 32"

TASKS: dict[str, Task] = {
    task.name: task
    for task in (
        _classes("mnist1d", f"{_SIGNALS}, a perceptron 40-64-64-10", Mnist1d(), Mlp(), 2000),
        _classes("mnist1d-cnn", f"{_SIGNALS}, three convolutions and 2474 parameters", Mnist1d(), Cnn1d(), 2000),
        _classes("digits", _DIGITS, Digits(), Mlp(hidden=(64,)), 1000, 0.02),
        _classes("images", _IMAGES, Images(), _SMALL, 600, batch=64, evaluations=10, **_DECAYED),
        _classes("cifar100", _CIFAR, Cifar100(), ResNet(), 10_530, batch=128, **_DECAYED),
        _TEXT,
    )
}
"""The tasks that come with the package, by name."""

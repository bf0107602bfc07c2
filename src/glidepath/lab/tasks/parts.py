"""What a task is put together from: data, models, optimizers and metrics, each a frozen declaration that turns into JSON.

Nothing here imports torch or loads data: `glidepath.lab.tasks.data` makes the arrays, `glidepath.lab.tasks.models` the networks.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ..plain import plain

__all__ = [
    "AdamW",
    "AnyData",
    "AnyModel",
    "CharTransformer",
    "Cifar100",
    "Cnn1d",
    "Count",
    "Data",
    "Digits",
    "Images",
    "Metric",
    "Mlp",
    "Mnist1d",
    "Model",
    "Optimizer",
    "Own",
    "Prose",
    "Rate",
    "ResNet",
    "Sgd",
    "Share",
]

Count = Annotated[int, Field(ge=1, le=2**53)]
Rate = Annotated[float, Field(gt=0.0)]
Share = Annotated[float, Field(ge=0.0, lt=1.0)]


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
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 42


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
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0


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
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0


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
            msg = f"width must be a multiple of heads ({self.heads}), got {self.width}"
            raise ValueError(msg)


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

"""The networks that tasks declare, as torch modules, and how images are moved and mirrored. Weights come from torch's global generator."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from ...core import GlidepathError
from .data import Examples, Text
from .declared import AnyModel, CharTransformer, Cnn1d, Mlp, Own, ResNet


def build(declared: AnyModel, data: Examples | Text) -> nn.Module:
    """The network of a declaration, sized for its data, with fresh weights.

    Args:
        declared: The model part of a task.
        data: What it will see; decides the sizes of the first and last layer.

    Returns:
        A module that maps inputs `b features` (or tokens `b t`) to logits `b classes` (or `b t symbols`).

    Raises:
        TypeError: If the model cannot read these data.
        GlidepathError: If the user's own model breaks a rule of `glidepath.lab.tasks.user`.
    """
    match declared, data:
        case Mlp(), Examples():
            pairs = pairwise([data.train[0].shape[1], *declared.hidden, data.classes])
            return nn.Sequential(*[layer for pair in pairs for layer in (nn.Linear(*pair), nn.ReLU())][:-1])
        case Cnn1d(), Examples():
            return _cnn1d(declared.channels, data)
        case ResNet(), Examples():
            return ResidualNetwork(declared, data.classes)
        case Own(), Examples():
            from .user import own_model

            return own_model(declared, data)
        case CharTransformer(), Text():
            return Transformer(len(data.symbols), declared)
        case _:
            raise TypeError(f"model: a {declared.kind} cannot read {type(data).__name__.lower()}")


def _cnn1d(channels: int, data: Examples) -> nn.Module:
    layers: list[nn.Module] = [nn.Unflatten(1, (1, -1))]
    for before, kernel in ((1, 5), (channels, 3), (channels, 3)):
        layers += [nn.Conv1d(before, channels, kernel, stride=2, padding=1), nn.ReLU()]
    length = data.train[0].shape[1]
    for kernel in (5, 3, 3):
        length = (length + 2 - kernel) // 2 + 1
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(channels * length, data.classes))


class Transformer(nn.Module):
    """A causal transformer over token numbers.

    Args:
        symbols: Size of the vocabulary.
        declared: Its sizes.
    """

    def __init__(self, symbols: int, declared: CharTransformer) -> None:
        super().__init__()
        width = declared.width
        self.symbols = nn.Embedding(symbols, width)
        self.positions = nn.Parameter(torch.empty(declared.context, width))
        self.blocks = nn.Sequential(*(_Block(width, declared.heads) for _ in range(declared.layers)))
        self.norm = nn.LayerNorm(width)
        self.logits = nn.Linear(width, symbols)
        for weights in (self.symbols.weight, self.positions):
            nn.init.normal_(weights, std=0.5)

    def forward(self, tokens: Tensor) -> Tensor:
        """Logits of the next token at every position: `b t` -> `b t symbols`, t at most the context."""
        embedded = self.symbols(tokens) + self.positions[: tokens.shape[1]]
        return self.logits(self.norm(self.blocks(embedded)))


class _Block(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm_attention = nn.LayerNorm(width)
        self.queries_keys_values = nn.Linear(width, 3 * width)
        self.mixed = nn.Linear(width, width)
        self.norm_mlp = nn.LayerNorm(width)
        self.wide = nn.Linear(width, 4 * width)
        self.narrow = nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """The block's output: `b t width` -> `b t width`."""
        batch, length, width = x.shape
        split = self.queries_keys_values(self.norm_attention(x)).view(batch, length, 3, self.heads, width // self.heads)
        queries, keys, values = split.permute(2, 0, 3, 1, 4)
        seen = functional.scaled_dot_product_attention(queries, keys, values, is_causal=True)
        x = x + self.mixed(seen.transpose(1, 2).reshape(batch, length, width))
        return x + self.narrow(functional.gelu(self.wide(self.norm_mlp(x))))


# Blocks of each stage, and whether they are bottlenecks.
_STAGES = {
    "resnet8": ((1, 1, 1), False),
    "resnet18": ((2, 2, 2, 2), False),
    "resnet34": ((3, 4, 6, 3), False),
    "resnet50": ((3, 4, 6, 3), True),
}


class ResidualNetwork(nn.Module):
    """Stages of residual blocks, then the mean over what is left of the image.

    Args:
        declared: Its sizes.
        classes: Size of the output.

    Source:
        He et al. 2016, https://arxiv.org/abs/1512.03385
    """

    mean: Tensor
    std: Tensor

    def __init__(self, declared: ResNet, classes: int) -> None:
        super().__init__()
        # Of CIFAR-100's training rows, red, green, blue.
        self.register_buffer("mean", torch.tensor((0.5071, 0.4865, 0.4409)).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor((0.2673, 0.2564, 0.2762)).view(3, 1, 1), persistent=False)
        self.first = nn.Conv2d(3, declared.width, 3, declared.stride, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(declared.width)
        stages, narrowed = _STAGES[declared.kind]
        blocks: list[nn.Module] = []
        before = declared.width
        for stage, count in enumerate(stages):
            channels = declared.width * 2**stage
            for block in range(count):
                blocks.append(_ResidualBlock(before, channels, 2 if stage and not block else 1, narrowed=narrowed))
                before = 4 * channels if narrowed else channels
        self.blocks = nn.Sequential(*blocks)
        self.logits = nn.Linear(before, classes)

    def forward(self, images: Tensor) -> Tensor:
        """Logits: bytes `b 3 32 32` -> `b classes`."""
        x = (images.float() / 255.0 - self.mean) / self.std
        x = self.blocks(functional.relu(self.norm(self.first(x))))
        return self.logits(x.mean((2, 3)))


class _ResidualBlock(nn.Module):
    """Two convolutions of 3 by 3; narrowed: one of 3 by 3 between two of 1 by 1, the last four times as wide. The stride is that of 3 by 3."""

    def __init__(self, before: int, channels: int, stride: int, *, narrowed: bool) -> None:
        super().__init__()
        kernels, after = ((1, 3, 1), 4 * channels) if narrowed else ((3, 3), channels)
        widths = [before, *[channels] * (len(kernels) - 1), after]
        strides = (1, stride, 1) if narrowed else (stride, 1)
        layers: list[nn.Module] = []
        for (wide, narrow), kernel, step in zip(pairwise(widths), kernels, strides, strict=True):
            layers.append(nn.Conv2d(wide, narrow, kernel, step, kernel // 2, bias=False))
            layers += [nn.BatchNorm2d(narrow), nn.ReLU()]
        self.layers = nn.Sequential(*layers[:-1])
        self.skip = nn.Sequential()
        if stride != 1 or before != after:
            self.skip = nn.Sequential(nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after))

    def forward(self, x: Tensor) -> Tensor:
        """The block's output."""
        return functional.relu(self.layers(x) + self.skip(x))


_BY = 4


def augmented(images: Tensor, places: npt.NDArray[np.int64], seed: int) -> Tensor:
    """Images, each moved by up to four pixels in both directions, what is missing black, and mirrored half of the time.

    How is a pure function of the seed and of an image's place in the endless row of samples: on every device and any number of
    processes the same, and wherever a run goes on.

    Args:
        images: `b channels rows columns`.
        places: Of each image, `b`, from 0.
        seed: In [0, 2^64).

    Raises:
        GlidepathError: If they are no images.

    Source:
        He et al. 2016, https://arxiv.org/abs/1512.03385, section 4.2; the numbers are drawn by splitmix64 (Steele et al. 2014).
    """
    if images.dim() != 4:
        rule = "left out for inputs that are not images n c h w"
        raise GlidepathError.of("task", "augment", rule, tuple(images.shape))
    x = places.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(seed)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB), (31, 1)):
        x = (x ^ (x >> np.uint64(shift))) * np.uint64(factor)
    side = 2 * _BY + 1
    drawn = np.stack([x % side, x // side % side, x // side**2 % 2]).astype(np.int64)
    down, right, mirrored = torch.from_numpy(drawn).to(images.device).unsqueeze(-1)
    height, width = images.shape[2:]
    rows, columns = (torch.arange(n, device=images.device) for n in (height, width))
    rows, columns = down + rows, right + torch.where(mirrored > 0, width - 1 - columns, columns)
    first = torch.arange(len(images), device=images.device).view(-1, 1, 1)
    padded = functional.pad(images, (_BY,) * 4).permute(0, 2, 3, 1)
    return padded[first, rows.unsqueeze(2), columns.unsqueeze(1)].permute(0, 3, 1, 2)

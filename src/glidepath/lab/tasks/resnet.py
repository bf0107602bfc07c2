"""Residual networks for images of 32 by 32 pixels, given as bytes. Weights come from torch's global generator."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from .parts import ResNet as Declared

__all__ = ["ResNet"]

_STAGES = {
    "resnet8": ((1, 1, 1), False),
    "resnet18": ((2, 2, 2, 2), False),
    "resnet34": ((3, 4, 6, 3), False),
    "resnet50": ((3, 4, 6, 3), True),
}
"""Blocks of each stage, and whether they are bottlenecks."""

_MEAN = (0.5071, 0.4865, 0.4409)  # of CIFAR-100's training rows, red, green, blue
_STD = (0.2673, 0.2564, 0.2762)


class ResNet(nn.Module):
    """Stages of residual blocks, then the mean over what is left of the image.

    Args:
        declared: Its sizes.
        classes: Size of the output.

    Source:
        He et al. 2016, https://arxiv.org/abs/1512.03385
    """

    mean: Tensor
    std: Tensor

    def __init__(self, declared: Declared, classes: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(_MEAN).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(_STD).view(3, 1, 1), persistent=False)
        self.first = nn.Conv2d(3, declared.width, 3, declared.stride, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(declared.width)
        stages, narrowed = _STAGES[declared.kind]
        blocks: list[nn.Module] = []
        before = declared.width
        for stage, count in enumerate(stages):
            channels = declared.width * 2**stage
            for block in range(count):
                blocks.append(_Block(before, channels, 2 if stage and not block else 1, narrowed=narrowed))
                before = 4 * channels if narrowed else channels
        self.blocks = nn.Sequential(*blocks)
        self.logits = nn.Linear(before, classes)

    def forward(self, images: Tensor) -> Tensor:
        """Logits: bytes `b 3 32 32` -> `b classes`."""
        x = (images.float() / 255.0 - self.mean) / self.std
        x = self.blocks(functional.relu(self.norm(self.first(x))))
        return self.logits(x.mean((2, 3)))


class _Block(nn.Module):
    """Two convolutions of 3 by 3; narrowed: one of 3 by 3 between two of 1 by 1, the last four times as wide. The stride is that of 3 by 3."""

    def __init__(self, before: int, channels: int, stride: int, *, narrowed: bool) -> None:
        super().__init__()
        kernels, after = ((1, 3, 1), 4 * channels) if narrowed else ((3, 3), channels)
        widths = [before, *[channels] * (len(kernels) - 1), after]
        strides = (1, stride, 1) if narrowed else (stride, 1)
        layers: list[nn.Module] = []
        for (wide, narrow), kernel, step in zip(pairwise(widths), kernels, strides, strict=True):
            layers += [
                nn.Conv2d(wide, narrow, kernel, step, kernel // 2, bias=False),
                nn.BatchNorm2d(narrow),
                nn.ReLU(),
            ]
        self.layers = nn.Sequential(*layers[:-1])
        self.skip = nn.Sequential()
        if stride != 1 or before != after:
            self.skip = nn.Sequential(nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after))

    def forward(self, x: Tensor) -> Tensor:
        """The block's output."""
        return functional.relu(self.layers(x) + self.skip(x))

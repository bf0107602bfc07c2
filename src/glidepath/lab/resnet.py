"""ResNet-18 for images of 32 by 32 pixels, given as bytes. Weights come from torch's global generator."""

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["ResNet"]

_BLOCKS = 2
_STAGES = 4
_MEAN = (0.5071, 0.4865, 0.4409)  # of CIFAR-100's training rows, red, green, blue
_STD = (0.2673, 0.2564, 0.2762)


class ResNet(nn.Module):
    """Four stages of two basic blocks.

    Args:
        width: Channels of the first stage.
        classes: Size of the output.

    Source:
        He et al. 2016, https://arxiv.org/abs/1512.03385
    """

    mean: Tensor
    std: Tensor

    def __init__(self, width: int, classes: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(_MEAN).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(_STD).view(3, 1, 1), persistent=False)
        self.first = nn.Conv2d(3, width, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(width)
        blocks: list[nn.Module] = []
        before = width
        for stage in range(_STAGES):
            channels = width * 2**stage
            for block in range(_BLOCKS):
                blocks.append(_Block(before, channels, 2 if stage and not block else 1))
                before = channels
        self.blocks = nn.Sequential(*blocks)
        self.logits = nn.Linear(before, classes)

    def forward(self, images: Tensor) -> Tensor:
        """Logits: bytes `b 3 32 32` -> `b classes`."""
        x = (images.float() / 255.0 - self.mean) / self.std
        x = self.blocks(functional.relu(self.norm(self.first(x))))
        return self.logits(x.mean((2, 3)))


class _Block(nn.Module):
    def __init__(self, before: int, channels: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(before, channels, 3, stride, padding=1, bias=False)
        self.first_norm = nn.BatchNorm2d(channels)
        self.second = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.second_norm = nn.BatchNorm2d(channels)
        self.skip = nn.Sequential()
        if stride != 1 or before != channels:
            self.skip = nn.Sequential(nn.Conv2d(before, channels, 1, stride, bias=False), nn.BatchNorm2d(channels))

    def forward(self, x: Tensor) -> Tensor:
        """The block's output."""
        y = functional.relu(self.first_norm(self.first(x)))
        return functional.relu(self.second_norm(self.second(y)) + self.skip(x))

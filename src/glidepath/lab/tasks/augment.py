"""Augmentation of images: moved and mirrored, as is usual for CIFAR."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from ...core import GlidepathError

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

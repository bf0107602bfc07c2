"""The processes that train together: how many there are, what each of them says, and how they are named."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, distributed

SHOWN = 16  # ranks that a message lists


def count(group: Any = None) -> int:
    """Returns the number of processes that train together; 1 where no process group was begun."""
    return distributed.get_world_size(group) if distributed.is_available() and distributed.is_initialized() else 1


def number(group: Any = None) -> int:
    """Returns this process's number; 0 where no process group was begun."""
    return distributed.get_rank(group) if distributed.is_available() and distributed.is_initialized() else 0


def device(group: Any = None) -> torch.device:
    """Returns the device that a group's collectives want their tensors on; the CPU for one process."""
    if count(group) > 1 and distributed.get_backend(group) == "nccl":
        return torch.device("cuda", torch.cuda.current_device())
    return torch.device("cpu")


def gathered(mine: Tensor, group: Any = None, on: torch.device | None = None) -> list[Tensor]:
    """Returns the tensors of every rank, in their order, on the CPU; all have one shape.

    Args:
        mine: This process's tensor.
        group: The process group; None is the default one.
        on: The device that the tensors are exchanged on; None is the group's.
    """
    if count(group) == 1:
        return [mine.cpu()]
    mine = mine.to(on or device(group))
    rows = [torch.empty_like(mine) for _ in range(count(group))]
    distributed.all_gather(rows, mine, group=group)
    return [row.cpu() for row in rows]


def named(who: Sequence[int]) -> str:
    """Returns ranks as a message lists them, such as `ranks 0, 2`."""
    return ("rank " if len(who) == 1 else "ranks ") + ", ".join(map(str, who[:SHOWN]))

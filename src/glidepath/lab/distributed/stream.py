"""The samples of a run in their order: a pure function of the seed and of how many were seen, whoever asks and however many ask."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ..engines.machine import device
from ..engines.training import context_of, picked
from ..tasks.data import Examples, Text
from ..tasks.declared import Task

Numbers = npt.NDArray[np.int64]
_ORDER, _OFFSET = 3, 4


def part(first: int, count: int, rank: int, ranks: int) -> tuple[int, int]:
    """The piece of an update's samples that one process takes: neighbours, as equal as can be.

    Args:
        first: How many samples were seen before the update.
        count: Samples of the update, over all processes.
        rank: The process.
        ranks: How many processes there are.

    Returns:
        Where its piece begins, and how many samples it has. The pieces of all ranks in turn are the whole.

    Examples:
        >>> [part(100, 10, rank, 4) for rank in range(4)]
        [(100, 2), (102, 3), (105, 2), (107, 3)]
    """
    begin, end = count * rank // ranks, count * (rank + 1) // ranks
    return first + begin, end - begin


class Stream:
    """An endless row of epochs, each with every sample once and in an order of its own.

    Sample p of the row is number `order(p // n)[p % n]`, n samples being an epoch. An update takes the next samples of the row, across the
    end of an epoch if need be, so that none is repeated, padded or left out, whatever the batch.

    A sample of a text is a window of the model's context. The windows of an epoch do not overlap; each epoch cuts the text at another
    place.

    Args:
        task: The task.
        data: Its data.
        seed: Of the orders.
    """

    def __init__(self, task: Task, data: Examples | Text, seed: int) -> None:
        self.task, self.data, self.seed = task, data, seed
        self.tokens = context_of(task) if isinstance(data, Text) else None
        """Tokens of a sample; None where samples have none."""
        self.samples = len(data.train) // self.tokens - 1 if self.tokens else len(data.train[1])
        """Samples of an epoch."""
        self._orders: dict[int, Numbers] = {}

    def numbers(self, first: int, count: int) -> list[tuple[int, Numbers]]:
        """Which samples stand at some places of the row: for each epoch that is touched, its index and the samples' numbers in [0, samples).

        Args:
            first: The first place.
            count: How many.
        """
        found: list[tuple[int, Numbers]] = []
        while count > 0:
            epoch, begin = divmod(first, self.samples)
            if epoch not in self._orders:
                order = np.random.default_rng((self.seed, _ORDER, epoch)).permutation(self.samples)
                self._orders = {epoch: order.astype(np.int64)}
            taken = self._orders[epoch][begin : begin + count]
            found.append((epoch, taken))
            first, count = first + len(taken), count - len(taken)
        return found

    def batch(self, first: int, count: int) -> tuple[Tensor, Tensor]:
        """Inputs and targets of some places of the row, as `glidepath.lab.engines.training.minibatches` yields them.

        Args:
            first: The first place.
            count: How many, at least 1.
        """
        rows = [self._offset(epoch) + (self.tokens or 1) * each for epoch, each in self.numbers(first, count)]
        return picked(self.task, self.data, self.seed, torch.from_numpy(np.concatenate(rows)).to(device()), first)

    def _offset(self, epoch: int) -> int:
        """Where an epoch cuts the text."""
        return int(np.random.default_rng((self.seed, _OFFSET, epoch)).integers(self.tokens or 1))

"""Measuring a model on all processes at once: each takes some chunks, and the result does not depend on how many there are."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Literal

import torch
from torch import Tensor, distributed, nn

from ..engines.training import evaluation, examples_of, hits, loss_of
from ..records.runs import Evaluation
from ..tasks.declared import Task
from ..tasks.examples import Examples, Text
from .ranks import Ranks

__all__ = ["Measurement"]

_CHUNK = 64


class Measurement:
    """Measures on one part of a task's data.

    Args:
        task: The task.
        data: Its data.
        name: Which part.
        ranks: The processes.
        context: Makes the context of a forward pass.
    """

    def __init__(
        self,
        task: Task,
        data: Examples | Text,
        name: Literal["validation", "test"],
        ranks: Ranks,
        context: Callable[[], AbstractContextManager[object]],
    ) -> None:
        self.task, self.ranks, self.context = task, ranks, context
        inputs, targets = (part.to(ranks.device) for part in examples_of(task, data, name))
        self.chunks = list(zip(inputs.split(_CHUNK), targets.split(_CHUNK), strict=True))
        self.count, self.labels = len(targets), targets.numel()

    @torch.no_grad()
    def measure(self, model: nn.Module, updates: int) -> Evaluation:
        """Loss and metric of a model, the same bits on every process; its buffers are those of rank 0.

        Args:
            model: The model itself, not wrapped.
            updates: Updates made before.
        """
        if self.ranks.count > 1:
            for buffer in model.buffers():
                distributed.broadcast(buffer, 0)
        found = torch.zeros(len(self.chunks), 3, dtype=torch.float64)
        training = model.training
        model.eval()
        for i in range(self.ranks.rank, len(self.chunks), self.ranks.count):
            found[i] = torch.tensor(self._chunk(model, *self.chunks[i]), dtype=torch.float64)
        model.train(training)
        found = self.ranks.sums(found)  # of one number and zeros: exact
        loss, right, among = (_sum(column) for column in found.T)
        five = among / self.labels if among >= 0.0 else None
        return evaluation(self.task, updates, loss / self.count, right / self.labels, five)

    def _chunk(self, model: nn.Module, inputs: Tensor, targets: Tensor) -> list[float]:
        with self.context():
            logits = model(inputs)
        loss = loss_of(logits.float(), targets).item() * len(targets)
        first, five = hits(logits, targets)
        return [loss, float(first), -1.0 if five is None else float(five)]


def _sum(values: Tensor) -> float:
    numbers = values.tolist()
    return math.fsum(numbers) if all(map(math.isfinite, numbers)) else math.nan

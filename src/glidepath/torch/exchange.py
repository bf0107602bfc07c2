"""What the processes of a range test tell each other: a failure of one ends the sweep on all, at the same update."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch import distributed as dist
from torch.nn.parallel import DistributedDataParallel

from ..core import GlidepathError, Problem
from . import ranks


class Exchange:
    """Work that each process does for itself, and what all of them learn of it.

    DDP averages gradients while a backward pass goes on: a process that fails on its way there leaves the others waiting. So a sweep lets
    every process go forward and backward alone, asks all how that went, and averages the gradients only then.

    Args:
        device: What the processes' tensors are on.
    """

    def __init__(self, device: torch.device) -> None:
        self.ranks, self.rank = ranks.count(), ranks.number()
        self.device = device if ranks.device().type == "cuda" else torch.device("cpu")

    def together(self, work: Callable[[], Sequence[float]], count: int) -> list[float]:
        """Does some work here and returns the sums, over all processes, of the numbers that it gives.

        Args:
            work: Waits for no other process.
            count: How many numbers it gives.

        Raises:
            StopIteration: On every process, if the data ended on one.
            GlidepathError: If the work failed on another process; where it did, its own error.
        """
        if self.ranks == 1:
            return list(work())
        failure: BaseException | None = None
        numbers: Sequence[float] = [0.0] * count
        try:
            numbers = work()
        except BaseException as error:  # noqa: BLE001 - Ctrl-C too: it is raised again as soon as the others know
            failure = error
        ended = isinstance(failure, StopIteration)
        mine = [0.0] * self.ranks
        mine[self.rank] = float(failure is not None and not ended)
        told = torch.tensor([*mine, float(ended), *numbers], dtype=torch.float64, device=self.device)
        dist.all_reduce(told)
        sums = told.tolist()
        if failure is not None and not ended:
            raise failure
        failed = [rank for rank in range(self.ranks) if sums[rank]]
        if failed:
            raise GlidepathError(
                Problem("find", "every process", "able to train", f"a failure on {ranks.named(failed)}")
            )
        if sums[self.ranks]:
            raise StopIteration
        return sums[self.ranks + 1 :]


class Replicas:
    """The models of all processes that DDP keeps equal; none where there is one process, or each trains for itself.

    Args:
        model: The model; DDP may be anywhere inside.
        exchange: The processes.
    """

    def __init__(self, model: nn.Module, exchange: Exchange) -> None:
        found = [part for part in model.modules() if isinstance(part, DistributedDataParallel)]
        self.parts: list[Any] = found if exchange.ranks > 1 else []
        self.owned = [(part, _trained(part)) for part in self.parts]
        self.count = sum(len(parameters) for _, parameters in self.owned)
        """How many parameters are kept equal."""

    @contextmanager
    def alone(self) -> Generator[None]:
        """Lets passes through the model exchange nothing."""
        with ExitStack() as stack:
            for part in self.parts:
                stack.enter_context(part.no_sync())
                part.require_forward_param_sync = False  # or the first pass would broadcast the buffers
            yield

    def used(self) -> list[float]:
        """For each parameter whether it has a gradient here."""
        return [float(one.grad is not None) for _, parameters in self.owned for one in parameters]

    def average(self, users: Sequence[float]) -> None:
        """Gives every process the mean of all gradients, as DDP does; a parameter that nobody used keeps none.

        Args:
            users: For each parameter the number of processes that have a gradient.
        """
        left = iter(users)
        for part, parameters in self.owned:
            kinds: dict[tuple[torch.device, torch.dtype], list[Tensor]] = {}
            for one in parameters:
                if next(left):
                    one.grad = torch.zeros_like(one) if one.grad is None else one.grad
                    kinds.setdefault((one.grad.device, one.grad.dtype), []).append(one.grad)
            size = dist.get_world_size(part.process_group)
            for gradients in kinds.values():
                flat = torch.cat([each.reshape(-1) for each in gradients])
                dist.all_reduce(flat, group=part.process_group)
                pieces = (flat / size).split([each.numel() for each in gradients])
                for each, piece in zip(gradients, pieces, strict=True):
                    each.copy_(piece.view_as(each))


def _trained(part: Any) -> list[Tensor]:
    ignored = set(getattr(part, "parameters_to_ignore", ()))
    return [one for name, one in part.module.named_parameters() if one.requires_grad and name not in ignored]

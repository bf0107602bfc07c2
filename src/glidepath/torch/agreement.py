"""The processes that train together: how many there are, what each of them says, whether all agree, and work that fails on all at once."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import InitVar, dataclass, field
from typing import Any

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim import Optimizer

from ..core import Checks, GlidepathError, Problem, taken
from ..core.fields import Count
from ..feedback import Observation, measured

SHOWN = 16  # ranks that a message lists


def count(group: Any = None) -> int:
    """Returns the number of processes that train together; 1 where no process group was begun."""
    return distributed.get_world_size(group) if distributed.is_available() and distributed.is_initialized() else 1


def number(group: Any = None) -> int:
    """Returns this process's number; 0 where no process group was begun."""
    return distributed.get_rank(group) if distributed.is_available() and distributed.is_initialized() else 0


def device(group: Any = None) -> torch.device:
    """Returns the device that a group's collectives want their tensors on; the CPU for one process."""
    nccl = count(group) > 1 and distributed.get_backend(group) == "nccl"
    return torch.device("cuda", torch.cuda.current_device()) if nccl else torch.device("cpu")


def gathered(mine: Tensor, group: Any = None) -> list[Tensor]:
    """Returns the tensors of every rank, in their order, on the CPU; all have one shape.

    Args:
        mine: This process's tensor.
        group: The process group; None is the default one.
    """
    if count(group) == 1:
        return [mine.cpu()]
    mine = mine.to(device(group))
    rows = [torch.empty_like(mine) for _ in range(count(group))]
    distributed.all_gather(rows, mine, group=group)
    return [row.cpu() for row in rows]


def named(who: Sequence[int]) -> str:
    """Returns ranks as a message lists them, such as `ranks 0, 2`."""
    return ("rank " if len(who) == 1 else "ranks ") + ", ".join(map(str, who[:SHOWN]))


# One observation for all, and a check that all follow the same plan at the same place ---------------------------------------------------


def reduced(observation: Any, *, group: Any = None) -> Observation | None:
    """Returns the mean observation of all ranks, the same bits on each: call it on every rank before a controller sees it.

    A rank without a measurement gives None and is left out; if all do, the result is None. NaN or an infinity of one rank reaches all.

    Args:
        observation: An `Observation`, `(id, value)` or `(id, value, at)`, or None.
        group: The process group; None is the default one.

    Raises:
        GlidepathError: If the ranks observe different evaluations, or one of them refused its own; then on every rank.

    Examples:
        >>> reduced((100, 0.5))
        Observation(id=100, value=0.5, at=100)
    """
    checks, seen, mine = Checks("reduced"), None, [0.0] * 4
    with checks.kept():
        if observation is not None:
            seen = Observation.of(observation)
            mine = [1.0, float(seen.id), float(seen.position), seen.value]
    mine[0] = 2.0 if checks.problems else mine[0]
    rows = [row.tolist() for row in gathered(torch.tensor(mine, dtype=torch.float64), group)]
    checks.done()
    if len(rows) == 1:
        return seen
    broken = [rank for rank, row in enumerate(rows) if row[0] == 2.0]
    if broken:
        said = f"one refused on {named(broken)}"
        raise GlidepathError.worded("reduced", "the observation", "accepted on every rank", said)
    made = [(rank, row) for rank, row in enumerate(rows) if row[0] == 1.0]
    if not made:
        return None
    for place, name in ((1, "id"), (2, "at")):
        if len({row[place] for _, row in made}) > 1:
            said = ", ".join(f"rank {rank}: {row[place]:g}" for rank, row in made[:SHOWN])
            raise GlidepathError.worded("reduced", f"the observation's {name}", "the same on every rank", said)
    values, (_, (_, first, at, _)) = [row[3] for _, row in made], made[0]
    # NaN is the sum of everything with it, and the plain sum of infinities is one of them, or nothing where both are there
    value = (math.fsum(values) if all(map(math.isfinite, values)) else sum(values)) / len(values)
    return Observation(int(first), value, int(at) if at == math.floor(at) else at)


def _digest(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little", signed=True)


def agreed(plan: str, progress: int, values: Sequence[float], *, group: Any = None) -> None:
    """Checks that every rank follows the same plan, is at the same progress and applies the same values; call it on every rank.

    Costs one exchange of a few integers; only where ranks disagree are their values exchanged.

    Args:
        plan: The plan's fingerprint, or any text that must be the same.
        progress: The count of updates (or samples, or tokens).
        values: The values about to be applied.
        group: The process group; None is the default one.

    Raises:
        GlidepathError: On every rank, with every rank's number and what it has, if they disagree.
    """
    if count(group) == 1:
        return
    plain = [float(value) for value in values]
    joined = _digest(",".join((value + 0.0).hex() for value in plain))  # both zeros are one
    mine = torch.tensor([_digest(plan), int(progress), joined, len(plain)], dtype=torch.int64)
    if all(torch.equal(row, mine) for row in gathered(mine, group)):
        return
    everyone: list[Any] = [None] * count(group)
    texts = plan[:12], str(int(progress)), ", ".join(map(repr, plain[:SHOWN]))
    distributed.all_gather_object(everyone, texts, group=group)
    problems: list[Problem] = []
    for place, name in enumerate(("the plan", "the progress", "every value")):
        texts = [each[place] for each in everyone]
        if len(set(texts)) > 1 or (place == 2 and not problems):
            said = ", ".join(f"rank {rank}: {text}" for rank, text in enumerate(texts[:SHOWN]))
            more = f", and {len(texts) - SHOWN} more" if len(texts) > SHOWN else ""
            problems.append(Problem("ranks", name, "the same on every rank", said + more))
    raise GlidepathError(problems)


@dataclass
class Agreement:
    """Checks agreement before every update of an optimizer, through its own hook.

    Args:
        optimizer: The optimizer, wrapped or driven already; its present values are compared, as they are used by the update.
        plan: The plan's fingerprint, or any text that must be the same.
        progress: Returns the count of updates (or samples, or tokens); None counts the calls.
        parameters: The keys of the groups that are compared.
        every: Checks every so many updates only; all ranks must be given the same.
        group: The process group; None is the default one.

    Raises:
        GlidepathError: If an argument breaks its rule.

    Examples:
        >>> optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
        >>> agreement = Agreement(optimizer, plan="warmup(10) >> hold()")
        >>> optimizer.step()
        >>> agreement.checks
        1
    """

    optimizer: InitVar[Optimizer]
    plan: str
    progress: Callable[[], int] | None = None
    parameters: Sequence[str] = ("lr",)
    every: int = 1
    group: Any = None
    checks: int = field(default=0, init=False)

    def __post_init__(self, optimizer: Optimizer) -> None:
        self.every, self._calls = taken("Agreement", "every", self.every, Count), 0
        self._handle = optimizer.register_step_pre_hook(self._before)

    def detach(self) -> None:
        """Stops checking."""
        self._handle.remove()

    def _before(self, optimizer: Optimizer, *_: Any) -> None:
        done = self._calls if self.progress is None else self.progress()
        self._calls += 1
        if (self._calls - 1) % self.every:
            return
        self.checks += 1
        held = [group.get(name) for group in optimizer.param_groups for name in self.parameters]
        rows = [value if isinstance(value, list | tuple) else (value,) for value in held if value is not None]
        agreed(self.plan, done, [measured(value) for row in rows for value in row], group=self.group)

    # dynamo would break its graph at a collective: the check stays outside
    _before._torchdynamo_disable = True  # type: ignore[attr-defined]


# Work that each process does for itself -------------------------------------------------------------------------------------------------


class Exchange:
    """Work that each process does for itself, and what all of them learn of it.

    DDP averages gradients while a backward pass goes on: a process that fails on its way there leaves the others waiting. So a sweep lets
    every process go forward and backward alone, asks all how that went, and averages the gradients only then.

    Args:
        where: What the processes' tensors are on.
    """

    def __init__(self, where: torch.device) -> None:
        self.ranks, self.rank = count(), number()
        self.device = where if device().type == "cuda" else torch.device("cpu")

    def together(self, work: Callable[[], Sequence[float]], size: int) -> list[float]:
        """Does some work here and returns the sums, over all processes, of the numbers that it gives.

        Args:
            work: Waits for no other process.
            size: How many numbers it gives.

        Raises:
            StopIteration: On every process, if the data ended on one.
            GlidepathError: If the work failed on another process; where it did, its own error.
        """
        if self.ranks == 1:
            return list(work())
        failure: BaseException | None = None
        numbers: Sequence[float] = [0.0] * size
        try:
            numbers = work()
        except BaseException as error:  # noqa: BLE001 - Ctrl-C too: it is raised again as soon as the others know
            failure = error
        ended = isinstance(failure, StopIteration)
        mine = [0.0] * self.ranks
        mine[self.rank] = float(failure is not None and not ended)
        sent = torch.tensor([*mine, float(ended), *numbers], dtype=torch.float64, device=self.device)
        distributed.all_reduce(sent)
        sums = sent.tolist()
        if failure is not None and not ended:
            raise failure
        failed = [rank for rank in range(self.ranks) if sums[rank]]
        if failed:
            told = f"a failure on {named(failed)}"
            raise GlidepathError.worded("find", "every process", "able to train", told)
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
        parts: Any = model.modules() if exchange.ranks > 1 else ()
        self.owned = [(part, _trained(part)) for part in parts if isinstance(part, DistributedDataParallel)]
        self.count = sum(len(parameters) for _, parameters in self.owned)
        """How many parameters are kept equal."""

    @contextmanager
    def alone(self) -> Generator[None]:
        """Lets passes through the model exchange nothing."""
        with ExitStack() as stack:
            for part, _ in self.owned:
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
            size = distributed.get_world_size(part.process_group)
            for gradients in kinds.values():
                flat = torch.cat([each.reshape(-1) for each in gradients])
                distributed.all_reduce(flat, group=part.process_group)
                pieces = (flat / size).split([each.numel() for each in gradients])
                for each, piece in zip(gradients, pieces, strict=True):
                    each.copy_(piece.view_as(each))


def _trained(part: Any) -> list[Tensor]:
    ignored = set(getattr(part, "parameters_to_ignore", ()))
    return [one for name, one in part.module.named_parameters() if one.requires_grad and name not in ignored]

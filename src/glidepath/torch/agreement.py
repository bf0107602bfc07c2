"""Agreement between ranks: one observation for all, and a check that all follow the same plan at the same place."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import distributed
from torch.optim import Optimizer

from ..core import Checks, GlidepathError, Problem, taken
from ..core.fields import Count, choice
from ..feedback import Observation, measured
from . import ranks

_OPERATIONS: dict[str, Callable[[Sequence[float]], float]] = {
    # the plain sum of infinities is one of them, or nothing where both are there
    "mean": lambda values: (math.fsum(values) if all(map(math.isfinite, values)) else sum(values)) / len(values),
    "min": min,
    "max": max,
}


def reduced(observation: Any, *, operation: str = "mean", group: Any = None) -> Observation | None:
    """Returns one observation from those of all ranks, the same bits on each: call it on every rank before a controller sees it.

    A rank without a measurement gives None and is left out; if all do, the result is None. NaN or an infinity of one rank reaches all.

    Args:
        observation: An `Observation`, `(id, value)` or `(id, value, at)`, or None.
        operation: `mean`, `min` or `max`.
        group: The process group; None is the default one.

    Raises:
        GlidepathError: If the ranks observe different evaluations, or one of them refused its own; then on every rank.

    Examples:
        >>> reduced((100, 0.5))
        Observation(id=100, value=0.5, at=100)
    """
    taken("reduced", "operation", operation, choice(*_OPERATIONS))
    checks = Checks("reduced")
    seen: Observation | None = None
    with checks.kept():
        seen = None if observation is None else Observation.of(observation)
    state = 2.0 if checks.problems else 0.0 if seen is None else 1.0
    mine = [state, *((float(seen.id), float(seen.position), seen.value) if seen is not None else (0.0, 0.0, 0.0))]
    rows = [row.tolist() for row in ranks.gathered(torch.tensor(mine, dtype=torch.float64), group)]
    checks.done()
    if len(rows) == 1:
        return seen
    broken = [rank for rank, row in enumerate(rows) if row[0] == 2.0]
    if broken:
        got = f"one refused on {ranks.named(broken)}"
        raise GlidepathError.of("reduced", "the observation", "accepted on every rank", got)
    made = [(rank, row) for rank, row in enumerate(rows) if row[0] == 1.0]
    if not made:
        return None
    for place, name in ((1, "id"), (2, "at")):
        if len({row[place] for _, row in made}) > 1:
            said = ", ".join(f"rank {rank}: {row[place]:g}" for rank, row in made[: ranks.SHOWN])
            raise GlidepathError(Problem("reduced", f"the observation's {name}", "the same on every rank", said))
    values, (_, (_, first, at, _)) = [row[3] for _, row in made], made[0]
    value = math.nan if any(map(math.isnan, values)) else _OPERATIONS[operation](values)
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
    if ranks.count(group) == 1:
        return
    plain = [float(value) for value in values]
    joined = _digest(",".join((value + 0.0).hex() for value in plain))  # both zeros are one
    mine = torch.tensor([_digest(plan), int(progress), joined, len(plain)], dtype=torch.int64)
    if all(torch.equal(row, mine) for row in ranks.gathered(mine, group)):
        return
    everyone: list[Any] = [None] * ranks.count(group)
    distributed.all_gather_object(everyone, (plan[:100], int(progress), plain[: ranks.SHOWN]), group=group)
    problems: list[Problem] = []
    for place, name in enumerate(("the plan", "the progress", "every value")):
        texts = [_short(each[place]) for each in everyone]
        if len(set(texts)) > 1 or (place == 2 and not problems):
            said = ", ".join(f"rank {rank}: {text}" for rank, text in enumerate(texts[: ranks.SHOWN]))
            more = f", and {len(texts) - ranks.SHOWN} more" if len(texts) > ranks.SHOWN else ""
            problems.append(Problem("ranks", name, "the same on every rank", said + more))
    raise GlidepathError(problems)


def _short(value: Any) -> str:
    if isinstance(value, str):
        return value[:12]
    return str(value) if isinstance(value, int) else ", ".join(map(repr, value))


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

    def __init__(
        self,
        optimizer: Optimizer,
        plan: str,
        progress: Callable[[], int] | None = None,
        *,
        parameters: Sequence[str] = ("lr",),
        every: int = 1,
        group: Any = None,
    ) -> None:
        self.plan, self.parameters, self.every = plan, tuple(parameters), taken("Agreement", "every", every, Count)
        self.checks = self._calls = 0
        self._progress, self._group = progress, group
        self._handle = optimizer.register_step_pre_hook(self._before)

    def detach(self) -> None:
        """Stops checking."""
        self._handle.remove()

    def _before(self, optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        del args, kwargs
        done = self._calls if self._progress is None else self._progress()
        self._calls += 1
        if (self._calls - 1) % self.every:
            return
        self.checks += 1
        values = [
            value for group in optimizer.param_groups for name in self.parameters for value in _each(group.get(name))
        ]
        agreed(self.plan, done, values, group=self._group)

    # dynamo would break its graph at a collective: the check stays outside
    _before._torchdynamo_disable = True  # type: ignore[attr-defined]


def _each(value: Any) -> list[float]:
    if value is None:
        return []
    return [measured(item) for item in (value if isinstance(value, list | tuple) else (value,))]

"""The constant run and the branches of one seed, as a job: see `glidepath.lab.branching`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from glidepath import Schedule, recipes
from glidepath.core.errors import Problem, shown
from glidepath.core.fields import Steps
from glidepath.lab.measured import MeasuredJob
from glidepath.lab.runs import Record, RunSpec

if TYPE_CHECKING:
    from glidepath.lab.training import Point

__all__ = ["BranchJob"]


@dataclass(frozen=True)
class BranchJob(MeasuredJob):
    """A run at a constant rate, and a linear cooldown to zero from each of some points of it.

    Args:
        warmup: Updates of linear warmup before the constant rate. At least 0.
        branches: For every branch the updates before it and the updates of the whole run that it ends, ascending.

    Raises:
        GlidepathError: If an argument breaks its rule; all problems in one message.
    """

    kind: ClassVar[str] = "branches"
    warmup: Steps
    branches: tuple[tuple[int, int], ...]

    def __post_init__(self) -> None:
        if isinstance(self.branches, list | tuple):
            pairs = tuple(tuple(one) if isinstance(one, list | tuple) else one for one in self.branches)
            object.__setattr__(self, "branches", pairs)
        super().__post_init__()

    def problems(self) -> Sequence[Problem | None]:
        """What is wrong with branches."""
        right = self.branches and all(
            len(pair) == 2 and all(type(number) is int for number in pair) and 1 <= pair[0] < pair[1]
            for pair in self.branches
        )
        starts = [pair[0] for pair in self.branches] if right else []
        rule = "at least one pair (start, length), 1 <= start < length, by ascending start"
        fault = Problem(self.kind, "branches", rule, shown(self.branches))
        return [None if right and starts == sorted(set(starts)) else fault]

    @property
    def budget(self) -> int:
        """Updates of the constant run and of all branches."""
        return self.branches[-1][0] + sum(length - start for start, length in self.branches)

    def schedule(self, start: int, length: int) -> Schedule:
        """The whole schedule that the branch from `start` ends."""
        return recipes.wsd(length, warmup=self.warmup, cooldown=length - start)

    def work(
        self, on_progress: Callable[[int], None], files: dict[str, bytes]
    ) -> tuple[Mapping[str, dict[str, float | None]], int]:
        """Train; kept are the test metric of each branch, and the logs of all runs, from which forecasts are made."""
        from glidepath.lab.training import run

        name = f"rate{self.peak_rate:g}-seed{self.seed}".replace("+", "")
        points: dict[int, Point] = {}
        keep = {start: lambda point: points.update({point.updates: point}) for start, _ in self.branches}
        end = self.branches[-1][0]
        trunk = RunSpec(self.task, recipes.with_warmup(recipes.constant(), self.warmup), self.peak_rate, self.seed, end)
        constant = run(trunk, on_progress, keep=keep)
        files[f"{name}-trunk.csv"] = _log(constant)
        made = constant.updates
        values: dict[str, dict[str, float | None]] = {}
        for start, length in self.branches:
            if start not in points:  # the constant run diverged before
                values[str(start)] = {"test": None}
                continue
            whole = RunSpec(self.task, self.schedule(start, length), self.peak_rate, self.seed, length)
            record = run(whole, lambda updates, skip=made - start: on_progress(skip + updates), start=points.pop(start))
            values[str(start)] = {"test": None if record.test is None else record.test.metric}
            files[f"{name}-branch{start}.csv"] = _log(record)
            made += record.updates - start
        return values, made


def _log(record: Record) -> bytes:
    """Rates and training losses of a run, as the room of logs reads them."""
    pairs = enumerate(zip(record.rates, record.losses, strict=True), 1)
    rows = [f"{k * record.stride},{rate!r},{loss!r}" for k, (rate, loss) in pairs if loss is not None]
    return "\n".join(["step,lr,loss", *rows, ""]).encode()

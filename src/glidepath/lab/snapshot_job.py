"""The runs of one snapshot ensemble and its baselines, for one seed at one rate, as a job: see `glidepath.lab.snapshots`."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, ClassVar, Literal, NamedTuple

from glidepath import MultiStep, Schedule, recipes
from glidepath.core.errors import Problem, shown
from glidepath.core.fields import Count
from glidepath.lab.measured import MeasuredJob
from glidepath.lab.runs import RunSpec
from glidepath.lab.tasks import Task

if TYPE_CHECKING:
    from torch import Tensor

    from glidepath.lab.training import Point

__all__ = ["Score", "SnapshotJob"]

_FRESH = 1_000_003
_BATCHES = 500


class Score(NamedTuple):
    """The metric of one method and seed on validation and on test data; None where a run that it needs diverged."""

    validation: float | None
    test: float | None


@dataclass(frozen=True)
class SnapshotJob(MeasuredJob):
    """A cyclic run with its snapshots, and the runs that it is compared with.

    The seed is that of every run but the short ones, which have fresh weights.

    Args:
        cycles: Cosine cycles of the cyclic run. At least 1.
        last: How many of the last snapshots are averaged. In 1 to `cycles`.
        length: Updates of a cycle. At least 1.

    Raises:
        GlidepathError: If an argument breaks its rule; all problems in one message.
    """

    kind: ClassVar[str] = "snapshots"
    cycles: Count
    last: Count
    length: Count

    def problems(self) -> Sequence[Problem | None]:
        """What is wrong with last."""
        rule = f"at most the number of cycles ({self.cycles})"
        known = isinstance(self.last, int) and isinstance(self.cycles, int)
        return [Problem(self.kind, "last", rule, shown(self.last)) if known and self.last > self.cycles else None]

    @property
    def budget(self) -> int:
        """Updates of all its runs: the cyclic one, two single ones, and the short ones together."""
        return 4 * self.cycles * self.length

    def work(
        self, on_progress: Callable[[int], None], files: dict[str, bytes]
    ) -> tuple[Mapping[str, dict[str, float | None]], int]:
        """Train, score, and give the snapshots as files."""
        return _work(self, on_progress, files)


def _work(
    job: SnapshotJob, on_progress: Callable[[int], None], files: dict[str, bytes]
) -> tuple[dict[str, dict[str, float | None]], int]:
    from safetensors.torch import save

    cycles, last, length = job.cycles, job.last, job.length
    budget, moments = length * cycles, [length * (i + 1) for i in range(cycles)]
    runs = _Runs(job, on_progress)
    cyclic = runs.trained(recipes.sgdr(length, cycles=cycles), moments)
    stepped = runs.trained(_steps(budget), moments)
    cosine = runs.trained(recipes.warmup_cosine(budget), [budget])
    fresh: list[Point] = []
    for i in range(cycles):
        seed = (job.seed * cycles + i + _FRESH) % 2**32
        fresh += runs.trained(recipes.warmup_cosine(length), [length], seed)
    for i, point in enumerate(cyclic, 1):
        weights = {name: tensor.contiguous() for name, tensor in point.weights.items()}
        files[f"rate{job.peak_rate:g}-seed{job.seed}-cycle{i}.safetensors"] = save(weights)

    def scored(points: Sequence["Point"], whole: bool) -> Score:
        return _score(job.task, [point.weights for point in points]) if whole else Score(None, None)

    lost = Score(None, None)
    cyclic_whole, stepped_whole, fresh_whole = (len(points) == cycles for points in (cyclic, stepped, fresh))
    spec = RunSpec(job.task, recipes.sgdr(length, cycles=cycles), job.peak_rate, job.seed, budget)
    scores = {
        "snapshot ensemble": scored(cyclic[-last:], cyclic_whole),
        "last snapshot": scored(cyclic[-1:], cyclic_whole),
        "weight average": _score(job.task, [_averaged(spec, cyclic[-last:])]) if cyclic_whole else lost,
        "single model": scored(stepped[-1:], stepped_whole),
        "single cosine": scored(cosine, bool(cosine)),
        "no cycle": scored(stepped[-last:], stepped_whole),
        "single cycle": scored(fresh[-last:], fresh_whole),
    }
    return {name: score._asdict() for name, score in scores.items()}, runs.updates


class _Runs:
    """Trains one run after another and counts their updates."""

    def __init__(self, job: SnapshotJob, on_progress: Callable[[int], None]) -> None:
        self.job = job
        self.on_progress = on_progress
        self.updates = 0

    def trained(self, schedule: Schedule, moments: Sequence[int], seed: int | None = None) -> list["Point"]:
        """The points of one run that ends at the last moment; fewer than asked for if it diverged."""
        from glidepath.lab.training import run

        job, before, points = self.job, self.updates, list["Point"]()
        spec = RunSpec(job.task, schedule, job.peak_rate, job.seed if seed is None else seed, moments[-1])
        keep = dict.fromkeys(moments, points.append)
        self.updates += run(spec, lambda updates: self.on_progress(before + updates), keep=keep).updates
        return points


def _steps(budget: int) -> Schedule:
    """A tenth from half of the run on, a hundredth from three quarters on: the single model of the paper."""
    return MultiStep((budget // 2, max(budget // 2 + 1, 3 * budget // 4)), 0.1)


def _score(task: Task, members: Sequence[Mapping[str, "Tensor"]]) -> Score:
    """The metrics of the mean of the members' probabilities."""
    return Score(_metric(task, members, "validation"), _metric(task, members, "test"))


def _metric(task: Task, members: Sequence[Mapping[str, "Tensor"]], part: Literal["validation", "test"]) -> float | None:
    import torch

    from glidepath.lab import models
    from glidepath.lab.data import load
    from glidepath.lab.devices import device
    from glidepath.lab.training import examples_of, precision

    data = load(task.data)
    inputs, targets = examples_of(task, data, part)
    with torch.random.fork_rng(devices=[]), torch.no_grad(), precision(task)():
        model = models.build(task.model, data).to(device())
        model.eval()
        total: Tensor | None = None
        for weights in members:
            model.load_state_dict(dict(weights))
            parts = [torch.softmax(model(chunk).double(), -1) for chunk in inputs.split(512)]
            total = torch.cat(parts) if total is None else total + torch.cat(parts)
        assert total is not None  # noqa: S101 - there is at least one member
        mean = (total / len(members)).reshape(-1, total.shape[-1])
        targets = targets.reshape(-1)
        if task.metric.name == "loss":
            value = float(-mean.gather(1, targets.unsqueeze(1)).clamp_min(1e-300).log().mean())
        else:
            value = 100.0 * float((mean.argmax(-1) != targets).double().mean())
    return value if math.isfinite(value) else None


def _averaged(spec: RunSpec, points: Sequence["Point"]) -> dict[str, "Tensor"]:
    """Mean weights; statistics of batch normalisation are taken anew, over 500 minibatches at most."""
    import torch
    from torch.optim.swa_utils import update_bn

    from glidepath.lab import models
    from glidepath.lab.data import Examples, load
    from glidepath.lab.devices import device
    from glidepath.lab.training import minibatches

    data = load(spec.task.data)
    mean = {
        name: torch.stack([point.weights[name].double() for point in points]).mean(0).to(tensor.dtype)
        for name, tensor in points[0].weights.items()
    }
    with torch.random.fork_rng(devices=[]):
        model = models.build(spec.task.model, data).to(device())
        model.load_state_dict(mean)
        count = max(1, min(_BATCHES, len(data.train[1]) // spec.task.batch)) if isinstance(data, Examples) else _BATCHES
        update_bn(list(islice(minibatches(spec, data), count)), model)
    return model.state_dict()

"""Snapshot ensembles: one run of cyclic cosine, a snapshot of the weights at each minimum, averaged predictions.

Compared, seed by seed and at one cost in updates, with what the paper compares them with: one model under a step
schedule, an ensemble of that run's own snapshots (no cycle), and an ensemble of short cosine runs from fresh weights
(single cycle). And with one model under one cosine, and with the average of the same snapshots' weights.

Given several peak rates, every method gets the one that is best for it on validation data.

Source:
    Huang et al. 2017, "Snapshot ensembles: train 1, get M for free", https://arxiv.org/abs/1704.00109; weight averaging:
    Izmailov et al. 2018, "Averaging weights leads to wider optima and better generalization",
    https://arxiv.org/abs/1803.05407
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from importlib import resources
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal, NamedTuple

from ... import MultiStep, Schedule, recipes
from ...core.answer import Shown
from ...core.checks import Checks, refuse
from ...core.errors import GlidepathError, Problem, shown
from ...core.fields import Count
from ...core.files import write_whole
from ...feedback import Controller
from ..engines.engine import Engine
from ..engines.progress import Watcher
from ..engines.session import opened, put, session_problems, writing
from ..plain import Plain
from ..records.jobs import Measured, MeasuredJob
from ..records.provenance import provenance
from ..records.runs import RunSpec
from ..report.rate_choice import RateChoice, choose_among
from ..report.statistics import Difference, Estimate, left, paired
from ..report.verdict import number, sized
from ..tasks.declared import Task
from .planning import Rates, Seeds, one_row

if TYPE_CHECKING:
    from torch import Tensor

    from ..engines.training import Point

__all__ = ["METHODS", "Result", "SnapshotJob", "Snapshots", "snapshots"]

METHODS = {
    "snapshot ensemble": "averaged predictions of the last snapshots of one cyclic run",
    "last snapshot": "the end of the cyclic run alone",
    "weight average": "one model with the mean weights of the same snapshots",
    "single model": "the end of one run under steps: a tenth from half of it on, a hundredth from three quarters on",
    "single cosine": "the end of one run under one cosine",
    "no cycle": "averaged predictions of that run at the same moments",
    "single cycle": "averaged predictions of short cosine runs, each from fresh weights",
}
"""What is compared, by name."""


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
        schedule: What the single model follows; None for the steps of the paper.
        controller: What cuts its rate after a validation; None for nobody.

    Raises:
        GlidepathError: If an argument breaks its rule; all problems in one message.
    """

    kind: ClassVar[str] = "snapshots"
    cycles: Count
    last: Count
    length: Count
    schedule: Schedule | None = None
    controller: Controller | None = None

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
    stepped = runs.trained(job.schedule or _steps(budget), moments, controller=job.controller)
    cosine = runs.trained(recipes.warmup_cosine(budget), [budget])
    fresh: list[Point] = []
    for i in range(cycles):
        seed = (job.seed * cycles + i + _FRESH) % 2**32
        fresh += runs.trained(recipes.warmup_cosine(length), [length], seed)
    for i, point in enumerate(cyclic, 1):
        weights = {name: tensor.contiguous() for name, tensor in point.weights.items()}
        files[f"rate{job.peak_rate:g}-seed{job.seed}-cycle{i}.safetensors"] = save(weights)

    def scored(points: Sequence[Point], whole: bool) -> Score:
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

    def trained(
        self, schedule: Schedule, moments: Sequence[int], seed: int | None = None, controller: Controller | None = None
    ) -> list[Point]:
        """The points of one run that ends at the last moment; fewer than asked for if it diverged."""
        from ..engines.training import run

        job, before, points = self.job, self.updates, list["Point"]()
        spec = RunSpec(job.task, schedule, job.peak_rate, job.seed if seed is None else seed, moments[-1], controller)
        keep = dict.fromkeys(moments, points.append)
        self.updates += run(spec, lambda updates: self.on_progress(before + updates), keep=keep).updates
        return points


def _steps(budget: int) -> Schedule:
    """A tenth from half of the run on, a hundredth from three quarters on: the single model of the paper."""
    return MultiStep((budget // 2, max(budget // 2 + 1, 3 * budget // 4)), 0.1)


def _score(task: Task, members: Sequence[Mapping[str, Tensor]]) -> Score:
    """The metrics of the mean of the members' probabilities."""
    return Score(_metric(task, members, "validation"), _metric(task, members, "test"))


def _metric(task: Task, members: Sequence[Mapping[str, Tensor]], part: Literal["validation", "test"]) -> float | None:
    import torch

    from ..engines.devices import device
    from ..engines.training import examples_of, precision
    from ..tasks import models
    from ..tasks.data import load

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


def _averaged(spec: RunSpec, points: Sequence[Point]) -> dict[str, Tensor]:
    """Mean weights; statistics of batch normalisation are taken anew, over 500 minibatches at most."""
    import torch
    from torch.optim.swa_utils import update_bn

    from ..engines.devices import device
    from ..engines.training import minibatches
    from ..tasks import models
    from ..tasks.data import load
    from ..tasks.examples import Examples

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


@dataclass(frozen=True)
class Result:
    """What one method ended with.

    Args:
        name: A key of `METHODS`.
        peak_rate: Its peak rate.
        rates: How that was chosen; None if there was only one.
        values: Test metric of each seed at that rate; None where a run that it needs diverged.
        test: Mean and interval over the other seeds; None if there is none.
        ensemble_gains: Paired difference, the snapshot ensemble minus this; None for itself and where a seed is missing.
    """

    name: str
    peak_rate: float
    rates: RateChoice | None
    values: tuple[float | None, ...]
    test: Estimate | None
    ensemble_gains: Difference | None


@dataclass(frozen=True)
class Snapshots(Plain, Shown):
    """Snapshot ensembles and their baselines.

    Args:
        task: Name of the task.
        metric: Name of the metric.
        unit: Its unit.
        peak_rate: The one peak rate of every method; None where each got its own from a grid.
        budget: Updates of every method, for each seed.
        cycles: Cycles, and so snapshots, of a run.
        last: How many of the last snapshots are averaged.
        seeds: The seeds.
        results: One a method.
        data_sha256: Hash of the data.
        versions: Versions found in the records.
        machines: Machines found in the records.
        cpu_seconds: Processor time of all runs.
        schedule: What the single model followed; empty for the steps of the paper.
        changed: What is changed in the task.
    """

    task: str
    metric: str
    unit: str
    peak_rate: float | None
    budget: int
    cycles: int
    last: int
    seeds: tuple[int, ...]
    results: tuple[Result, ...]
    data_sha256: str
    versions: dict[str, str]
    machines: tuple[str, ...]
    cpu_seconds: float
    schedule: str = ""
    changed: str = ""

    def __str__(self) -> str:
        return self.table()

    def table(self) -> str:
        """A line a method, as plain text."""
        rate = "each its own peak rate" if self.peak_rate is None else f"peak rate {self.peak_rate:g}"
        lines = [
            f"{self.task}: {self.cycles} cycles in {self.budget} updates, the last {self.last} averaged",
            f"{rate}, {len(self.seeds)} seeds",
            *([f"single model and no cycle: {self.schedule}"] if self.schedule else []),
            *([self.changed] if self.changed else []),
            "",
            f"{'':<18} peak rate  test {self.metric} ({self.unit})    the ensemble to it, 95 % interval",
        ]
        for row in self.results:
            value = "diverged" if row.test is None else number(row.test.mean, self.unit)
            gain = sized(row.ensemble_gains.estimate, self.unit) if row.ensemble_gains else ""
            lines.append(f"{row.name:<18} {row.peak_rate:<9g}  {value:<18} {gain}".rstrip())
        shared = "One shared peak rate for all" if self.peak_rate is not None else "Rates chosen on validation data"
        lines += ["", f"{shared}; the intervals are not corrected for the number of comparisons."]
        return "\n".join(lines) + "\n"


def snapshots(
    task: str | Task = "mnist1d",
    *,
    cycles: int = 5,
    last: int | None = None,
    schedule: str | Schedule | None = None,
    budget: int | None = None,
    seeds: Seeds = 5,
    peak_rate: Rates = None,
    out: str | Path,
    engine: Engine | None = None,
    progress: Watcher | None = None,
    surface: bool = False,
    command: str = "",
) -> Snapshots:
    """Train snapshot ensembles and their baselines. The same call on the same folder goes on where the last one stopped.

    Args:
        task: Name or task.
        cycles: Cosine cycles in a run, at least 2 and at most the budget.
        last: How many of the last snapshots to average; None for all.
        schedule: What the single model follows, as for `compare`: a plateau too. None for the steps of the paper.
        budget: Updates of each method, a whole multiple of `cycles` or rounded down to one; None for the task's default.
        seeds: How many, or which.
        peak_rate: Base learning rate, finite, above 0; or several, from which each method gets the one with the best mean
            metric on validation data; None for the task's default.
        out: Folder for `records`, `snapshots/rate<r>-seed<s>-cycle<i>.safetensors`, `snapshots.json` and `snapshots.txt`, each
            written whole.
        engine: What carries out the jobs, one a seed and rate; None for one worker process a processor.
        progress: Who hears how far it is; None for nobody.
        surface: Whether to train the first seed's cyclic run once more and draw the loss around it, with its snapshots, into
            `surface.html`.
        command: What makes this again, for the cheaper one that is proposed.

    Returns:
        What every method ended with, on test data.

    Raises:
        GlidepathError: If an argument breaks its rule above, all problems in one message, nothing trained or written; if
            another process is writing to `out`; or if jobs failed, after all others have ended and been kept.
        KeyboardInterrupt: On Ctrl-C, after the workers have ended. Records made so far stay; the same call goes on.
    """
    checks, row = Checks("snapshots"), list[RunSpec]()
    cycles = checks.length("cycles", cycles, 2)
    last = checks.take("last", last, Count | None)
    checks.require(last is None or last <= cycles, "last", f"at most the number of cycles ({cycles})", last)
    with checks.kept():
        row = one_row(task, schedule or "constant", seeds, peak_rate=peak_rate, budget=budget, where="snapshots")
    length = row[0].budget // cycles if row else 0
    checks.require(length > 0, "cycles", f"at most the budget ({row[0].budget if row else 0})", cycles)
    checks.done()
    folder = Path(out)
    jobs = [
        SnapshotJob(
            spec.task,
            spec.peak_rate,
            spec.seed,
            cycles,
            last or cycles,
            length,
            spec.schedule if schedule else None,
            spec.controller,
        )
        for spec in row
    ]
    refuse(session_problems("snapshots", folder, engine, jobs))
    if surface:
        from ..report.surface import surface_problems

        refuse(surface_problems("snapshots", row))
    with opened("snapshots", folder, engine, progress, folder / "snapshots", command=command) as session:
        records = session.records(jobs)
        made = _made(jobs, records)
        put("snapshots", folder, made, "snapshots.json", "snapshots.txt")
        if surface:
            with writing("snapshots", folder):
                _write_surface(folder, row[0], made.results[0].peak_rate, cycles, length, session.watcher.note)
    return made


def _write_surface(
    folder: Path, spec: RunSpec, rate: float, cycles: int, length: int, note: Callable[[str], None]
) -> None:
    file = folder / "surface.html"
    try:
        write_whole(file, _surface(spec, rate, cycles, length))
    except GlidepathError as error:
        file.unlink(missing_ok=True)  # one of another run would be taken for this one's
        note(f"the loss surface is left out: {error}")


def _surface(spec: RunSpec, rate: float, cycles: int, length: int) -> str:
    from ...view.page import page
    from ..report.figures import surface_figure
    from ..report.surface import surface

    run = RunSpec(spec.task, recipes.sgdr(length, cycles=cycles), rate, spec.seed, length * cycles)
    drawn = surface_figure(surface({"cyclic": run}, [length * (i + 1) for i in range(cycles)]))
    caption = (
        f"{spec.task.name}, seed {spec.seed}, peak rate {rate:g}: {cycles} cycles of {length} updates. Lines of equal validation loss "
        "in the plane of the two directions in which the weights moved most; rings are the snapshots, at the end of each cycle."
    )
    style = resources.files("glidepath.lab.report").joinpath("report.css").read_text(encoding="utf-8")
    return page("surface.html", "glidepath.lab.report", style=style, picture=drawn, caption=escape(caption))


def _made(jobs: Sequence[SnapshotJob], records: Mapping[str, Measured]) -> Snapshots:
    scores: dict[float, list[Mapping[str, Score]]] = {}
    for job in jobs:
        values = records[job.hash].values
        scores.setdefault(job.peak_rate, []).append({name: Score(**one) for name, one in values.items()})
    job = jobs[0]
    return Snapshots(
        task=job.task.name,
        metric=job.task.metric.name,
        unit=job.task.metric.unit,
        peak_rate=job.peak_rate if len(scores) == 1 else None,
        budget=job.length * job.cycles,
        cycles=job.cycles,
        last=job.last,
        seeds=tuple(dict.fromkeys(one.seed for one in jobs)),
        results=_results(scores, job.task),
        schedule="" if job.schedule is None else str(job.controller or job.schedule),
        changed=job.task.changed,
        **vars(provenance((records[one.hash] for one in jobs), job.task.name)),
    )


def _results(scores: Mapping[float, Sequence[Mapping[str, Score]]], task: Task) -> tuple[Result, ...]:
    """Every method at its own rate, and what the ensemble gains over it."""
    found: list[Result] = []
    for name in METHODS:
        validation = {rate: [one[name].validation for one in rows] for rate, rows in scores.items()}
        choice = choose_among(validation, task.metric.direction)
        values = tuple(one[name].test for one in scores[choice.peak_rate])
        gains = paired(found[0].values, values) if found else None
        rates = choice if len(scores) > 1 else None
        found.append(Result(name, choice.peak_rate, rates, values, left(values), gains))
    return tuple(found)

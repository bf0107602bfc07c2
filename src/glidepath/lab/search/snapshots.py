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

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from ... import MultiStep, Schedule, recipes
from ...core import Checks, GlidepathError, Problem, refuse, shown, write_whole
from ...core.fields import Count
from ...feedback import Controller
from ..engines.engine import Engine
from ..engines.progress import Watcher
from ..engines.session import opened, put, session_problems, writing
from ..records.jobs import Measured, MeasuredJob, provenance
from ..records.runs import RunSpec
from ..report.statistics import Estimate, PairedDifference, RateChoice, choose_rate, left, paired
from ..report.verdict import number, sized
from ..tasks.declared import Task
from .planning import Rates, Seeds, Tabled, facts_of, followed, one_row, told_of

if TYPE_CHECKING:
    from torch import Tensor, nn

    from ..engines.training import Point

# What is compared, by name: which run, and whether its last members or only its end.
METHODS = {
    "snapshot ensemble": ("cyclic", True),  # averaged predictions of the last snapshots of one cyclic run
    "last snapshot": ("cyclic", False),
    "weight average": ("cyclic", True),  # one model with the mean weights of the same snapshots
    "single model": ("steps", False),  # a tenth from half of the run on, a hundredth from three quarters on
    "single cosine": ("cosine", False),
    "no cycle": ("steps", True),  # averaged predictions of that run at the same moments
    "single cycle": ("short", True),  # averaged predictions of short cosine runs, each from fresh weights
}

_BATCHES = 500
# The metric of one method and seed by part, `validation` and `test`; None where a run that it needs diverged.
Score = dict[str, float | None]


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
        wrong = isinstance(self.last, int) and isinstance(self.cycles, int) and self.last > self.cycles
        rule = f"at most the number of cycles ({self.cycles})"
        return [Problem(self.kind, "last", rule, shown(self.last))] if wrong else []

    @property
    def budget(self) -> int:
        """Updates of all its runs: the cyclic one, two single ones, and the short ones together."""
        return 4 * self.cycles * self.length

    @property
    def moments(self) -> list[int]:
        """The ends of the cycles, in updates."""
        return [self.length * i for i in range(1, self.cycles + 1)]

    def cyclic(self, rate: float) -> RunSpec:
        """The cyclic run at a peak rate."""
        budget = self.cycles * self.length
        return RunSpec(self.task, recipes.sgdr(self.length, cycles=self.cycles), rate, self.seed, budget)

    def work(self, on_progress: Callable[[int], None], files: dict[str, bytes]) -> tuple[Mapping[str, Score], int]:
        """Train, score, and give the snapshots as files."""
        from safetensors.torch import save

        from ..engines.training import run

        cyclic, length, updates = self.cyclic(self.peak_rate), self.length, 0

        def trained(moments: Sequence[int], **changed: Any) -> list[Point]:
            """The points of one run that ends at the last moment; fewer than asked for if it diverged."""
            nonlocal updates
            before, points = updates, list["Point"]()
            spec = replace(cyclic, budget=moments[-1], **changed)
            keep = dict.fromkeys(moments, points.append)
            updates += run(spec, lambda made: on_progress(before + made), keep=keep).updates
            return points

        steps, whole = _steps(cyclic.budget), recipes.warmup_cosine(cyclic.budget)
        runs = {"cyclic": trained(self.moments)}
        runs["steps"] = trained(self.moments, schedule=self.schedule or steps, controller=self.controller)
        runs["cosine"] = trained([cyclic.budget], schedule=whole) * self.cycles
        # Seeds that no other run of a command has.
        seeds = [(self.seed * self.cycles + i + 1_000_003) % 2**32 for i in range(self.cycles)]
        short = recipes.warmup_cosine(length)
        runs["short"] = [point for seed in seeds for point in trained([length], schedule=short, seed=seed)]
        for i, point in enumerate(runs["cyclic"], 1):
            weights = {name: tensor.contiguous() for name, tensor in point.weights.items()}
            files[f"rate{self.peak_rate:g}-seed{self.seed}-cycle{i}.safetensors"] = save(weights)
        scores: dict[str, Score] = {}
        for name, (key, several) in METHODS.items():
            members = [point.weights for point in runs[key][-(self.last if several else 1) :]]
            if len(runs[key]) < self.cycles:
                scores[name] = {"validation": None, "test": None}
            else:
                scores[name] = _score(self.task, [_averaged(cyclic, members)] if name == "weight average" else members)
        return scores, updates


def _steps(budget: int) -> Schedule:
    """A tenth from half of the run on, a hundredth from three quarters on: the single model of the paper."""
    return MultiStep((budget // 2, max(budget // 2 + 1, 3 * budget // 4)), 0.1)


def _loaded(task: Task, weights: Mapping[str, Tensor]) -> nn.Module:
    import torch

    from ..engines.training import device, load, models

    with torch.random.fork_rng(devices=[]):
        model = models.build(task.model, load(task.data)).to(device())
    model.load_state_dict(dict(weights))
    return model


def _score(task: Task, members: Sequence[Mapping[str, Tensor]]) -> Score:
    """The metrics of the mean of the members' probabilities."""
    import torch

    from ..engines.training import examples_of, finite_number, load, precision

    data, found, models = load(task.data), Score(), [_loaded(task, weights).eval() for weights in members]
    for part in ("validation", "test"):
        inputs, targets = examples_of(task, data, part)
        with torch.no_grad(), precision(task)():
            chunks = [[torch.softmax(model(one).double(), -1) for one in inputs.split(512)] for model in models]
        mean, targets = torch.stack([torch.cat(each) for each in chunks]).mean(0).flatten(0, -2), targets.flatten()
        value = 100.0 * float((mean.argmax(-1) != targets).double().mean())
        if task.metric.name == "loss":
            value = float(-mean.gather(1, targets.unsqueeze(1)).clamp_min(1e-300).log().mean())
        found[part] = finite_number(value)
    return found


def _averaged(spec: RunSpec, members: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """Mean weights; statistics of batch normalisation are taken anew, over 500 minibatches at most."""
    import torch
    from torch.optim.swa_utils import update_bn

    from ..engines.training import Examples, load, minibatches

    data = load(spec.task.data)
    count = max(1, min(_BATCHES, len(data.train[1]) // spec.task.batch)) if isinstance(data, Examples) else _BATCHES
    every = {name: torch.stack([one[name].double() for one in members]) for name in members[0]}
    model = _loaded(spec.task, {name: each.mean(0).to(members[0][name].dtype) for name, each in every.items()})
    with torch.random.fork_rng(devices=[]):
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
    ensemble_gains: PairedDifference | None


@dataclass(frozen=True, kw_only=True)
class Snapshots(Tabled):
    """Snapshot ensembles and their baselines.

    Args:
        peak_rate: The one peak rate of every method; None where each got its own from a grid.
        budget: Updates of every method, for each seed.
        cycles: Cycles, and so snapshots, of a run.
        last: How many of the last snapshots are averaged.
        results: One a method.
        data_sha256: Hash of the data.
        versions: Versions found in the records.
        machines: Machines found in the records.
        cpu_seconds: Processor time of all runs.
        schedule: What the single model followed; empty for the steps of the paper.
    """

    peak_rate: float | None
    budget: int
    cycles: int
    last: int
    results: tuple[Result, ...]
    data_sha256: str
    versions: dict[str, str]
    machines: tuple[str, ...]
    cpu_seconds: float
    schedule: str = ""

    def table(self) -> str:
        """A line a method, as plain text."""
        rate = "each its own peak rate" if self.peak_rate is None else f"peak rate {self.peak_rate:g}"
        lines = [f"{self.task}: {self.cycles} cycles in {self.budget} updates, the last {self.last} averaged"]
        lines += [f"{rate}, {len(self.seeds)} seeds", *([self.changed] if self.changed else [])]
        lines += [f"single model and no cycle: {self.schedule}"] if self.schedule else []
        lines += ["", f"{'':<18} peak rate  test {self.metric} ({self.unit})    the ensemble to it, 95 % interval"]
        for row in self.results:
            value = "diverged" if row.test is None else number(row.test.mean, self.unit)
            gain = sized(row.ensemble_gains.estimate, self.unit) if row.ensemble_gains else ""
            lines.append(f"{row.name:<18} {row.peak_rate:<9g}  {value:<18} {gain}".rstrip())
        shared = "One shared peak rate for all" if self.peak_rate is not None else "Rates chosen on validation data"
        return "\n".join([*lines, "", f"{shared}; the intervals are not corrected for the number of comparisons.", ""])


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
    sizes = (cycles, last or cycles, length)
    jobs = [SnapshotJob(one.task, one.peak_rate, one.seed, *sizes, *followed(one, schedule)) for one in row]
    refuse(session_problems("snapshots", folder, engine, jobs))
    if surface:
        from ..report.surface import surface_problems

        refuse(surface_problems("snapshots", row))
    with opened("snapshots", folder, engine, progress, folder / "snapshots", command=command) as session:
        made = _made(jobs, session.records(jobs))
        put("snapshots", folder, made, "snapshots.json", "snapshots.txt")
        if surface:
            with writing("snapshots", folder):
                _write_surface(folder / "surface.html", jobs[0], made.results[0].peak_rate, session.watcher.note)
    return made


def _write_surface(file: Path, job: SnapshotJob, rate: float, note: Callable[[str], None]) -> None:
    from ...view.page import page
    from ..report.figures import surface_figure
    from ..report.html import style
    from ..report.surface import surface

    caption = (
        f"{job.task.name}, seed {job.seed}, peak rate {rate:g}: {job.cycles} cycles of {job.length} updates. Lines of equal validation "
        "loss in the plane of the two directions in which the weights moved most; rings are the snapshots, at the end of each cycle."
    )
    try:
        drawn = surface_figure(surface({"cyclic": job.cyclic(rate)}, job.moments))
    except GlidepathError as error:
        file.unlink(missing_ok=True)  # one of another run would be taken for this one's
        note(f"the loss surface is left out: {error}")
        return
    text = page("surface.html", "glidepath.lab.report", style=style(), picture=drawn, caption=escape(caption))
    write_whole(file, text)


def _made(jobs: Sequence[SnapshotJob], records: Mapping[str, Measured]) -> Snapshots:
    """Every method at its own rate, and what the ensemble gains over it."""
    job, rows = jobs[0], dict[float, list[Mapping[str, Score]]]()
    for one in jobs:
        rows.setdefault(one.peak_rate, []).append(records[one.hash].values)
    found: list[Result] = []
    for name in METHODS:
        validation = {rate: [one[name]["validation"] for one in seeds] for rate, seeds in rows.items()}
        choice = choose_rate(validation, job.task.metric.direction)
        values = tuple(one[name]["test"] for one in rows[choice.peak_rate])
        gains = paired(found[0].values, values) if found else None
        found.append(Result(name, choice.peak_rate, choice if len(rows) > 1 else None, values, left(values), gains))
    facts = facts_of(jobs) | vars(provenance((records[one.hash] for one in jobs), job.task.name))
    facts |= {"budget": job.length * job.cycles, "cycles": job.cycles, "last": job.last, "schedule": told_of(job)}
    return Snapshots(peak_rate=job.peak_rate if len(rows) == 1 else None, results=tuple(found), **facts)

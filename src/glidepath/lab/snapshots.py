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

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from pydantic import TypeAdapter

from glidepath import MultiStep, Schedule, recipes
from glidepath.core.errors import Problem, shown
from glidepath.lab._checks import check_count, check_rate, refuse
from glidepath.lab.planning import Rates, Seeds, plan_runs
from glidepath.lab.rate_choice import RateChoice, choose_among
from glidepath.lab.runs import RunSpec, canonical_json
from glidepath.lab.statistics import Difference, Estimate, estimate, paired_difference
from glidepath.lab.store import write_atomically
from glidepath.lab.tasks import Task
from glidepath.lab.verdict import number, signed

if TYPE_CHECKING:
    from torch import Tensor

    from glidepath.lab.training import Point

__all__ = ["METHODS", "Result", "Snapshots", "snapshots"]

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
class Snapshots:
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

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data."""
        return TypeAdapter(Snapshots).dump_python(self, mode="json")

    def table(self) -> str:
        """A line a method, as plain text."""
        rate = "each its own peak rate" if self.peak_rate is None else f"peak rate {self.peak_rate:g}"
        lines = [
            f"{self.task}: {self.cycles} cycles in {self.budget} updates, the last {self.last} averaged",
            f"{rate}, {len(self.seeds)} seeds",
            "",
            f"{'':<18} peak rate  test {self.metric} ({self.unit})    the ensemble to it, 95 % interval",
        ]
        for row in self.results:
            value = "diverged" if row.test is None else number(row.test.mean, self.unit)
            gain, one = "", row.ensemble_gains
            if one is not None:
                gain = signed(one.estimate.mean, self.unit)
                if one.estimate.low is not None and one.estimate.high is not None:
                    gain += f" ({signed(one.estimate.low, self.unit)} to {signed(one.estimate.high, self.unit)})"
            lines.append(f"{row.name:<18} {row.peak_rate:<9g}  {value:<18} {gain}".rstrip())
        shared = "One shared peak rate for all" if self.peak_rate is not None else "Rates chosen on validation data"
        lines += ["", f"{shared}; the intervals are not corrected for the number of comparisons."]
        return "\n".join(lines) + "\n"


def snapshots(
    task: str | Task = "mnist1d",
    *,
    cycles: int = 5,
    last: int | None = None,
    budget: int | None = None,
    seeds: Seeds = 5,
    peak_rate: Rates = None,
    out: str | Path,
    progress: Callable[[int, int], None] | None = None,
) -> Snapshots:
    """Train snapshot ensembles and their baselines, seed by seed, in this process.

    Args:
        task: Name or task.
        cycles: Cosine cycles in a run, at least 2 and at most the budget.
        last: How many of the last snapshots to average; None for all.
        budget: Updates of each method, a whole multiple of `cycles` or rounded down to one; None for the task's default.
        seeds: How many, or which.
        peak_rate: Base learning rate, finite, above 0; or several, from which each method gets the one with the best mean
            metric on validation data; None for the task's default.
        out: Folder for `snapshots/rate<r>-seed<s>-cycle<i>.safetensors`, `snapshots.json` and `snapshots.txt`, each
            written whole.
        progress: Called with the seeds done and all seeds, times the rates.

    Returns:
        What every method ended with, on test data.

    Raises:
        GlidepathError: If an argument breaks its rule above; all problems in one message, nothing trained or written.
    """
    problems = [check_count(cycles, "snapshots", "cycles")]
    if not problems[0] and cycles < 2:
        problems.append(Problem("snapshots", "cycles", "at least 2", shown(cycles)))
    if last is not None:
        problems.append(check_count(last, "snapshots", "last"))
        if not any(problems) and last > cycles:
            problems.append(Problem("snapshots", "last", f"at most the number of cycles ({cycles})", shown(last)))
    rates = peak_rate if isinstance(peak_rate, Sequence) else [peak_rate]
    problems += [None if rate is None else check_rate(rate, "snapshots") for rate in rates]
    problems.append(None if budget is None else check_count(budget, "snapshots", "budget"))
    refuse(problems)
    row = next(iter(plan_runs(task, ["constant"], seeds, peak_rate=peak_rate, budget=budget).values()))["constant"]
    length = row[0].budget // cycles
    refuse([None if length else Problem("snapshots", "cycles", f"at most the budget ({row[0].budget})", shown(cycles))])
    folder = Path(out)
    (folder / "snapshots").mkdir(parents=True, exist_ok=True)
    scores: dict[float, list[Mapping[str, Score]]] = {}
    for done, spec in enumerate(row, 1):
        scored = _one_seed(spec, cycles, last or cycles, length, folder / "snapshots")
        scores.setdefault(spec.peak_rate, []).append(scored)
        if progress is not None:
            progress(done, len(row))
    made = Snapshots(
        task=row[0].task.name,
        metric=row[0].task.metric.name,
        unit=row[0].task.metric.unit,
        peak_rate=row[0].peak_rate if len(scores) == 1 else None,
        budget=length * cycles,
        cycles=cycles,
        last=last or cycles,
        seeds=tuple(dict.fromkeys(spec.seed for spec in row)),
        results=_results(scores, row[0].task),
    )
    write_atomically(folder / "snapshots.json", canonical_json(made.to_dict()) + "\n")
    write_atomically(folder / "snapshots.txt", made.table())
    return made


def _results(scores: Mapping[float, Sequence[Mapping[str, Score]]], task: Task) -> tuple[Result, ...]:
    """Every method at its own rate, and what the ensemble gains over it."""
    found: list[Result] = []
    for name in METHODS:
        validation = {rate: [one[name].validation for one in rows] for rate, rows in scores.items()}
        choice = choose_among(validation, task.metric.direction)
        values = tuple(one[name].test for one in scores[choice.peak_rate])
        kept = [value for value in values if value is not None]
        ours = found[0].values if found else ()
        gains = None
        if found and None not in (*values, *ours):
            gains = paired_difference([value for value in ours if value is not None], kept)
        rates = choice if len(scores) > 1 else None
        found.append(Result(name, choice.peak_rate, rates, values, estimate(kept) if kept else None, gains))
    return tuple(found)


def _one_seed(spec: RunSpec, cycles: int, last: int, length: int, folder: Path) -> Mapping[str, Score]:
    from safetensors.torch import save

    budget, moments = length * cycles, [length * (i + 1) for i in range(cycles)]
    cyclic = _trained(spec, recipes.sgdr(length, cycles=cycles), budget, moments)
    stepped = _trained(spec, _steps(budget), budget, moments)
    cosine = _trained(spec, recipes.warmup_cosine(budget), budget, [budget])
    fresh: list[Point] = []
    for i in range(cycles):
        seed = (spec.seed * cycles + i + _FRESH) % 2**32
        one = RunSpec(spec.task, spec.schedule, spec.peak_rate, seed, spec.budget)
        fresh += _trained(one, recipes.warmup_cosine(length), length, [length])
    for i, point in enumerate(cyclic, 1):
        weights = {name: tensor.contiguous() for name, tensor in point.weights.items()}
        write_atomically(folder / f"rate{spec.peak_rate:g}-seed{spec.seed}-cycle{i}.safetensors", save(weights))

    def scored(points: Sequence["Point"], whole: bool) -> Score:
        return _score(spec.task, [point.weights for point in points]) if whole else Score(None, None)

    whole = {"cyclic": len(cyclic) == cycles, "stepped": len(stepped) == cycles, "fresh": len(fresh) == cycles}
    return {
        "snapshot ensemble": scored(cyclic[-last:], whole["cyclic"]),
        "last snapshot": scored(cyclic[-1:], whole["cyclic"]),
        "weight average": _score(spec.task, [_averaged(spec, cyclic[-last:])])
        if whole["cyclic"]
        else Score(None, None),
        "single model": scored(stepped[-1:], whole["stepped"]),
        "single cosine": scored(cosine, bool(cosine)),
        "no cycle": scored(stepped[-last:], whole["stepped"]),
        "single cycle": scored(fresh[-last:], whole["fresh"]),
    }


def _steps(budget: int) -> Schedule:
    """A tenth from half of the run on, a hundredth from three quarters on: the single model of the paper."""
    return MultiStep((budget // 2, max(budget // 2 + 1, 3 * budget // 4)), 0.1)


def _trained(spec: RunSpec, schedule: Schedule, budget: int, moments: Sequence[int]) -> list["Point"]:
    """The points of one run; fewer than asked for if it diverged."""
    from glidepath.lab.training import run

    points: list[Point] = []
    run(RunSpec(spec.task, schedule, spec.peak_rate, spec.seed, budget), keep=dict.fromkeys(moments, points.append))
    return points


def _score(task: Task, members: Sequence[Mapping[str, "Tensor"]]) -> Score:
    """The metrics of the mean of the members' probabilities."""
    return Score(_measured(task, members, "validation"), _measured(task, members, "test"))


def _measured(
    task: Task, members: Sequence[Mapping[str, "Tensor"]], part: Literal["validation", "test"]
) -> float | None:
    import math

    import torch

    from glidepath.lab import models
    from glidepath.lab.data import load
    from glidepath.lab.training import examples_of

    data = load(task.data)
    inputs, targets = examples_of(task, data, part)
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        model = models.build(task.model, data)
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
    from glidepath.lab.training import minibatches

    data = load(spec.task.data)
    mean = {
        name: torch.stack([point.weights[name].double() for point in points]).mean(0).to(tensor.dtype)
        for name, tensor in points[0].weights.items()
    }
    with torch.random.fork_rng(devices=[]):
        model = models.build(spec.task.model, data)
        model.load_state_dict(mean)
        count = max(1, min(_BATCHES, len(data.train[1]) // spec.task.batch)) if isinstance(data, Examples) else _BATCHES
        update_bn(list(islice(minibatches(spec, data), count)), model)
    return model.state_dict()

"""Trials of forecasts: on trained runs, on public curves of others, and of a designed schedule. Each carries itself out."""

from __future__ import annotations

import abc
import csv
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from glidepath import Schedule, parse
from glidepath.core import GlidepathError
from glidepath.forecast import Law, Run, fit_laws
from glidepath.forecast.design import design
from glidepath.lab.engines.engine import Engine
from glidepath.lab.engines.machine import here
from glidepath.lab.engines.progress import CommandPart, Watcher
from glidepath.lab.engines.session import opened
from glidepath.lab.records.jobs import provenance
from glidepath.lab.records.runs import Record, RunSpec
from glidepath.lab.tasks.declared import TASKS, Task
from glidepath.lab.tasks.schedules import DEFAULT_SCHEDULES, default_schedule

from .criteria import Checked, Criterion, Measurements
from .known_forecasts import ForecastLimits, verdicts_of
from .outcome import TrialOutcome, Verdict
from .trials import Size, Trial, judged, verdicts

CURVES = "GLIDEPATH_LOSS_CURVES"
"""The environment variable that names the folder of public loss curves."""
_SECONDS = 0.003  # of an update of `text`, with forty evaluations a run


@dataclass(frozen=True, kw_only=True)
class _TrainedTrial(Trial):
    """What the trials that train share: a task with forty evaluations, one peak rate, some seeds.

    Args:
        task: Name of the task.
        peak_rate: The peak rate of every run.
        seeds: How many.
        slug: Name of its folder.
    """

    task: str = "text"
    peak_rate: float = 0.01
    seeds: int
    slug: str

    @property
    def _task(self) -> Task:
        return replace(TASKS[self.task], evaluations=40)

    @abc.abstractmethod
    def _runs(self, first_seed: int) -> list[RunSpec]: ...

    @property
    @abc.abstractmethod
    def _what(self) -> str: ...

    @property
    def size(self) -> Size:
        """See `Trial.size`."""
        runs = self._runs(0)
        updates = sum(spec.budget for spec in runs)
        part = CommandPart(len(runs), updates, updates * _SECONDS)
        return Size(f"{self.task}, {self._what}, {self.seeds} seeds", self.slug, len(runs), part)


@dataclass(frozen=True, kw_only=True)
class Forecasts(_TrainedTrial):
    """Laws fitted to some runs of a seed, their forecasts held against its other runs.

    Args:
        fits: By name, the schedules whose runs are fitted; together they are trained besides `held`.
        held: The schedules that are forecast.
        limits: See `verdicts_of`.
    """

    fits: Mapping[str, tuple[str, ...]]
    held: tuple[str, ...]
    limits: ForecastLimits | None = None

    @property
    def _texts(self) -> list[str]:
        return list(dict.fromkeys([*(text for texts in self.fits.values() for text in texts), *self.held]))

    @property
    def _what(self) -> str:
        return f"{len(self._texts)} schedules"

    def _runs(self, first_seed: int) -> list[RunSpec]:
        return [
            RunSpec(self._task, parse(text), self.peak_rate, seed, int(parse(text).duration))
            for seed in range(first_seed, first_seed + self.seeds)
            for text in self._texts
        ]

    def carry_out(self, folder: Path, first_seed: int, engine: Engine | None, watcher: Watcher) -> TrialOutcome:
        """Train, fit, forecast, judge."""
        specs = self._runs(first_seed)
        records = _records(folder, specs, engine, watcher)
        groups: dict[str, dict[str, Run]] = {}
        for spec, text in zip(specs, self._texts * self.seeds, strict=True):
            groups.setdefault(f"seed {spec.seed}", {})[text] = _run(records[spec.hash])
        title = self.size.title
        told = verdicts_of(self.fits, groups, self.held, self.limits)
        return judged(title, told, provenance(records.values(), title))


@dataclass(frozen=True, kw_only=True)
class Designed(_TrainedTrial):
    """A schedule designed from runs of one seed, trained beside the default schedules on other seeds.

    Args:
        budget: Updates of a run.
        logs: The default schedules whose runs the design is made from, on the seed after the last.
        criteria: What has to hold. Rows are the defaults and `designed`, columns are seeds.
    """

    budget: int
    logs: tuple[str, ...]
    criteria: tuple[Criterion, ...]

    @property
    def _what(self) -> str:
        return f"{self.budget} updates"

    def _specs(self, name: str | Schedule, *seeds: int) -> list[RunSpec]:
        warmup = round(self._task.warmup * self.budget)
        one = name if isinstance(name, Schedule) else default_schedule(name, self.budget, warmup)
        return [RunSpec(self._task, one, self.peak_rate, seed, self.budget) for seed in seeds]

    def _runs(self, first_seed: int) -> list[RunSpec]:
        """Those of the designed schedule, which is not known yet, are counted as one of the defaults on further seeds."""
        last = first_seed + self.seeds
        rows = [self._specs(name, *range(first_seed, last)) for name in DEFAULT_SCHEDULES]
        return sum(rows, self._specs(self.logs[0], *range(last, last + self.seeds + len(self.logs))))

    def carry_out(self, folder: Path, first_seed: int, engine: Engine | None, watcher: Watcher) -> TrialOutcome:
        """Train the logs, design, train the rest, judge."""
        seeds = range(first_seed, first_seed + self.seeds)
        logs = [self._specs(name, first_seed + self.seeds)[0] for name in self.logs]
        records = _records(folder, logs, engine, watcher)
        made = design(fit_laws([_run(records[spec.hash]) for spec in logs]), steps=self.budget)
        rows = {name: self._specs(name, *seeds) for name in DEFAULT_SCHEDULES}
        rows["designed"] = self._specs(parse(made.schedule), *seeds)
        records |= _records(folder, [spec for row in rows.values() for spec in row], engine, watcher)
        tests = {name: [records[spec.hash].test for spec in row] for name, row in rows.items()}
        values = {name: tuple(one and one.loss for one in row) for name, row in tests.items()}
        evidence = Measurements(metric="test loss", unit="nats per character", columns=list(seeds), values=values)
        title = f"{self.size.title}; designed: {made.schedule}"
        return judged(title, verdicts(self.criteria, evidence), provenance(records.values(), title))


@dataclass(frozen=True, kw_only=True)
class PublicCurves(Trial):
    """The loss curves of language models that Luo et al. published: fitted on some, held against the others.

    Args:
        fits: By name, the curves that are fitted.
        published: Whether the published coefficients are held against the curves as well.
        limits: See `verdicts_of`.
        slug: Name of its folder.
    """

    fits: Mapping[str, tuple[str, ...]]
    published: bool = False
    limits: ForecastLimits | None = None
    slug: str

    @property
    def size(self) -> Size:
        """See `Trial.size`."""
        return Size("public curves of 25, 100 and 400 million parameters", self.slug, part=CommandPart(0, 0, 60.0))

    def carry_out(self, folder: Path, first_seed: int, engine: Engine | None, watcher: Watcher) -> TrialOutcome:
        """Read, fit, forecast, judge; skipped where the curves are not at hand."""
        del folder, first_seed, engine, watcher
        place, title = curves_folder(), self.size.title
        if place is None:
            reason = f"the curves are not at hand: --data or {CURVES} names their folder"
            return judged(title, (), here(), skipped=reason)
        groups = {
            size: {name: _curve(place / size / f"{name}.csv", text) for name, text in _COURSES.items()}
            for size in _SIZES
        }
        checks = tuple(_as_published(size, runs) for size, runs in groups.items()) if self.published else ()
        told = [Verdict(rule=_AS_PUBLISHED, checks=checks)] if checks else []
        return judged(title, told + verdicts_of(self.fits, groups, tuple(_COURSES), self.limits), here())


_PEAK = 3e-4
_COURSES = {
    **{f"cosine_{n}": f"warmup(2160) >> cosine({n - 2160}, floor=0.1)" for n in (24_000, 72_000)},
    **{f"constant_{n}": f"warmup(2160) >> hold({n - 2160})" for n in (24_000, 72_000)},
    "wsd_20000_24000": "warmup(2160) >> hold(17840) >> geometric(4000, floor=0.1)",
    "wsdld_20000_24000": "warmup(2160) >> hold(17840) >> linear(4000, floor=0.1)",
    **{f"wsdcon_{k}": f"warmup(2160) >> hold(5840) >> {k / 30!r} * hold(8000)" for k in (3, 9, 18)},
}
_NAMES = ("L0", "A", "alpha", "B", "C", "beta", "gamma")
_SIZES = {
    "25M": (3.040, 0.525, 0.508, 363.8, 2.066, 0.583, 0.641),
    "100M": (2.651, 0.601, 0.453, 437.9, 2.132, 0.598, 0.655),
    "400M": (2.375, 0.654, 0.429, 523.4, 2.025, 0.594, 0.635),
}
"""The published coefficients by size: Luo et al. 2025, https://arxiv.org/abs/2503.12811."""
THEIRS = ("cosine_24000", "constant_24000", "wsdcon_9")
_AS_PUBLISHED = "published law and coefficients: mean absolute error along the six curves that they were not fitted on at most 0.0055"


def curves_folder() -> Path | None:
    """The folder of the public curves, a folder a size with a CSV a curve; None where it is not named or not there."""
    named = os.environ.get(CURVES, "")
    return Path(named) if named and all((Path(named) / size).is_dir() for size in _SIZES) else None


def _curve(file: Path, text: str) -> Run:
    schedule = parse(text)
    try:
        with file.open(encoding="utf-8") as rows:
            cells = [(int(float(row[0])), float(row[-1])) for row in list(csv.reader(rows))[1:]]
    except (OSError, ValueError, IndexError) as error:
        raise GlidepathError.of("reproduce", "--data", "a folder of whole curves", str(file.name), str(error)) from None
    kept = [(step, loss) for step, loss in cells if step <= schedule.duration]
    return Run.of(schedule, _PEAK, [step for step, _ in kept], [loss for _, loss in kept], file.stem)


def _as_published(size: str, curves: Mapping[str, Run]) -> Checked:
    law = Law("multi_power", dict(zip(_NAMES, _SIZES[size], strict=True)))
    errors = [float(np.abs(law(run.path()) - run.losses).mean()) for name, run in curves.items() if name not in THEIRS]
    return Checked(subject=size, measured=f"{np.mean(errors):.4f}", passed=float(np.mean(errors)) <= 0.0055)


def _records(folder: Path, specs: Sequence[RunSpec], engine: Engine | None, watcher: Watcher) -> dict[str, Record]:
    with opened("reproduce", folder, engine, watcher) as session:
        return session.records(specs)


def _run(record: Record) -> Run:
    spec = record.spec
    seen = [(one.updates, one.loss) for one in record.evaluations if one.updates and one.loss is not None]
    name = f"{spec.schedule}, seed {spec.seed}"
    return Run.of(
        spec.schedule, spec.peak_rate, [at for at, _ in seen], [loss for _, loss in seen], name, "validation_loss"
    )

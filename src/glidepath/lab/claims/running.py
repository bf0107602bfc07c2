"""Carry out the trials of claims and judge them: the function behind `glidepath reproduce`."""

import datetime as dt
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from glidepath.core.checks import problem_of, refuse
from glidepath.core.errors import GlidepathError
from glidepath.core.fields import Seed
from glidepath.core.files import write_whole
from glidepath.lab.claims.criteria import Carried, Flatter
from glidepath.lab.claims.declared import Claim, find_claims
from glidepath.lab.claims.evidence import Evidence, Losses
from glidepath.lab.claims.forecasts import Designed, Forecasts, PublicCurves
from glidepath.lab.claims.outcome import ChosenRate, Outcome, TrialOutcome, Verdict
from glidepath.lab.claims.trials import Ensembles, Exact, Trainings, Trial
from glidepath.lab.claims.whole import Whole
from glidepath.lab.engines import Engine
from glidepath.lab.planning import plan_runs
from glidepath.lab.progress import Silent, Watcher
from glidepath.lab.provenance import machine_line
from glidepath.lab.session import writing
from glidepath.lab.store import Store

if TYPE_CHECKING:
    from glidepath.lab.comparison import ScheduleResult, TaskResult
    from glidepath.lab.snapshots import Result, Snapshots

__all__ = ["outcome_path", "reproduce"]


def reproduce(
    names: Sequence[str],
    *,
    out: str | Path,
    short: bool = False,
    first_seed: int | None = None,
    engine: Engine | None = None,
    progress: Watcher | None = None,
    told: Callable[[Outcome], None] | None = None,
) -> list[Outcome]:
    """Try claims: run what they declare, apply their criteria, write down what came out, passed or failed.

    Args:
        names: Names of claims in any case, or `all`.
        out: Folder for `<claim>.json`, and a folder a trial with its records, `comparison.json` and `report.html`. The
            same call goes on where it was stopped.
        short: The short forms, with criteria of their own.
        first_seed: The seeds are this one and those that follow it, for a trial on seeds of one's own; None for those
            that are declared.
        engine: What carries out the runs; None for one worker process a processor. `Jax` trains single runs alone:
            ensembles get as many worker processes instead.
        progress: Who hears how far it is; None for nobody.
        told: Who hears of each outcome as soon as it is written.

    Returns:
        One outcome a claim, in the order of `CLAIMS`.

    Raises:
        GlidepathError: If an argument breaks its rule, all problems in one message and nothing run, or if runs failed.
        KeyboardInterrupt: On Ctrl-C, after the workers have ended. What was made stays.
    """
    wrong_seed = None if first_seed is None else problem_of("reproduce", "seed", first_seed, Seed)
    try:
        claims = find_claims(list(names), short=short)
    except GlidepathError as error:
        refuse([*error.problems, wrong_seed])
        raise
    most = max(getattr(trial, "seeds", 1) for claim in claims for trial in _trials(claim, short))
    refuse([wrong_seed or problem_of("reproduce", "seed", (first_seed or 0) + most - 1, Seed)])
    folder = Path(out)
    whole = Whole(progress or Silent(), [trial for claim in claims for trial in _trials(claim, short)])
    outcomes: list[Outcome] = []
    for claim in claims:
        first = claim.first_seed if first_seed is None else first_seed
        place = outcome_path(folder, claim.name, short=short, first_seed=first_seed)
        trials = [
            _carried_out(trial, place.with_suffix("") / f"{at}-{trial.slug}", first, engine, whole)
            for at, trial in enumerate(_trials(claim, short), 1)
        ]
        outcome = Outcome(
            claim=claim.name,
            statement=claim.statement,
            source=f"{claim.source}, {claim.url}",
            form="short" if short else "whole",
            first_seed=first,
            declared_seeds=first_seed is None,
            date=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
            trials=tuple(trials),
        )
        with writing("reproduce", folder):
            folder.mkdir(parents=True, exist_ok=True)
            write_whole(place, outcome.to_json())
        outcomes.append(outcome)
        if told is not None:
            told(outcome)
    return outcomes


def outcome_path(folder: Path, name: str, *, short: bool = False, first_seed: int | None = None) -> Path:
    """Where the outcome of a claim is written: each form and each choice of seeds has a place of its own.

    Args:
        folder: The `out` of `reproduce`.
        name: Name of the claim.
        short: Whether it is the short form.
        first_seed: The first seed; None for the declared one.

    Examples:
        >>> outcome_path(Path("runs"), "C1").name, outcome_path(Path("runs"), "C1", short=True, first_seed=7).name
        ('C1.json', 'C1-short-from-7.json')
    """
    seeds = "" if first_seed is None else f"-from-{first_seed}"
    return folder / f"{name}{'-short' if short else ''}{seeds}.json"


def _trials(claim: Claim, short: bool) -> tuple[Trial, ...]:
    return claim.short if short else claim.trials


def _carried_out(trial: Trial, folder: Path, first_seed: int, engine: Engine | None, whole: Whole) -> TrialOutcome:
    whole.begin()
    match trial:
        case Trainings():
            return _trainings(trial, folder, first_seed, engine, whole)
        case Ensembles():
            return _ensembles(trial, folder, first_seed, engine, whole)
        case Exact():
            return _exact(trial)
        case Forecasts() | Designed() | PublicCurves():
            return trial.carry_out(folder, first_seed, engine, whole)


def _trainings(
    trial: Trainings, folder: Path, first_seed: int, engine: Engine | None, watcher: Watcher
) -> TrialOutcome:
    from glidepath.lab import compare

    result = compare(
        trial.task,
        trial.schedules,
        _seeds(trial, first_seed),
        peak_rate=trial.rates,
        budget=trial.budget,
        out=folder,
        baseline=next(iter(trial.schedules)),
        engine=engine,
        progress=watcher,
    ).tasks[0]
    evidence = Evidence(
        metric=f"test {result.task.metric.name}",
        unit=result.task.metric.unit,
        columns=_seeds(trial, first_seed),
        values={row.name: row.values for row in result.schedules},
        losses=_losses(trial, folder, first_seed)
        if any(isinstance(one, Flatter | Carried) for one in trial.criteria)
        else {},
    )
    return _trained(trial, evidence, result.schedules, result)


def _losses(trial: Trainings, folder: Path, first_seed: int) -> dict[str, Losses]:
    """The last validation loss of every run, from the records that the comparison has just checked or made."""
    from glidepath.lab.rate_choice import by_rate

    grid = plan_runs(
        trial.task,
        trial.schedules,
        _seeds(trial, first_seed),
        peak_rate=trial.rates,
        budget=trial.budget,
        baseline=next(iter(trial.schedules)),
    )[trial.task]
    store = Store(folder / "records")
    records = {name: [record for spec in row if (record := store.read(spec))] for name, row in grid.items()}
    return {
        name: {
            rate: [one.evaluations[-1].loss if one.test is not None else None for one in same]
            for rate, same in by_rate(row).items()
        }
        for name, row in records.items()
    }


def _ensembles(
    trial: Ensembles, folder: Path, first_seed: int, engine: Engine | None, watcher: Watcher
) -> TrialOutcome:
    from glidepath.lab import Jax, Workers
    from glidepath.lab.snapshots import snapshots

    made = snapshots(
        trial.task,
        cycles=trial.cycles,
        budget=trial.budget,
        seeds=_seeds(trial, first_seed),
        peak_rate=trial.rates,
        out=folder,
        engine=Workers(engine.count, engine.tries) if isinstance(engine, Jax) else engine,
        progress=watcher,
    )
    evidence = Evidence(
        metric=f"test {made.metric}",
        unit=made.unit,
        columns=made.seeds,
        values={row.name: row.values for row in made.results},
    )
    return _trained(trial, evidence, made.results, made)


def _trained(
    trial: Trainings | Ensembles,
    evidence: Evidence,
    rows: "Sequence[ScheduleResult | Result]",
    source: "TaskResult | Snapshots",
) -> TrialOutcome:
    return TrialOutcome(
        title=trial.title,
        grid=trial.rates,
        rates=tuple(
            ChosenRate(row=row.name, peak_rate=row.peak_rate, edge=row.rates.edge if row.rates else None)
            for row in rows
        ),
        verdicts=_verdicts(trial, evidence),
        data_sha256=source.data_sha256,
        versions=source.versions,
        machines=source.machines,
        cpu_seconds=source.cpu_seconds,
    )


def _exact(trial: Exact) -> TrialOutcome:
    from glidepath.lab.quadratic import Quadratic
    from glidepath.lab.training import machine, versions

    model = Quadratic()
    evidence = Evidence(
        metric="expected loss",
        unit="",
        columns=trial.budgets,
        values={
            name: tuple(model.tuned(schedule(budget), budget).loss for budget in trial.budgets)
            for name, schedule in trial.schedules.items()
        },
    )
    return TrialOutcome(
        title=trial.title,
        grid=(),
        rates=(),
        verdicts=_verdicts(trial, evidence),
        data_sha256=None,
        versions=versions(),
        machines=(machine_line(machine()),),
        cpu_seconds=None,
    )


def _seeds(trial: Trainings | Ensembles, first_seed: int) -> list[int]:
    return list(range(first_seed, first_seed + trial.seeds))


def _verdicts(trial: Trainings | Ensembles | Exact, evidence: Evidence) -> tuple[Verdict, ...]:
    return tuple(
        Verdict(rule=criterion.rule(evidence), checks=tuple(criterion.judge(evidence))) for criterion in trial.criteria
    )

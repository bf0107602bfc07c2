"""Carry out the trials of claims and judge them: the function behind `make reproduce`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from pathlib import Path

from glidepath.core import Checks, taken, write_whole
from glidepath.core.fields import Seed
from glidepath.lab.engines.engine import Engine
from glidepath.lab.engines.progress import CommandProgress, Silent, Watcher
from glidepath.lab.engines.session import writing

from .declared import Claim, find_claims
from .outcome import Outcome, TrialOutcome


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
    checks, claims = Checks("reproduce"), list[Claim]()
    with checks.kept():
        claims = find_claims(list(names), short=short)
    first_seed = checks.take("seed", first_seed, Seed | None)
    checks.done()
    trials = {claim.name: claim.short if short else claim.trials for claim in claims}
    coming = [trial for several in trials.values() for trial in several]
    most = max(getattr(trial, "seeds", 1) for trial in coming)
    taken("reproduce", "seed", (first_seed or 0) + most - 1, Seed)
    folder = Path(out)
    whole = CommandProgress(progress or Silent(), [one.size.part for one in coming])
    outcomes: list[Outcome] = []
    for claim in claims:
        first = claim.first_seed if first_seed is None else first_seed
        place = outcome_path(folder, claim.name, short=short, first_seed=first_seed)
        found: list[TrialOutcome] = []
        for at, trial in enumerate(trials[claim.name], 1):
            whole.begin()
            found.append(trial.carry_out(place.with_suffix("") / f"{at}-{trial.size.slug}", first, engine, whole))
        outcome = Outcome(
            claim=claim.name,
            statement=claim.statement,
            source=f"{claim.source}, {claim.url}",
            form="short" if short else "whole",
            first_seed=first,
            declared_seeds=first_seed is None,
            date=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
            trials=tuple(found),
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

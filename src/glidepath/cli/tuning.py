"""The command that searches: tune."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from glidepath.core.errors import GlidepathError, Problem, shown

from .common import AsJson, app, messages, say
from .engines import Address, EngineName, EngineOption, Resources, WorkerCount, engine_of, trained


@app.command()
def tune(
    schedules: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[RECIPE]...",
            help="Recipes to choose between, such as warmup_cosine. Default: warmup_cosine, warmup_linear, wsd.",
        ),
    ] = None,
    task: Annotated[str, typer.Option("--task", "-t", help="As in compare.")] = "mnist1d",
    trials: Annotated[int, typer.Option("--trials", help="Points to try; the defaults are the first.", min=1)] = 40,
    seeds: Annotated[int, typer.Option("--seeds", "-s", help="Seeds of each trial.", min=1)] = 3,
    fresh: Annotated[
        int, typer.Option("--fresh", help="Fresh seeds on which the best is compared with the defaults.", min=0)
    ] = 5,
    budget: Annotated[
        int | None, typer.Option("--budget", "-n", help="Updates of each run. Default: the task's.")
    ] = None,
    fix: Annotated[
        list[str] | None,
        typer.Option("--fix", metavar="NAME=VALUE", help="Give a parameter instead of searching it; may be repeated."),
    ] = None,
    ranges: Annotated[
        list[str] | None,
        typer.Option(
            "--range", metavar="NAME=LOW:HIGH", help="Search between these ends; lengths are shares of the budget."
        ),
    ] = None,
    prune: Annotated[
        bool, typer.Option("--prune/--no-prune", help="Give up trials that are behind the median of the others.")
    ] = True,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the search, records and table.")] = Path(
        "runs/tune"
    ),
    engine: EngineOption = EngineName.workers,
    workers: WorkerCount = None,
    address: Address = None,
    resources: Resources = None,
    as_json: AsJson = False,
) -> None:
    """Search peak rate, schedule and its parameters for a task, then test what was found on fresh seeds.

    The same command goes on where it was stopped; with more --trials it goes on from its end.
    """
    from glidepath.lab.tuning import DEFAULT_FAMILIES
    from glidepath.lab.tuning import tune as search

    problems: list[Problem] = []
    fixed = dict(_pair(text, "--fix", "NAME=VALUE", problems) for text in fix or ())
    ends = {
        name: _ends(value, problems)
        for name, value in (_pair(text, "--range", "NAME=LOW:HIGH", problems) for text in ranges or ())
    }
    if problems:
        raise GlidepathError(problems)
    with trained(out) as bar:
        made = search(
            task,
            schedules or DEFAULT_FAMILIES,
            trials=trials,
            seeds=seeds,
            fresh=fresh,
            budget=budget,
            fixed=fixed,
            ranges=ends,
            prune=prune,
            out=out,
            engine=engine_of(engine, workers, address, resources),
            progress=bar,
        )
    say(json.dumps(made.to_dict(), indent=2) if as_json else made.table())
    messages.print(f"compare it with a constant rate:\n  {made.command}", highlight=False, soft_wrap=True)


def _pair(text: str, option: str, form: str, problems: list[Problem]) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals and value):
        problems.append(Problem("tune", option, form, shown(text)))
    return name.strip(), value.strip()


def _ends(text: str, problems: list[Problem]) -> tuple[float, float]:
    low, colon, high = text.partition(":")
    try:
        if colon:
            return float(low), float(high)
    except ValueError:
        pass
    problems.append(Problem("tune", "--range", "two numbers LOW:HIGH", shown(text)))
    return 0.0, 1.0

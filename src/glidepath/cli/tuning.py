"""The command that searches: tune."""

from __future__ import annotations

import json
from pathlib import Path

from ..core.checks import Checks
from ..core.fields import Count, Steps
from .common import messages, say, typed
from .engines import Changes, Trainer, trained
from .options import command


@command()
def tune(
    schedules: list[str] | None = None,
    task: str = "mnist1d",
    trials: Count = 40,
    seeds: Count = 3,
    fresh: Steps = 5,
    budget: int | None = None,
    fix: list[str] | None = None,
    ranges: list[str] | None = None,
    prune: bool = True,
    storage: str | None = None,
    out: Path = Path("runs/tune"),
    *,
    trainer: Trainer,
    changes: Changes,
    as_json: bool = False,
) -> None:
    """Search peak rate, schedule and its parameters for a task, then test what was found on fresh seeds.

    The same command goes on where it was stopped; with more --trials it goes on from its end.

    Args:
        schedules ([RECIPE]...): Recipes to choose between, such as warmup_cosine; also constant, step, schedules and scheduler calls as in
            compare, whose rate alone is searched. Default: warmup_cosine, warmup_linear, wsd.
        trials (--trials): Points to try; the defaults are the first.
        seeds (--seeds, -s): Seeds of each trial.
        fresh (--fresh): Fresh seeds on which the best is compared with the defaults.
        fix (--fix NAME=VALUE): Give a parameter instead of searching it; may be repeated.
        ranges (--range NAME=LOW:HIGH): Search between these ends; lengths are shares of the budget.
        prune (--prune/--no-prune): Give up trials that are behind the median of the others.
        storage (--storage): For several drivers of one search, each with its own --out: a database such as sqlite:///search.db, or a
            journal's file.
        out (--out, -o): Folder for the search, records and table.
    """
    from ..lab.search.tune import DEFAULT_FAMILIES
    from ..lab.search.tune import tune as search

    checks = Checks("tune")
    fixed = dict(_pair(text, "--fix", "NAME=VALUE", checks) for text in fix or ())
    pairs = [_pair(text, "--range", "NAME=LOW:HIGH", checks) for text in ranges or ()]
    ends = {name: _ends(value, checks) for name, value in pairs}
    checks.done()
    with trained(out) as bar:
        made = search(
            changes.of(task, budget),
            schedules or DEFAULT_FAMILIES,
            trials=trials,
            seeds=seeds,
            fresh=fresh,
            budget=budget,
            fixed=fixed,
            ranges=ends,
            prune=prune,
            storage=storage,
            out=out,
            engine=trainer.made(),
            progress=bar,
            command=typed(),
        )
    say(json.dumps(made.to_dict(), indent=2) if as_json else made.table())
    messages.print(
        f"compare it with a constant rate:\n  {made.command}{changes.typed()}", highlight=False, soft_wrap=True
    )


def _pair(text: str, option: str, form: str, checks: Checks) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals and value):
        checks.refuse(option, form, text)
    return name.strip(), value.strip()


def _ends(text: str, checks: Checks) -> tuple[float, float]:
    low, _, high = text.partition(":")
    try:
        return float(low), float(high)
    except ValueError:
        checks.refuse("--range", "two numbers LOW:HIGH", text)
        return 0.0, 1.0

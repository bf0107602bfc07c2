"""Commands that train: compare, demo, branches, snapshots, tune."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import glidepath

from ..core import Checks
from ..core.fields import Count, Steps, integer
from .common import beside, config_of, drawing_of, given_by, say
from .engines import Changes, EngineOptions, made_by
from .options import command

if TYPE_CHECKING:
    from ..lab.tasks.declared import Task


@command()
def compare(
    schedules: list[str] | None = None,
    task: list[str] | None = None,
    seeds: Count = 5,
    rate: list[float] | None = None,
    budget: int | None = None,
    out: Path = Path("runs/compare"),
    surface: bool = False,
    *,
    trainer: EngineOptions,
    changes: Changes,
    let: list[str] | None = None,
) -> None:
    """Train small networks under several schedules and write a report. The same command goes on where it was stopped.

    Args:
        schedules ([SCHEDULE]...): Names of recipes sized to the task, constant, step, cosine, linear, one_cycle and wsd, such as cosine:
            the task's warmup, then a cosine over the rest of the budget; or schedules as text, as long as they say. Default: the six.
        task (--task, -t): mnist1d, mnist1d-cnn, digits, text, images, cifar100 or your own module:object; may be repeated. Default: mnist1d,
            text.
        seeds (--seeds, -s): Runs of each schedule, with different data order and start.
        rate (--rate, -r): Peak learning rate shared by all; given twice or more, each one's own is chosen on validation. Default: the
            task's.
        out (--out, -o): Folder for records, table and report.
        surface: Draw the loss around the paths of the first seed into the report; those runs are trained once more.
    """
    tasks = tuple(changes.of(one, budget) for one in task or ("mnist1d", "text"))
    _compare(tasks, [_text(one, let) for one in schedules or ()], seeds, out, trainer, rate, budget, surface)


def _text(given: str, let: list[str] | None) -> str:
    """Returns a schedule as one line of ours, where it is a configuration, a Python file, or code whose names `--let` gives."""
    from ..dialects.converting import foreign
    from ..dialects.plateaus import plateau_of

    file = given.endswith(".py") and Path(given).is_file()
    made = config_of(given, let)
    if made is None and (file or let or "\n" in given.strip()):
        source = Path(given).read_text(encoding="utf-8") if file else given
        made = None if plateau_of(source) else foreign(source, given_by(let))
    return given if made is None else str(made)


@command()
def demo(out: Path = Path("runs/demo"), *, trainer: EngineOptions) -> None:
    """Watch real networks train under six schedules, on data that need no download (about 3 minutes on 2 cores).

    Args:
        out (--out, -o): Folder for records, table and report.
    """
    from .. import view

    schedule = glidepath.parse("warmup(500) >> cosine(9500, floor=0.1)")
    beside("A schedule is a value, written in one line:\n")
    beside(f"  {schedule}\n", "bold cyan")
    print(view.terminal(schedule, height=9, **drawing_of(sys.stderr, width=70)), file=sys.stderr)
    beside("\nNow six schedules train real networks: 2 tasks x 6 schedules x 5 seeds.\n")
    _compare(("mnist1d", "text"), None, 5, out, trainer)


@command()
def branches(
    points: list[int] | None = None,
    task: str = "mnist1d-cnn",
    schedule: str | None = None,
    share: float = 0.2,
    seeds: Count = 5,
    rate: float | None = None,
    out: Path = Path("runs/branches"),
    *,
    trainer: EngineOptions,
    changes: Changes,
) -> None:
    """Train once at a constant rate and branch linear cooldowns off it: several budgets for little more than one.

    Args:
        points ([POINT]...): Steps of the run where cooldowns branch off.
        schedule (--schedule SCHEDULE): What that run follows, as in compare, a plateau too. Default: warmup as the task has it, then constant.
        share: Length of a cooldown as a share of the whole.
        rate (--rate, -r): Peak learning rate. Default: the task's.
        out (--out, -o): Folder for the results.
    """
    from .. import lab

    at = tuple(points or (800, 1600, 3200))
    sizes: dict[str, Any] = {"share": share, "seeds": seeds}
    made = made_by(lab.branches, out, trainer, changes.of(task), at, schedule=schedule, **sizes, rate=rate)
    say(made.table())


@command()
def snapshots(
    task: str = "mnist1d",
    cycles: Annotated[int, integer(2)] = 5,
    last: int | None = None,
    schedule: str | None = None,
    budget: int | None = None,
    seeds: Count = 5,
    rate: list[float] | None = None,
    out: Path = Path("runs/snapshots"),
    surface: bool = False,
    *,
    trainer: EngineOptions,
    changes: Changes,
) -> None:
    """Train with a cyclic cosine, keep a snapshot at each minimum, and compare their ensemble with single models.

    Args:
        cycles: Cosine cycles of a run, a snapshot at the end of each.
        last: Snapshots that are averaged, counted from the end. Default: all.
        schedule (--schedule SCHEDULE): What the single model follows, as in compare, a plateau too. Default: the steps of the paper.
        rate (--rate, -r): Peak learning rate shared by all; given twice or more, each one's own is chosen on validation. Default: the
            task's.
        out (--out, -o): Folder for the results.
        surface: Draw the loss around the first seed's run, with its snapshots, into surface.html; that run is trained once more.
    """
    from ..lab.search.snapshots import snapshots as made_of

    sizes: dict[str, Any] = {"cycles": cycles, "last": last, "budget": budget, "seeds": seeds}
    one = changes.of(task, budget)
    made = made_by(made_of, out, trainer, one, schedule=schedule, **sizes, rate=rate, surface=surface)
    say(made.table())
    if (out / "surface.html").exists() and surface:
        beside(f"\nsurface: {out / 'surface.html'}")


def _compare(
    tasks: tuple[str | Task, ...],
    schedules: list[str] | None,
    seeds: int,
    out: Path,
    trainer: EngineOptions,
    rate: list[float] | None = None,
    budget: int | None = None,
    surface: bool = False,
) -> None:
    from .. import lab
    from ..lab.report.table import table

    made = made_by(
        lab.compare, out, trainer, tasks, schedules or None, seeds, rate=rate, budget=budget, surface=surface
    )
    say(table(made))
    beside(f"\nreport: {out / 'report.html'}")


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
    trainer: EngineOptions,
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
    families = schedules or DEFAULT_FAMILIES
    sizes: dict[str, Any] = {"trials": trials, "seeds": seeds, "fresh": fresh}
    held: dict[str, Any] = {"budget": budget, "fixed": fixed, "ranges": ends, "prune": prune, "storage": storage}
    made = made_by(search, out, trainer, changes.of(task, budget), families, **sizes, **held)
    say(json.dumps(made.to_dict(), indent=2) if as_json else made.table())
    beside(f"compare it with a constant rate:\n  {made.command}{changes.typed()}")


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

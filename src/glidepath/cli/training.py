"""Commands that train: compare, demo, branches, snapshots."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from rich.text import Text

import glidepath

from ..core.fields import Count, integer
from .common import config_of, given_by, messages, say, typed
from .engines import Changes, Trainer, trained
from .options import command

if TYPE_CHECKING:
    from ..lab.engines.engine import Engine
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
    trainer: Trainer,
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
    _compare(
        [_text(one, let) for one in schedules or ()] or None,
        tuple(changes.of(one, budget) for one in task or ("mnist1d", "text")),
        seeds,
        rate,
        budget,
        out,
        trainer.made(),
        surface,
    )


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
def demo(out: Path = Path("runs/demo"), *, trainer: Trainer) -> None:
    """Watch real networks train under six schedules, on data that need no download (about 3 minutes on 2 cores).

    Args:
        out (--out, -o): Folder for records, table and report.
    """
    from .. import view

    chosen = trainer.made()
    schedule = glidepath.parse("warmup(500) >> cosine(9500, floor=0.1)")
    messages.print("A schedule is a value, written in one line:\n", highlight=False)
    messages.print(Text(f"  {schedule}\n", style="bold cyan"))
    ascii_only = not (sys.stderr.encoding or "").lower().startswith("utf")
    drawing = view.terminal(
        schedule, height=9, width=70, colour=None if sys.stderr.isatty() else False, ascii_only=ascii_only
    )
    print(drawing, file=sys.stderr)
    messages.print("\nNow six schedules train real networks: 2 tasks x 6 schedules x 5 seeds.\n", highlight=False)
    _compare(None, ("mnist1d", "text"), 5, None, None, out, chosen)


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
    trainer: Trainer,
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

    chosen = trainer.made()
    with trained(out) as progress:
        made = lab.branches(
            changes.of(task),
            tuple(points or (800, 1600, 3200)),
            schedule=schedule,
            share=share,
            seeds=seeds,
            peak_rate=rate,
            out=out,
            engine=chosen,
            progress=progress,
            command=typed(),
        )
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
    trainer: Trainer,
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

    chosen = trainer.made()
    with trained(out) as progress:
        made = made_of(
            changes.of(task, budget),
            cycles=cycles,
            last=last,
            schedule=schedule,
            budget=budget,
            seeds=seeds,
            peak_rate=_rates(rate),
            out=out,
            engine=chosen,
            progress=progress,
            surface=surface,
            command=typed(),
        )
    say(made.table())
    if (out / "surface.html").exists() and surface:
        messages.print(Text(f"\nsurface: {out / 'surface.html'}"), soft_wrap=True)


def _rates(given: list[float] | None) -> float | list[float] | None:
    return given[0] if given and len(given) == 1 else given


def _compare(
    schedules: list[str] | None,
    tasks: tuple[str | Task, ...],
    seeds: int,
    rate: list[float] | None,
    budget: int | None,
    out: Path,
    engine: Engine,
    surface: bool = False,
) -> None:
    from .. import lab
    from ..lab.report.table import table

    with trained(out) as progress:
        comparison = lab.compare(
            tasks,
            schedules,
            seeds,
            peak_rate=_rates(rate),
            budget=budget,
            out=out,
            engine=engine,
            progress=progress,
            command=typed(),
            surface=surface,
        )
    say(table(comparison))
    messages.print(Text(f"\nreport: {out / 'report.html'}"), soft_wrap=True)

"""Commands that train: compare, demo, branches, snapshots."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

import glidepath

from .common import Let, app, config_of, messages, say
from .engines import Address, EngineName, EngineOption, Resources, WorkerCount, engine_of, trained

if TYPE_CHECKING:
    from glidepath.lab.engines import Engine


Rates = Annotated[
    list[float] | None,
    typer.Option(
        "--rate",
        "-r",
        help="Peak learning rate shared by all; given twice or more, each one's own is chosen on validation. "
        "Default: the task's.",
    ),
]


@app.command()
def compare(
    schedules: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[SCHEDULE]...",
            help="Names of recipes sized to the task, constant, step, cosine, linear, one_cycle and wsd, such as cosine: the task's "
            "warmup, then a cosine over the rest of the budget; or schedules as text, as long as they say. Default: the six.",
        ),
    ] = None,
    task: Annotated[
        list[str] | None,
        typer.Option(
            "--task",
            "-t",
            help="mnist1d, mnist1d-cnn, digits, text, cifar100 or your own module:object; may be repeated. Default: mnist1d, text.",
        ),
    ] = None,
    seeds: Annotated[
        int, typer.Option("--seeds", "-s", help="Runs of each schedule, with different data order and start.", min=1)
    ] = 5,
    rate: Rates = None,
    budget: Annotated[
        int | None, typer.Option("--budget", "-n", help="Updates of each run. Default: the task's.")
    ] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for records, table and report.")] = Path(
        "runs/compare"
    ),
    engine: EngineOption = EngineName.workers,
    workers: WorkerCount = None,
    address: Address = None,
    resources: Resources = None,
    let: Let = None,
) -> None:
    """Train small networks under several schedules and write a report. The same command goes on where it was stopped."""
    files = {text: config_of(text, let) for text in schedules or ()}
    _compare(
        [text if files[text] is None else str(files[text]) for text in schedules or ()] or None,
        tuple(task or ("mnist1d", "text")),
        seeds,
        rate,
        budget,
        out,
        engine_of(engine, workers, address, resources),
    )


@app.command()
def demo(
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for records, table and report.")] = Path("runs/demo"),
    engine: EngineOption = EngineName.workers,
    workers: WorkerCount = None,
    address: Address = None,
    resources: Resources = None,
) -> None:
    """Watch real networks train under six schedules, on data that need no download (about 3 minutes on 2 cores)."""
    from glidepath import view

    chosen = engine_of(engine, workers, address, resources)
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


@app.command()
def branches(
    points: Annotated[
        list[int] | None,
        typer.Argument(metavar="[POINT]...", help="Steps of the constant run where cooldowns branch off."),
    ] = None,
    task: Annotated[str, typer.Option("--task", "-t", help="As in compare.")] = "mnist1d-cnn",
    share: Annotated[float, typer.Option(help="Length of a cooldown as a share of the whole.")] = 0.2,
    seeds: Annotated[int, typer.Option("--seeds", "-s", help="Runs, with different data order and start.", min=1)] = 5,
    rate: Annotated[float | None, typer.Option("--rate", "-r", help="Peak learning rate. Default: the task's.")] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the results.")] = Path("runs/branches"),
    engine: EngineOption = EngineName.workers,
    workers: WorkerCount = None,
    address: Address = None,
    resources: Resources = None,
) -> None:
    """Train once at a constant rate and branch linear cooldowns off it: several budgets for little more than one."""
    from glidepath import lab

    chosen = engine_of(engine, workers, address, resources)
    with trained(out) as progress:
        made = lab.branches(
            task,
            tuple(points or (800, 1600, 3200)),
            share=share,
            seeds=seeds,
            peak_rate=rate,
            out=out,
            engine=chosen,
            progress=progress,
        )
    say(made.table())


@app.command()
def snapshots(
    task: Annotated[str, typer.Option("--task", "-t", help="As in compare.")] = "mnist1d",
    cycles: Annotated[int, typer.Option(help="Cosine cycles of a run, a snapshot at the end of each.", min=2)] = 5,
    last: Annotated[
        int | None, typer.Option(help="Snapshots that are averaged, counted from the end. Default: all.")
    ] = None,
    budget: Annotated[
        int | None, typer.Option("--budget", "-n", help="Updates of each run. Default: the task's.")
    ] = None,
    seeds: Annotated[int, typer.Option("--seeds", "-s", help="Runs, with different data order and start.", min=1)] = 5,
    rate: Rates = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the results.")] = Path("runs/snapshots"),
    engine: EngineOption = EngineName.workers,
    workers: WorkerCount = None,
    address: Address = None,
    resources: Resources = None,
) -> None:
    """Train with a cyclic cosine, keep a snapshot at each minimum, and compare their ensemble with single models."""
    from glidepath.lab.snapshots import snapshots as made_of

    chosen = engine_of(engine, workers, address, resources)
    with trained(out) as progress:
        made = made_of(
            task,
            cycles=cycles,
            last=last,
            budget=budget,
            seeds=seeds,
            peak_rate=_rates(rate),
            out=out,
            engine=chosen,
            progress=progress,
        )
    say(made.table())


def _rates(given: list[float] | None) -> float | list[float] | None:
    return given[0] if given and len(given) == 1 else given


def _compare(
    schedules: list[str] | None,
    tasks: tuple[str, ...],
    seeds: int,
    rate: list[float] | None,
    budget: int | None,
    out: Path,
    engine: Engine,
) -> None:
    from glidepath import lab
    from glidepath.lab.table import table

    command = " ".join(["glidepath", *(shlex.quote(word) for word in sys.argv[1:])])
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
            command=command,
        )
    say(table(comparison))
    messages.print(Text(f"\nreport: {out / 'report.html'}"), soft_wrap=True)

"""Commands that train: compare, demo."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress
from rich.text import Text

import glidepath

from .common import app, messages


@app.command()
def compare(
    schedules: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[SCHEDULE]...",
            help="Default names (constant, step, cosine, linear, one_cycle, wsd) or schedules as text. Default: these six.",
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
    rate: Annotated[
        list[float] | None,
        typer.Option(
            "--rate",
            "-r",
            help="Peak learning rate shared by all; given twice or more, each schedule's own is chosen on validation. "
            "Default: the task's.",
        ),
    ] = None,
    budget: Annotated[
        int | None, typer.Option("--budget", "-n", help="Updates of each run. Default: the task's.")
    ] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for records, table and report.")] = Path(
        "runs/compare"
    ),
    workers: Annotated[
        int | None,
        typer.Option("--workers", "-w", help="Worker processes, of one thread each. Default: one a processor.", min=1),
    ] = None,
) -> None:
    """Train small networks under several schedules and write a report. The same command goes on where it was stopped."""
    _compare(schedules or None, tuple(task or ("mnist1d", "text")), seeds, rate, budget, out, workers)


@app.command()
def demo(
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for records, table and report.")] = Path("runs/demo"),
    workers: Annotated[
        int | None,
        typer.Option("--workers", "-w", help="Worker processes, of one thread each. Default: one a processor.", min=1),
    ] = None,
) -> None:
    """Watch real networks train under six schedules, on data that need no download (about 3 minutes on 2 cores)."""
    from glidepath import view

    schedule = glidepath.parse("warmup(500) >> cosine(9500, floor=0.1)")
    messages.print("A schedule is a value, written in one line:\n", highlight=False)
    messages.print(Text(f"  {schedule}\n", style="bold cyan"))
    ascii_only = not (sys.stderr.encoding or "").lower().startswith("utf")
    drawing = view.terminal(
        schedule, height=9, width=70, colour=None if sys.stderr.isatty() else False, ascii_only=ascii_only
    )
    print(drawing, file=sys.stderr)
    messages.print("\nNow six schedules train real networks: 2 tasks x 6 schedules x 5 seeds.\n", highlight=False)
    _compare(None, ("mnist1d", "text"), 5, None, None, out, workers)


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
) -> None:
    """Train once at a constant rate and branch linear cooldowns off it: several budgets for little more than one."""
    from glidepath import lab

    with _bar("cooldowns") as advance:
        made = lab.branches(
            task,
            tuple(points or (800, 1600, 3200)),
            share=share,
            seeds=seeds,
            peak_rate=rate,
            out=out,
            progress=advance,
        )
    print(made.table())


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
    rate: Annotated[float | None, typer.Option("--rate", "-r", help="Peak learning rate. Default: the task's.")] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the results.")] = Path("runs/snapshots"),
) -> None:
    """Train with a cyclic cosine, keep a snapshot at each minimum, and compare their ensemble with single models."""
    from glidepath.lab.snapshots import snapshots as made_of

    with _bar("snapshots") as advance:
        made = made_of(
            task, cycles=cycles, last=last, budget=budget, seeds=seeds, peak_rate=rate, out=out, progress=advance
        )
    print(made.table())


@contextmanager
def _bar(title: str) -> Generator[Callable[[int, int], None]]:
    """Shows a progress bar on standard error and gives what moves it."""
    with Progress(*Progress.get_default_columns(), console=messages, transient=True) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _compare(
    schedules: list[str] | None,
    tasks: tuple[str, ...],
    seeds: int,
    rate: list[float] | None,
    budget: int | None,
    out: Path,
    workers: int | None,
) -> None:
    from glidepath import lab
    from glidepath.lab.table import table

    command = " ".join(["glidepath", *(shlex.quote(word) for word in sys.argv[1:])])
    try:
        with lab.Bar() as bar:
            comparison = lab.compare(
                tasks,
                schedules,
                seeds,
                peak_rate=rate[0] if rate and len(rate) == 1 else rate,
                budget=budget,
                out=out,
                engine=None if workers is None else lab.Workers(workers),
                progress=bar,
                command=command,
            )
    except KeyboardInterrupt:
        messages.print(f"\nstopped; nothing is lost: the same command goes on from {out}", highlight=False)
        sys.exit(130)
    print(table(comparison))
    messages.print(f"\nreport: {out / 'report.html'}", highlight=False, soft_wrap=True)

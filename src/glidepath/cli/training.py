"""Commands that train: compare, demo."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer
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
        list[str] | None, typer.Option("--task", "-t", help="mnist1d or text; may be given twice. Default: both.")
    ] = None,
    seeds: Annotated[
        int, typer.Option("--seeds", "-s", help="Runs of each schedule, with different data order and start.", min=1)
    ] = 5,
    rate: Annotated[
        float | None, typer.Option("--rate", "-r", help="Peak learning rate shared by all. Default: the task's.")
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


def _compare(
    schedules: list[str] | None,
    tasks: tuple[str, ...],
    seeds: int,
    rate: float | None,
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
                peak_rate=rate,
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

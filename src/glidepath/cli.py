"""The command line: parse, call, print.

Data goes to standard output, messages to standard error. Exit codes are 0, 1 (it failed), 2 (it was asked wrongly) and 130 (Ctrl-C).
"""

from __future__ import annotations

import inspect
import json
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

import glidepath
from glidepath.core.codec import field_notes
from glidepath.core.errors import GlidepathError, did_you_mean
from glidepath.core.fields import number
from glidepath.core.schedule import Schedule

app = typer.Typer(
    name="glidepath",
    help="Learning-rate schedules: write one, see it, take it along, compare several on real training.",
    no_args_is_help=True,
    suggest_commands=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
_errors = Console(stderr=True)

ScheduleText = Annotated[
    str,
    typer.Argument(
        metavar="SCHEDULE", help='One line such as "warmup(500) >> cosine(9500, floor=0.1)", or a .json file.'
    ),
]
ScheduleTexts = Annotated[
    list[str], typer.Argument(metavar="SCHEDULE...", help="One or more schedules, as text or .json files.")
]
Steps = Annotated[
    int | None,
    typer.Option("--steps", "-n", help="The last step to show. Default: what shows the whole schedule.", min=1),
]
Base = Annotated[float, typer.Option("--base", "-b", help="Multiply every value by this base learning rate.")]


def main() -> None:
    """Runs the command line: the entry point of `glidepath` and `python -m glidepath`."""
    try:
        app()
    except GlidepathError as error:
        _fail(error)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)


def _fail(error: GlidepathError, code: int = 2) -> NoReturn:
    for problem in error.problems:
        _errors.print(Text.assemble(("error: ", "bold red"), str(problem)), soft_wrap=True)
    sys.exit(code)


def _version(value: bool) -> None:
    if value:
        print(f"glidepath {glidepath.__version__}")
        raise typer.Exit


@app.callback()
def _common(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    pass


def _schedule(text: str) -> Schedule:
    """Returns the schedule given as text or as the name of a JSON file."""
    if text.endswith(".json"):
        path = Path(text)
        try:
            return Schedule.from_json(path.read_bytes())
        except OSError as error:
            raise GlidepathError.of("SCHEDULE", "file", "a file that can be read", text, error.strerror or "") from None
    return glidepath.parse(text)


@app.command("list")
def list_words(
    word: Annotated[str | None, typer.Argument(help="Tell all about this word.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the words that schedules are written with; with a WORD, its formula, arguments and source."""
    words = glidepath.vocabulary()
    if word is not None:
        if word not in words:
            raise GlidepathError.of("list", "WORD", "a known word", word, did_you_mean(word, words))
        print(f"{word}{_signature(words[word])}\n\n{inspect.getdoc(words[word]) or ''}")
        return
    if as_json:
        rows = [
            {"word": name, "arguments": _arguments(make), "about": _about(make)} for name, make in sorted(words.items())
        ]
        print(json.dumps(rows, indent=2))
        return
    console = Console()
    for title, names in _groups(words):
        table = Table(
            title=title, title_justify="left", title_style="bold", box=None, padding=(0, 2, 0, 0), show_header=False
        )
        table.add_column(style="cyan", no_wrap=True)
        table.add_column()
        for name in names:
            table.add_row(name, Text(_about(words[name])))
        console.print(table)
        console.print()
    _errors.print("[dim]glidepath list WORD tells its formula, arguments and source.[/dim]")


def _groups(words: Any) -> Iterator[tuple[str, list[str]]]:
    from glidepath.core import shorthand

    recipes = [name for name in words if name in glidepath.recipes.__all__]
    phases = [name for name in shorthand.__all__ if name in words and name not in ("chain", "minimum", "maximum")]
    leaves = [name for name, make in words.items() if name in Schedule.registry and not _inside(make)]
    joined = [
        name
        for name in words
        if name in ("chain", "minimum", "maximum") or (name in Schedule.registry and _inside(words[name]))
    ]
    own = set(words) - {*recipes, *phases, *leaves, *joined}
    yield "Whole schedules", sorted(recipes)
    yield "Phases, joined by >>", sorted(phases)
    yield "Other schedules", sorted(leaves)
    yield "Made of others (also: a >> b, a * b, a + b, 0.1 * a)", sorted(joined)
    if own:
        yield "Registered", sorted(own)


def _inside(make: Any) -> bool:
    return any(name in ("schedule", "parts", "phases") for name in inspect.signature(make).parameters)


def _about(make: Callable[..., Any]) -> str:
    return (inspect.getdoc(make) or "").partition("\n")[0]


def _signature(make: Callable[..., Any]) -> str:
    parts = [
        p.name if p.default is p.empty else f"{p.name}={p.default!r}"
        for p in inspect.signature(make).parameters.values()
    ]
    return f"({', '.join(parts)})"


def _arguments(make: Callable[..., Any]) -> list[dict[str, Any]]:
    notes = field_notes(make)
    return [
        {"name": p.name, "required": p.default is p.empty, "about": notes.get(p.name, "")}
        | (
            {}
            if p.default is p.empty
            else {"default": p.default if isinstance(p.default, bool | int | float | str | None) else str(p.default)}
        )
        for p in inspect.signature(make).parameters.values()
    ]


@app.command()
def show(
    schedules: ScheduleTexts,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write a .png or .svg picture, or a .gif animation, instead.")
    ] = None,
    steps: Steps = None,
    log: Annotated[bool, typer.Option("--log", help="Draw the values on a logarithmic axis.")] = False,
    base: Base = 1.0,
    axis: Annotated[str, typer.Option(help="step, epoch, sample, token or percent.")] = "step",
    per: Annotated[
        float | None, typer.Option(help="Updates in an epoch; or samples, or tokens, of an update; for that axis.")
    ] = None,
    width: Annotated[
        int | None, typer.Option(help="Columns of the drawing. Default: the terminal's.", min=30, max=500)
    ] = None,
    height: Annotated[int, typer.Option(help="Rows of the curve.", min=4, max=200)] = 17,
    plain: Annotated[bool, typer.Option("--ascii", help="Draw with stars instead of dots.")] = False,
) -> None:
    """Draw schedules in the terminal, or as a picture or an animation with -o."""
    from glidepath import view

    drawn = [_schedule(text) for text in schedules]
    shared: dict[str, Any] = {"steps": steps, "log": log, "axis": axis, "per": per}
    if output is not None:
        options: dict[str, Any] = shared | {"base": base, "unit": "factor" if base == 1.0 else "learning rate"}
        moving = output.suffix.lower() == ".gif"
        path = view.animate(drawn, output, **options) if moving else view.save(view.figure(drawn, **options), output)
        _errors.print(f"wrote {path}", highlight=False, soft_wrap=True)
        return
    encoding = (sys.stdout.encoding or "").lower()
    print(
        view.terminal(
            drawn if base == 1.0 else [base * schedule for schedule in drawn],
            width=width or min(shutil.get_terminal_size((80, 24)).columns, 120),
            height=height,
            colour=None if sys.stdout.isatty() else False,
            ascii_only=plain or not encoding.startswith("utf"),
            **shared,
        )
    )
    for schedule in drawn:
        ends = "for ever" if schedule.duration == float("inf") else f"{schedule.duration:,} steps"
        _errors.print(Text(f"{schedule}  ({ends})", style="dim"), soft_wrap=True)


@app.command()
def gallery(
    folder: Annotated[Path, typer.Argument(help="Where to write; made if it does not exist.")],
    still: Annotated[bool, typer.Option("--still", help="Leave out the animations.")] = False,
) -> None:
    """Draw every recipe, every kind and every other library's class, and a page that shows them all."""
    from rich.progress import Progress, SpinnerColumn, TextColumn

    from glidepath import view

    with Progress(SpinnerColumn(), TextColumn("{task.description}"), console=_errors, transient=True) as bar:
        task = bar.add_task("drawing")
        made = view.gallery(folder, animations=not still, progress=lambda name: bar.update(task, description=name))
    print(made[-1])
    _errors.print(f"wrote {len(made)} files", highlight=False)


@app.command()
def value(
    schedule: ScheduleText,
    steps: Annotated[
        list[str],
        typer.Argument(metavar="STEP...", help="Steps such as 0 500 9999, or ranges such as 0:100:10 (end excluded)."),
    ],
    base: Base = 1.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Print the values at some steps, with every digit."""
    made = _schedule(schedule)
    made = made if base == 1.0 else base * made
    rows = [(step, made(step)) for text in steps for step in _steps(text)]
    if as_json:
        print(json.dumps({"schedule": made.to_dict(), "steps": [s for s, _ in rows], "values": [v for _, v in rows]}))
    else:
        print("\n".join(f"{step}\t{result!r}" for step, result in rows))


def _steps(text: str) -> Iterator[int | float]:
    """Yields the steps that `12`, `0.5` or `first:end:by` means."""
    rule = "a step such as 500, or a range such as 0:100:10 of at most a million"
    parts = text.split(":")
    try:
        numbers = [int(part) for part in parts] if len(parts) > 1 else [_number(text)]
    except (ValueError, OverflowError):
        raise GlidepathError.of("value", "STEP", rule, text) from None
    if len(numbers) == 1:
        yield numbers[0]
    elif len(numbers) <= 3 and (len(numbers) == 2 or numbers[2] != 0) and len(span := range(*numbers)) <= 1_000_000:  # type: ignore[arg-type]
        yield from span
    else:
        raise GlidepathError.of("value", "STEP", rule, text)


def _number(text: str) -> int | float:
    try:
        return int(text)
    except ValueError:
        plain = number(float(text))
        if plain is None or plain != plain:
            raise
        return int(plain) if plain.is_integer() else plain  # type: ignore[union-attr]


@app.command()
def export(
    schedule: ScheduleText,
    to: Annotated[
        str,
        typer.Option(
            "--to",
            "-t",
            help="text, json, python (a function with no dependency) or latex; pytorch, oneflow, keras or optax code.",
        ),
    ] = "json",
    base: Annotated[
        float | None, typer.Option("--base", "-b", help="The base learning rate written into library code.")
    ] = None,
) -> None:
    """Write a schedule in another form: JSON, LaTeX, its one line, or code."""
    made = _schedule(schedule)
    forms: dict[str, Callable[[], str]] = {
        "text": lambda: str(made),
        "json": lambda: made.to_json(indent=2),
        "python": made.source,
        "latex": made.latex,
        **{name: lambda name=name: _rendered(made, name, base) for name in ("pytorch", "oneflow", "keras", "optax")},
    }
    if to not in forms:
        raise GlidepathError.of("export", "--to", f"one of {', '.join(forms)}", to, did_you_mean(to, forms))
    print(forms[to]().rstrip("\n"))


def _rendered(schedule: Schedule, framework: str, base: float | None) -> str:
    from glidepath import dialects

    return dialects.render(schedule, framework, base_lr=base)


@app.command()
def convert(
    call: Annotated[
        str,
        typer.Argument(
            metavar="CALL", help='A library\'s call, such as "torch.optim.lr_scheduler.StepLR(step_size=30)".'
        ),
    ],
    to: Annotated[
        str, typer.Option("--to", "-t", help="pytorch, oneflow, keras, optax, python, or glidepath for our own text.")
    ] = "glidepath",
    library: Annotated[str | None, typer.Option("--from", help="The library, where the call does not say it.")] = None,
    base: Annotated[
        float | None,
        typer.Option("--base", "-b", help="The base learning rate. Default: 0.1 where the call needs one."),
    ] = None,
    lax: Annotated[
        bool, typer.Option("--lax", help="Follow the library where it accepts nonsense or runs past its own end.")
    ] = False,
) -> None:
    """Turn one library's scheduler call into another's code, or into our text. The call is read, never run."""
    from glidepath import dialects

    print(dialects.convert(call, to, framework=library, base_lr=base, strict=not lax).rstrip("\n"))


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
    _errors.print("A schedule is a value, written in one line:\n", highlight=False)
    _errors.print(Text(f"  {schedule}\n", style="bold cyan"))
    ascii_only = not (sys.stderr.encoding or "").lower().startswith("utf")
    drawing = view.terminal(
        schedule, height=9, width=70, colour=None if sys.stderr.isatty() else False, ascii_only=ascii_only
    )
    print(drawing, file=sys.stderr)
    _errors.print("\nNow six schedules train real networks: 2 tasks x 6 schedules x 5 seeds.\n", highlight=False)
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

    command = " ".join(["glidepath", *(_quoted(word) for word in sys.argv[1:])])
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
        _errors.print(f"\nstopped; nothing is lost: the same command goes on from {out}", highlight=False)
        sys.exit(130)
    print(table(comparison))
    _errors.print(f"\nreport: {out / 'report.html'}", highlight=False, soft_wrap=True)


def _quoted(word: str) -> str:
    import shlex

    return shlex.quote(word)

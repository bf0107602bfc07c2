"""What the commands share: the application, how a schedule is read, how an error is told."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.text import Text

import glidepath
from glidepath.core.errors import GlidepathError
from glidepath.core.schedule import Schedule

app = typer.Typer(
    name="glidepath",
    help="Learning-rate schedules: write one, see it, take it along, compare several on real training.",
    no_args_is_help=True,
    suggest_commands=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
messages = Console(stderr=True)

_EXTRAS = {
    **dict.fromkeys(("mnist1d", "optuna", "pydantic", "safetensors", "scipy", "sklearn", "torch"), "lab"),
    **dict.fromkeys(("fastapi", "latex2mathml", "plotly", "uvicorn"), "play"),
    **dict.fromkeys(("matplotlib", "PIL"), "view"),
    **dict.fromkeys(("jax", "optax"), "jax"),
    "ray": "ray",
}

ScheduleText = Annotated[
    str,
    typer.Argument(
        metavar="SCHEDULE", help='One line such as "warmup(500) >> cosine(9500, floor=0.1)", or a .json file.'
    ),
]
Steps = Annotated[
    int | None,
    typer.Option("--steps", "-n", help="The last step to show. Default: what shows the whole schedule.", min=1),
]
Base = Annotated[float, typer.Option("--base", "-b", help="The base learning rate that factors are multiplied by.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def tell(error: GlidepathError) -> None:
    """Prints every problem of an error."""
    for problem in error.problems:
        messages.print(Text.assemble(("error: ", "bold red"), str(problem)), soft_wrap=True)


_PLAIN = str.maketrans({"–": "-", "−": "-", "×": "x", "…": "...", "±": "+-", "≥": ">=", "≤": "<="})


def say(text: str) -> None:
    """Prints a result on standard output; what its encoding lacks is replaced: a dash by a hyphen, the rest by `?`."""
    encoding = sys.stdout.encoding or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        text = text.translate(_PLAIN).encode(encoding, "replace").decode(encoding)
    print(text)


def note(text: str) -> None:
    """Prints what a command took for granted, beside its result."""
    messages.print(Text.assemble(("note: ", "bold"), text), soft_wrap=True)


def fail(error: GlidepathError, code: int = 2) -> NoReturn:
    """Prints every problem of an error and ends the program."""
    tell(error)
    sys.exit(code)


def missing(error: ModuleNotFoundError) -> GlidepathError:
    """Returns what to install for a library that is not there; what is ours or unknown stays the error that it is.

    Args:
        error: Of the import.

    Raises:
        ModuleNotFoundError: The same, if no extra of ours brings the library in.
    """
    package = (error.name or "").partition(".")[0]
    extra = _EXTRAS.get(package)
    if extra is None:
        raise error
    remedy = f"pip install 'glidepath[{extra}]', in a checkout '.[{extra}]'"
    return GlidepathError.of("glidepath", "packages", "installed for this command", f"no {package}", remedy)


def schedule_of(text: str) -> Schedule:
    """Returns the schedule given as text or as the name of a JSON file."""
    if text.endswith(".json"):
        path = Path(text)
        try:
            return Schedule.from_json(path.read_bytes())
        except OSError as error:
            reason = error.strerror or ""
            raise GlidepathError.of("SCHEDULE", "file", "a file that can be read", text, reason) from None
    if text.endswith((".yaml", ".yml")):
        remedy = f"a plan holds several: glidepath show {text} draws it, glidepath check {text} checks it"
        raise GlidepathError.of("SCHEDULE", "", "one schedule, as text or in a .json file", text, remedy)
    return glidepath.parse(text)

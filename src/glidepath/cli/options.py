"""Commands are functions, and their options are the parameters: types and defaults by the signature, words by the docstring.

In a docstring's `Args:` a parameter says in parentheses how it stands on the command line: `(--task, -t)` is an option with its short form,
`(--step NAME)` one with a word for its value, `(SCHEDULE...)` an argument. One that says nothing is the option of its own name.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from dataclasses import is_dataclass
from typing import Annotated, Any, TypeVar, get_type_hints

import typer

from ..core import types_of
from ..core.codec import field_notes
from ..core.fields import MAX_STEPS
from ..core.language import language, said, worded
from ..core.zh_strings import USAGE

F = TypeVar("F", bound=Callable[..., Any])

app = typer.Typer(
    name="glidepath",
    help="Learning-rate schedules: write one, see it, take it along, compare several on real training.",
    no_args_is_help=True,
    suggest_commands=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


class Shared:
    """What an option means in every command that does not say otherwise.

    Args:
        as_json (--json): Print JSON.
        base (--base, -b): The base learning rate that factors are multiplied by; that of a library's call.
        budget (--budget, -n): Updates of each run. Default: the task's.
        let (--let NAME=VALUE, -l): A number that a file or a call leaves open, such as total=10000.
        of (--run NAME): Whose columns, in a file of several runs.
        schedule (SCHEDULE): One line such as "warmup(500) >> cosine(9500, floor=0.1)", a .json schedule, or a configuration file.
        schedules (SCHEDULE...): Text such as "cosine(100)", named as in "head: cosine(100)"; a call such as
            "torch.optim.lr_scheduler.StepLR(step_size=30)"; a .json schedule; a plan in .yaml, whose groups are shown by name; or a training
            tool's configuration file.
        seeds (--seeds, -s): Runs, with different data order and start.
        step (--step NAME): The column that counts.
        task (--task, -t): As in compare.
    """


def command(name: str | None = None, on: typer.Typer = app, **settings: Any) -> Callable[[F], F]:
    """Makes a function a command, in the order of the help.

    A parameter whose type is a dataclass stands for the options that are its fields; the function gets the value.

    Args:
        name: Of the command; None is the function's.
        on: The application that gets it.
        settings: For typer.
    """

    def register(function: F) -> F:
        plain = get_type_hints(function)
        values: dict[str, Any] = {each: kind for each, kind in plain.items() if each != "return" and is_dataclass(kind)}
        options = {each: dict(_options(kind)) for each, kind in values.items()}
        parameters = [
            p for each, one in _options(function) for p in (options[each].values() if each in values else [one])
        ]

        @functools.wraps(function)
        def call(**given: Any) -> Any:
            made = {each: kind(**{n: given.pop(n) for n in options[each]}) for each, kind in values.items()}
            return function(**given, **made)

        call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        call.__annotations__ = {one.name: one.annotation for one in parameters}
        text = (inspect.getdoc(function) or "").partition("\n\nArgs:")[0]
        on.command(name or function.__name__, help=text, **settings)(call)
        return function

    return register


def _options(declared: Any) -> Iterator[tuple[str, inspect.Parameter]]:
    """Yields the parameters of a function or a dataclass as typer takes them, by name."""
    plain, checks = get_type_hints(declared.__init__ if isinstance(declared, type) else declared), types_of(declared)
    notes = {
        key.partition(" (")[0]: (key, note) for thing in (Shared, declared) for key, note in field_notes(thing).items()
    }
    for name, parameter in inspect.signature(declared).parameters.items():
        key, note = notes.get(name, (name, None))
        written = key.partition(" (")[2].removesuffix(")").split(", ") if "(" in key else []
        schema = dict(checks[name].json_schema) if name in checks else {}
        schema = schema.get("anyOf", [schema])[0]
        bounds = {"min": schema.get("minimum"), "max": schema.get("maximum")} if schema.get("type") == "integer" else {}
        bounds = {side: value for side, value in bounds.items() if value not in (None, MAX_STEPS)}
        if written and not written[0].startswith("-"):
            told = typer.Argument(metavar=written[0], help=note, **bounds)
        else:
            words = [one.partition(" ") for one in written or ([f"--{name}"] if parameter.default is False else [])]
            metavar = next((word for _, _, word in words if word), None)
            told = typer.Option(*(flag for flag, _, _ in words), metavar=metavar, help=note, **bounds)
        yield name, parameter.replace(annotation=Annotated[plain[name], told], kind=parameter.KEYWORD_ONLY)


def in_language(made: typer.Typer) -> Callable[[], Any]:
    """Returns the application, its help and its refusals in the language that the environment asks for."""
    from rich import columns
    from rich.table import Table
    from typer import rich_utils
    from typer.main import get_command

    class Folding(Table):  # Chinese has no spaces to break at, and what does not fit would be cut off
        def __rich_console__(self, *given: Any) -> Any:
            for column in self.columns:
                column.overflow = "fold"
            yield from super().__rich_console__(*given)

    if language() != "zh":
        return made
    application: Any = get_command(made)
    for one in (application, *application.commands.values()):
        one.help = said(one.help or "")
        one.get_help_option = functools.partial(_helped, one.get_help_option)
        one.get_usage = functools.partial(_used, one.get_usage)
        for parameter in one.params:
            if text := getattr(parameter, "help", None):
                parameter.help = said(text)
    for module in (rich_utils, columns):
        module.__dict__["Table"] = Folding
    for name in _STRINGS:
        setattr(rich_utils, name, said(getattr(rich_utils, name)))
    highlighter: Any = rich_utils.OptionHighlighter
    highlighter.highlights.append(f"(?P<usage>{USAGE['Usage: ']})")
    rich_utils.__dict__["rich_format_error"] = functools.partial(_refused, rich_utils.rich_format_error)
    return application


_STRINGS = (
    *(f"{name}_PANEL_TITLE" for name in ("OPTIONS", "COMMANDS", "ARGUMENTS", "ERRORS")),
    *("DEFAULT_STRING", "REQUIRED_LONG_STRING", "RICH_HELP", "ABORTED_TEXT"),
)


def _helped(made: Callable[[Any], Any], context: Any) -> Any:
    option = made(context)
    if option is not None:
        option.help = said(option.help or "")
    return option


def _used(made: Callable[[Any], str], context: Any) -> str:
    pieces = ("Usage: ", "[OPTIONS]", "COMMAND [ARGS]...")
    return functools.reduce(lambda text, piece: text.replace(piece, USAGE[piece], 1), pieces, made(context))


def _refused(made: Callable[[Any], None], error: Any) -> None:
    error.format_message = functools.partial(worded, error.format_message(), USAGE)
    made(error)

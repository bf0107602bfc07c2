"""What the commands share: the application, how a schedule is read, how an error is told."""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

from rich.console import Console
from rich.progress import Progress
from rich.text import Text

import glidepath

from ..core import GlidepathError, Schedule, installing
from ..core.fields import number
from ..core.language import language, problem

if TYPE_CHECKING:
    from ..dialects import Config

messages = Console(stderr=True)

_EXTRAS = {
    **dict.fromkeys(("mnist1d", "optuna", "pydantic", "safetensors", "sklearn", "torch"), "lab"),
    **dict.fromkeys(("fastapi", "latex2mathml", "plotly", "uvicorn"), "play"),
    **dict.fromkeys(("matplotlib", "PIL"), "view"),
    **dict.fromkeys(("jax", "optax"), "jax"),
    "ray": "ray",
    "scipy": "forecast",
}


def tell(error: GlidepathError) -> None:
    """Prints every problem of an error."""
    sign = "错误：" if language() == "zh" else "error: "
    for one in error.problems:
        messages.print(Text.assemble((sign, "bold red"), problem(one)), soft_wrap=True)


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


def beside(text: str, style: str = "") -> None:
    """Prints a sentence on standard error, as it is."""
    messages.print(Text(text, style=style), soft_wrap=True)


def drawing_of(stream: TextIO, plain: bool = False, width: int | None = None) -> dict[str, Any]:
    """Returns how a curve is drawn on a stream: as wide as the terminal, in colours where it is one, in ASCII where it has no more."""
    return {
        "width": width or min(shutil.get_terminal_size((80, 24)).columns, 120),
        "colour": None if stream.isatty() else False,
        "ascii_only": plain or not (stream.encoding or "").lower().startswith("utf"),
    }


@contextmanager
def under_way(told: str) -> Generator[Callable[..., None]]:
    """Shows that a command is at work; what it gives is told how far that is, in parts done and parts in all, and perhaps a new sentence."""
    with Progress(*Progress.get_default_columns(), console=messages, transient=True) as bar:
        row = bar.add_task(told, total=None)

        def reached(done: int | None = None, total: int | None = None, told: str = told) -> None:
            bar.update(row, completed=done, total=total, description=told)

        yield reached


def typed() -> str:
    """Returns the command as it was typed."""
    return shlex.join(["glidepath", *sys.argv[1:]])


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
    rule = "installed for this command"
    return GlidepathError.worded("glidepath", "packages", rule, f"no {package}", installing(extra))


def names_of(let: Sequence[str] | None) -> dict[str, float | str]:
    """Returns the numbers and words that `--let` gives, by name."""
    found: dict[str, float | str] = {}
    for name, value in given_by(let).items():
        word = value.replace(".", "_").isidentifier()
        plain = value if word else number(amount_of(value))
        if not name.replace(".", "_").isidentifier() or plain is None:
            rule = "NAME=VALUE with a number or a word, each name once, such as total=10000"
            raise GlidepathError.of("--let", "", rule, f"{name}={value}")
        found[name] = plain
    return found


def amount_of(text: str) -> int | float | None:
    """Returns the number that a text is: whole where it is written so; None if it is none."""
    with suppress(ValueError):
        return int(text)
    with suppress(ValueError):
        return float(text)
    return None


def given_by(let: Sequence[str] | None) -> dict[str, str]:
    """Returns what `--let` gives, by the text of a name such as `args.epochs` or `len(loader)`."""
    found: dict[str, str] = {}
    for pair in let or ():
        name, equals, value = (part.strip() for part in pair.partition("="))
        if not equals or not name or not value or name in found:
            raise GlidepathError.of("--let", "", "NAME=VALUE, each name once, such as total=10000", pair)
        found[name] = value
    return found


def groups_of(
    text: str,
    let: Sequence[str] | None = None,
    base: float | None = None,
    call: int | None = None,
    library: str | None = None,
    strict: bool = True,
    verb: str = "read",
) -> dict[str, Schedule]:
    """Returns the schedules that a text or a file gives, by group where there are several, and tells what was taken for granted.

    Args:
        text: Our text, a library's call, code, or the name of a file of them.
        let: What `--let` gives.
        base: The base rate of a library's call; None is what the code says, or 0.1.
        call: Which call, where there are several.
        library: Whose the call is.
        strict: Whether to refuse what the library gets wrong.
        verb: What is done for a base rate that was not given.
    """
    from ..dialects.converting import base_taken, is_ours, own_code
    from ..dialects.snippets import chosen, mentioned, read_calls

    code = text.endswith(".py") and Path(text).is_file()
    told = library is not None or "\n" in text.strip() or mentioned(text)
    if text.endswith((".json", ".yaml", ".yml")) or (not code and (is_ours(text) or not told)):
        return {"": schedule_of(text, let)}
    source = Path(text).read_text(encoding="utf-8") if code else text
    if (own := own_code(source)) is not None:
        return {"": own}
    if code and not mentioned(source, lists=False) and (configured := config_of(text, let)) is not None:
        return {"": configured}
    found = chosen(read_calls(source, library, given_by(let)), call)
    for line in found.notes:
        note(line)
    made = found.schedules(base, strict)
    first = next(iter(made.values()))
    if base is None and found.base is None and base_taken(first, "glidepath", found=found, strict=strict):
        note(f"{verb} for a base learning rate of 0.1, as none was given: --base changes it")
    return dict(made)


def _configured(text: str, let: Sequence[str] | None) -> Config | None:
    """Returns what a training tool's configuration file says, its derivation told; None where the text is no such file."""
    from ..dialects.configs import form_of, read_config

    config = read_config(text, **names_of(let)) if form_of(text) else None
    for line in told_of(text, config) if config is not None else ():
        note(line)
    return config


def config_of(text: str, let: Sequence[str] | None = None) -> Schedule | None:
    """Returns the schedule of a training tool's configuration file, its derivation told; None where the text is no such file."""
    config = _configured(text, let)
    return None if config is None else config.schedule


def plan_of_config(text: str, let: Sequence[str] | None = None) -> str:
    """Returns the plan that a training tool's configuration file stands for, as YAML, its derivation told."""
    from ..plan import Plan

    config = _configured(text, let)
    if config is None:
        raise GlidepathError.of("convert", "CALL", "a training tool's configuration file to become a plan", text)
    return Plan.of(config.document).to_yaml()


def told_of(text: str, config: Config) -> list[str]:
    """Returns what there is to say of a configuration file: whose it is, how each number came about, what is odd."""
    groups = [f"{name} has {factor:g} times this rate" for name, factor in config.groups.items()]
    return [f"{text}: {config.form}; {'; '.join(config.notes)}", *groups, *(f"odd: {line}" for line in config.odd)]


def schedule_of(text: str, let: Sequence[str] | None = None) -> Schedule:
    """Returns the schedule given as text or as the name of a file: JSON, or a training tool's configuration."""
    if (configured := config_of(text, let)) is not None:
        return configured
    if text.endswith(".json"):
        path = Path(text)
        try:
            return Schedule.from_json(path.read_bytes())
        except OSError as error:
            reason = error.strerror or ""
            raise GlidepathError.of("SCHEDULE", "file", "a file that can be read", text, reason) from None
    if text.endswith((".yaml", ".yml")):
        from ..dialects.configs.sources import data_of

        if Path(text).is_file():
            data_of(Path(text), {})  # says what is wrong with the file itself
        remedy = f"a plan holds several: glidepath show {text} draws it, glidepath check {text} checks it"
        raise GlidepathError.of("SCHEDULE", "", "one schedule, as text or in a .json file", text, remedy)
    return glidepath.parse(text)

"""What the commands share: how an error is told, how a schedule is read, and several of them with names, from text, calls, files and plans."""

from __future__ import annotations

import re
import shlex
import shutil
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

from rich.console import Console
from rich.progress import Progress
from rich.text import Text

import glidepath

from ..core import Checks, GlidepathError, Rate, Schedule
from ..core.fields import Count, number
from ..core.language import language, problem

if TYPE_CHECKING:
    from ..dialects import Config

messages = Console(stderr=True)

# The extra that brings a library in.
EXTRAS = {
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


@dataclass(frozen=True)
class Reading:
    """The options that say how a library's call is read.

    Args:
        base (--base, -b): The base learning rate that factors are multiplied by; that of a library's call.
        let (--let NAME=VALUE, -l): A number that a file or a call leaves open, such as total=10000.
        which (--call, -c): Which scheduler call, where the code has several.
        library (--from): The library, where the call does not say it.
        lax (--lax): Follow the library where it accepts nonsense or runs past its own end.
    """

    base: float | None = None
    let: list[str] | None = None
    which: Count | None = None
    library: str | None = None
    lax: bool = False


def names_of(let: Sequence[str] | None) -> dict[str, float | str]:
    """Returns the numbers and words that `--let` gives, by name."""
    found: dict[str, float | str] = {}
    for name, value in given_by(let).items():
        plain = value if value.replace(".", "_").isidentifier() else number(amount_of(value))
        if not name.replace(".", "_").isidentifier() or plain is None:
            rule = "NAME=VALUE with a number or a word, each name once, such as total=10000"
            raise GlidepathError.of("--let", "", rule, f"{name}={value}")
        found[name] = plain
    return found


def amount_of(text: str) -> int | float | None:
    """Returns the number that a text is: whole where it is written so; None if it is none."""
    for kind in (int, float):
        with suppress(ValueError):
            return kind(text)
    return None


def given_by(let: Sequence[str] | None, option: str = "--let", example: str = "total=10000") -> dict[str, str]:
    """Returns what an option such as `--let` gives, by the text of a name such as `args.epochs` or `len(loader)`."""
    found: dict[str, str] = {}
    for pair in let or ():
        name, equals, value = (part.strip() for part in pair.partition("="))
        if not equals or not name or not value or name in found:
            raise GlidepathError.of(option, "", f"NAME=VALUE, each name once, such as {example}", pair)
        found[name] = value
    return found


def groups_of(text: str, reading: Reading = Reading()) -> dict[str, Schedule]:
    """Returns the schedules that a text or a file gives, by group where there are several, and tells what was taken for granted.

    Args:
        text: Our text, a library's call, code, or the name of a file of them.
        reading: How a call is read.
    """
    from ..dialects.converting import base_taken, is_ours, own_code
    from ..dialects.snippets import chosen, mentioned, read_calls

    library, let, strict = reading.library, reading.let, not reading.lax
    code = text.endswith(".py") and Path(text).is_file()
    told = library is not None or "\n" in text.strip() or mentioned(text)
    if text.endswith((".json", ".yaml", ".yml")) or (not code and (is_ours(text) or not told)):
        return {"": schedule_of(text, let)}
    source = Path(text).read_text(encoding="utf-8") if code else text
    if (own := own_code(source)) is not None:
        return {"": own}
    if code and not mentioned(source, lists=False) and (config := config_of(text, let)) is not None:
        return {"": config.schedule}
    found = chosen(read_calls(source, library, given_by(let)), reading.which)
    for line in found.notes:
        note(line)
    made, unknown = found.schedules(reading.base, strict), reading.base is None and found.base is None
    if unknown and base_taken(next(iter(made.values())), "glidepath", found=found, strict=strict):
        tell_base(0.1)
    return dict(made)


def tell_base(taken: float) -> None:
    """Says which base learning rate was taken where none was given."""
    note(f"for a base learning rate of {taken:g}, as none was given: --base changes it")


def config_of(text: str, let: Sequence[str] | None = None) -> Config | None:
    """Returns what a training tool's configuration file says, its derivation told; None where the text is no such file."""
    from ..dialects.configs import form_of, read_config

    config = read_config(text, **names_of(let)) if form_of(text) else None
    for line in told_of(text, config) if config is not None else ():
        note(line)
    return config


def told_of(text: str, config: Config) -> list[str]:
    """Returns what there is to say of a configuration file: whose it is, how each number came about, what is odd."""
    groups = [f"{name} has {factor:g} times this rate" for name, factor in config.groups.items()]
    return [f"{text}: {config.form}; {'; '.join(config.notes)}", *groups, *(f"odd: {line}" for line in config.odd)]


def schedule_of(text: str, let: Sequence[str] | None = None) -> Schedule:
    """Returns the schedule given as text or as the name of a file: JSON, or a training tool's configuration."""
    if (config := config_of(text, let)) is not None:
        return config.schedule
    if text.endswith(".json"):
        try:
            return Schedule.from_json(Path(text).read_bytes())
        except OSError as error:
            rule = "a file that can be read"
            raise GlidepathError.of("SCHEDULE", "file", rule, text, error.strerror or "") from None
    if text.endswith((".yaml", ".yml")):
        from ..dialects.configs.sources import data_of

        if Path(text).is_file():
            data_of(Path(text), {})  # says what is wrong with the file itself
        remedy = f"a plan holds several: glidepath show {text} draws it, glidepath check {text} checks it"
        raise GlidepathError.of("SCHEDULE", "", "one schedule, as text or in a .json file", text, remedy)
    return glidepath.parse(text)


_LABEL = re.compile(r"\s*([^:：'\"(){}\[\]]{1,80}?)\s*(?::\s+|：\s*)(.+)", re.DOTALL)


def labelled(given: Sequence[str], let: list[str] | None = None, base: float | None = None) -> dict[str, Schedule]:
    """Returns the schedules by their names; one without a name is called by its text.

    Args:
        given: What the command line holds.
        let: What `--let` gives.
        base: The base rate of libraries' calls.

    Raises:
        GlidepathError: If anything cannot be read; every problem is listed.
    """
    found: dict[str, Schedule] = {}
    checks = Checks("")
    for label, text in lines(given, let, base):
        with checks.kept():
            for group, schedule in groups_of(text, Reading(base, let)).items():
                name = f"{label} {group}".strip() or str(schedule)
                while name in found:
                    name += " "
                found[name] = schedule
    checks.done()
    return found


def lines(given: Sequence[str], let: list[str] | None = None, base: float | None = None) -> list[tuple[str, str]]:
    """Returns each schedule as a name, perhaps empty, and one line of text; files are read, text is not looked at.

    Args:
        given: What the command line holds.
        let: What `--let` gives.
        base: The base rate of libraries' calls.

    Raises:
        GlidepathError: If a file cannot be read; every problem is listed.
    """
    from ..dialects.converting import is_ours
    from ..dialects.snippets import mentioned

    found: list[tuple[str, str]] = []
    checks = Checks("")
    for one in given:
        match = _LABEL.fullmatch(one)
        label, text = (match[1], match[2].strip()) if match else ("", one.strip())
        with checks.kept():
            if text.endswith(".py") and Path(text).is_file():
                found.append((label, text))
            elif (config := config_of(text, let)) is not None:
                found.append((label or Path(text).name, str(config.schedule)))
            elif (let or "\n" in text) and not is_ours(text) and mentioned(text):
                made = groups_of(text, Reading(base, let)).items()
                found += [(f"{label} {name}".strip(), str(one)) for name, one in made]
            elif text.endswith((".yaml", ".yml")):
                found += _groups(Path(text), label)
            else:
                found.append((label, str(schedule_of(text)) if text.endswith(".json") else text))
    checks.done()
    return found


def _groups(path: Path, label: str) -> list[tuple[str, str]]:
    """Returns the learning rate of each group of a plan, on the plan's clock."""
    from .. import plan as plans

    plan = plans.read(path)
    if plan.clock != "updates":
        rule = "counted in updates, to be drawn by step"
        raise GlidepathError.worded("plan", "clock", rule, plan.clock, "clock: updates")
    rates = [pair for pair in zip(plan.rules, plan.schedules(), strict=True) if pair[0].parameter == "lr"]
    if not rates:
        raise GlidepathError.worded("plan", "rules", "for lr at least once", f"none in {path}")
    if others := [f"{rule.parameter} of {', '.join(rule.groups)}" for rule in plan.rules if rule.parameter != "lr"]:
        note(f"{path} also drives {', '.join(others)}: only the learning rate is drawn")
    named = [(f"{label} {', '.join(rule.groups)}".strip(), rule.absolute, schedule) for rule, schedule in rates]
    return [(name, str(Rate(schedule) if absolute else schedule)) for name, absolute, schedule in named]

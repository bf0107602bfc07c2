"""Commands for one schedule or several: list, show, gallery, open, value, export, convert."""

from __future__ import annotations

import inspect
import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

import glidepath

from ..core import GlidepathError, Schedule, did_you_mean
from ..core.codec import field_notes
from ..core.fields import Count, integer, number
from ..core.language import language, said
from . import common
from .common import Reading, beside, drawing_of, groups_of, labelled, note, under_way
from .options import command

_TITLES = {"Phases": "Phases, joined by >>"}
_TITLES["Made of others"] = "Made of others (also: a >> b, a * b, a + b, 0.1 * a)"


@command("list")
def list_words(word: str | None = None, as_json: bool = False) -> None:
    """List the words that schedules are written with; with a WORD, its formula, arguments and source.

    Args:
        word ([WORD]): Tell all about this word.
    """
    words = glidepath.vocabulary()
    if word is None and as_json:
        told = sorted(words.items())
        rows = [{"word": name, "arguments": _arguments(make), "about": _about(make)} for name, make in told]
        print(json.dumps(rows, indent=2))
    elif word is None:
        _list_all(words)
    elif word in words:
        print(f"{word}{_signature(words[word])}\n\n{_told(words[word])}")
    elif not word.isascii() and (found := _about_that(word, words)):
        from ..view.fonts import aligned

        print("\n".join(aligned(found)))
    else:
        _list_foreign(word, words)


def _list_all(words: Any) -> None:
    """Prints every word and what it means, and the libraries whose schedulers are read, with how many of each."""
    from .. import dialects
    from ..dialects.table import known
    from ..view.examples import GROUPS, group_of

    rows = {_TITLES.get(group, group): list[tuple[str, str]]() for group in GROUPS}
    for name in sorted(words):
        rows[_TITLES.get(group_of(name), group_of(name))].append((name, _about(words[name])))
    read = {name: known(name) for name in dialects.libraries()}
    told = [(name, f"{one.title} {one.follows}, {len(one.readers)} of them") for name, one in read.items()]
    rows["Other libraries' schedulers: glidepath list NAME"] = told
    console = Console()
    for title, listed in rows.items():
        if listed:
            table = Table(title=said(title), title_justify="left", title_style="bold", box=None, show_header=False)
            table.padding = (0, 2, 0, 0)
            table.add_column(style="cyan", no_wrap=True)
            table.add_column(overflow="fold")  # Chinese has no spaces to break at
            for name, about in listed:
                table.add_row(name, Text(about))
            console.print(table, "")
    beside(said("glidepath list WORD tells its formula, arguments and source."), "dim")


def _list_foreign(word: str, words: Any) -> None:
    """Prints a library's schedulers, or one scheduler of every library that has it."""
    from .. import dialects
    from ..dialects.table import candidates, known

    names = dialects.libraries()
    language = next((known(name) for name in names if word in (name, *known(name).aliases)), None)
    if language is not None:
        for name, make in language.readers.items():
            print(f"{name}{language.signature(name)}\n    {_about(make)}")
        return
    found = candidates(word)
    if not found:
        hint = did_you_mean(word, [*words, *names, *(one for name in names for one in dialects.names(name))])
        raise GlidepathError.of("list", "WORD", "a known word", word, hint)
    for language in found:
        name = word.rpartition(".")[2]
        if language.find(name):
            proper = language.named(name)
            where = language.modules[0] if language.modules else language.framework
            print(f"{language.title} {language.follows}: {where}")
            print(f"  {proper}{language.signature(proper)}\n  {_about(language.readers[proper])}\n")
        else:
            print(f"{language.title}: {language.elsewhere[name]}\n")


def _about(make: Callable[..., Any], lang: str | None = None) -> str:
    return said((inspect.getdoc(make) or "").partition("\n")[0], lang)


def _told(make: Callable[..., Any]) -> str:
    """Returns a docstring; in Chinese its first line and what it says of each argument, the rest as it is."""
    text = inspect.getdoc(make) or ""
    if language() == "zh":
        text = text.replace(text.partition("\n")[0], _about(make), 1)
        for field, told in field_notes(make).items():
            note = r"\s+".join(map(re.escape, told.split()))
            text = re.sub(rf"(\n    {field}: ){note}", lambda found, told=told: found[1] + said(told), text)
        for heading in ("Args:", "Raises:", "Source:", "Examples:"):
            text = re.sub(rf"^{heading}$", said(heading), text, flags=re.MULTILINE)
    return text


def _about_that(wanted: str, words: Any) -> list[tuple[str, str]]:
    """Returns the words and classic classes whose Chinese has a word in it, those first that it names."""
    from ..dialects import names
    from ..dialects.table import known
    from ..view.examples import CLASSIC

    makes = dict(words)
    makes |= {f"{library}.{name}": known(library).readers[name] for library in CLASSIC for name in names(library)}
    having = [(name, about) for name, make in makes.items() if wanted in (about := _about(make, "zh"))]
    return sorted(having, key=lambda row: ("." in row[0], row[1].find(wanted), row[0]))


def _signature(make: Callable[..., Any]) -> str:
    given = inspect.signature(make).parameters.values()
    return f"({', '.join(p.name if p.default is p.empty else f'{p.name}={p.default!r}' for p in given)})"


def _arguments(make: Callable[..., Any]) -> list[dict[str, Any]]:
    notes, made = field_notes(make), list[dict[str, Any]]()
    for p in inspect.signature(make).parameters.values():
        required = p.default is p.empty
        default = p.default if isinstance(p.default, bool | int | float | str | None) else str(p.default)
        made.append({"name": p.name, "required": required, "about": notes.get(p.name, "")})
        made[-1] |= {} if required else {"default": default}
    return made


@command()
def show(
    schedules: list[str],
    output: Path | None = None,
    steps: Count | None = None,
    log: bool = False,
    base: float | None = None,
    axis: str = "step",
    per: float | None = None,
    width: Annotated[int, integer(30, 500)] | None = None,
    height: Annotated[int, integer(4, 200)] = 17,
    let: list[str] | None = None,
    plain: bool = False,
) -> None:
    """Draw schedules in the terminal, or as a picture or an animation with -o.

    Args:
        output (--output, -o): Write a .png or .svg picture, or a .gif animation, instead.
        steps (--steps, -n): The last step to show. Default: what shows the whole schedule.
        log: Draw the values on a logarithmic axis.
        axis: step, epoch, sample, token or percent.
        per: Updates in an epoch; or samples, or tokens, of an update; for that axis.
        width: Columns of the drawing. Default: the terminal's.
        height: Rows of the curve.
        plain (--ascii): Draw with stars instead of dots.
    """
    from .. import view

    if axis in ("epoch", "sample", "token") and per is None:
        per_what = "updates in an epoch" if axis == "epoch" else f"{axis}s of an update"
        raise GlidepathError.of("show", "--per", f"given for --axis {axis}: the {per_what}", None)
    drawn = labelled(schedules, let, base)
    scale = {"axis": axis, "per": per, "base": 1.0 if base is None else base}
    shared: dict[str, Any] = {"steps": steps, "log": log, **scale}
    if output is not None:
        moving = output.suffix.lower() == ".gif"
        if output.suffix.lower() not in (".png", ".svg", ".gif"):
            raise GlidepathError.of("show", "-o", "a file name that ends in .png, .svg or .gif", str(output))
        path = view.animate(drawn, output, **shared) if moving else view.save(view.figure(drawn, **shared), output)
        beside(f"wrote {path}")
        return
    print(view.terminal(drawn, height=height, **drawing_of(sys.stdout, plain, width), **shared))
    for name, schedule in drawn.items():
        ends = "for ever" if schedule.duration == float("inf") else f"{schedule.duration:,} steps"
        label = "" if name.strip() == str(schedule) else f"{name}: "
        beside(f"{label}{schedule}  ({ends})", "dim")


@command()
def gallery(folder: Path, still: bool = False) -> None:
    """Draw every recipe, every kind and every other library's class, and a page that shows them all.

    Args:
        folder (FOLDER): Where to write; made if it does not exist.
        still: Leave out the animations.
    """
    from .. import view

    with under_way("drawing") as reached:
        made = view.gallery(folder, animations=not still, progress=lambda name: reached(told=name))
    print(made[-1])
    beside(f"wrote {len(made)} files")


@command("open")
def open_page(
    schedules: list[str] | None = None,
    port: Annotated[int, integer(1, 65535)] | None = None,
    browser: bool = True,
    runs: Path = Path("runs/demo"),
    base: float = 1.0,
    let: list[str] | None = None,
) -> None:
    """Open the page where one moves a slider and sees the curve follow. Ctrl-C ends it.

    With schedules, the first is the one to work on and the others are pinned beside it.

    Args:
        port: The port. Default: a free one.
        browser: Whether to open the page in the browser.
        runs: A folder of `compare` or `demo`, shown beside the curve.
        base (--base, -b): The base learning rate that the page begins with.
    """
    from .. import playground

    fragment = playground.fragment(common.lines(schedules, let), base) if schedules else ""
    playground.serve(port, browser, runs=runs, fragment=fragment)


@command(context_settings={"ignore_unknown_options": True})
def value(schedule: str, steps: list[str], *, reading: Reading, as_json: bool = False) -> None:
    """Print the values at some steps, with every digit; a column for each group where a library's call holds lists for them.

    Args:
        steps (STEP...): Steps such as 0 500 -1, or ranges such as 0:1000:50 (end excluded).
    """
    base = reading.base
    groups = groups_of(schedule, reading)
    made = {name: one if base in (None, 1.0) or one.absolute else base * one for name, one in groups.items()}  # type: ignore[operator]
    at = [step for text in steps for step in _steps(text)]
    columns = {name: [one(step) for step in at] for name, one in made.items()}
    if as_json:
        told = {name: {"schedule": one.to_dict(), "steps": at, "values": columns[name]} for name, one in made.items()}
        print(json.dumps(told.get("", {"groups": told})))
        return
    if "" not in made:
        note(f"the columns are the groups {', '.join(made)}")
    rows = zip(at, *columns.values(), strict=True)
    print("\n".join("\t".join([str(step), *map(_plainly, results)]) for step, *results in rows))


def _steps(text: str) -> Iterator[int | float]:
    """Yields the steps that `12`, `0.5` or `first:end:by` means."""
    rule = "a step such as 500, or a range such as 0:1000:50 of at most a million"
    remedy = "glidepath value -h lists the options" if text.startswith("-") else ""
    numbers = [number(common.amount_of(part)) for part in text.split(":")]
    whole, one = [each for each in numbers if isinstance(each, int)], numbers[0]
    if len(numbers) == 1 and one is not None and one == one:
        yield int(one) if float(one).is_integer() else one
    elif 2 <= len(whole) == len(numbers) <= 3 and whole[2:] != [0] and not range(*whole)[1_000_000:]:
        yield from range(*whole)
    else:
        raise GlidepathError.of("value", "STEP", rule, text, remedy)


def _plainly(value: float) -> str:
    """Returns a value as a person would write it: 0.01 where arithmetic leaves 0.010000000000000002."""
    short, whole = f"{value:.15g}", repr(value)
    return short if len(short) + 2 < len(whole) else whole


@command()
def export(schedule: str, to: str = "json", *, reading: Reading) -> None:
    """Write a schedule in another form: JSON, LaTeX, its one line, or code.

    Args:
        to (--to, -t): text, json, python (a function with no dependency) or latex; pytorch, oneflow, keras or optax code;
            transformers, timm, composer, mmengine, deepspeed or megatron, in whose words it is said.
    """
    from ..dialects.converting import targets

    groups = groups_of(schedule, reading)
    if len(groups) > 1:
        remedy = "write the call with one of its values; glidepath value and show take them all"
        raise GlidepathError.of("export", "SCHEDULE", "one schedule", f"one for each of {len(groups)} groups", remedy)
    (made,) = groups.values()
    forms: dict[str, Callable[[], str]] = {
        "text": lambda: str(made),
        "json": lambda: made.to_json(indent=2),
        "python": made.source,
        "latex": made.latex,
        **{name: lambda name=name: _rendered(made, name, reading.base) for name in targets() if name != "python"},
    }
    if to not in forms:
        raise GlidepathError.of("export", "--to", f"one of {', '.join(forms)}", to, did_you_mean(to, forms))
    print(forms[to]().rstrip("\n"))


def _rendered(schedule: Schedule, framework: str, base: float | None) -> str:
    """Returns a schedule as code; says on standard error which base learning rate was written where none was given."""
    from .. import dialects
    from ..dialects.converting import base_taken

    code = dialects.render(schedule, framework, base_lr=None if schedule.absolute else base)
    if base is None and (taken := base_taken(schedule, framework)) is not None:
        common.tell_base(taken)
    return code.rstrip("\n")


@command()
def convert(call: str, to: str = "glidepath", *, reading: Reading) -> None:
    """Turn one library's scheduler call, or a configuration file, into another's code, or into our text. Nothing is run.

    Args:
        call (CALL): A library's call, such as "torch.optim.lr_scheduler.StepLR(step_size=30)".
        to (--to, -t): pytorch, oneflow, keras, optax, python, transformers, timm, composer, mmengine, deepspeed or megatron;
            glidepath for our own text, or plan for a configuration file.
    """
    from .. import plan
    from ..core.rate import text_for
    from ..dialects.reading import companions_of

    if to == "plan":
        if (config := common.config_of(call, reading.let)) is None:
            raise GlidepathError.of("convert", "CALL", "a training tool's configuration file to become a plan", call)
        print(plan.Plan.of(config.document).to_yaml(), end="")
        return
    for name, one in groups_of(call, reading).items():
        text = text_for(one, reading.base) if to == "glidepath" else _rendered(one, to, reading.base)
        print(f"# group {name}\n{text}" if name else text)
        for value, other in companions_of(one).items():
            place = " (betas[0] of Adam)" if value == "momentum" else ""
            note(f"it moves the {value.replace('_', ' ')}{place} too, by {text_for(other)}")

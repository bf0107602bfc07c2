"""An example of every recipe, kind and scheduler of the other libraries, and what they are in a line: what the gallery and the page show."""

from __future__ import annotations

import ast
import inspect
import re
from typing import Any

from .. import feedback, recipes
from ..core import GlidepathError, Schedule, Table, shorthand, vocabulary
from ..core.syntax import syntax
from ..dialects import libraries, load, names
from ..dialects.table import known
from .articles_strings import ARTICLES
from .examples_strings import CALLS, CALLS_HERE, EXAMPLES

# The libraries whose schedulers are shown by their own names.
LIBRARIES = tuple(name for name in libraries() if name.isidentifier())

# What our own words are, in the order in which they are shown.
GROUPS = ("Whole schedules", "Phases", "Other schedules", "Made of others", "Registered here")
_JOINING = ("chain", "minimum", "maximum")


def group_of(word: str) -> str:
    """Returns which of `GROUPS` a word is in.

    Args:
        word: A word of the text form.
    """
    if word in recipes.__all__:
        return "Whole schedules"
    if word in shorthand.__all__ and word not in _JOINING:
        return "Phases"
    inside = {"schedule", "parts", "phases"} & {*inspect.signature(vocabulary()[word]).parameters}
    if word in _JOINING or (word in Schedule.registry and inside):
        return "Made of others"
    return "Other schedules" if word in Schedule.registry else "Registered here"


def about(thing: Any) -> str:
    """Returns the first line of a docstring."""
    return (inspect.getdoc(thing) or "").partition("\n")[0]


def source(thing: Any) -> str:
    """Returns the `Source:` section of a docstring on one line, or an empty string.

    Examples:
        >>> from glidepath.finder import minimum_tenth
        >>> source(minimum_tenth).partition(",")[0]
        "fastai's `lr_find(suggest_funcs=minimum)`"
    """
    found = re.search(r"^Source:\n((?:    .*\n?)+)", inspect.getdoc(thing) or "", re.MULTILINE)
    return " ".join(found.group(1).split()) if found else ""


def example(word: str) -> str:
    """Returns an example of a word as text; a word without one of its own, such as a registered formula, is called without arguments.

    Words that say nothing by themselves, such as a replayed recurrence, have an empty one.

    Args:
        word: A word of the text form.

    Examples:
        >>> example("cosine")
        'cosine(10000)'
    """
    make: Any = vocabulary().get(word)
    own = EXAMPLES.get(word) or getattr(Schedule.registry.get(word), "example", "")
    if make is None or own or word in Schedule.registry:
        return own
    needed = [p for p in inspect.signature(make).parameters.values() if p.default is p.empty]
    return "" if needed else f"{word}()"


def arguments_of(library: str, name: str) -> dict[str, Any] | None:
    """Returns arguments that a library's scheduler accepts, about 10,000 steps long; None for one that shows nothing by itself.

    Args:
        library: One of `LIBRARIES`.
        name: The scheduler's own name.

    Examples:
        >>> arguments_of("pytorch", "CosineAnnealingLR")
        {'T_max': 5000}
    """
    if name not in names(library):
        return None
    row = known(library).readers[name]
    needed = [p.name for p in row.parameters if p.default is p.empty]
    inside = {field: kind.begin for field, kind in row.types.items() if field in needed and kind.begin is not None}
    texts = (row.example, CALLS_HERE.get((library, name)), CALLS.get(name))
    for arguments in (*(_arguments(text) for text in texts if text), inside):
        try:
            load(library, name, arguments)
        except GlidepathError:
            continue
        return arguments
    return None


def _arguments(text: str) -> dict[str, Any]:
    call: Any = syntax(f"f({text})")
    return {keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords}


# Classes as articles call them that teach schedules: some ten epochs, rates of hundredths -----------------------------------------------

# Whose classes are drawn.
CLASSIC = ("pytorch", "oneflow", "keras", "tensorflow", "paddle")
_PLATEAUS = {"pytorch": "PyTorch", "oneflow": "OneFlow", "keras": "Keras", "paddle": "Paddle"}


def classes(library: str) -> tuple[str, ...]:
    """Returns the names of a classic library's classes, the one that follows a metric last."""
    plateau = {"tensorflow": (), "paddle": ("ReduceOnPlateau",)}.get(library, ("ReduceLROnPlateau",))
    return (*names(library), *plateau)


def article(library: str, name: str) -> tuple[str, Schedule, int, float]:
    """Returns a class's call, its schedule in rates, the last step to show and the base rate; a plateau's metric never improves.

    Args:
        library: One of `CLASSIC`.
        name: One of `classes(library)`.

    Examples:
        >>> call, schedule, last, base = article("oneflow", "StepLR")
        >>> call, schedule(2), round(schedule(3), 6), last, base
        ('StepLR(step_size=3)', 0.05, 0.005, 10, 0.05)
    """
    base, last, text = ARTICLES.get(f"{library}.{name}") or ARTICLES[name]
    arguments = _arguments(text)
    if "Plateau" not in name:
        return f"{name}({text})", load(library, name, arguments, base_lr=base), last, base
    rows = feedback.replay(getattr(feedback, f"{_PLATEAUS[library]}Plateau")(rates=base, **arguments), [1.0] * last)
    drawn = Table(range(last + 1), [base, *(base * factor for factor, _ in rows)], "previous")
    return f"{name}({text})", drawn, last, base

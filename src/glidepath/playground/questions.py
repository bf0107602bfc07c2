"""What the page asks of range tests and forecasts. Apart from what answers, because the server starts without NumPy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from ..core.fields import integer, real
from .asked import Asked, Last, Text, an_object, several, typed, words
from .budget import USUAL, Budget
from .training import Task

__all__ = ["MAX_TRACES", "Curve", "Dropped", "Matter", "Range", "Sweep"]

MAX_FILE = 2_000_000
MAX_TRACES = 12
_Rate = Annotated[float, typed(real(above=0, high=1e6))]


@dataclass(frozen=True)
class Range(Asked):
    """What the page asks: the traces of a file, or those of a known range test.

    Args:
        text: The content of a file that `glidepath find -o found.json` wrote, or `Found.to_json`, or a list of traces; or
        known: a key of the known ones.
    """

    text: Annotated[str, words(MAX_FILE)] = ""
    known: Annotated[str, words(40)] = ""


@dataclass(frozen=True)
class Sweep(Asked):
    """A range test to be made here.

    Args:
        task: What is trained.
        low: First rate.
        high: Last rate.
        steps: Updates of a sweep.
        repeats: Sweeps, at least 3: fewer say nothing.
    """

    task: Task = "mnist1d"
    low: _Rate = 1e-6
    high: _Rate = 10.0
    steps: Annotated[int, integer(40, 1_000)] = 240
    repeats: Annotated[int, integer(3, MAX_TRACES)] = 3


@dataclass(frozen=True)
class Matter(Asked):
    """A question for the trained schedule of the nearest shape."""

    text: Text
    last: Last
    budget: Budget = USUAL


@dataclass(frozen=True)
class _File(Asked):
    """A log, as text."""

    name: Annotated[str, words(200)]
    text: Annotated[str, words(MAX_FILE)]


@dataclass(frozen=True)
class Dropped(Asked):
    """Logs, and what they followed where they hold no rates."""

    files: Annotated[tuple[_File, ...], several(_File, 16)]
    plan: Text = ""
    base: Annotated[float, typed(real())] | None = None


@dataclass(frozen=True)
class Curve(Asked):
    """A schedule for laws that `fitted` gave."""

    laws: Annotated[dict[str, Any], an_object()]
    text: Text
    steps: Last | None = None

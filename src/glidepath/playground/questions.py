"""What the page asks of range tests and forecasts. Apart from what answers, because the server starts without NumPy."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from .training import Task

__all__ = ["MAX_TRACES", "Asked", "Dropped", "Range", "Sweep"]

MAX_FILE = 2_000_000
MAX_TRACES = 12
_Rate = Annotated[float, Field(gt=0, le=1e6, allow_inf_nan=False)]


class Range(BaseModel):
    """What the page asks: the traces of a file, or those of a known range test.

    Args:
        text: The content of a file that `glidepath find -o found.json` wrote, or `Found.to_json`, or a list of traces; or
        known: a key of the known ones.
    """

    model_config = ConfigDict(extra="forbid")
    text: Annotated[str, Field(max_length=MAX_FILE)] = ""
    known: Annotated[str, Field(max_length=40)] = ""


class Sweep(BaseModel):
    """A range test to be made here.

    Args:
        task: What is trained.
        low: First rate.
        high: Last rate.
        steps: Updates of a sweep.
        repeats: Sweeps, at least 3: fewer say nothing.
    """

    model_config = ConfigDict(extra="forbid")
    task: Task = "mnist1d"
    low: _Rate = 1e-6
    high: _Rate = 10.0
    steps: Annotated[int, Field(ge=40, le=1_000)] = 240
    repeats: Annotated[int, Field(ge=3, le=MAX_TRACES)] = 3


class _File(BaseModel):
    """A log, as text."""

    model_config = ConfigDict(extra="forbid")
    name: str = Field(max_length=200)
    text: str


class Dropped(BaseModel):
    """Logs, and what they followed where they hold no rates."""

    model_config = ConfigDict(extra="forbid")
    files: list[_File] = Field(max_length=16)
    plan: str = ""
    base: float | None = None


class Asked(BaseModel):
    """A schedule for laws that `fitted` gave."""

    model_config = ConfigDict(extra="forbid")
    laws: dict[str, Any]
    text: str
    steps: int | None = None

"""What the page asks of range tests. Apart from what answers, because the server starts without NumPy."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from .training import Task

__all__ = ["MAX_TRACES", "Range", "Sweep"]

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

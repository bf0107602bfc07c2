"""The state of the page as the part of its address after `#`, which no server ever sees."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from urllib.parse import urlencode

from ..core.checks import Checks
from ..core.errors import GlidepathError
from ..core.schedule import Schedule
from ..dialects import read_text
from .asked import MAX_PINS
from .budget import Budget
from .look import read

__all__ = ["PER_EPOCH", "fragment"]

PER_EPOCH = 400  # updates in an epoch of the budget that the page begins with
_MOST_EPOCHS = 1e6  # a longer schedule is shown beside the budget that the page begins with


def fragment(curves: Sequence[tuple[str, str]], base: float = 1.0) -> str:
    """Returns the link to a page that shows these schedules: the first is worked on, the others are pinned.

    Args:
        curves: Names, perhaps empty, and one-line texts, of ours or of another library; up to nine.
        base: What factors are multiplied by.

    Raises:
        GlidepathError: If there are none or too many, or a text cannot be read; every problem is listed.

    Examples:
        >>> fragment([("", "cosine(400)")])
        'v=1&s=cosine%28400%29&budget=epochs%3A1.0&at=0%2C100%2C200%2C399'
    """
    if not 1 <= len(curves) <= MAX_PINS + 1:
        raise GlidepathError.worded("open", "SCHEDULE", f"1 to {MAX_PINS + 1} schedules", f"{len(curves)} of them")
    if not (0 < base <= 1e6 and math.isfinite(base)):
        raise GlidepathError.of("open", "base", "above 0 and at most 1e6", base)
    checks = Checks("open")
    made: list[tuple[str, str, Schedule]] = []
    for name, text in curves:
        with checks.kept():
            made.append((name, *_readable(text)))
    checks.done()
    (name, text, first), *pins = made
    parts: list[tuple[str, str]] = [("v", "1"), ("s", text)]
    parts += [("n", name)] if name else []
    parts += [("p", json.dumps([text, name, slot])) for slot, (name, text, _) in enumerate(pins, start=1)]
    parts += [("base", repr(base))] if base != 1.0 else []
    length = first.duration
    epochs = length / PER_EPOCH
    if epochs <= _MOST_EPOCHS and Budget(epochs=epochs).settled().updates == length != Budget().settled().updates:
        parts.append(("budget", f"epochs:{epochs}"))
    return urlencode([*parts, ("at", ",".join(map(str, _looked_at(length))))])


def _looked_at(length: float) -> list[int]:
    """Returns the steps whose values the page's table shows: the first, a quarter, the half, and the last update."""
    return sorted({0, int(length) // 4, int(length) // 2, max(int(length) - 1, 0)}) if math.isfinite(length) else [0]


def _readable(text: str) -> tuple[str, Schedule]:
    """Returns a text that the page reads, and its schedule: as it was written where it can, else in our own words."""
    schedule = read(text, None, Budget().settled()).built.schedule
    if schedule is not None:
        return text, schedule
    schedule = read_text(text)
    return str(schedule), schedule

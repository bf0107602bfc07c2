"""A schedule as a plan holds it: complete, or as text whose quoted durations wait for the horizon."""

from __future__ import annotations

from typing import Annotated, Any

from ..core.checks import Checks
from ..core.fields import Broken, Check
from ..core.schedule import Schedule
from .duration import Duration
from .lengths import durations

__all__ = ["Drawn", "drawn"]

MAX_LINE = 16_000  # a longer schedule is written to files as data


def drawn(given: Any) -> Schedule | str:
    """Returns a schedule, or the text of one that needs a horizon.

    Raises:
        GlidepathError: If it is neither; wrong durations are listed with the rest.
    """
    if isinstance(given, str):
        found, checks = durations(given), Checks("text")
        for text in found:
            checks.take("every duration", text, Check(Duration.parse))
        checks.done()
        return given.strip() if found else Schedule.of(given)
    if isinstance(given, dict | Schedule):
        return Schedule.of(given)
    raise Broken("a schedule, its text or its JSON data")


def as_data(given: Schedule | str) -> Any:
    """Returns it as it is written to files: a line of text, or data where the line would be too long."""
    if isinstance(given, str):
        return given
    line = str(given)
    return line if len(line) <= MAX_LINE else given.to_dict()


Drawn = Annotated[
    Schedule | str,
    Check(drawn, {"anyOf": [{"$ref": "#/$defs/schedule"}, {"type": "string"}]}),
]
"""A schedule, or a text with quoted durations."""

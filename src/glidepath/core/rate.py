"""An absolute rate: a schedule that must not be multiplied by a base value."""

from __future__ import annotations

import math
from typing import Annotated, Any

from .clock import Clock
from .errors import GlidepathError, Problem, shown
from .fields import Value, number, text
from .node import kind
from .schedule import Inner, Schedule

__all__ = ["Rate", "base_problem", "rate_of", "text_for"]

_LONGEST = 64_000


_line = text(
    f"one line of at most {_LONGEST} characters without double quotes and backslashes",
    lambda line: len(line) <= _LONGEST and not set(line) & set('"\\') and line.isprintable(),
    maxLength=_LONGEST,
)
Line = Annotated[str, _line]
"""One line of text."""


@kind("rate")
class Rate(Schedule):
    r"""The values of another schedule, known to be rates of their own and not factors of a base rate.

    $$ f(t) = g(t) $$

    Everything made of it is absolute too: `attach` refuses it as a factor.

    Args:
        schedule: $g$, in absolute values.
        origin: Where it comes from, such as `pytorch StepLR(step_size=30)`; an empty string if nowhere.
        base: The base rate that is already inside, or None.

    Examples:
        >>> from glidepath import Step
        >>> rate = Rate(0.1 * Step(30))
        >>> rate(0), rate.absolute, Step(30).absolute
        (0.1, True, False)
    """

    example = "rate(0.001 * cosine(10000))"

    schedule: Inner
    origin: Line = ""
    base: Value | None = None

    def __post_init__(self) -> None:
        self._check_size()

    @property
    def absolute(self) -> bool:  # type: ignore[override]
        return True

    def at(self, clock: Clock) -> Any:
        return self.schedule.at(clock)


def rate_of(schedule: Any, base: float | None, where: str) -> Rate:
    """Returns the rates that a schedule means where nobody else knows a base: base times a factor, or an absolute schedule as it is.

    Args:
        schedule: A schedule or its text.
        base: What a factor is multiplied by, above 0; None for an absolute schedule.
        where: Who asks, for the message.

    Raises:
        GlidepathError: If a factor has no base, or an absolute schedule has one.
    """
    made = Schedule.of(schedule)
    problem = base_problem(where, "base", made.absolute, base, base, made)
    if problem is not None:
        raise GlidepathError(problem)
    if base is None:
        return made if isinstance(made, Rate) else Rate(made)
    return Rate(float(base) * made, base=float(base))


def text_for(schedule: Schedule, base: float | None = None) -> str:
    """Returns a schedule's values as one line to paste: what is absolute says so, `rate(…)`, and is taken for that wherever it is driven.

    Args:
        schedule: A factor, or an absolute schedule.
        base: What a factor is multiplied by; None leaves it a factor.

    Examples:
        >>> from glidepath import Step
        >>> text_for(Step(30)), text_for(Step(30), 0.1)
        ('step(30)', 'rate(0.1 * step(30))')
    """
    if schedule.absolute:
        return str(Rate(schedule.schedule) if isinstance(schedule, Rate) else schedule)
    return str(schedule if base is None else Rate(float(base) * schedule))


def base_problem(where: str, field: str, absolute: bool, base: Any, given: Any, schedule: Schedule) -> Problem | None:
    """Returns the problem of the units, or None: a factor needs a base (which may be a default), an absolute schedule is given none."""
    if absolute:
        rule, remedy = "left out, as the schedule is absolute", f"its values are rates: {schedule}"
        return None if given is None else Problem(where, field, rule, shown(given), remedy)
    plain = number(base)
    if plain is not None and 0.0 < plain < math.inf:
        return None
    remedy = (
        "the schedule is a factor: say what it is multiplied by, or write rate(…) around it where its values are rates"
    )
    return Problem(where, field, "a number above 0", "nothing" if base is None else shown(base), remedy)

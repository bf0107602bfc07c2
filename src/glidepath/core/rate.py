"""An absolute rate: a schedule that must not be multiplied by a base value."""

from __future__ import annotations

from typing import Annotated, Any

from .clock import Clock
from .fields import Broken, Check, JsonSchema, Value
from .node import kind
from .schedule import Schedule

__all__ = ["Rate"]

_LONGEST = 64_000


def _line(value: Any) -> str:
    if not isinstance(value, str) or len(value) > _LONGEST or set(value) & set('"\\') or not value.isprintable():
        raise Broken(f"one line of at most {_LONGEST} characters without double quotes and backslashes")
    return value


Line = Annotated[str, Check(_line), JsonSchema({"type": "string", "maxLength": _LONGEST})]
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

    schedule: Schedule
    origin: Line = ""
    base: Value | None = None

    def __post_init__(self) -> None:
        self._check_size()

    @property
    def absolute(self) -> bool:  # type: ignore[override]
        return True

    @property
    def duration(self) -> int | float:
        return self.schedule.duration

    def at(self, clock: Clock) -> Any:
        return self.schedule.at(clock)

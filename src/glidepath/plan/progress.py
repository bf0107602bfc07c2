"""How much has happened of a plan: counts and the states of its controllers, plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from ..core import Answer, GlidepathError, settle, taken
from ..core.fields import Broken, Check, Index, number
from .duration import Duration, nearest

if TYPE_CHECKING:
    from .model import Plan
    from .rules import Rule

COUNTS = ("updates", "samples", "tokens")


@dataclass(frozen=True)
class Progress(Answer):
    """One count in three units, and the states of the plan's controllers.

    Args:
        updates: Updates that the optimizer really made.
        samples: Samples that they saw, over all processes.
        tokens: Tokens that they saw.
        states: The controllers' states, in the order of the plan's `feedback`.

    Examples:
        >>> Progress().advanced(samples=128, tokens=128 * 1024)
        Progress(updates=1, samples=128, tokens=131072, states=())
    """

    updates: Index = 0
    samples: Index = 0
    tokens: Index = 0
    states: tuple[Any, ...] = ()

    def __post_init__(self) -> None:
        settle(self, "progress").done()

    def advanced(self, samples: int = 0, tokens: int = 0, updates: int = 1) -> Progress:
        """Returns the progress after more updates.

        Args:
            samples: What they saw, over all processes.
            tokens: What they saw.
            updates: How many updates.

        Raises:
            GlidepathError: If a count is negative: progress does not go backwards.
        """
        more = {"updates": updates, "samples": samples, "tokens": tokens}
        for name, count in more.items():
            plain = number(count)
            if plain is None or plain < 0:
                raise GlidepathError.of("progress", name, "at least 0: progress does not go backwards", count)
        return replace(self, **{name: getattr(self, name) + count for name, count in more.items()})

    @classmethod
    def from_dict(cls, data: Any, plan: Plan) -> Progress:
        """Returns the progress of a plan that JSON data describes.

        Raises:
            GlidepathError: If a count or a state is missing, unknown or spoilt.
        """
        if not isinstance(data, Mapping) or set(data) != {*COUNTS, "states"} or not isinstance(data["states"], list):
            raise GlidepathError.of("progress", "", f"an object with {', '.join(COUNTS)} and states", data)
        if len(data["states"]) != len(plan.feedback):
            rule = f"{len(plan.feedback)}, one for each controller"
            raise GlidepathError.of("progress", "the number of states", rule, len(data["states"]))
        states = tuple(part.controller.read_state(s) for part, s in zip(plan.feedback, data["states"], strict=True))
        return cls(**{name: data[name] for name in COUNTS}, states=states)


def steered(
    plan: Plan, made: float, at: float, states: tuple[Any, ...], parameter: str, group: str | int | None
) -> float:
    """Returns a schedule's value times what the controllers say."""
    for part, state in zip(plan.feedback, states or plan.begin().states, strict=True):
        if part.parameter == parameter:
            made *= part.controller.multiplier(state, at, group)
    return made


def apart(
    plan: Plan, made: float, other: Rule, at: float, states: tuple[Any, ...], group: str | None, start: float = 0
) -> float:
    """Returns a value divided by the factor of another rule."""
    factor = steered(plan, other.complete.scalar(at - start), at, states, other.parameter, group)
    return made / factor if factor else made


def starts_at(plan: Plan, after: str | int) -> float:
    """Returns the position on the plan's clock at which a controller's phase begins.

    Raises:
        GlidepathError: If it needs what is unknown of the run.
    """
    counted = Check(lambda text: float(plan.derived.counted(Duration.parse(text), plan.clock)))
    return after if isinstance(after, int) else taken("feedback", "after", after, counted)


def carried(progress: Progress, before: Plan, after: Plan, by: str | None = None) -> Progress:
    """Returns the progress of one plan as the progress of another, such as after a change of the batch or of the processes.

    Samples and tokens go on. On a clock of updates (or epochs) the count is kept where an update is as large as before; otherwise `by` says
    what it follows: `updates` keeps the count, `samples` and `tokens` divide what was seen by the size of an update now, to the nearest.

    Args:
        progress: What has happened.
        before: The plan it happened under.
        after: The plan to go on with.
        by: `updates`, `samples`, `tokens` or None.

    Raises:
        GlidepathError: If the size of an update differs, the clock counts updates and `by` is None; or what it takes is unknown.
    """
    old, new = before.derived.samples_per_update, after.derived.samples_per_update
    states = progress.states if len(progress.states) == len(after.feedback) else ()
    if after.clock in ("samples", "tokens") or by == "updates" or (old == new and by is None):
        return replace(progress, states=states)
    if by is None:
        rule = f"as large as before ({old} samples) on a clock of {after.clock}"
        remedy = "say what the count follows: by='samples', 'tokens' or 'updates'"
        raise GlidepathError.of("resume", "an update", rule, f"{new} samples", remedy)

    def follow(unit: str) -> int:
        if unit not in ("samples", "tokens"):
            raise Broken("updates, samples, tokens or None")
        return nearest(after.derived.convert(Fraction(getattr(progress, unit)), unit, "updates"))

    return replace(progress, updates=taken("resume", "by", by, Check(follow)), states=states)

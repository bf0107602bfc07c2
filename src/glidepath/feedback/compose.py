"""A schedule and the controllers that listen to a metric: the value is their product."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..core.checks import Checks, each_of
from ..core.schedule import Schedule
from .controller import Controller
from .observation import Decision, Observation

__all__ = ["Steered"]


@dataclass(frozen=True)
class Steered:
    """A schedule multiplied by what its controllers say.

    The schedule stays a pure function of the step; what was observed is in the states alone.

    Args:
        schedule: The schedule, or its text.
        controllers: One or several controllers, or their texts.

    Raises:
        GlidepathError: With every problem of the schedule and the controllers.

    Examples:
        >>> steered = Steered("warmup(4) >> hold()", ["plateau(factor=0.5, patience=0, after=4)"])
        >>> states = steered.begin()
        >>> for step, loss in [(2, 1.0), (4, 1.0), (6, 1.0)]:
        ...     states, decisions = steered.observe(states, (step, loss))
        >>> steered.value(10, states)
        0.5
    """

    schedule: Schedule
    controllers: tuple[Controller, ...]

    def __post_init__(self) -> None:
        checks, given = Checks("steered"), self.controllers
        with checks.kept():
            object.__setattr__(self, "schedule", Schedule.of(self.schedule))
        with checks.kept():
            items: Sequence[Any] = given if isinstance(given, list | tuple) else (given,)
            object.__setattr__(self, "controllers", each_of(items, Controller.of, "controllers[{}]".format))
        checks.done()

    def begin(self) -> tuple[Any, ...]:
        """Returns the states before the first observation, one for each controller."""
        return tuple(controller.begin() for controller in self.controllers)

    def observe(self, states: Sequence[Any], observation: Any) -> tuple[tuple[Any, ...], tuple[Decision, ...]]:
        """Returns the states after an observation that every controller sees, and their decisions.

        Raises:
            GlidepathError: If a controller refuses the observation.
        """
        seen = None if observation is None else Observation.of(observation)
        pairs = [c.observe(state, seen) for c, state in zip(self.controllers, states, strict=True)]
        return tuple(state for state, _ in pairs), tuple(decision for _, decision in pairs)

    def multiplier(self, states: Sequence[Any], at: float = 0, group: str | int | None = None) -> float:
        """Returns the product of the controllers' multipliers."""
        product = 1.0
        for controller, state in zip(self.controllers, states, strict=True):
            product *= controller.multiplier(state, at, group)
        return product

    def value(self, step: float, states: Sequence[Any], group: str | int | None = None) -> float:
        """Returns the value at a step: the schedule's, times the multipliers."""
        return self.schedule(step) * self.multiplier(states, step, group)

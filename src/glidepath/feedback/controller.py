"""The one abstract controller, a pure reducer from observations to multipliers; the types of its fields; and a schedule with controllers."""

from __future__ import annotations

import dataclasses
import math
from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, Self

from ..core import Checks, GlidepathError, Node, Problem, Schedule, did_you_mean, each_of, types_of
from ..core.fields import Broken, Check, Index, Taken, choice, integer, listed, number, numbers_by_name, real
from ..core.text import Reader
from .observation import Decision, Observation

__all__ = ["Controller", "State", "Steered"]

_WORDS = {"inf": math.inf, "-inf": -math.inf, "nan": math.nan}
MAX_STATE = 1_000_000


def _number(value: Any) -> float:
    if isinstance(value, str) and value in _WORDS:
        return _WORDS[value]
    plain = number(value)
    if plain is None or (isinstance(plain, int) and plain.bit_length() > 1000):
        raise Broken("a number")
    return float(plain)


def _numbers(value: Any) -> tuple[float, ...]:
    if not isinstance(value, list | tuple) or len(value) > MAX_STATE:
        raise Broken("a list of numbers")
    return tuple(map(_number, value))


Number = Annotated[float, Check(_number)]
"""A number that need not be finite; in JSON the words `inf`, `-inf` and `nan` stand for those."""

Numbers = Annotated[tuple[float, ...], Check(_numbers)]
"""Such numbers."""


_floor = real(0, 1, unit="factor")
_rates = listed("a rate or a list of rates, each from 0 on", real(0))

Count = Annotated[int, integer(0, unit="observations")]
"""How many observations, at least 0."""

Share = Annotated[float, real(above=0, below=1, unit="factor")]
"""A factor between 0 and 1."""

Floor = Annotated[float, _floor]
"""The lowest multiplier, from 0 to 1."""

Size = Annotated[float, real(0)]
"""A finite size of at least 0."""

Floors = Annotated[
    Taken[tuple[tuple[str, float], ...], Mapping[str, float] | Sequence[tuple[str, float]]],
    numbers_by_name(_floor, "the lowest multiplier of each of some groups, by name"),
]
"""The lowest multiplier of each of some groups, as pairs sorted by name."""


def _several(value: Any) -> tuple[float, ...]:
    return _rates.func(value if number(value) is None else (value,))


Rates = Annotated[Taken[tuple[float, ...], float | Sequence[float]], Check(_several, _rates.json_schema)]
"""The rate of each group, in their order."""

Mode = Annotated[Literal["min", "max"], choice("min", "max")]
"""Whether lower or higher values are better."""


@dataclass(frozen=True)
class State:
    """What a controller remembers: plain numbers, JSON both ways.

    Args:
        last: The id of the last observation; None before the first.
    """

    last: Index | None = None

    def to_dict(self) -> dict[str, Any]:
        """Returns the state as JSON data; numbers that are not finite become the words `inf`, `-inf` and `nan`."""
        return {f.name: _written(getattr(self, f.name)) for f in dataclasses.fields(self)}

    @classmethod
    def from_dict(cls, data: Any) -> Self:
        """Returns the state that JSON data describes.

        Raises:
            GlidepathError: With every problem: fields that are missing or unknown, values of another type.
        """
        where = "state"
        hints = types_of(cls)
        if not isinstance(data, Mapping):
            raise GlidepathError.of(where, "", f"an object with {', '.join(hints)}", data)
        checks = Checks(where)
        checks.problems += [Problem(where, name, "given", "nothing") for name in hints if name not in data]
        fields: dict[str, Any] = {}
        for name, value in data.items():
            if name not in hints:
                rule = f"one of its fields ({', '.join(hints)})"
                checks.refuse(str(name)[:50], rule, value, did_you_mean(str(name), hints))
                continue
            fields[name] = checks.take(name, value, hints[name])
        checks.done()
        return cls(**fields)


def _written(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return [_written(item) for item in value] if isinstance(value, tuple) else value


class Controller(Node):
    """Turns observations into a multiplier of a schedule's values: a pure reducer `(state, observation) -> (state, decision)`.

    A controller is a value like a schedule: immutable, JSON both ways, one line of text such as `plateau(factor=0.5, patience=2)`. It holds
    nothing of the run: the state is handed in and out, so it is saved like any other number, replayed on a recorded log, and equal on
    every rank that sees the same observations.
    """

    registry: ClassVar[dict[str, type[Node]]] = {}

    @abstractmethod
    def begin(self) -> Any:
        """Returns the state before the first observation."""

    @abstractmethod
    def react(self, state: Any, seen: Observation) -> tuple[Any, Decision]:
        """Returns the next state and the decision; `observe` has checked the observation and notes its id."""

    def decided(self, state: Any, seen: Observation, action: Any, reason: str) -> Decision:
        """Returns the decision that came with a state."""
        return Decision(seen.id, action, self.multiplier(state, seen.position), reason)

    @abstractmethod
    def multiplier(self, state: Any, at: float = 0, group: str | int | None = None) -> float:
        """Returns the multiplier of a group.

        Args:
            state: The controller's state.
            at: Where the run is, on the schedule's clock.
            group: The group's name (or number); None for one without rules of its own.
        """

    def observe(self, state: Any, observation: Any) -> tuple[Any, Decision]:
        """Returns the state after an observation, and what was decided. The state that was handed in is left as it was.

        Args:
            state: From `begin`, or from the observation before.
            observation: An `Observation`, `(id, value)` or `(id, value, at)`; None where a measurement was due and there is none, which
                changes nothing.

        Raises:
            GlidepathError: If the observation is refused, its id was seen already, or it is older than the last.
        """
        own = type(self.begin())
        if not isinstance(state, own):
            raise GlidepathError.of(self.kind, "state", f"a {own.__name__}, as from begin()", state)
        if observation is None:
            return state, Decision(None, "held", self.multiplier(state, math.inf), "no observation: nothing changes")
        seen = Observation.of(observation)
        if state.last is not None and seen.id <= state.last:
            rule = "observed once" if seen.id == state.last else f"above the last, {state.last}"
            remedy = "several ranks or several callbacks may feed one evaluation: reduce it, and observe it once"
            raise GlidepathError.of(self.kind, "observation id", rule, seen.id, remedy)
        after, decision = self.react(state, seen)
        return dataclasses.replace(after, last=seen.id), decision

    @classmethod
    def of(cls, given: Any) -> Controller:
        """Returns the controller that is given as itself, as JSON data, or as text such as `plateau(factor=0.5)`.

        Raises:
            GlidepathError: With every problem found.
        """
        if isinstance(given, Controller):
            return given
        if isinstance(given, Mapping):
            return cls.from_dict(dict(given))
        if isinstance(given, str):
            made = Reader(given, "controller", Controller.registry, "plateau(factor=0.5, patience=2)").made()
            if isinstance(made, Controller):
                return made
        raise GlidepathError.of("controller", "", "a controller, its text or its JSON data", given)

    def read_state(self, data: Any) -> Any:
        """Returns the state of this controller that JSON data describes.

        Raises:
            GlidepathError: If it is not the state of such a controller.
        """
        try:
            return type(self.begin()).from_dict(data)
        except GlidepathError as error:
            raise error.inside(self.kind) from None

    def run(self, observations: Iterable[Any]) -> Any:
        """Returns the state after several observations."""
        state = self.begin()
        for observation in observations:
            state, _ = self.observe(state, observation)
        return state


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

"""The one abstract controller, a pure reducer from observations to multipliers: what it is fed, what it answers, the types of its fields."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Annotated, Any, ClassVar, Literal, Self

from ..core import Answer, Checks, GlidepathError, Node, Problem, did_you_mean, settle, types_of
from ..core.fields import MAX_STEPS, Broken, Check, Index, Taken, choice, integer, listed, number, real
from ..core.text import Reader

__all__ = ["Controller", "Decision", "Observation", "State", "measured"]

Action = Literal["first", "improved", "waiting", "cooling", "cut", "floor", "held", "steady", "stop"]
_WORDS = {"inf": math.inf, "-inf": -math.inf, "nan": math.nan}
_MOST = 1_000_000


def _position(value: Any) -> int | float:
    plain = number(value)
    if plain is None or not 0 <= plain <= MAX_STEPS:
        raise Broken(f"a number from 0 to {MAX_STEPS}")
    return plain


# Where a run is, on a schedule's clock.
Position = Annotated[int | float, Check(_position, {"type": "number", "minimum": 0, "maximum": MAX_STEPS}, 0)]


def measured(value: Any, where: str = "observation") -> float:
    """Returns a measured value as a Python float: a real number, or an array or tensor with one element.

    NaN and infinities pass: what becomes of them is the controller's policy.

    Raises:
        GlidepathError: If it is text, a boolean, None, an array of several elements, or no number at all.
    """
    rule, item = "a real number, or an array of one element", getattr(value, "item", None)
    if number(value) is None and callable(item) and not isinstance(value, type):
        count = getattr(value, "numel", None)
        size = count() if callable(count) else getattr(value, "size", 1)
        if size != 1:
            remedy = "reduce it first, by its mean for instance"
            raise GlidepathError.of(where, "value", rule, f"{size} elements", remedy)
        value = item()
    plain = number(value)
    if plain is None:
        remedies = {"str": "text is not converted", "NoneType": "make no observation when there is no measurement"}
        raise GlidepathError.of(where, "value", rule, value, remedies.get(type(value).__name__, ""))
    try:
        return float(plain)
    except OverflowError:
        return math.inf if plain > 0 else -math.inf


@dataclass(frozen=True)
class Observation:
    """One measurement of one metric.

    Args:
        id: Which evaluation it was: an integer that grows from one to the next, such as the number of updates done. A controller takes
            each once.
        value: The measured value, as a number or an array of one element.
        at: Where the run was, on the schedule's clock; None is `id`.

    Raises:
        GlidepathError: If an argument breaks its rule.

    Examples:
        >>> Observation(500, 0.31)
        Observation(id=500, value=0.31, at=500)
    """

    id: Index
    value: float
    at: Position | None = None

    def __post_init__(self) -> None:
        checks = settle(self, "observation")
        with checks.kept():
            object.__setattr__(self, "value", measured(self.value))
        checks.done()
        object.__setattr__(self, "at", self.position)

    @property
    def position(self) -> int | float:
        """Where the run was, on the schedule's clock."""
        return self.id if self.at is None else self.at

    @classmethod
    def of(cls, given: Any, number: int | None = None) -> Observation:
        """Returns the observation that is given as itself, as a dict, or as `(id, value)` or `(id, value, at)`; with a number, as its value."""
        if isinstance(given, Observation):
            return given
        if isinstance(given, dict) and {"id", "value"} <= set(given) <= {"id", "value", "at"}:
            return cls(**given)
        if isinstance(given, list | tuple) and 2 <= len(given) <= 3:
            return cls(*given)
        if number is not None and not isinstance(given, dict | list | tuple):
            return cls(number, given)
        rule = "an Observation, an object with id, value and perhaps at, or (id, value)"
        raise GlidepathError.of("observation", "", rule, given)


@dataclass(frozen=True)
class Decision(Answer):
    """What a controller did with an observation.

    Args:
        id: The observation's id; None where there was none.
        action: `first`, `improved`, `waiting`, `cooling`, `cut`, `floor` (a cut was due, nothing is left to cut), `held` (not finite, absent,
            or before the controller's phase), `steady`, or `stop`.
        multiplier: The multiplier from now on, of a group without a floor of its own.
        reason: One sentence with the numbers that decided.
    """

    id: int | None
    action: Action
    multiplier: float
    reason: str

    def __str__(self) -> str:
        return f"{'-' if self.id is None else self.id}: {self.action}, x{self.multiplier:.6g}: {self.reason}"


def _number(value: Any) -> float:
    if isinstance(value, str) and value in _WORDS:
        return _WORDS[value]
    plain = number(value)
    if plain is None or (isinstance(plain, int) and plain.bit_length() > 1000):
        raise Broken("a number")
    return float(plain)


def _numbers(value: Any) -> tuple[float, ...]:
    if not isinstance(value, list | tuple) or len(value) > _MOST:
        raise Broken("a list of numbers")
    return tuple(map(_number, value))


# A number that need not be finite; in JSON the words `inf`, `-inf` and `nan` stand for those.
Number = Annotated[float, Check(_number)]
Numbers = Annotated[tuple[float, ...], Check(_numbers)]

_rates = listed("a rate or a list of rates, each from 0 on", real(0))

Count = Annotated[int, integer(0, unit="observations")]
Share = Annotated[float, real(above=0, below=1, unit="factor")]
Size = Annotated[float, real(0)]
Mode = Annotated[Literal["min", "max"], choice("min", "max")]  # whether lower or higher values are better


def _several(value: Any) -> tuple[float, ...]:
    return _rates.func(value if number(value) is None else (value,))


# The rate of each group, in their order.
Rates = Annotated[Taken[tuple[float, ...], float | Sequence[float]], Check(_several, _rates.json_schema)]


@dataclass(frozen=True)
class State:
    """What a controller remembers: plain numbers, JSON both ways.

    Args:
        last: The id of the last observation; None before the first.
    """

    last: Index | None = None

    def to_dict(self) -> dict[str, Any]:
        """Returns the state as JSON data; numbers that are not finite become the words `inf`, `-inf` and `nan`."""
        return {f.name: _written(getattr(self, f.name)) for f in fields(self)}

    @classmethod
    def from_dict(cls, data: Any) -> Self:
        """Returns the state that JSON data describes.

        Raises:
            GlidepathError: With every problem: fields that are missing or unknown, values of another type.
        """
        types, checks = types_of(cls), Checks("state")
        if not isinstance(data, Mapping):
            raise GlidepathError.of("state", "", f"an object with {', '.join(types)}", data)
        checks.problems += [Problem("state", name, "given", "nothing") for name in types if name not in data]
        for name in (name for name in data if name not in types):
            rule = f"one of its fields ({', '.join(types)})"
            checks.refuse(str(name)[:50], rule, data[name], did_you_mean(str(name), types))
        found = {name: checks.take(name, data[name], check) for name, check in types.items() if name in data}
        checks.done()
        return cls(**found)


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
        return replace(after, last=seen.id), decision

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

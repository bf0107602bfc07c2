"""The parts of a plan and what they have in common: which schedule drives what, which controller listens to what, what was changed."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from ..core import Checks, GlidepathError, Node, Schedule, each_of, kind
from ..core.fields import MAX_STEPS, Broken, Check, Flag, Offset, Value, choice, number
from ..feedback import Controller
from .duration import Duration, durations


class Part(Node):
    """A part of a plan: an immutable value with named, checked fields."""

    registry: ClassVar[dict[str, type[Node]]] = {}
    bare: ClassVar[tuple[type, ...]] = ()  # what may stand for the whole part: its first field

    @classmethod
    def of(cls, given: Any) -> Any:
        """Returns the part that is given as itself, as a mapping of its fields, or as the first of them where that says all.

        Raises:
            GlidepathError: With every problem found.
        """
        make: Any = cls
        if isinstance(given, cls):
            return given
        if isinstance(given, cls.bare) or (cls.bare and isinstance(given, dict) and "kind" in given):
            return make(given)
        if isinstance(given, dict):
            return make(**worded(given, ""))
        raise GlidepathError.of("", "", f"an object with {', '.join(cls.field_names())}", given)

    def to_dict(self) -> dict[str, Any]:
        """Returns the part as JSON data, without fields that have their default."""
        fields: Any = self.__dataclass_fields__  # type: ignore[attr-defined]
        found = {name: getattr(self, name) for name in self.field_names()}
        return {name: _plain(value) for name, value in found.items() if value != fields[name].default}


def worded(given: dict[Any, Any], where: str) -> dict[str, Any]:
    """Returns a mapping whose keys are words.

    Raises:
        GlidepathError: If one is none.
    """
    odd = [key for key in given if not isinstance(key, str)]
    if odd:
        raise GlidepathError.of(where, "every key", "a word", odd[0])
    return given


def _plain(value: Any) -> Any:
    if isinstance(value, Part):
        return value.to_dict()
    if isinstance(value, Node):
        return text if len(text := str(value)) <= MAX_LINE else value.to_dict()
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


# What their fields hold ---------------------------------------------------------------------------------------------------------------

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


# A schedule, or a text with quoted durations.
Drawn = Annotated[Schedule | str, Check(drawn, {"anyOf": [{"$ref": "#/$defs/schedule"}, {"type": "string"}]})]

_MOST = 1000  # rules, or groups of a rule
_PARAMETER = re.compile(r"[A-Za-z_]\w{0,99}(?:\[\d{1,3}\])?\Z")
_NAME = re.compile(r"[^\x00-\x1f\x7f/\\\"]{0,200}\Z")


def _name(value: Any) -> str:
    if not isinstance(value, str) or not _NAME.match(value) or value.strip() in (".", ".."):
        raise Broken("a name of at most 200 characters without slashes, double quotes and control characters")
    return value.strip()


def _parameter(value: Any) -> str:
    if not isinstance(value, str) or not _PARAMETER.match(value):
        raise Broken("a name, or a name and a place such as betas[0]")
    return value


def _patterns(value: Any) -> tuple[str, ...]:
    items: Any = [value] if isinstance(value, str) else value
    listed = isinstance(items, list | tuple) and 1 <= len(items) <= _MOST
    if not listed or not all(isinstance(x, str) and x.strip("!") and len(x) <= 200 and x.isprintable() for x in items):
        raise Broken("a pattern of group names, or a list of them, such as ['*', '!norm']")
    return tuple(items)


def many(of: type[Part], rule: str, mapped: bool = False) -> Check:
    """Returns the check of a field with several parts; `mapped` is whether a mapping from hyper-parameters to them will do."""

    def check(value: Any) -> tuple[Any, ...]:
        items, where = value, "$[{}]".format
        if isinstance(value, dict) and mapped and "schedule" not in value:
            names = [f"$[{str(key)[:50]!r}]" for key in value]
            items, where = [keyed(item, key) for key, item in value.items()], names.__getitem__
        elif isinstance(value, str | dict | Node):
            items = [value]
        if not isinstance(items, list | tuple) or len(items) > _MOST:
            raise Broken(rule)
        return each_of(items, of.of, where)

    return Check(check, {"type": "array", "items": {"$ref": f"#/$defs/{of.kind}"}})


def keyed(item: Any, key: Any) -> dict[Any, Any]:
    """Returns an item of a mapping, a schedule or the fields of a rule, as fields with its hyper-parameter among them."""
    return {**(item if isinstance(item, Mapping) and "kind" not in item else {"schedule": item}), "parameter": key}


Name = Annotated[str, Check(_name, {"type": "string", "maxLength": 200})]
Parameter = Annotated[str, Check(_parameter, {"type": "string", "pattern": _PARAMETER.pattern})]
Patterns = Annotated[tuple[str, ...], Check(_patterns, {"type": "array", "items": {"type": "string"}, "minItems": 1})]


def _after(value: Any) -> str | int:
    found = Duration.parse(value) if isinstance(value, str) else None
    plain = number(value)
    if found is not None and found.unit != "rest":
        return str(found)
    if plain is None or not 0 <= plain <= MAX_STEPS or plain != plain // 1:
        raise Broken("a position such as '5%', '500 steps' or 500")
    return int(plain)


Join = Annotated[Literal["progress", "start"], choice("progress", "start")]
After = Annotated[str | int, Check(_after, {"type": ["string", "integer"]})]


@kind("rule")
class Rule(Part):
    """One schedule for one hyper-parameter of some groups.

    Args:
        schedule: The schedule, or its text; quoted durations are resolved against the plan's horizon.
        parameter: A key of the groups, such as `lr`, `weight_decay` or `momentum`, or one place of a tuple, such as `betas[0]`.
        groups: Names or patterns of groups (`*`, `?` and `[…]` as in file names); a leading `!` takes groups away again. A group without a
            name goes by its number, `0` for the first.
        absolute: Whether the schedule gives the values themselves instead of factors of each group's own base; one that is absolute by
            itself, `rate(…)`, needs no saying.
        floor: In the unit of the hyper-parameter: no group's value falls below it.
        ends: The value that the schedule is meant to end on, for `check` to compare; None declares nothing.
        join: Where a group that is added later begins: `"progress"` where the run is, `"start"` at the schedule's step 0.
        later: Whether no group needs to match yet.
        over: Another driven hyper-parameter that this one is kept apart from: values are divided by that one's factor, so that the product
            of both follows this rule alone. Where that factor is 0 so is the product, and nothing is divided.

    Examples:
        >>> Rule("cosine(100)", "weight_decay", groups=("*", "!norm")).matches("head")
        True
    """

    bare = (str, Schedule)

    schedule: Drawn
    parameter: Parameter = "lr"
    groups: Patterns = ("*",)
    absolute: Flag = False
    floor: Value | None = None
    ends: Value | None = None
    join: Join = "progress"
    later: Flag = False
    over: Parameter | None = None

    @property
    def key(self) -> str:
        """The key in the groups: `betas` for `betas[0]`."""
        return self.parameter.partition("[")[0]

    @property
    def place(self) -> int | None:
        """The place in the tuple: 0 for `betas[0]`; None for a plain hyper-parameter."""
        inside = self.parameter.partition("[")[2]
        return int(inside[:-1]) if inside else None

    @property
    def complete(self) -> Schedule:
        """The schedule.

        Raises:
            GlidepathError: If it is a text that waits for a horizon.
        """
        if isinstance(self.schedule, str):
            raise GlidepathError.of("rule", "schedule", "resolved against a horizon", self.schedule, "use Plan.driven")
        return self.schedule

    @property
    def title(self) -> str:
        """What the rule is called in messages: its hyper-parameter, and its groups unless they are all."""
        groups = ", ".join(self.groups)
        return self.parameter if groups == "*" else f"{self.parameter} of {groups}"

    def matches(self, name: str | None) -> bool:
        """Returns whether the rule is for a group of this name; None is a group without one."""
        for pattern in reversed(self.groups):
            plain = pattern.lstrip("!")
            if plain == "*" or (name is not None and fnmatch.fnmatchcase(name, plain)):
                return not pattern.startswith("!")
        return False


Steering = Annotated[Controller, Check(Controller.of, {"type": ["string", "object"]})]


@kind("feedback")
class Feedback(Part):
    """A controller, the metric that it listens to, and the hyper-parameter that it multiplies.

    Args:
        controller: The controller, or its text such as `plateau(factor=0.5, patience=2)`.
        monitor: The metric's name.
        parameter: The hyper-parameter whose values are multiplied.
        after: Where the controller's phase begins, as a position on the plan's clock or a duration such as `"5%"`; what is observed before
            changes nothing.
    """

    bare = (str, Controller)

    controller: Steering
    monitor: Name = "loss"
    parameter: Parameter = "lr"
    after: After = 0


@kind("change")
class Change(Part):
    """An entry of a plan's history.

    Args:
        action: What was done, such as `cooldown_from`.
        at: The progress it was done at, on the plan's clock.
        detail: With which arguments, and by which rule.
        before: The fingerprint of the plan it was done to.
        jump: The largest jump of a schedule's value at that progress.
    """

    action: Name
    at: Offset
    detail: Name
    before: Name
    jump: Value = 0.0

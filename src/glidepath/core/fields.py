"""The types of fields and arguments: what is accepted, what it becomes, and its JSON Schema.

Every type normalises what it accepts (`1` becomes `1.0`, `-0.0` becomes `0.0`, NumPy scalars become Python numbers), so that equal
schedules are equal, print alike and have one fingerprint. The words of a rule are made here and nowhere else.

Over 400 lines: one table of types, each some ten lines with what it documents.
"""

from __future__ import annotations

import math
import numbers
import sys
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import islice, pairwise
from typing import TYPE_CHECKING, Annotated, Any, Generic, TypeVar, get_args, overload

from .errors import did_you_mean, shown

MAX_STEPS = 2**53
"""The longest length: steps are exact in float64 up to here."""
MAX_VALUE = 1e100
"""The largest magnitude of a value: products of a few stay finite."""
MAX_ITEMS = 1_000_000
MAX_GROUPS = 10_000
MAX_LOOKS = 5_000_000
_MOST = sys.float_info.max

_looks: ContextVar[list[int] | None] = ContextVar("looks", default=None)


@contextmanager
def one_document() -> Generator[None]:
    """Within it, the formulas that are read share one budget of evaluations in the search for steps without a value."""
    if _looks.get() is not None:  # a text inside a document
        yield
        return
    begun = _looks.set([MAX_LOOKS])
    try:
        yield
    finally:
        _looks.reset(begun)


def looked(times: int) -> bool:
    """Takes a number of evaluations from the document's budget; returns whether they were left."""
    left = _looks.get()
    if left is not None:
        left[0] -= times
    return left is None or left[0] >= 0


class Broken(ValueError):
    """A value that breaks its field's rule.

    Args:
        rule: What the value must be, read after "must be".
        remedy: What to do, or an empty string.
    """

    def __init__(self, rule: str, remedy: str = "") -> None:
        self.rule, self.remedy = rule, remedy
        super().__init__(rule)


@dataclass(frozen=True, eq=False)
class Check:
    """What a field accepts, put into its type: `Annotated[int, integer(1)]`.

    Args:
        func: Returns the value in its normal form, or raises `Broken` or a `GlidepathError`.
        json_schema: The same as JSON Schema, with `unit` where there is one.
        stand_in: A value that is accepted: what a refused one is replaced by while the others are checked.
    """

    func: Callable[[Any], Any]
    json_schema: Mapping[str, Any] = field(default_factory=dict[str, Any])
    stand_in: Any = None


G = TypeVar("G")
T = TypeVar("T")


class Taken(Generic[G, T]):
    """Tells a checker of types that a field holds a `G` and its constructor takes a `T`."""

    if TYPE_CHECKING:

        @overload
        def __get__(self, owner: None, cls: Any) -> Taken[G, T]: ...
        @overload
        def __get__(self, owner: Any, cls: Any) -> G: ...
        def __get__(self, owner: Any, cls: Any) -> Any: ...
        def __set__(self, owner: Any, value: T) -> None: ...


def check_of(hint: Any) -> Check | None:
    """Returns the check of a type: one of those below, a kind of values with `of`, or either of them `| None`; None if it has none."""
    for note in getattr(hint, "__metadata__", ()):
        if isinstance(note, Check):
            return note
    if isinstance(hint, type) and hasattr(hint, "of"):
        return Check(hint.of, {"$ref": f"#/$defs/{hint.__name__.lower()}"})  # type: ignore[attr-defined]
    parts = get_args(hint)
    inner = [found for part in parts if part is not type(None) and (found := check_of(part)) is not None]
    if type(None) not in parts or len(inner) != 1:
        return None
    func, schema = inner[0].func, inner[0].json_schema
    return Check(lambda value: None if value is None else func(value), {"anyOf": [schema, {"type": "null"}]})


def number(value: Any) -> int | float | None:
    """Returns `value` as a Python int or float, or None if it is not a real number (booleans are not) or an integer beyond all floats."""
    if type(value) is float or (type(value) is int and -_MOST <= value <= _MOST):
        return value
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        return None
    try:
        plain = int(value) if isinstance(value, numbers.Integral) else float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return plain if isinstance(plain, float) or -_MOST <= plain <= _MOST else None


def integer(low: int, high: int = MAX_STEPS, **notes: Any) -> Check:
    """Returns the check of a whole number between two bounds, both included.

    Args:
        low: The lower bound.
        high: The upper bound.
        notes: What else the JSON Schema says: `unit`, what it counts; `slider`, where one begins and ends and whether it is logarithmic,
            else from 1 to 100.
    """
    rule = f"an integer from {low} to {high}"

    def check(value: Any) -> int:
        plain = number(value)
        if isinstance(value, str) and notes.get("unit") in ("steps", "cycles"):
            raise Broken(rule, "a quoted duration needs a plan with a horizon")
        if plain is None or not low <= plain <= high or plain != math.floor(plain):
            raise Broken(rule)
        return int(plain)

    return Check(check, {"type": "integer", "minimum": low, "maximum": high, **notes}, min(max(low, 1), high))


def real(
    low: float = -MAX_VALUE, high: float = MAX_VALUE, *, above: float = -math.inf, below: float = math.inf, **notes: Any
) -> Check:
    """Returns the check of a finite number.

    Args:
        low: The lower bound.
        high: The upper bound.
        above: A lower bound that is itself excluded.
        below: An upper bound that is itself excluded.
        notes: What else the JSON Schema says: `unit`, what it measures; `slider`, where one begins and ends and whether it is logarithmic,
            else from 1e-8 to 10, which suits rates.
    """
    noun = "a finite number" if high == MAX_VALUE and below == math.inf else "a number"
    if -math.inf < above and below < math.inf:
        rule = f"a number between {above:g} and {below:g}, both excluded"
    elif -math.inf < above:
        rule = f"{noun} above {above:g} and at most {high:g}"
    elif -low == high == MAX_VALUE and below == math.inf:
        rule = f"a finite number of magnitude at most {MAX_VALUE:g}"
    else:
        rule = f"{noun} from {low:g}{f' on and below {below:g}' if below < math.inf else f' to {high:g}'}"

    def fits(x: float) -> bool:
        return low <= x <= high and above < x < below

    def check(value: Any) -> float:
        plain = number(value)
        if plain is None or not fits(plain):
            raise Broken(rule)
        return float(plain) + 0.0  # -0.0 becomes 0.0

    least = {"exclusiveMinimum": above} if -math.inf < above else {"minimum": low}
    most = {"exclusiveMaximum": below} if below < math.inf else {"maximum": high}
    return Check(check, {"type": "number", **least, **most, **notes}, next(filter(fits, (1.0, 0.5, high, low)), high))


def choice(*words: str) -> Check:
    """Returns the check of a field that is one of some words."""
    rule = f"one of {', '.join(map(repr, words))}"

    def check(value: Any) -> str:
        if not isinstance(value, str) or value not in words:
            raise Broken(rule, did_you_mean(value, words) if isinstance(value, str) else "")
        return value

    return Check(check, {"type": "string", "enum": list(words)}, words[0])


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise Broken("true or false")
    return value


def text(rule: str, fits: Callable[[str], object], **notes: Any) -> Check:
    """Returns the check of a text that fits.

    Args:
        rule: The words.
        fits: Tells whether it does.
        notes: What the JSON Schema says besides.
    """

    def check(value: Any) -> str:
        if not isinstance(value, str) or not fits(value):
            raise Broken(rule)
        return value

    return Check(check, {"type": "string", **notes}, "")


def listed(rule: str, item: Check, *, increasing: bool = False, first: int | None = None) -> Check:
    """Returns the check of a list of one or more items.

    Args:
        rule: The words, such as "a list of integers from 1".
        item: What each item must be.
        increasing: Whether each item must be above the one before.
        first: What the first item must be.
    """

    def check(value: Any) -> tuple[Any, ...]:
        if isinstance(value, str | bytes | dict | set | frozenset):
            raise Broken(rule)
        try:
            length = len(value)
            if not 1 <= length <= MAX_ITEMS:
                raise Broken(f"{rule}, between 1 and {MAX_ITEMS} of them")
            items = tuple(item.func(each) for each in islice(value, length + 1))
        except Broken as error:
            raise error if error.rule.startswith(rule) else Broken(rule) from None
        except Exception:  # noqa: BLE001 - somebody else's sequence may raise anything
            raise Broken(rule) from None
        wrong = len(items) != length or (first is not None and items[0] != first)
        if wrong or (increasing and any(a >= b for a, b in pairwise(items))):
            raise Broken(rule)
        return items

    told = item.json_schema.items()
    inner = {key: value for key, value in told if key not in ("unit", "maximum") and value != -MAX_VALUE}
    unit = {key: value for key, value in told if key == "unit"}
    schema = {"type": "array", "items": inner, "minItems": 1, "maxItems": MAX_ITEMS} | unit
    return Check(check, schema, (item.stand_in if first is None else first,))


def numbers_by_name(item: Check, rule: str) -> Check:
    """Returns the check of a field that has a number for each of some names, kept as pairs sorted by name.

    Args:
        item: What each number must be.
        rule: The words.
    """

    def check(value: Any) -> tuple[tuple[str, float], ...]:
        pairs = list(value.items()) if isinstance(value, Mapping) else value
        if not isinstance(pairs, list | tuple) or len(pairs) > MAX_GROUPS:
            raise Broken(rule)
        found: dict[str, float] = {}
        for pair in pairs:
            if not isinstance(pair, list | tuple) or len(pair) != 2 or not isinstance(pair[0], str) or pair[0] in found:
                raise Broken(rule)
            try:
                found[pair[0]] = item.func(pair[1])
            except Broken as broken:
                raise Broken(f"{rule}; that of {shown(pair[0])} {broken.rule}") from None
        return tuple(sorted(found.items()))

    return Check(check, {"type": "object", "additionalProperties": dict(item.json_schema)}, ())


def simplest(x: float) -> Fraction:
    """Returns the fraction with the smallest denominator up to 10^6 that rounds to `x`, or the exact value of `x`: 0.1 is one tenth."""
    fraction = Fraction(x).limit_denominator(1_000_000)
    return fraction if float(fraction) == x else Fraction(x)


_length, _steps = integer(1, unit="steps"), integer(0, unit="steps")

Length = Annotated[int, _length]
"""A number of steps, at least 1."""

Steps = Annotated[int, _steps]
"""A number of steps, or none."""

Offset = Annotated[int, integer(-MAX_STEPS, unit="steps")]
"""A number of steps of either sign."""

Cycles = Annotated[int, integer(1, unit="cycles")]
"""A number of cycles, at least 1."""

Count = Annotated[int, integer(1)]
"""How many of something, at least 1."""

Index = Annotated[int, integer(0)]
"""How many of something there were before: 0 and above."""
Seed = Annotated[int, integer(0, 2**32 - 1)]
"""Of random numbers."""

Value = Annotated[float, real()]
"""A finite value of either sign."""

Positive = Annotated[float, real(above=0)]
"""A finite value above zero."""

Ratio = Annotated[float, real(above=0, slider=[0.01, 1, False])]
"""What something is multiplied by again and again, above 0; mostly below 1."""

Growth = Annotated[float, real(above=0, slider=[1, 4, False])]
"""How many times as long each cycle is as the one before, above 0."""

Beta = Annotated[float, real(0, below=1, slider=[0.9, 0.9999, False])]
"""How much of an average is kept, from 0 on and below 1."""

Power = Annotated[float, real(above=0, slider=[0.1, 6, False])]
"""An exponent, above 0."""

Rate = Annotated[float, real(0)]
"""A finite value of at least 0."""

Flag = Annotated[bool, Check(_flag, {"type": "boolean"}, stand_in=False)]
"""True or false; numbers are refused."""

_numbers = listed(f"a list of finite numbers of magnitude at most {MAX_VALUE:g}", real())
_Marks = Taken[tuple[int, ...], Sequence[int]]

Values = Annotated[Taken[tuple[float, ...], Sequence[float]], _numbers]
"""One or more finite values."""

Lengths = Annotated[_Marks, listed("a list of integers from 1", _length)]
"""One or more lengths."""

Milestones = Annotated[_Marks, listed("a strictly increasing list of integers from 1", _length, increasing=True)]
"""Strictly increasing steps, the first at least 1."""

Positions = Annotated[
    _Marks, listed("a strictly increasing list of integers that begins with 0", _steps, increasing=True, first=0)
]
"""Strictly increasing steps, the first 0."""

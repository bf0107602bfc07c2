"""What the page may ask: requests checked field by field, all of them before any is refused, and numbers as people type them."""

from __future__ import annotations

import dataclasses
import re
import unicodedata
from collections.abc import Callable
from typing import Annotated, Any, Self

from ..core import language
from ..core.checks import Checks, types_of
from ..core.errors import GlidepathError, Problem, did_you_mean
from ..core.fields import MAX_STEPS, Broken, Check, integer, real

__all__ = [
    "MAX_PINS",
    "Asked",
    "Base",
    "Bases",
    "Last",
    "Names",
    "Step",
    "Text",
    "Texts",
    "Whole",
    "number_of",
    "plain",
    "refused",
    "several",
    "typed",
    "words",
]

MAX_PINS = 8
MAX_TEXT = 20_000


def refused(problem: Problem, path: str = "", field: str | None = None) -> dict[str, Any]:
    """Returns a refusal as the page is told it: where it belongs, and its sentence in both languages.

    Args:
        problem: What was refused.
        path: Of the call in the tree.
        field: The argument; None for the problem's own.
    """
    told = {"path": path, "field": problem.field if field is None else field, "message": str(problem)}
    return told | {"zh": {"message": language.problem(problem, "zh")}}


class Asked:
    """A request: a frozen dataclass whose types carry their checks, made of JSON data by `of`."""

    @classmethod
    def of(cls, given: Any) -> Self:
        """Returns the request that JSON data is.

        Args:
            given: An object with the fields of the request.

        Raises:
            GlidepathError: With everything that is wrong.
        """
        where = cls.__name__.lower()
        if isinstance(given, cls):
            return given
        if not isinstance(given, dict):
            raise GlidepathError.of(where, "", "an object", given)
        checks, types = Checks(where), types_of(cls)
        made: dict[str, Any] = {}
        for name, value in given.items():
            if name in types:
                made[name] = checks.take(name, value, types[name])
            else:
                known = ", ".join(types)
                checks.refuse(str(name)[:50], f"one of its fields ({known})", value, did_you_mean(str(name), types))
        for field in dataclasses.fields(cls):  # type: ignore[arg-type]
            needed = field.default is field.default_factory is dataclasses.MISSING
            if needed and field.name not in given:
                checks.refuse(field.name, "given", None)
        checks.done()
        return cls(**made)


def words(most: int) -> Check:
    """Returns the check of a text."""

    def check(value: Any) -> str:
        if not isinstance(value, str) or len(value) > most:
            raise Broken(f"a text of at most {most} characters")
        return value

    return Check(check, {"type": "string", "maxLength": most}, "")


def an_object(rule: str = "an object", most: int = 100_000) -> Check:
    """Returns the check of an object of JSON with at most so many fields."""

    def check(value: Any) -> dict[str, Any]:
        if not isinstance(value, dict) or len(value) > most:
            raise Broken(rule)
        return value

    return Check(check, {"type": "object"})


def several(item: Any, most: int, least: int = 0) -> Check:
    """Returns the check of a list, whose items are refused one by one."""
    check_item: Callable[[Any], Any] = item.func if isinstance(item, Check) else item.of

    def check(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list | tuple) or not least <= len(value) <= most:
            raise Broken(f"a list of {least} to {most} items")
        return tuple(check_item(each) for each in value)

    return Check(check, {"type": "array", "maxItems": most}, ())


def typed(inner: Check) -> Check:
    """Returns the check of a number that may come as it was typed."""

    def check(value: Any) -> Any:
        if not isinstance(value, str):
            return inner.func(value)
        read = number_of(value)
        if read is None:
            comma = re.fullmatch(r"\s*([0-9]+),([0-9]+)\s*", plain(value))
            inner_rule = _rule(inner)
            raise Broken(inner_rule, f"write {comma[1]}.{comma[2]}, with a point" if comma else "")
        return inner.func(read)

    return Check(check, inner.json_schema, inner.stand_in)


def _rule(check: Check) -> str:
    try:
        check.func(None)
    except Broken as error:
        return error.rule
    return "a number"


def plain(typed: str) -> str:
    """Returns what was typed with the digits and signs of ASCII: full-width ones too, the long minus, spaces that do not break.

    Examples:
        >>> plain("１０００"), plain("−2")
        ('1000', '-2')
    """
    return unicodedata.normalize("NFKC", typed).replace("\N{MINUS SIGN}", "-").strip()


def number_of(typed: str) -> int | float | None:
    """Returns the number that was typed, in the decimal system, or None; `1,000` is a thousand, as the page prints it.

    Args:
        typed: The content of a box.

    Examples:
        >>> number_of("1,000"), number_of("3e-4"), number_of("1e4"), number_of("0,0003"), number_of("0x10")
        (1000, 0.0003, 10000, None, None)
    """
    text = plain(typed)
    if len(text) > 400:
        return None
    if re.fullmatch(r"[-+]?[1-9][0-9]{0,2}(,[0-9]{3})+(\.[0-9]*)?", text):
        text = text.replace(",", "")
    if not re.fullmatch(r"[-+]?([0-9][0-9_]*(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]{1,4})?", text) or "__" in text:
        return None
    if re.fullmatch(r"[-+]?[0-9_]+", text):
        return int(text.rstrip("_"))
    value = float(text)
    if abs(value) == float("inf"):
        return None
    return int(value) if value.is_integer() and abs(value) < 2**53 and "e" in text.lower() else value


Text = Annotated[str, words(MAX_TEXT)]
_base = typed(real(above=0, high=1e6))
Base = Annotated[float, _base]
Bases = Annotated[
    tuple[float | None, ...],
    several(Check(lambda value: None if value is None else _base.func(value)), MAX_PINS + 1),
]
ATree = Annotated[dict[str, Any], an_object("a tree of words, operators and numbers")]
Texts = Annotated[tuple[str, ...], several(words(MAX_TEXT), MAX_PINS + 1)]
Names = Annotated[tuple[str, ...], several(words(200), MAX_PINS + 1)]
Step = Annotated[int, integer(0)]
Last = Annotated[int, integer(1, MAX_STEPS)]
Whole = Annotated[int, integer(1, 10**15)]

"""What the page may ask: requests checked field by field, all before any is refused; numbers as people type them; what a run may spend."""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Self

from ..core import Answer, GlidepathError, Node, Problem, language
from ..core.fields import MAX_STEPS, Broken, Check, integer, real
from ..plan import Horizon

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


class Asked(Node):
    """A request: a value whose types carry their checks, made of JSON data by `of`."""

    registry: ClassVar[dict[str, type[Node]]] = {}

    def __init_subclass__(cls) -> None:
        cls.kind = cls.__name__.lower()

    @classmethod
    def of(cls, given: Any) -> Self:
        """Returns the request that JSON data is.

        Args:
            given: An object with the fields of the request.

        Raises:
            GlidepathError: With everything that is wrong.
        """
        if isinstance(given, cls):
            return given
        if not isinstance(given, dict):
            raise GlidepathError.of(cls.kind, "", "an object", given)
        return cls(**given)


def words(most: int) -> Check:
    """Returns the check of a text."""

    def check(value: Any) -> str:
        if not isinstance(value, str) or len(value) > most:
            raise Broken(f"a text of at most {most} characters")
        return value

    return Check(check, {"type": "string", "maxLength": most}, "")


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict) or len(value) > 100_000:
        raise Broken("an object")
    return value


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
        comma = re.fullmatch(r"\s*([0-9]+),([0-9]+)\s*", plain(value))
        read = number_of(value)
        try:
            return inner.func(read)
        except Broken as error:
            remedy = f"write {comma[1]}.{comma[2]}, with a point" if comma and read is None else error.remedy
            raise Broken(error.rule, remedy) from None

    return Check(check, inner.json_schema, inner.stand_in)


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
_own = Check(lambda value: None if value is None else _base.func(value))
Bases = Annotated[tuple[float | None, ...], several(_own, MAX_PINS + 1)]
AnObject = Annotated[dict[str, Any], Check(_object, {"type": "object"})]
Texts = Annotated[tuple[str, ...], several(words(MAX_TEXT), MAX_PINS + 1, 1)]
Pins = Annotated[tuple[str, ...], several(words(MAX_TEXT), MAX_PINS)]
Names = Annotated[tuple[str, ...], several(words(200), MAX_PINS + 1)]
Last = Annotated[int, integer(1, MAX_STEPS)]

# What a run may spend, in samples, epochs and tokens, and the updates that this comes to ------------------------------------------------

_Few = Annotated[int, typed(integer(1, 10**6))]
_Many = Annotated[int, typed(integer(1, 10**15))]


class Budget(Asked):
    """The size of a run.

    Args:
        samples: Examples in the data.
        batch: Examples of one forward pass on one process.
        accumulation: Passes that one update collects.
        processes: Processes that each do so.
        epochs: How often the data are gone through; None where `tokens` says it.
        tokens: Tokens in all, instead of epochs.
        tokens_per_sample: Tokens of one example.
    """

    samples: _Many = 51_200
    batch: _Many = 128
    accumulation: _Few = 1
    processes: _Few = 1
    epochs: Annotated[float, typed(real(above=0, high=1e9))] | None = 25.0
    tokens: Annotated[float, typed(real(above=0, high=1e18))] | None = None
    tokens_per_sample: _Many = 1

    def horizon(self) -> Horizon:
        """Returns the horizon of a plan with this budget."""
        length = f"{self.tokens!r} tokens" if self.tokens is not None else f"{self.epochs or 1!r} epochs"
        shared = ("samples", "batch", "accumulation", "processes", "tokens_per_sample")
        return Horizon(length, **{name: getattr(self, name) for name in shared})

    def settled(self) -> Settled:
        """Returns what the budget comes to, as a plan derives it."""
        return _settled(self)


USUAL = Budget()  # what the page begins with


@functools.lru_cache(maxsize=256)
def _settled(budget: Budget) -> Settled:
    derived = budget.horizon().derived()
    per_update = derived.samples_per_update or 1
    tokens = per_update * (derived.tokens_per_sample or 1)
    per_epoch = float(derived.updates_per_epoch or 1)
    updates = min(max(1, derived.updates or 1), MAX_STEPS)
    return Settled(updates, int(per_epoch) if per_epoch.is_integer() else per_epoch, per_update, tokens, derived.lines)


@dataclass(frozen=True)
class Settled(Answer):
    """What a budget comes to.

    Args:
        updates: Optimizer updates in all.
        per_epoch: Updates in an epoch.
        samples: Samples that an update consumes.
        tokens: Tokens that an update consumes.
        lines: How that was derived, a sentence each.
    """

    updates: int
    per_epoch: float
    samples: int
    tokens: int
    lines: tuple[str, ...] = ()


def length_of(text: str, budget: Settled) -> int | None:
    """Returns the steps that a length with a unit means (`5%`, `2ep`, `10k`), or None if it has none.

    Args:
        text: What was typed.
        budget: What percents and epochs are of.

    Raises:
        GlidepathError: If it comes to less than nothing or is too large.
    """
    found = re.fullmatch(r"(.*[0-9.])\s*([A-Za-z%]+)", plain(text))
    epochs = dict.fromkeys(("ep", "epoch", "epochs"), budget.per_epoch)
    scales = {"%": budget.updates / 100, **epochs, "k": 1e3, "m": 1e6}
    scale = scales.get(found.group(2).lower()) if found else None
    count = number_of(found.group(1)) if found else None
    if count is None or scale is None:
        return None
    steps = count * scale
    if not 0 <= steps <= MAX_STEPS:
        raise GlidepathError.of("length", "", f"at most {MAX_STEPS} steps", text)
    return round(steps)

"""Durations with units: `"3 epochs"`, `"500 steps"`, `"10%"`, `"2e9 tokens"`, `"1e6 samples"`, `"rest"`."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, Any

from ..core import did_you_mean
from ..core.fields import MAX_STEPS, Broken, Check

# Every unit that can be written, and its own name.
_OWN = {form: unit for unit in ("updates", "epochs", "samples", "tokens") for form in (unit, unit[:-1])}
_UNITS = _OWN | {"step": "updates", "steps": "updates", "%": "percent"}

_FORM = re.compile(r"\s*(\d{1,40}(?:\.\d{0,40})?|\.\d{1,40})(?:[eE]([+-]?\d{1,2}))?\s*([A-Za-z]{1,20}|%)\s*")
_RULE = 'a duration such as "3 epochs", "500 steps", "10%", "2e9 tokens", "1e6 samples" or "rest"'
_LENGTH = 'a length such as "40 steps", "3 epochs", "1e6 samples" or "2e6 tokens"'


@dataclass(frozen=True)
class Duration:
    """A length with its unit.

    Args:
        amount: How many, exactly; 0 for the rest.
        unit: `updates`, `epochs`, `samples`, `tokens`, `percent` or `rest`.

    Examples:
        >>> Duration.parse("2e9 tokens")
        Duration(amount=Fraction(2000000000, 1), unit='tokens')
        >>> print(Duration.parse("1.5epochs"))
        1.5 epochs
    """

    amount: Fraction
    unit: str

    @classmethod
    def parse(cls, text: Any) -> Duration:
        """Returns the duration that a text means.

        Raises:
            Broken: If it is none, with the rule.
        """
        if not isinstance(text, str) or len(text) > 100:
            raise Broken(_RULE)
        if text.strip() == "rest":
            return cls(Fraction(0), "rest")
        found = _FORM.fullmatch(text)
        if found is None:
            raise Broken(_RULE, "a number needs its unit" if re.fullmatch(r"[-+\s\d.eE]+", text) else "")
        if found[3] not in _UNITS:
            raise Broken(_RULE, did_you_mean(found[3], _UNITS))
        amount, unit = Fraction(found[1]) * Fraction(10) ** int(found[2] or "0"), _UNITS[found[3]]
        if amount > MAX_STEPS:
            raise Broken(f"a duration of at most {MAX_STEPS} of its unit")
        if unit == "percent" and amount > 100:
            raise Broken("a share of at most 100%")
        return cls(amount, unit)

    @classmethod
    def looks_like(cls, text: Any) -> bool:
        """Returns whether a text is meant as a duration, a wrong one included: it begins with a digit, or is `rest`."""
        return isinstance(text, str) and (text.strip() == "rest" or re.match(r"\s*\.?\d", text) is not None)

    def __str__(self) -> str:
        if self.unit == "rest":
            return "rest"
        if self.unit == "percent":
            return f"{written(self.amount)}%"
        word = "steps" if self.unit == "updates" else self.unit
        return f"{written(self.amount)} {word[:-1] if self.amount == 1 else word}"


def written(amount: Fraction | float) -> str:
    """Returns an exact decimal as short as it can be read: `500`, `2e9`, `1.5`; other fractions are rounded."""
    exact = Fraction(amount)
    digits, plain = str(exact.numerator), repr(float(exact))
    if exact.denominator == 1:
        zeros = len(digits) - len(digits.rstrip("0"))
        return f"{digits[:-zeros]}e{zeros}" if zeros >= 6 else digits
    if Fraction(plain) == exact:
        return plain
    for places in range(1, 100):
        scaled = exact * 10**places
        if scaled.denominator == 1:
            digits = str(scaled.numerator).rjust(places + 1, "0")
            return f"{digits[:-places]}.{digits[-places:]}"
    return f"{float(exact):.6g}"


def nearest(amount: Fraction) -> int:
    """Returns the nearest whole number, halves up."""
    return math.floor(amount + Fraction(1, 2))


def plural(n: int, word: str) -> str:
    """Returns a number of things in words: `1 process`, `2 processes`."""
    return f"{n} {word}{'' if n == 1 else 'es' if word.endswith('s') else 's'}"


def _span(value: Any) -> str:
    try:
        found = Duration.parse(value)
    except Broken as broken:
        raise Broken(_LENGTH if broken.rule == _RULE else broken.rule, broken.remedy) from None
    if found.unit in ("percent", "rest"):
        raise Broken(_LENGTH, "shares are of this length")
    if found.amount == 0:
        raise Broken("a length above 0")
    return str(found)


# The length of a run, with its unit.
Span = Annotated[str, Check(_span, {"type": "string", "description": 'A length such as "3 epochs" or "2e9 tokens".'})]

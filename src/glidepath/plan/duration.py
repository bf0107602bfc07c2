"""Durations with units: `"3 epochs"`, `"500 steps"`, `"10%"`, `"2e9 tokens"`, `"1e6 samples"`, `"rest"`."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, Any

from ..core import did_you_mean
from ..core.fields import MAX_STEPS, Broken, Check, number

UNITS = {
    "step": "updates",
    "steps": "updates",
    "update": "updates",
    "updates": "updates",
    "epoch": "epochs",
    "epochs": "epochs",
    "sample": "samples",
    "samples": "samples",
    "token": "tokens",
    "tokens": "tokens",
    "%": "percent",
}
"""Every unit that can be written, and its own name."""

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
            raise Broken(_RULE, "a number needs its unit" if number(_number(text)) is not None else "")
        digits, exponent, word = found[1], found[2] or "0", found[3]
        if word not in UNITS:
            raise Broken(_RULE, did_you_mean(word, UNITS))
        amount = Fraction(digits) * Fraction(10) ** int(exponent)
        if amount > MAX_STEPS:
            raise Broken(f"a duration of at most {MAX_STEPS} of its unit")
        unit = UNITS[word]
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
    if exact.denominator == 1:
        digits = str(exact.numerator)
        zeros = len(digits) - len(digits.rstrip("0"))
        return f"{digits[:-zeros]}e{zeros}" if zeros >= 6 else digits
    plain = repr(float(exact))
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


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _span(value: Any) -> str:
    try:
        found = Duration.parse(value)
    except Broken as broken:
        rule = broken.rule if broken.rule != _RULE else _LENGTH
        raise Broken(rule, broken.remedy) from None
    if found.unit in ("percent", "rest"):
        raise Broken(_LENGTH, "shares are of this length")
    if found.amount == 0:
        raise Broken("a length above 0")
    return str(found)


Span = Annotated[str, Check(_span, {"type": "string", "description": 'A length such as "3 epochs" or "2e9 tokens".'})]
"""The length of a run, with its unit."""

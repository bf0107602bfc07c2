"""Durations: what can be written, and that it prints as it reads."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glidepath.core.fields import Broken
from glidepath.plan import Duration
from glidepath.plan.duration import written


@pytest.mark.parametrize(
    ("text", "amount", "unit", "printed"),
    [
        ("3 epochs", 3, "epochs", "3 epochs"),
        ("1 epoch", 1, "epochs", "1 epoch"),
        ("500 steps", 500, "updates", "500 steps"),
        ("500updates", 500, "updates", "500 steps"),
        ("10%", 10, "percent", "10%"),
        ("0.1 %", Fraction(1, 10), "percent", "0.1%"),
        ("2e9 tokens", 2 * 10**9, "tokens", "2e9 tokens"),
        ("1.25e6 samples", 1_250_000, "samples", "1250000 samples"),
        (" rest ", 0, "rest", "rest"),
    ],
)
def test_what_can_be_written(text, amount, unit, printed):
    duration = Duration.parse(text)

    assert (duration.amount, duration.unit, str(duration)) == (amount, unit, printed)


@given(
    st.fractions(0, 1000, max_denominator=1).map(lambda x: x / 1000) | st.integers(0, 2**53).map(Fraction),
    st.sampled_from(["updates", "epochs", "samples", "tokens"]),
)
def test_it_reads_as_it_prints(amount, unit):
    duration = Duration(amount, unit)

    assert Duration.parse(str(duration)) == duration
    assert Fraction(written(amount)) == amount


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("3 epocs", "a duration such as"),
        ("500", "a duration such as"),
        ("-3 steps", "a duration such as"),
        ("nan steps", "a duration such as"),
        ("1e99 tokens", "at most 9007199254740992"),
        ("101%", "a share of at most 100%"),
        ("9" * 1000 + " steps", "a duration such as"),
        (3, "a duration such as"),
        ("", "a duration such as"),
    ],
)
def test_what_cannot(text, message):
    with pytest.raises(Broken, match=message):
        Duration.parse(text)


def test_remedies():
    with pytest.raises(Broken, match="duration") as typo:
        Duration.parse("3 epocs")
    with pytest.raises(Broken, match="duration") as bare:
        Duration.parse("500")
    assert (typo.value.remedy, bare.value.remedy) == ("did you mean 'epochs'?", "a number needs its unit")

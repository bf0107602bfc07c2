"""A trace is a value: checked, frozen, JSON both ways."""

import dataclasses
import math

import pytest

from glidepath import GlidepathError
from glidepath.finder import Trace


def test_json_both_ways_keeps_every_bit_and_writes_no_nan():
    trace = Trace((0.1, 0.30000000000000004, 1.0), (1.0, 0.1, math.inf), stop="non-finite", planned=40, label="seed 3")

    text = trace.to_json()
    again = Trace.from_json(text)

    assert "NaN" not in text
    assert "Infinity" not in text
    assert again == trace
    assert again.rates == trace.rates
    assert hash(again) == hash(trace)
    assert math.isnan(again.losses[2])


def test_a_trace_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Trace((0.1,), (1.0,)).stop = "end"  # type: ignore[misc]


def test_every_problem_is_listed_at_once():
    with pytest.raises(GlidepathError) as refused:
        Trace((0.2, 0.1), (1.0,), stop="tired", planned=1)

    assert {(problem.where, problem.field) for problem in refused.value.problems} == {
        ("trace", "rates"),
        ("trace", "losses"),
        ("trace", "stop"),
        ("trace", "planned"),
    }


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("[1]", "an object"),
        ("{", "JSON"),
        ('{"rates": [1], "losses": ["1"]}', "losses must be"),
        ('{"rates":[1],"losses":[1],"x":1}', "an object"),
        ("[" * 10**5, "JSON"),
    ],
)
def test_other_json_is_refused(text: str, rule: str):
    with pytest.raises(GlidepathError, match=rule):
        Trace.from_json(text)


def test_the_finite_part_ends_at_the_first_loss_that_is_not():
    assert Trace((1, 2, 3), (1.0, math.nan, 2.0)).finite == 1
    assert Trace((1, 2, 3), (1.0, 2.0, 2.0)).finite == 3

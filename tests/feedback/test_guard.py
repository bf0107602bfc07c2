"""The divergence guard: when it cuts, how it warms up again, and when it gives up."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glidepath import GlidepathError
from glidepath.feedback import Controller, Guard, replay


def actions(guard, metrics):
    """Return what was decided for each metric."""
    return [decision.action for _, decision in replay(guard, metrics)]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 7.0])
def test_it_cuts_and_warms_up_again(value):
    guard = Guard(factor=0.5, warmup=4, pause=2)
    state, _ = guard.observe(guard.begin(), None)
    for step, loss in enumerate([2.0, 2.0, 1.9, value, 50.0, 50.0, 1.8]):
        state, decision = guard.observe(state, (step, loss))

    assert decision.action == "steady"
    assert [guard.multiplier(state, step) for step in (3, 5, 7, 8, 1000)] == pytest.approx([0.1, 0.3, 0.5, 0.5, 0.5])


def test_what_explodes_is_measured_from_the_median():
    assert actions(Guard(rise=2.0), [1.0, 1.0, 100.0, 2.9, 3.1]) == ["steady", "steady", "steady", "steady", "steady"]
    assert actions(Guard(rise=2.0), [1.0, 1.0, 1.0, 2.9, 3.1]) == ["steady"] * 4 + ["cut"]
    assert actions(Guard(rise=2.0), [-1.0, -1.0, -1.0, 0.9, 1.1]) == ["steady"] * 4 + ["cut"]
    assert actions(Guard(rise=2.0, margin=1.0), [0.0, 0.0, 0.0, 0.9, 1.1]) == ["steady"] * 4 + ["cut"]


def test_it_gives_up_after_its_tries():
    guard = Guard(tries=2, pause=0, factor=0.5, warmup=1)
    rows = replay(guard, [1.0, math.nan, math.nan, math.nan, math.nan, 1.0])

    assert [decision.action for _, decision in rows] == ["steady", "cut", "cut", "stop", "stop", "stop"]
    assert rows[3][1].reason == "nan is not finite; 2 tries are spent"
    assert guard.multiplier(guard.run(enumerate([1.0, math.nan, math.nan, math.nan])), 100) == 0.25


@given(st.lists(st.one_of(st.floats(), st.floats(0, 10)), max_size=40), st.integers(0, 3))
def test_the_multiplier_stays_within_its_bounds(metrics, tries):
    guard = Guard(tries=tries, pause=1, warmup=5)
    state = guard.begin()
    for i, metric in enumerate(metrics):
        state, _ = guard.observe(state, (i, metric))
        for at in (0, i, i + 1, i + 3, i + 100, math.inf):
            assert 0 < guard.multiplier(state, at) <= 1
    assert state.cuts <= tries
    assert guard.multiplier(state, math.inf) == 0.5**state.cuts
    assert guard.read_state(state.to_dict()) == state


def test_it_is_a_value():
    guard = Guard(factor=0.25, warmup=7)

    assert Controller.of(str(guard)) == guard == Controller.from_json(guard.to_json())
    with pytest.raises(GlidepathError, match="memory must be an integer from 3"):
        Guard(memory=2)
    with pytest.raises(GlidepathError, match="tries must be an integer from 0 to 1000"):
        Guard(tries=10**6)

"""What is drawn is what trains: every peak is there, every value is the schedule's own."""

import math

import numpy as np
import pytest

from glidepath import GlidepathError, parse
from glidepath.view import Axis, example, horizon, knots, phases, sampled
from glidepath.view.axis import significant
from glidepath.view.examples import EXAMPLES
from work import SECOND, counted

SOME = [
    "warmup_cosine",
    "wsd",
    "one_cycle",
    "sgdr",
    "triangular2",
    "piecewise_constant",
    "noam",
    "step",
    "repeat",
    "table",
]


@pytest.mark.parametrize("word", SOME)
def test_every_value_is_the_schedules_own(word):
    """K1: values shown equal schedule(step) bit for bit."""
    schedule = parse(example(word))

    curve = sampled(schedule)

    assert [schedule(step) for step in curve.steps.tolist()] == curve.values.tolist()
    assert dict(curve.points()) == {step: schedule(step) for step, _ in curve.points()}


def test_a_million_steps_keep_every_restart_for_a_second_of_work():
    """K3: a plan of 10^6 steps on 1000 pixels keeps every peak and every restart, for less than a second's work."""
    schedule = parse("warmup(1000) >> repeat(cosine(9990, floor=0.05), cycles=100)")
    starts = [1000 + 9990 * k for k in range(100)]

    with counted() as work:
        curve = sampled(schedule, points=1000)

    drawn = dict(curve.points())
    assert len(drawn) < 2500
    assert all(drawn.get(start) == 1.0 for start in starts)
    assert min(drawn.values()) == schedule(0)
    assert work() < SECOND


@pytest.mark.parametrize("most", [2_000_000, 50_000])
def test_one_step_spikes_survive(most):
    """K3: a level that lasts a single step of a million is drawn."""
    schedule = parse("hold(500000) >> hold(1, 7) >> hold(499998) >> hold(1, 0)")

    curve = sampled(schedule, points=1000, most=most)

    assert {0.0, 1.0, 7.0} == set(curve.values.tolist())


def test_the_extremes_of_every_column_are_kept():
    schedule = parse("triangle(7, low=0.1) * exponential(0.9999)")
    whole = schedule(np.arange(100_001))

    curve = sampled(schedule, 100_000, points=1000)

    for low in range(0, 100_000, 1000):
        column = (curve.steps >= low) & (curve.steps < low + 1000)
        assert curve.values[column].max() == pytest.approx(whole[low : low + 1000].max(), rel=0.05)


def test_a_jump_of_few_steps_is_drawn_upright():
    curve = sampled(parse("step(10, 0.5)"), 50)

    steps = curve.steps.tolist()
    at = steps.index(10.0)
    assert steps[at - 1] == pytest.approx(10.0, abs=1e-9)
    assert curve.values.tolist()[at - 1 : at + 1] == [1.0, 0.5]


def test_every_word_has_an_example_that_reads():
    from glidepath import vocabulary

    for word in EXAMPLES:
        assert word in vocabulary(), f"{word} is no word any more"
        parse(example(word))
    own = {word for word, make in vocabulary().items() if make.__module__ == "glidepath.core.custom"}  # other tests'
    missing = {word for word in vocabulary() if not example(word)} - {"recurrence"} - own
    assert missing == set(), "give the kind an example"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("warmup(5) >> hold(3) >> linear(2)", ["warmup", "hold", "linear"]),
        ("0.1 * (warmup(5) >> cosine(5))", ["warmup", "cosine"]),
        ("repeat(cosine(5), cycles=3)", ["cosine, cycle 1", "cosine, cycle 2", "cosine, cycle 3"]),
    ],
)
def test_phases_have_names(text, expected):
    assert [phase.name for phase in phases(parse(text), 100)] == expected


def test_knots_are_those_of_every_part():
    assert knots(parse("warmup(5) >> multistep([3, 7])"), 20) == [0, 5, 8, 12]
    assert knots(parse("stretch(multistep([3]), 2)"), 20) == [6]
    assert knots(parse("shift(step(4), 3)"), 12) == [7, 11]


def test_an_endless_schedule_gets_a_horizon():
    assert horizon(parse("step(30)")) == 150
    assert horizon(parse("constant()")) == 1000
    assert horizon(parse("cosine(77)")) == 77


@pytest.mark.parametrize(
    ("name", "per", "step", "expected"),
    [
        ("step", None, 700, 700),
        ("epoch", 400, 1000, 2.5),
        ("sample", 128, 10, 1280),
        ("token", 2048, 3, 6144),
        ("percent", 200, 50, 25),
    ],
)
def test_axes_move_labels_and_no_curve(name, per, step, expected):
    """K6: switching the unit keeps the curve."""
    assert Axis.of(name, per).position(step) == expected


@pytest.mark.parametrize(("name", "per"), [("epoch", 0), ("token", None), ("percent", -1), ("weeks", 1)])
def test_an_axis_without_its_unit_is_refused(name, per):
    with pytest.raises(GlidepathError, match="must be"):
        Axis.of(name, per)


def test_numbers_never_read_zero_when_they_are_not():
    """K2: labels have significant digits."""
    assert significant(3e-4) == "0.0003"
    assert significant(1e-8) == "1e-08"
    assert significant(0.0) == "0"


@pytest.mark.parametrize(
    "bad", [{"steps": 0}, {"steps": 2.5}, {"points": 1}, {"points": 10**9}, {"steps": float("nan")}]
)
def test_absurd_numbers_are_refused(bad):
    with pytest.raises(GlidepathError, match="an integer from"):
        sampled(parse("cosine(10)"), **bad)


def test_a_change_at_the_last_step_is_a_knot_and_the_last_of_many_phases_stands_for_the_rest():
    assert knots(parse("hold(10) >> cosine(10)"), 10) == [0, 10]
    found = phases(parse("repeat(hold(1), cycles=300) >> hold()"), 400)
    assert len(found) == 200
    assert found[-1].end == math.inf


def test_the_step_before_a_change_is_drawn_however_long_the_stretch():
    curve = sampled(parse("hold(5000001) >> hold(value=0.1)"), 10_000_000)

    assert {5_000_000.0, 5_000_001.0} <= set(curve.steps.tolist())


@pytest.mark.parametrize("steps", [100_000, 10_000_000])
def test_a_wave_keeps_its_height_where_its_cycles_keep_pace_with_the_samples(steps):
    schedule = parse("expression('1 + sin(step * 0.12566370614359174) / 2')")  # a cycle of 50 steps
    values = sampled(schedule, steps).values
    whole = schedule(np.arange(steps + 1, dtype=float)) if steps <= 100_000 else values

    assert (values.min(), values.max()) == (whole.min(), whole.max())
    assert values.min() < 0.51
    assert values.max() > 1.49


def test_a_part_of_a_step_is_drawn_whole():
    endless = parse("stretch(inverse_sqrt(3), 1.13)")

    assert endless.timescale() % 1 != 0
    assert horizon(endless) == math.ceil(endless.timescale())

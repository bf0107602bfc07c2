"""The sweep makes one update at each rate, keeps every point, and stops where it says."""

import math

import pytest

import glidepath as gp
from glidepath import GlidepathError
from glidepath.finder import rising, sweep


def play(losses, **options):
    source = iter(losses)
    return sweep(lambda rate: next(source), rising(1e-3, 1.0, 40), **options)


def test_the_rates_are_the_schedule_s_own_ends_included():
    trace = play([1.0] * 40)

    assert trace.rates == tuple(rising(1e-3, 1.0, 40)(t) for t in range(40))
    assert (trace.rates[0], trace.rates[-1]) == (1e-3, 1.0)
    assert (trace.stop, trace.planned) == ("end", 40)


def test_raw_losses_are_kept():
    losses = [1.0 + 0.1 * math.sin(k) for k in range(40)]

    assert play(losses).losses == tuple(losses)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_the_first_loss_that_is_not_finite_ends_it(bad: float):
    trace = play([1.0] * 12 + [bad] + [1.0] * 27)

    assert (trace.stop, len(trace.rates), trace.finite) == ("non-finite", 13, 12)


def test_a_loss_that_stays_above_the_factor_ends_it():
    trace = play([1.0] * 20 + [4.1] * 20, patience=3)

    assert (trace.stop, len(trace.rates)) == ("diverged", 23)
    assert play([1.0] * 20 + [3.9] * 20, patience=3).stop == "end"


def test_a_peak_that_passes_does_not_end_it():
    assert play([1.0] * 20 + [50.0] * 3 + [0.9] * 17, patience=4).stop == "end"
    assert play(([1.0] * 5 + [50.0] * 3) * 5, patience=4).stop == "end"


def test_a_loss_below_the_first_does_not_end_it():
    """A model that falls from 100 to 1 and is back at 50 has not diverged yet."""
    assert play([100.0] * 10 + [1.0] * 10 + [50.0] * 20, patience=3).stop == "end"


def test_one_lucky_minibatch_is_no_best():
    assert play([1.0] * 20 + [1e-9] + [1.0] * 19, patience=1).stop == "end"


def test_negative_losses_diverge_upwards():
    assert play([-1.0] * 20 + [-5.0] * 20, patience=2).stop == "end"
    assert play([-1.0] * 20 + [2.5] * 20, patience=2).stop == "diverged"


def test_skipped_updates_take_no_point():
    seen: list[float] = []
    losses = iter([1.0, None, None, 2.0, 3.0] + [1.0] * 50)

    def train_step(rate: float):
        seen.append(rate)
        return next(losses)

    trace = sweep(train_step, rising(1e-3, 1.0, 5))

    assert trace.losses == (1.0, 2.0, 3.0, 1.0, 1.0)
    assert seen[1:4] == [trace.rates[1]] * 3


def test_endless_skipping_ends_it():
    assert sweep(lambda rate: None, rising()).stop == "no updates"


def test_data_that_run_out_are_named():
    trace = play([1.0] * 7)

    assert (trace.stop, len(trace.rates)) == ("data", 7)


def test_what_the_step_raises_goes_through():
    def train_step(rate: float):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sweep(train_step, rising())


def test_any_rising_schedule_will_do():
    trace = sweep(lambda rate: 1.0, gp.parse("ramp(0.1, 1.0, 9)"))

    assert len(trace.rates) == 10
    assert trace.rates[-1] == 1.0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"schedule": "cosine(10)"}, "schedule must be rising"),
        ({"schedule": "constant()"}, "steps must be an integer from 2"),
        ({"factor": 1.0}, "factor must be a finite number above 1"),
        ({"patience": 0}, "patience must be an integer from 1"),
        ({"steps": 1}, "steps must be an integer from 2"),
    ],
)
def test_wrong_arguments_are_refused(arguments: dict, message: str):
    with pytest.raises(GlidepathError, match=message):
        sweep(lambda rate: 1.0, **({"schedule": rising()} | arguments))


@pytest.mark.parametrize("arguments", [(0.0, 1.0, 10), (1.0, 0.1, 10), (0.1, 1.0, 1), (0.1, math.inf, 10)])
def test_a_wrong_range_is_refused(arguments: tuple):
    with pytest.raises(GlidepathError, match="range test"):
        rising(*arguments)

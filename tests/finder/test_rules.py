"""Each rule on curves whose answer is known."""

import numpy as np
import pytest

from glidepath.finder import RULES, Trace, edge, minimum_tenth, slide, steepest, valley
from glidepath.finder.smooth import running_median, smoothed


def decades(rate: float | None, other: float) -> float:
    assert rate is not None
    return float(np.log10(rate / other))


def smooth_fall(points: int = 201) -> Trace:
    """A logistic fall in the logarithm of the rate, centred on 1e-4, to its lowest at 1e-1, and a rise from there."""
    x = np.linspace(-7, 1, points)
    y = 3 - 2 / (1 + np.exp(-4 * (x + 4))) + 4 * np.maximum(x + 1, 0) ** 2 - 0.1 * np.minimum(x + 1, 0)
    return Trace(tuple(10**x), tuple(y))


def test_steepest_is_where_the_loss_falls_fastest_per_decade():
    assert abs(decades(steepest(smooth_fall()), 1e-4)) < 0.05


def test_minimum_tenth_is_a_tenth_of_the_minimum():
    assert abs(decades(minimum_tenth(smooth_fall()), 1e-2)) < 0.15


def test_valley_lies_between_the_fall_and_the_minimum():
    assert -4.5 < np.log10(valley(smooth_fall()) or 0) < -1


def test_slide_lies_before_the_rise():
    found = slide(smooth_fall())

    assert found is not None
    assert 1e-7 < found < 10


def test_edge_is_where_a_quarter_of_the_fall_is_lost():
    assert abs(decades(edge(smooth_fall()), 10 ** (-1 + np.sqrt(0.65 / 4)))) < 0.1


def test_smoothing_does_not_lag():
    """The same curve and its mirror image are smoothed to mirror images, and a straight line to itself."""
    x = np.linspace(-7, 1, 161)
    y = np.sin(x)

    assert np.allclose(smoothed(x, y[::-1], 0.12)[::-1], smoothed(x, y, 0.12), atol=1e-12)
    assert np.allclose(smoothed(x, 3 * x + 1, 0.12), 3 * x + 1, atol=1e-9)


def test_smoothing_follows_uneven_points():
    x = np.sort(np.random.default_rng(0).uniform(-7, 1, 300))

    assert np.allclose(smoothed(x, x, 0.12), x, atol=1e-9)


def test_a_running_median_removes_spikes_and_keeps_steps():
    step = np.r_[np.zeros(10), np.ones(10)]
    spiked = step.copy()
    spiked[4] = 99

    assert running_median(spiked).tolist() == step.tolist()


@pytest.mark.parametrize("seed", range(20))
def test_the_edge_of_a_quadratic_is_two_over_its_curvature(seed: int, quadratic):
    for curvature in (0.01, 10.0, 1000.0):
        for dimensions in (1, 10):
            trace = quadratic(
                seed, curvature, noise=0.0, dimensions=dimensions, low=1e-3 / curvature, high=100 / curvature
            )

            assert edge(trace) == pytest.approx(2 / curvature, rel=0.02)


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize(
    "losses",
    [
        [1.0] * 5,
        [1.0] * 30,
        [float("nan")] * 30,
        [1.0] * 9 + [float("inf")] * 21,
        list(range(1, 31)),
        [0.0] * 30,
        [-1.0] * 30,
    ],
    ids=["short", "constant", "nan", "infinite", "rising", "zero", "negative"],
)
def test_no_rule_invents_a_rate(name: str, losses: list[float]):
    rates = tuple(np.geomspace(1e-6, 10, len(losses)))

    found = RULES[name](Trace(rates, tuple(losses)))

    assert found is None or (name == "edge" and losses[-1] > losses[0])


def test_rules_do_not_look_past_the_first_loss_that_is_not_finite(curve):
    whole = curve()
    n = 150
    cut = Trace(whole.rates, (*whole.losses[:n], *[float("nan")] * (len(whole.losses) - n)))
    head = Trace(whole.rates[:n], whole.losses[:n])

    assert {name: rule(cut) for name, rule in RULES.items()} == {name: rule(head) for name, rule in RULES.items()}

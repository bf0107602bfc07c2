"""Whole trainings at three rates, and further until the best is inside."""

import json
import math

import pytest

from glidepath import GlidepathError
from glidepath.finder import Suggestion, suggest, verify


def bowl(best: float, noise: float = 0.0, edge: float = math.inf):
    """Return a training whose final loss is lowest at `best`."""

    def train(rate: float, seed: int) -> float:
        return math.nan if rate > edge else 1 + math.log10(rate / best) ** 2 + noise * (seed % 2)

    return train


def test_the_best_inside_costs_three_rates():
    found = verify(bowl(1e-2), (3e-3, 3e-2))

    assert (found.verdict, found.trainings) == ("confirmed", 6)
    assert found.rates == pytest.approx((3e-3, math.sqrt(9e-5), 3e-2))
    assert "6 whole trainings" in found.cost


@pytest.mark.parametrize("best", [1e-4, 1.0])
def test_it_walks_until_the_best_is_inside(best: float):
    found = verify(bowl(best), (3e-3, 3e-2))

    assert found.verdict == "moved"
    assert found.rates[0] < (found.best or 0) < found.rates[-1]
    assert abs(math.log10((found.best or 1) / best)) <= 0.25
    assert found.trainings == 2 * len(found.rates)


def test_it_stops_walking_somewhere():
    found = verify(lambda rate, seed: -rate, (3e-3, 3e-2), most=5)

    assert (found.verdict, len(found.rates)) == ("open", 5)


def test_trainings_that_fail_are_worse_than_any_other():
    found = verify(bowl(1e-1, edge=5e-2), (3e-3, 3e-2))

    assert found.best == pytest.approx(3e-2)
    assert found.losses[-1] == (math.inf, math.inf)
    assert "Infinity" not in found.to_json()
    assert json.loads(found.to_json())["losses"][-1] == [None, None]


def test_nothing_that_trains_is_said():
    found = verify(lambda rate, seed: None, (3e-3, 3e-2), most=4)

    assert (found.verdict, found.best, found.good) == ("failed", None, ())


def test_rates_that_the_seeds_cannot_tell_apart_are_all_good():
    noisy = verify(lambda rate, seed: 1 + seed * 0.5 * math.log10(rate), (3e-3, 3e-2), seeds=(-1, 1))

    assert len(noisy.good) == len(noisy.rates)
    assert verify(bowl(1e-2), (1e-3, 1e-1)).good == (pytest.approx(1e-2),)


def test_a_best_near_the_edge_is_not_confirmed(quadratic):
    band = suggest([quadratic(seed) for seed in range(3)])
    assert isinstance(band, Suggestion)

    found = verify(bowl(band.edge / 1.5, edge=band.edge), band)

    assert found.verdict == "close to divergence"


@pytest.mark.parametrize(
    ("arguments", "options", "field"),
    [
        ((0.1, 0.01), {}, "band"),
        ((0.1, 1.0), {"seeds": (1,)}, "seeds"),
        ((0.1, 1.0), {"seeds": (1, 1)}, "seeds"),
        ((0.1, 1.0), {"most": 2}, "most"),
    ],
)
def test_wrong_arguments_are_refused(arguments: tuple, options: dict, field: str):
    with pytest.raises(GlidepathError, match=f"verify: {field} must be"):
        verify(bowl(1e-2), arguments, **options)

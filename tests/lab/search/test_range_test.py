"""A range test on a task of the lab."""

import json

from glidepath.finder import Suggestion
from glidepath.lab.search.range_test import find_rates


def test_the_band_of_mnist1d_holds_and_is_verified():
    """The task's own peak rate, tuned by hand, is 0.1."""
    told: list[tuple[int, int]] = []

    rates = find_rates("mnist1d", budget=60, verified=True, progress=lambda *now: told.append(now))

    assert isinstance(rates.found.result, Suggestion)
    assert rates.found.result.low < 0.1 < rates.found.result.high * 1.5
    assert rates.verification is not None
    assert rates.verification.trainings >= 6
    assert json.loads(json.dumps(rates.to_dict()))["verification"]["trainings"] == rates.verification.trainings
    assert told


def test_the_same_seed_gives_the_same_sweeps():
    one, two = (find_rates("text", steps=12, high=1e-4) for _ in range(2))

    assert one.found.traces == two.found.traces
    assert len({trace.losses for trace in one.found.traces}) == 3

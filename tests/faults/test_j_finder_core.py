"""Fault cases of the range test that need no framework."""

import math

import numpy as np
import pytest

from glidepath.finder import RULES, Refusal, Suggestion, Trace, rising, suggest, sweep


def play(losses, low: float = 1e-5, high: float = 10.0) -> Trace:
    source = iter(losses)
    return sweep(lambda rate: next(source), rising(low, high, len(losses)))


def test_nan_from_point_13():
    """J3: NaN from point 13 of 40: the sweep stops at the first, and twelve finite points give a sound band or a reason."""
    losses = [2.3, 2.3, 2.29, 2.27, 2.2, 2.0, 1.6, 1.2, 0.9, 0.8, 0.85, 1.4, *[math.nan] * 28]
    trace = play(losses)

    assert (trace.stop, len(trace.rates), trace.finite) == ("non-finite", 13, 12)
    found = suggest([trace] * 3)
    if isinstance(found, Suggestion):
        assert trace.rates[5] < found.low < found.high < trace.rates[11]
    else:
        assert found.reason
    assert all(value is None or math.isfinite(value) for rule in RULES.values() for value in [rule(trace)])


@pytest.mark.parametrize(
    ("name", "losses", "reasons"),
    [
        ("five points", [[2.0, 1.5, 1.0, 1.5, 9.0]], {"too few points"}),
        ("constant", [[1.0] * 100], {"flat"}),
        ("rising", [list(np.geomspace(1, 50, 100))], {"diverged at once"}),
        ("a single spike up", [[1.0] * 60 + [30.0] + [1.0] * 39], {"flat"}),
        ("a single spike down", [[1.0] * 60 + [0.01] + [1.0] * 39], {"flat"}),
        (
            "noise",
            [list(2 + 0.5 * np.random.default_rng(k).standard_normal(100)) for k in range(3)],
            {"flat", "too noisy"},
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_nothing_to_go_by_is_refused(name: str, losses: list, reasons: set[str]):
    """J4: five points, a constant, a rising loss, a single spike, noise only: a reason, not a number."""
    traces = [play(losses[k % len(losses)]) for k in range(3)]

    found = suggest(traces)

    assert isinstance(found, Refusal), name
    assert found.reason in reasons
    assert found.remedy


@pytest.mark.parametrize("seed", range(20))
def test_a_known_quadratic(seed: int):
    """J8: curvature 10: the edge is 0.2, and the band lies inside [edge/20, edge/2], for 20 seeds."""

    def repeat(k: int) -> Trace:
        rng = np.random.default_rng([seed, k])
        weight = 1.0 + 0.1 * rng.standard_normal()

        def train_step(rate: float) -> float:
            nonlocal weight
            loss = 5.0 * weight**2
            weight -= rate * (10.0 * weight + 0.3 * rng.standard_normal())
            return loss

        return sweep(train_step, rising(1e-5, 10.0, 150))

    found = suggest([repeat(k) for k in range(3)])

    assert isinstance(found, Suggestion)
    assert found.edge == pytest.approx(0.2, rel=0.1)
    assert 0.2 / 20 <= found.low < found.high <= 0.2 / 2

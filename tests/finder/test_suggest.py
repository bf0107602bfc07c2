"""The suggestion has a known answer, or a reason."""

import json

import numpy as np
import pytest

from glidepath import GlidepathError
from glidepath.finder import REASONS, Refusal, Suggestion, Trace, rising, suggest, sweep


def trace(losses, low: float = 1e-6, high: float = 10.0, **options) -> Trace:
    return Trace(tuple(np.geomspace(low, high, len(losses))), tuple(losses), **options)


@pytest.mark.parametrize("noise", [0.0, 0.02, 0.1])
@pytest.mark.parametrize("valley", [1e-4, 1e-2, 0.3])
def test_a_clear_valley_is_found(curve, valley: float, noise: float):
    found = suggest([curve(valley, noise=noise, seed=seed) for seed in range(3)])

    assert isinstance(found, Suggestion)
    assert found.verdict == "usable"
    assert abs(np.log10(found.lowest / valley)) < 0.35
    assert found.low < valley < found.high * 2.5
    assert 0.4 < found.width < 1.1
    assert found.high < found.edge / 1.7


def test_one_spike_changes_nothing(curve):
    clean = suggest([curve(seed=seed) for seed in range(3)])
    whole = curve()
    losses = list(whole.losses)
    losses[60] = 40.0
    losses[90] = 1e-3
    spiked = suggest([Trace(whole.rates, tuple(losses), whole.stop), curve(seed=1), curve(seed=2)])

    assert isinstance(clean, Suggestion)
    assert isinstance(spiked, Suggestion)
    assert abs(np.log10(spiked.middle / clean.middle)) < 0.05


def test_a_spike_in_every_repeat_is_still_a_spike(curve):
    whole = curve()
    losses = list(whole.losses)
    losses[60] = 40.0
    found = suggest([Trace(whole.rates, tuple(losses), whole.stop)] * 3)
    clean = suggest([whole] * 3)

    assert isinstance(found, Suggestion)
    assert isinstance(clean, Suggestion)
    assert abs(np.log10(found.middle / clean.middle)) < 0.05


def test_the_answer_does_not_depend_on_the_unit_of_the_loss_or_the_order_of_the_repeats(curve):
    traces = [curve(noise=0.02, seed=seed) for seed in range(3)]
    doubled = [Trace(t.rates, tuple(1000 * loss for loss in t.losses), t.stop, t.planned) for t in traces]

    a, b, c = suggest(traces), suggest(doubled), suggest(traces[::-1])

    assert isinstance(a, Suggestion)
    assert isinstance(b, Suggestion)
    assert isinstance(c, Suggestion)
    assert (b.low, b.high) == pytest.approx((a.low, a.high), rel=1e-9)
    assert (c.low, c.high) == pytest.approx((a.low, a.high), rel=1e-12)


def test_scaling_every_rate_scales_the_answer(curve):
    traces = [curve(noise=0.02, seed=seed) for seed in range(3)]
    moved = [Trace(tuple(100 * r for r in t.rates), t.losses, t.stop, t.planned) for t in traces]

    a, b = suggest(traces), suggest(moved)

    assert isinstance(a, Suggestion)
    assert isinstance(b, Suggestion)
    assert (b.low, b.high) == pytest.approx((100 * a.low, 100 * a.high), rel=1e-6)


def test_losses_below_zero_are_read_too(curve):
    traces = [curve(noise=0.02, seed=seed) for seed in range(3)]
    lowered = [Trace(t.rates, tuple(loss - 10 for loss in t.losses), t.stop, t.planned) for t in traces]

    a, b = suggest(traces), suggest(lowered)

    assert isinstance(a, Suggestion)
    assert isinstance(b, Suggestion)
    assert abs(np.log10(a.middle / b.middle)) < 0.3


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("noise", [0.0, 0.3])
def test_the_band_of_a_quadratic_lies_below_its_edge(seed: int, noise: float, quadratic):
    """Edge within a tenth of 2/L; band inside [edge/20, edge/2]."""
    for curvature in (0.1, 10.0, 500.0):
        truth = 2 / curvature
        scale = 10 / curvature  # the noise in proportion to the gradients
        traces = [
            quadratic(10 * seed + k, curvature, noise / scale, 1 + seed % 4, 1e-4 * scale, 10 * scale) for k in range(3)
        ]

        found = suggest(traces)

        assert isinstance(found, Suggestion), str(found)
        assert found.edge == pytest.approx(truth, rel=0.1)
        assert truth / 20 <= found.low < found.high <= truth / 2


REFUSED = {
    "too few repeats": lambda curve: [curve(), curve(seed=1)],
    "too few points": lambda curve: [trace([3.0, 2.0, 1.0, 2.0, 9.0])] * 3,
    "flat": lambda curve: [trace([1.0] * 100)] * 3,
    "never diverged": lambda curve: [trace(np.linspace(3, 1, 100))] * 3,
    "diverged at once": lambda curve: [trace(np.geomspace(1, 100, 100))] * 3,
    "too noisy": lambda curve: [trace(2 + np.random.default_rng(seed).standard_normal(100) * 0.9) for seed in range(3)],
}


@pytest.mark.parametrize("seed", range(10))
def test_noise_around_a_level_is_flat_and_no_divergence(seed: int):
    """The edge of a curve that has won nothing is taken back by any noise: only a real rise is a divergence."""
    level = [2.3 + 0.03 * np.random.default_rng((seed, k)).standard_normal(120) for k in range(3)]

    found = suggest([trace(losses, 1e-9, 1e-7) for losses in level])

    assert isinstance(found, Refusal)
    assert found.reason == "flat"
    assert "raise the end" in found.remedy


@pytest.mark.parametrize("reason", REASONS)
def test_every_reason_has_a_case_and_a_remedy(reason: str, curve):
    found = suggest(REFUSED[reason](curve))

    assert isinstance(found, Refusal)
    assert found.reason == found.verdict == reason
    assert found.remedy
    assert found.evidence
    assert json.loads(found.to_json())["verdict"] == reason


def test_a_sweep_that_begins_above_the_edge_is_refused(quadratic):
    found = suggest([quadratic(seed, low=0.1, high=10.0) for seed in range(3)])

    assert isinstance(found, Refusal)
    assert found.reason == "diverged at once"


def test_a_trained_model_that_diverges_late_is_flat(curve):
    found = suggest([curve(depth=0.0, seed=seed, noise=0.01) for seed in range(3)])

    assert isinstance(found, Refusal)
    assert found.reason == "flat"


def test_repeats_that_disagree_are_refused(curve):
    found = suggest([curve(1e-4), curve(1e-2), curve(0.1)])

    assert isinstance(found, Refusal)
    assert found.reason == "too noisy"


@pytest.mark.parametrize("seed", range(40))
def test_noise_alone_never_gives_a_number(seed: int):
    rng = np.random.default_rng(seed)
    scale = [0.01, 0.1, 1.0, 3.0][seed % 4]

    found = suggest([trace(2 + scale * rng.standard_normal(120)) for _ in range(3)])

    assert isinstance(found, Refusal)


def test_json_has_every_rule_of_every_repeat(curve):
    found = suggest([curve(noise=0.05, seed=seed) for seed in range(4)])
    data = json.loads(found.to_json())

    assert data["low"] < data["middle"] < data["high"]
    assert {name: len(reading["values"]) for name, reading in data["rules"].items()} == dict.fromkeys(
        ("steepest", "minimum/10", "valley", "slide", "edge"), 4
    )


def test_repeats_of_other_length_are_read_together(quadratic):
    found = suggest([quadratic(0), quadratic(1, steps=150), quadratic(2, steps=90)])

    assert isinstance(found, Suggestion)
    assert found.edge == pytest.approx(0.2, rel=0.1)


def test_only_traces_are_read():
    with pytest.raises(GlidepathError, match="suggest: traces must be a list of traces"):
        suggest(sweep(lambda rate: 1.0, rising()))  # type: ignore[arg-type]

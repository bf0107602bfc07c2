"""The convex bound against its formula summed in full, and peaks carried by it."""

import numpy as np
import pytest

from glidepath import parse
from glidepath.core.errors import GlidepathError
from glidepath.forecast.bound import bound, transfer_peak


def in_full(rates: np.ndarray, peak: float) -> float:
    eta = peak * rates
    total = 1 / (2 * eta.sum()) + (eta**2).sum() / (2 * eta.sum())
    for k in range(len(eta) - 1):
        total += 0.5 * eta[k] / eta[k + 1 :].sum() * (eta[k:] ** 2).sum() / eta[k:].sum()
    return float(total)


@pytest.mark.parametrize(
    "text", ["linear(60)", "hold(40) >> cosine(20)", "warmup(9) >> hold(51)", "hold(30) >> 0.2 * hold(30)"]
)
def test_it_is_the_least_of_the_formula(text: str) -> None:
    rates = np.array([parse(text)(t) for t in range(60)])
    rates = rates[: np.flatnonzero(rates)[-1] + 1]
    found = bound(parse(text), 60)
    assert in_full(rates, found.peak) == pytest.approx(found.least, rel=1e-12)
    for factor in (0.9, 1.1):
        assert in_full(rates, factor * found.peak) > found.least


def test_it_ranks_shapes_and_does_not_see_their_height() -> None:
    texts = ["linear(1000)", "cosine(1000)", "hold(800) >> linear(200)", "hold(1000)"]
    least = [bound(parse(text)).least for text in texts]
    assert least == sorted(least)
    assert bound(parse("0.3 * linear(1000)")).least == pytest.approx(least[0])


@pytest.mark.parametrize(
    ("text", "ratio"),
    [
        ("hold(45000) >> linear(5000)", 0.90),
        ("hold(40000) >> one_minus_sqrt(10000)", 1.05),
        ("hold(30000) >> linear(20000)", 1.18),
        ("hold(50000)", 0.55),
    ],
)
def test_carried_peaks_are_those_of_the_literature(text: str, ratio: float) -> None:
    carried = transfer_peak(1e-3, parse("hold(40000) >> linear(10000)"), parse(text))
    assert carried.ratio == pytest.approx(ratio, abs=0.005)
    assert carried.low < 1e-3 * carried.ratio < carried.high
    assert ("constant" in carried.warning) == (text == "hold(50000)")


def test_a_carried_peak_is_that_of_the_schedule_not_of_its_factor() -> None:
    plain = transfer_peak(1e-3, parse("hold(400) >> linear(100)"), parse("linear(500)"))
    halved = transfer_peak(1e-3, parse("0.5 * (hold(400) >> linear(100))"), parse("2 * linear(500)"))
    assert halved.peak == pytest.approx(plain.peak)


def test_another_length_is_warned_of() -> None:
    carried = transfer_peak(1e-3, parse("linear(1000)"), parse("linear(4000)"))
    assert carried.ratio == pytest.approx(0.5, abs=0.01)
    assert "across lengths" in carried.warning


def test_refusals() -> None:
    with pytest.raises(GlidepathError, match=r"steps must be .* got inf \(an endless schedule needs a length"):
        bound(parse("hold()"))
    with pytest.raises(GlidepathError, match="above 0 somewhere"):
        bound(parse("0 * hold(10)"))
    with pytest.raises(GlidepathError, match="peak must be a finite number above 0"):
        transfer_peak(0.0, parse("linear(10)"), parse("linear(10)"))


def test_updates_at_rate_0_change_nothing() -> None:
    alone, followed = bound(parse("linear(60)")), bound(parse("linear(60) >> hold(5, value=0)"))

    assert (followed.least, followed.peak) == (alone.least, alone.peak)

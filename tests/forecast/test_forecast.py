"""Laws fitted to runs made by laws that are known; what is refused; intervals; and published curves where they are at hand."""

import dataclasses
import json
import math
import subprocess
import sys

import numpy as np
import pytest

from glidepath import parse
from glidepath.core.errors import GlidepathError
from glidepath.forecast import LAWS, Law, Laws, Path, Run, fit_laws
from glidepath.forecast.calibration import half_width, half_width_of_difference, quantile
from glidepath.forecast.design import design
from glidepath.forecast.laws import fit_law
from glidepath.forecast.path import rates_of
from glidepath.logs import Log

PEAK = 3e-4
MULTI_POWER = Law(  # published for 100 million parameters
    "multi_power",
    {"L0": 2.651, "A": 0.601, "alpha": 0.453, "B": 437.9, "C": 2.132, "beta": 0.598, "gamma": 0.655},
)
TISSUE = Law("tissue", {"L0": 2.68, "A": 0.565, "alpha": 0.496, "B": 466.0, "decay": 0.004})
FUNCTIONAL = Law("functional", {"L0": 2.64, "A": 0.6, "alpha": 0.46, "B": 28_000.0, "c": 60.0, "q": 1.9})
WSD = "warmup(200) >> hold(3000) >> linear(800)"
STEP = "warmup(200) >> hold(1800) >> 0.3 * hold(2000)"
COSINE = "warmup(200) >> cosine(3800)"
LINEAR = "warmup(200) >> linear(3800)"


def made(law: Law, text: str, *, noise: float = 0.0, unit: float = 1.0, seed: int = 0, count: int = 80) -> Run:
    schedule = parse(text)
    rates = rates_of(schedule, PEAK, int(schedule.duration))
    steps = np.unique(np.linspace(len(rates) // count, len(rates), count).astype(int))
    losses = law(Path.of(rates, steps)) * np.exp(noise * np.random.default_rng(seed).standard_normal(len(steps)))
    return Run(text, rates * unit, steps, losses)


def end(law: Law, text: str) -> float:
    run = made(law, text)
    return float(run.losses[-1])


@pytest.fixture(scope="module")
def laws() -> Laws:
    return fit_laws([made(MULTI_POWER, WSD, noise=1e-3), made(MULTI_POWER, STEP, noise=1e-3, seed=1)])


# The laws -----------------------------------------------------------------------------------------------------------------------------


def test_tissue_is_the_published_double_sum() -> None:
    rates = np.array([0.5, 1.0, 1.0, 0.7, 0.7, 0.2, 0.0])
    decay, gain = 0.3, 0.8
    kept = math.exp(-decay)
    earlier = np.concatenate(([0.0], rates[:-1]))
    for s in range(1, len(rates) + 1):
        momentum = sum((earlier[k] - rates[k]) * kept ** (i - k) for i in range(s) for k in range(i + 1))
        expected = 2.0 + 0.9 * rates[:s].sum() ** -0.5 - gain * (1 - kept) * momentum
        law = Law("tissue", {"L0": 2.0, "A": 0.9, "alpha": 0.5, "B": gain, "decay": decay})
        assert law(Path.of(rates, [s]))[-1] == pytest.approx(expected, rel=1e-12)


def test_multi_power_is_the_published_sum() -> None:
    rates = np.array([0.5, 1.0, 1.0, 0.7, 0.7, 0.2, 0.1])
    p = {"L0": 2.0, "A": 0.9, "alpha": 0.5, "B": 0.3, "C": 1.7, "beta": 0.6, "gamma": 0.65}
    earlier = np.concatenate(([0.0], rates[:-1]))
    total = sum(
        (earlier[k] - rates[k]) * (1 - (1 + p["C"] * rates[k] ** -p["gamma"] * rates[k:].sum()) ** -p["beta"])
        for k in range(len(rates))
    )
    expected = p["L0"] + p["A"] * rates.sum() ** -p["alpha"] - p["B"] * total
    assert Law("multi_power", p)(Path.of(rates, [len(rates)]))[-1] == pytest.approx(expected, rel=1e-12)


def test_functional_is_the_integral_of_its_kernel() -> None:
    rates = np.repeat([1.0, 0.4, 0.1], 400)
    p = {"L0": 2.0, "A": 0.9, "alpha": 0.5, "B": 0.02, "c": 0.05, "q": 1.3}
    x = rates[::-1].cumsum()[::-1] - rates / 2  # from the middle of each update
    expected = p["L0"] + p["A"] * rates.sum() ** -p["alpha"] + p["B"] * (rates**2 * (1 + p["c"] * x) ** -p["q"]).sum()
    assert Law("functional", p)(Path.of(rates, [len(rates)]))[-1] == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("name", list(LAWS))
def test_derivatives_are_those_of_finite_differences(name: str) -> None:
    path = made(MULTI_POWER, COSINE, count=9).path(unit=PEAK)
    path = dataclasses.replace(path, area=path.area / 1900, at=path.at / 1900)
    shape = LAWS[name]
    inner = [
        2.5,
        0.1,
        0.45,
        0.3,
        *{"tissue": (2e-3,), "multi_power": (90.0, 0.6, 0.7), "functional": (80.0, 1.4), "area": ()}[name],
    ]
    logs = np.log(inner[: len(shape.names)])
    slopes = shape.predict(path, logs, slopes=True)[1]
    for at in range(len(logs)):
        moved = np.eye(len(logs))[at] * 1e-6
        slope = (shape.predict(path, logs + moved)[0] - shape.predict(path, logs - moved)[0]) / 2e-6
        assert slopes[:, at] == pytest.approx(slope, rel=2e-5, abs=1e-8)


def test_pieces_of_a_path_cost_next_to_nothing() -> None:
    rates = rates_of(parse("warmup(500) >> cosine(11500)"), PEAK, 12_000)
    for law in (MULTI_POWER, TISSUE, FUNCTIONAL):
        whole = law(Path.of(rates, [6000, 12_000], grain=12_000))
        assert law(Path.of(rates, [6000, 12_000])) == pytest.approx(whole, abs=2e-4)


# Fits ---------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("law", [MULTI_POWER, TISSUE, FUNCTIONAL], ids=lambda law: law.name)
def test_a_law_is_recovered_from_data_that_it_made(law: Law) -> None:
    fitted = fit_law(law.name, [made(law, WSD), made(law, STEP), made(law, COSINE)])
    assert fitted.scatter < 1e-4
    for text in (LINEAR, "warmup(200) >> hold(11000) >> linear(800)"):
        assert end(fitted.law, text) == pytest.approx(end(law, text), abs=1e-3)


def test_the_unit_of_rates_changes_nothing(laws: Laws) -> None:
    scaled = fit_laws(
        [made(MULTI_POWER, WSD, noise=1e-3, unit=1e3), made(MULTI_POWER, STEP, noise=1e-3, seed=1, unit=1e3)]
    )
    assert scaled.peak == pytest.approx(1e3 * laws.peak)
    assert scaled.final(COSINE).loss == pytest.approx(laws.final(COSINE).loss, abs=1e-6)
    assert scaled.final(COSINE).low == pytest.approx(laws.final(COSINE).low, abs=1e-6)


def test_the_order_of_logs_changes_nothing(laws: Laws) -> None:
    runs = [made(MULTI_POWER, STEP, noise=1e-3, seed=1), made(MULTI_POWER, WSD, noise=1e-3)]
    turned = fit_laws(runs, backtests=False)
    assert turned.final(COSINE).loss == pytest.approx(laws.final(COSINE).loss, abs=1e-5)


def test_a_warmup_that_does_not_count_moves_the_floor_alone() -> None:
    runs = [made(MULTI_POWER, WSD), made(MULTI_POWER, STEP)]
    counted, not_counted = (fit_laws(runs, rises=rises, backtests=False) for rises in (True, False))
    assert not_counted.rises is False
    assert not_counted.final(COSINE).loss == pytest.approx(counted.final(COSINE).loss, abs=2e-3)
    floors = [each.fitted[0].law.parameters["L0"] for each in (counted, not_counted)]
    assert floors[1] - floors[0] == pytest.approx(counted.fitted[0].law.parameters["B"] * PEAK, abs=5e-3)


def test_forecasts_are_near_what_a_law_would_have_done(laws: Laws) -> None:
    for text in (COSINE, LINEAR, "warmup(200) >> hold(8000) >> linear(2000)"):
        forecast = laws.final(text)
        truth = end(MULTI_POWER, text)
        assert forecast.loss == pytest.approx(truth, abs=0.02)
        assert forecast.low < truth < forecast.high
        assert set(forecast.laws) == {"tissue", "multi_power", "functional"}
        assert abs(forecast.baseline - truth) > abs(forecast.loss - truth)


def test_the_curve_ends_where_the_final_forecast_is(laws: Laws) -> None:
    curve, final = laws.curve(COSINE), laws.final(COSINE)
    assert curve.steps[-1] == final.updates == 4000
    assert (curve.loss[-1], curve.low[-1], curve.high[-1]) == pytest.approx(
        (final.loss, final.low, final.high), abs=5e-4
    )
    assert (curve.low < curve.loss).all()
    assert (curve.loss < curve.high).all()


def test_intervals_widen_with_the_horizon(laws: Laws) -> None:
    widths = [
        made_.high - made_.low
        for made_ in (
            laws.final(f"warmup(200) >> hold({n - 1000}) >> linear(800)") for n in (4000, 8000, 12_000, 16_000)
        )
    ]
    assert widths == sorted(widths)
    assert widths[0] < widths[-1]


def test_comparisons_know_what_they_cannot_tell(laws: Laws) -> None:
    near = laws.compare(WSD, "warmup(200) >> hold(3010) >> linear(790)")
    far = laws.compare("warmup(200) >> hold(3800)", WSD)
    assert not near.told
    assert "no difference can be told" in str(near)
    assert far.told
    assert far.difference > 0
    assert "the second ends lower" in str(far)
    same = laws.compare(WSD, WSD)
    assert (same.difference, same.low, same.high, same.told) == (0.0, 0.0, 0.0, False)
    back = laws.compare(WSD, "warmup(200) >> hold(3800)")
    assert back.difference == pytest.approx(-far.difference)


def test_a_difference_is_not_told_where_the_laws_disagree_on_its_sign(laws: Laws) -> None:
    flat = Law("area", {"L0": 2.5, "A": 50.0, "alpha": 0.5})
    plateau = "warmup(200) >> hold(3800)"
    torn = dataclasses.replace(laws, fitted=(dataclasses.replace(laws.fitted[0], law=flat), *laws.fitted[1:]))
    assert laws.compare(WSD, plateau).told
    assert not torn.compare(WSD, plateau).told


def test_stored_laws_need_no_scipy() -> None:
    code = "import sys, glidepath.forecast.bound; sys.exit('scipy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_laws_are_plain_json_both_ways(laws: Laws) -> None:
    data = json.loads(laws.to_json())
    again = Laws.from_json(laws.to_json())
    assert again.to_dict() == laws.to_dict() == Laws.from_dict(data).to_dict()
    assert again.final(COSINE) == laws.final(COSINE)
    for name in ("fitted", "peak", "runs", "widened"):
        with pytest.raises(GlidepathError, match="laws: data must be what to_dict wrote"):
            Laws.from_dict({key: value for key, value in data.items() if key != name})
    for name, wrong in (("updates", 10**12), ("updates", -1), ("effect", math.nan), ("peak", "high"), ("runs", [1])):
        with pytest.raises(GlidepathError, match=r"laws: data must be|forecast: base must be"):
            Laws.from_dict({**data, name: wrong})
    data["fitted"][0]["law"]["name"] = "made up"
    with pytest.raises(GlidepathError, match="laws: data must be what to_dict wrote"):
        Laws.from_dict(data)
    with pytest.raises(GlidepathError, match="laws: text must be JSON"):
        Laws.from_json("{")


def test_what_was_left_out_is_said(laws: Laws) -> None:
    assert [(one.updates, one.losses, one.left_out) for one in laws.runs] == [(4000, 72, 8), (4000, 72, 8)]
    assert "before update 400" in laws.runs[0].why


def test_backtests_leave_runs_out(laws: Laws) -> None:
    assert {one.held for one in laws.backtests} == {"run", "rest"}
    assert laws.widened >= 1.0
    assert fit_laws([made(MULTI_POWER, WSD)]).backtests == ()


def test_logs_are_taken_as_they_are_read(laws: Laws) -> None:
    runs = [made(MULTI_POWER, WSD, noise=1e-3), made(MULTI_POWER, STEP, noise=1e-3, seed=1)]
    read = [Log.of(run.steps, loss=run.losses, rate=run.rates[run.steps - 1]) for run in runs]
    assert fit_laws(read, backtests=False).final(COSINE).loss == pytest.approx(laws.final(COSINE).loss, abs=5e-3)
    with pytest.raises(GlidepathError, match="logs must be runs or logs"):
        fit_laws(["run.csv"])  # type: ignore[list-item]


def test_many_losses_are_merged() -> None:
    run = made(MULTI_POWER, WSD, count=1000, noise=5e-3)
    laws = fit_laws([run], backtests=False)
    assert laws.runs[0].losses == 300
    assert laws.final(WSD).loss == pytest.approx(end(MULTI_POWER, WSD), abs=5e-3)


# Refusals -----------------------------------------------------------------------------------------------------------------------------


def test_no_decay_is_refused_with_the_cooldown_that_would_help() -> None:
    with pytest.raises(
        GlidepathError, match=r"a cooldown of 800 updates from step 4,000 of .*glidepath branches 4000"
    ) as caught:
        fit_laws([made(MULTI_POWER, "warmup(200) >> hold(3800)")])
    assert "one decays to below half of its peak" in str(caught.value)


@pytest.mark.parametrize("texts", [[COSINE], [LINEAR], [COSINE, "warmup(200) >> cosine(1800)"]])
def test_full_length_decays_alone_are_refused(texts: list[str]) -> None:
    with pytest.raises(
        GlidepathError, match=r"must be of runs of which one stays on its peak .* glidepath branches 1600"
    ):
        fit_laws([made(MULTI_POWER, text) for text in texts])


def test_a_plateau_on_which_nothing_is_learnt_is_refused() -> None:
    run = made(MULTI_POWER, WSD)
    flat = dataclasses.replace(run, losses=np.where(run.steps < 3200, 3.5 + 1e-4 * run.steps, run.losses))
    with pytest.raises(GlidepathError, match="losses must be falling while the rate stays on its peak"):
        fit_laws([flat])


def test_several_peaks_metrics_and_too_few_losses_are_refused_at_once() -> None:
    other = dataclasses.replace(made(MULTI_POWER, WSD, unit=2.0, count=6), metric="validation_loss")
    with pytest.raises(GlidepathError, match="of one peak rate") as caught:
        fit_laws([made(MULTI_POWER, WSD, count=6), other])
    text = str(caught.value)
    assert "of one evaluation, got loss and validation_loss" in text
    assert "at least 15 after the warmup" in text
    with pytest.raises(GlidepathError, match="at least one run, got none"):
        fit_laws([])


def test_another_peak_or_far_beyond_the_logs_is_refused(laws: Laws) -> None:
    with pytest.raises(GlidepathError, match=r"peak rate of .* must be that of the logs, 0.0003, got 0.00015"):
        laws.final(COSINE, base=PEAK / 2)
    with pytest.raises(
        GlidepathError, match=r"at most 4 times as long as the longest log \(4,000 updates\), got 16,200"
    ):
        laws.final("hold(16200)")
    with pytest.raises(GlidepathError, match="got 9,007,199,254,740,992 updates"):
        laws.final("hold(9007199254740992)")
    assert laws.final("warmup(200) >> hold(15800)").horizon == 4.0
    with pytest.raises(GlidepathError, match="steps must be an integer from 1 to 9007199254740992, got 0"):
        laws.final(COSINE, steps=0)
    with pytest.raises(GlidepathError, match="base must be a finite number above 0"):
        laws.final(COSINE, base=math.nan)


def test_runs_are_checked_when_they_are_given() -> None:
    with pytest.raises(GlidepathError, match="losses must be finite and above 0") as caught:
        Run("mine", np.array([0.1, math.nan]), np.array([1, 1]), np.array([1.0, math.inf]))
    assert "rates must be 1 to" in str(caught.value)
    assert "steps must be ascending" in str(caught.value)
    with pytest.raises(GlidepathError, match="to the 2 updates whose rates are known"):
        Run("mine", np.ones(2), np.array([1, 3]), np.ones(2))


# Intervals ----------------------------------------------------------------------------------------------------------------------------


def test_widths() -> None:
    assert half_width(1.0, 0.1, 0.0) == pytest.approx(0.024)
    assert half_width(0.5, 0.1, 0.0) == half_width(1.0, 0.1, 0.0) < half_width(4.0, 0.1, 0.0)
    assert half_width_of_difference(1.0, 0.1, 0.01, 0.0) == 0.0
    apart = [half_width_of_difference(1.0, 0.1, 0.0, d) for d in (0.01, 0.1, 0.5)]
    assert apart == sorted(apart)
    assert quantile([]) == 0.0
    assert quantile([3.0, 1.0]) == 3.0
    assert quantile(list(range(1, 101))) == 91


# Design -------------------------------------------------------------------------------------------------------------------------------


def test_a_design_is_no_worse_than_what_it_is_compared_with(laws: Laws) -> None:
    found = design(laws, against=COSINE)
    assert found.chosen.loss <= laws.final(WSD).loss + 1e-6
    assert end(MULTI_POWER, found.schedule) < end(MULTI_POWER, COSINE)
    assert parse(found.schedule).duration == found.updates == 4000
    assert "near the best, without a grid" in str(found)
    assert found.gain.difference < 0
    assert json.loads(json.dumps(found.to_dict()))["chosen"]["schedule"] == found.schedule


def test_a_design_begins_no_earlier_than_the_run_is(laws: Laws) -> None:
    found = design(laws, at=3500, steps=5000)
    assert found.starts[0].start == 3500
    assert min(one.start for one in found.starts) == 3500
    assert "cool down now, from     3,500 for     1,500 updates" in str(found)
    with pytest.raises(GlidepathError, match="steps must be longer than what is made"):
        design(laws, at=4000)
    with pytest.raises(GlidepathError, match="at must be an integer from 0"):
        design(laws, at=-1)


def test_a_design_on_which_the_laws_disagree_is_refused(laws: Laws) -> None:
    one = laws.fitted[0]
    off = Law(one.law.name, {**one.law.parameters, "L0": one.law.parameters["L0"] + 0.2})
    torn = dataclasses.replace(laws, fitted=(dataclasses.replace(one, law=off), *laws.fitted[1:]))
    with pytest.raises(GlidepathError, match="laws must be to differ by at most"):
        design(torn)

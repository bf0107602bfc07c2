"""A schedule is recovered from its rates, or refused."""

import dataclasses
import json

import numpy as np
import pytest

import glidepath as gp
from glidepath import GlidepathError
from glidepath.advice import Fit, Log, NoFit, Series, advise, fit, read, refine

EXACT = [
    "constant()",
    "warmup(500) >> cosine(9500, floor=0.1)",
    "warmup(500, start=0) >> cosine(9500)",
    "cosine(1000)",
    "linear(1000)",
    "warmup(100) >> linear(900)",
    "warmup(100) >> constant()",
    "wsd(1000, warmup=50)",
    "wsd(1000, warmup=50, curve='one_minus_sqrt')",
    "step(30)",
    "step(300, factor=0.5)",
    "multistep([200, 500, 800])",
    "exponential(0.999)",
    "warmup(100) >> exponential(0.95, steps=100)",
    "warmup(400) >> inverse_sqrt(400)",
    "one_cycle(1000)",
    "sgdr(200)",
    "sgdr(100, growth=2)",
    "sgdr(100, warmup=20, decay=0.8)",
    "triangular(100)",
    "triangular2(100)",
    "triangular(60, 90)",
    "exp_range(50, 0.99)",
    "inverse_time(0.01)",
    "polynomial(1000, 2)",
    "polynomial(1000, 0.9, floor=0.01)",
    "rex(1000)",
    "knee(1000, 100, 400)",
    "piecewise_constant([200, 400], [1.0, 0.1, 0.05])",
]


def logged(text: str, every: int = 1, base: float = 0.3, first: int = 0) -> Series:
    schedule = gp.parse(text)
    last = int(min(schedule.duration, 1200)) if schedule.duration != 10_000 else 10_000
    steps = np.arange(first, last + 1, every)
    return Series(steps.astype(float), base * schedule(steps))


@pytest.mark.parametrize("text", EXACT)
def test_a_schedule_is_recovered(text: str):
    series = logged(text)
    found = fit(series)

    assert isinstance(found, Fit)
    assert found.residual < 1e-9
    again = gp.parse(found.text)
    assert np.abs(again(series.steps) - series.values).max() < 1e-9
    assert json.loads(found.to_json())["text"] == found.text


@pytest.mark.parametrize(
    "text", ["warmup(500) >> cosine(9500, floor=0.1)", "cosine(1000)", "step(300, factor=0.5)", "wsd(1000, warmup=50)"]
)
def test_the_very_text_comes_back(text: str):
    found = fit(logged(text))

    assert isinstance(found, Fit)
    assert found.base == pytest.approx(0.3, rel=1e-12)
    assert str(found.schedule) == str(gp.parse(text))


@pytest.mark.parametrize(
    "text",
    [
        "warmup(100) >> cosine(3000)",
        "warmup(100) >> linear(900)",
        "one_cycle(1000)",
        "triangular(100)",
        "cosine(1000)",
        "linear(1000)",
    ],
)
def test_a_log_of_every_tenth_update_is_enough(text: str):
    found = fit(logged(text, every=10, first=10))

    assert isinstance(found, Fit)
    assert found.residual < 1e-6
    assert found.base == pytest.approx(0.3, rel=1e-6)


def test_what_the_run_did_not_see_is_extrapolated():
    found = fit(logged("warmup(100) >> cosine(5000)"))

    assert isinstance(found, Fit)
    assert found.schedule.duration == 5100


def test_a_log_that_counts_from_one_says_so():
    steps = np.arange(1, 1001)
    found = fit(Series(steps.astype(float), 0.3 * gp.parse("warmup(100) >> cosine(900)")(steps - 1)))

    assert isinstance(found, Fit)
    assert (str(found.schedule), found.shift) == ("warmup(100) >> cosine(900)", 1)


@pytest.mark.parametrize("digits", [4, 6])
def test_rounded_rates_fit_with_a_residual(digits: int):
    series = logged("warmup(100) >> cosine(900, floor=0.1)")
    rounded = Series(series.steps, np.round(series.values, digits))
    found = fit(rounded)

    assert isinstance(found, Fit)
    assert 0 < found.residual < 4 * 10.0**-digits
    assert abs(found.schedule.duration - 1000) <= 10


def test_single_precision_is_no_obstacle():
    series = logged("warmup(100) >> cosine(900)")
    found = fit(Series(series.steps, series.values.astype(np.float32).astype(float)))

    assert isinstance(found, Fit)
    assert str(found.schedule) == "warmup(100) >> cosine(900)"


@pytest.mark.parametrize("seed", range(5))
def test_what_is_no_schedule_is_refused(seed: int):
    rng = np.random.default_rng(seed)
    found = fit(Log.of(rate=np.exp(rng.standard_normal(200).cumsum() * 0.2)))

    assert isinstance(found, NoFit)
    assert found.reason
    assert found.residual is None or found.residual > 0.005


def test_too_little_is_refused():
    assert isinstance(fit(Log.of(rate=[0.1, 0.2, 0.3])), NoFit)
    assert isinstance(fit(Log.of(rate=[0.0] * 20)), NoFit)
    assert isinstance(fit(Log.of(rate=[-1.0] * 20)), NoFit)
    with pytest.raises(GlidepathError, match="fit: log must be one with rates"):
        fit(Log.of(loss=[1.0]))


def test_constant_gradients_speak_for_linear_decay():
    schedule = refine(Log.of(gradient_norm=[3.0] * 1001))

    assert schedule.duration == 1000
    assert max(abs(schedule(t) - (1 - t / 1000)) for t in range(0, 1001, 7)) < 1e-9


@pytest.mark.parametrize("power", [1, 2])
def test_refined_values_are_those_of_the_formula(power: int):
    norms = 1 + np.random.default_rng(0).random(200)
    schedule = refine(Log.of(gradient_norm=norms), smoothing=0, power=power, points=200)
    w = norms**-power
    expected = w * np.array([w[t + 1 :].sum() for t in range(200)])

    assert [schedule(t) for t in range(200)] == pytest.approx((expected / expected.max()).tolist(), abs=1e-12)


def test_gradients_that_grow_at_the_end_lower_the_rate_there():
    norms = np.r_[np.ones(900), np.linspace(1, 5, 101)]
    schedule = refine(Log.of(gradient_norm=norms))

    assert schedule(950) < 0.3 * (1 - 950 / 1000)
    assert refine(Log.of(gradient_norm=norms), steps=5000).duration == 5000
    rates = refine(Log.of(gradient_norm=norms), base=0.003)
    assert str(rates).startswith("rate(0.003 * table(")
    assert (rates.absolute, rates(7)) == (True, 0.003 * schedule(7))


def test_gradients_that_cannot_be_used_are_refused():
    with pytest.raises(GlidepathError, match="refine: log must be one with gradient norms"):
        refine(Log.of(loss=[1.0]))
    with pytest.raises(GlidepathError, match="at least 10, all above 0"):
        refine(Log.of(gradient_norm=[0.0] * 20))
    with pytest.raises(GlidepathError, match="base must be a finite number above 0"):
        refine(Log.of(gradient_norm=[1.0] * 20), base=0.0)
    with pytest.raises(GlidepathError, match="must be") as refused:
        refine(Log.of(gradient_norm=[1.0] * 20), smoothing=2.0, power=3, points=1)  # type: ignore[arg-type]
    assert len(refused.value.problems) == 3


def test_a_path_is_taken_and_columns_of_other_names_as_the_command_line_names_them(tmp_path):
    file = tmp_path / "run.csv"
    rows = "".join(f"{t},{0.1 * t / 20},{3 - t / 20}\n" for t in range(21))
    file.write_text("step,lr,loss\n" + rows)
    assert fit(file).kind == fit(str(file)).kind == "warmup"
    assert str(advise(file, complete=False)).endswith("it is not over")

    file.write_text("t,a,b\n" + rows)
    log = read(file, step="t", rate="a", loss="b")
    assert fit(log).kind == "warmup"
    assert str(advise(log, complete=False)).endswith("it is not over")
    assert fit(file, step="t", rate="a").kind == "warmup"
    assert str(advise(file, step="t", rate="a", loss="b", complete=False)).endswith("it is not over")
    with pytest.raises(GlidepathError, match="fit: rate must be given with a path only, got 'a'"):
        fit(Log.of(rate=[0.1] * 9), rate="a")


def test_a_warmup_between_the_first_two_rows_is_one():
    """Few digits, the first row at 0 and the second on the decay: how long the warmup was no row tells, but that there was one."""
    plan = gp.parse("warmup(20, start=0) >> cosine(7480)")
    steps = range(0, 3001, 75)
    found = fit(Log.of(steps, rate=[float(f"{1e-3 * plan(t):.4g}") for t in steps]))

    assert isinstance(found, Fit)
    assert found.kind == "warmup, cosine"
    assert found.end != "seen"


def test_one_cycle_that_was_cut_off_has_the_length_that_its_peak_tells():
    plan = 0.01 * gp.one_cycle(1999, 599 / 1999)
    steps = range(0, 1600, 20)
    found = fit(Log.of(steps, rate=[float(f"{plan(t):.6g}") for t in steps]))

    assert isinstance(found, Fit)
    assert (found.kind, found.schedule.duration) == ("one cycle", 1999)


@pytest.mark.parametrize(
    ("warm", "total", "floor", "every", "written"),
    [
        (700, 9000, 0.0, 1, ".17g"),
        (200, 4000, 0.0, 30, ".17g"),
        (150, 2100, 0.1, 50, ".17g"),
        (715, 5000, 0.1, 1, ".4e"),
    ],
)
def test_a_peak_that_stands_for_two_steps_is_found(warm: int, total: int, floor: float, every: int, written: str):
    u = (np.arange(0, total, every) - warm) / (total - warm)
    falls = floor + (1 - floor) * 0.5 * (1 + np.cos(np.pi * np.maximum(u, 0)))
    rates = 6e-4 * np.where(u < 0, (np.arange(0, total, every) + 1) / warm, falls)

    found = fit(Log.of(range(0, total, every), rate=[float(format(rate, written)) for rate in rates]))

    ending = f", floor={floor}" if floor else ""
    assert found.text == f"rate(0.0006 * (warmup({warm - 1}) >> hold(1) >> cosine({total - warm}{ending})))"


def test_a_warmup_that_ends_between_rows_of_three_digits_is_found():
    schedule = gp.parse("warmup(117, start=0) >> linear(1836)")

    found = fit(Log.of(range(0, 1953, 10), rate=[float(f"{2e-5 * schedule(t):.2e}") for t in range(0, 1953, 10)]))

    assert found.text == "rate(2e-05 * (warmup(117, start=0) >> linear(1836)))"


@pytest.mark.parametrize("an_epoch", [150, 420])
def test_rows_are_counted_where_several_have_one_rounded_epoch(an_epoch: int):
    k = np.arange(1, 2 * an_epoch + 1)

    found = fit(Log.of(np.round(k / an_epoch, 2), rate=2e-5 * (1 - k / len(k))))

    assert found.text == f"rate(2e-05 * linear({2 * an_epoch}))"
    assert "the text counts rows" in str(found)


def test_drops_are_at_whole_epochs_where_the_log_knows_them():
    steps = np.array([1251 * e + i for e in range(90) for i in (0, 500, 1000)])
    log = Log.of(steps, rate=0.1 * 0.1 ** (steps // (30 * 1251)))

    assert fit(dataclasses.replace(log, epoch=1251)).text == "rate(0.1 * step(37530))"
    assert fit(log).text == "rate(0.1 * step(37500))"
    assert "a drop may be up to 499 steps away" in str(fit(log))


def test_an_epoch_whose_length_is_guessed_is_said_to_be(tmp_path):
    rows = [(e, i, 0.1 if e < 4 else 0.01) for e in range(1, 7) for i in (50, 100, 150)]
    lines = (json.dumps({"mode": "train", "epoch": e, "iter": i, "lr": rate, "loss": 1.0}) for e, i, rate in rows)
    (tmp_path / "a.log.json").write_text("\n".join(lines))

    assert "an epoch has at least 150 updates" in fit(tmp_path / "a.log.json").notes()[-1]


@pytest.mark.parametrize(("power", "warm"), [(2, 600), (2, 604), (4, 1000)])
def test_a_warmup_by_a_power_before_a_cosine_and_a_flat_tail(power: int, warm: int):
    u = np.clip((np.arange(10, 9000, 10) - warm) / (8000 - warm), 0, 1)
    rates = np.where(
        u > 0, 0.05 + 0.95 * 0.5 * (1 + np.cos(np.pi * u)), np.minimum(np.arange(10, 9000, 10) / warm, 1) ** power
    )

    found = fit(Log.of(range(10, 9000, 10), rate=[float(f"{0.02 * rate:.3e}") for rate in rates]))

    rise = f'warmup({warm}, start=0, curve="reverse(polynomial({power}))")'
    assert found.text == f"rate(0.02 * ({rise} >> cosine({8000 - warm}, floor=0.05)))"


def test_one_cycle_that_is_cut_in_its_rise_is_open():
    schedule = gp.parse("one_cycle(1999, 799/1999)")

    found = fit(Log.of(range(24, 700, 25), rate=[0.003 * schedule(t) for t in range(24, 700, 25)]))

    assert found.text == 'rate(0.003 * warmup(799, start=0.04, curve="cosine"))'
    assert found.end == "open"

"""Every planted fault is found, and nothing on healthy logs; no finding without evidence."""

import json
import math

import numpy as np
import pytest
from synthetic_logs import BASE, PLAN, STEPS, healthy, losses, planted

import glidepath as gp
from glidepath import GlidepathError
from glidepath.advice import Advice, Log, advise
from glidepath.advice.finding import sure
from glidepath.advice.findings_strings import FINDINGS


def names(advice: Advice) -> list[str]:
    return [finding.name for finding in advice.findings]


def check(advice: Advice) -> None:
    """Every finding has evidence, a confidence, and something to paste that is a schedule or a command."""
    for finding in advice.findings:
        assert finding.evidence
        assert 0 < finding.confidence <= 1
        assert finding.remedy
        if not finding.paste.startswith("glidepath "):
            assert isinstance(gp.parse(finding.paste), gp.Schedule)
    assert json.loads(advice.to_json())["findings"] == [finding.to_dict() for finding in advice.findings]


@pytest.mark.parametrize("seed", range(40))
def test_nothing_is_found_on_healthy_logs(seed: int):
    log, plan = healthy(seed)

    advice = advise(log)

    assert names(advice) == []
    assert "nothing wrong seen" in str(advice)
    assert names(advise(log, plan=plan)) == []


@pytest.mark.parametrize("seed", range(12))
def test_nothing_is_found_on_healthy_losses_alone(seed: int):
    log, _ = healthy(seed)

    assert names(advise(Log({"loss": log.series["loss"]}))) == []


T = np.arange(STEPS)
S = gp.parse(PLAN)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def spiked(at: int, height: float, width: int) -> np.ndarray:
    y = losses(STEPS, rng())
    y[at : at + width] += height * np.sin(np.linspace(0, np.pi, width))
    return y


def cut(y: np.ndarray, at: int, value: float) -> np.ndarray:
    y = y.copy()
    y[at:] = value
    return y


LOSSES = {
    "not finite at once": ("not finite", planted(loss=cut(losses(STEPS, rng()), 7, math.nan))),
    "not finite late": ("not finite", planted(loss=cut(losses(STEPS, rng()), 1500, math.inf))),
    "explodes early": (
        "diverges",
        planted(loss=np.minimum(2.3 * np.exp(T / 30), 50) * (1 + 0.05 * rng().standard_normal(STEPS))),
    ),
    "explodes late": (
        "diverges",
        planted(loss=np.where(T < 1200, losses(STEPS, rng()), 2.2 + 0.1 * rng().standard_normal(STEPS))),
    ),
    "flat above the start": (
        "diverges",
        planted(loss=np.where(T < 30, 2.3, 6.9) + 0.05 * rng().standard_normal(STEPS)),
    ),
    "falls slowly": (
        "falls slowly",
        planted(loss=2.3 - 0.2 * T / STEPS + 0.005 * rng().standard_normal(STEPS), rates=np.full(STEPS, 1e-5)),
    ),
    "falls slowly under a cosine": (
        "falls slowly",
        planted(loss=2.3 - 0.2 * np.cumsum(S(T)) / S(T).sum() + 0.005 * rng().standard_normal(STEPS)),
    ),
    "does not fall": ("does not fall", planted(loss=2.3 + 0.01 * rng().standard_normal(STEPS))),
    "stalls": (
        "stalls",
        planted(loss=0.8 + 1.5 * np.exp(-T / 80) + 0.01 * rng().standard_normal(STEPS), rates=np.full(STEPS, 0.1)),
    ),
    "swings": (
        "oscillates late",
        planted(loss=losses(STEPS, rng()) * (1 + 0.4 * np.sin(T / 6) * (T > 1000)), rates=np.full(STEPS, 0.1)),
    ),
    "zigzag": (
        "oscillates late",
        planted(loss=losses(STEPS, rng()) + 0.15 * (-1.0) ** T * (T > 800), rates=np.full(STEPS, 0.1)),
    ),
    "noise that grows": (
        "oscillates late",
        planted(
            loss=losses(STEPS, rng()) * (1 + (0.01 + 0.5 * (T > 1300)) * rng(1).standard_normal(STEPS)),
            rates=np.full(STEPS, 0.1),
        ),
    ),
    "saddle": (
        "plateau without gradients",
        planted(
            loss=1.9 + 0.4 * np.exp(-T / 50) + 0.002 * rng().standard_normal(STEPS),
            gradient_norm=1e-4 + np.exp(-T / 50),
        ),
    ),
    "no warmup": ("unstable start", planted(loss=spiked(5, 4.0, 60), rates=0.1 * gp.cosine(STEPS)(T))),
    "warmup too short": ("unstable start", planted(loss=spiked(20, 4.0, 60))),
    "fine-tuning that forgets": (
        "fine-tuning too fast",
        planted(loss=np.where(T < 3, 0.5, 0.45 + 2.0 * np.exp(-T / 100) * (1 - np.exp(-T / 5)))),
    ),
}


@pytest.mark.parametrize("case", LOSSES)
def test_a_fault_of_the_losses_is_found(case: str):
    name, log = LOSSES[case]
    advice = advise(log)

    assert names(advice) == [name]
    check(advice)


HARMLESS = {
    "a fine-tuning that wins at once, in few loud rows": planted(
        loss=(1.2 - 0.25 * (1 - np.exp(-T / 100))) * (1 + 0.1 * rng(3).standard_normal(STEPS)),
        rates=5e-5 * S(T),
    ),
    "won in the first twentieth, and loud": planted(
        loss=(1.0 + 0.4 * np.exp(-T / 20)) * (1 + 0.1 * rng(4).standard_normal(STEPS)), rates=5e-5 * S(T)
    ),
    "no lower once the rate is": planted(
        loss=0.8 + 1.5 * np.exp(-T / 80) + 0.01 * rng().standard_normal(STEPS),
        rates=0.1 * gp.parse("hold(1200) >> cosine(800, floor=0.05)")(T),
    ),
    "loud once the rate is a hundredth": planted(
        loss=losses(STEPS, rng()) * (1 + 0.2 * np.sin(T / 6) * (T > 1600)),
        rates=0.1 * gp.parse("multistep([1600, 1800], factor=0.1)")(T),
    ),
}


@pytest.mark.parametrize("case", HARMLESS)
@pytest.mark.parametrize("every", [1, 10, 30])
def test_what_another_rate_would_not_mend_is_left_alone(case: str, every: int):
    series = {name: (each.steps[::every], each.values[::every]) for name, each in HARMLESS[case].series.items()}
    log = Log({name: type(HARMLESS[case].series[name])(*pair) for name, pair in series.items()})

    assert names(advise(log)) == []


def test_few_loud_rows_are_too_noisy_to_judge():
    y = 2.3 * (1 + 0.15 * rng(5).standard_normal(60))
    advice = advise(Log.of(range(0, 1500, 25), loss=y, rate=[0.1] * 60))

    assert names(advice) == []
    assert "too noisy to judge" in str(advice)


def test_zeros_in_place_of_what_is_not_finite_are_seen():
    """Some trainers write 0 for a mean of losses that are NaN."""
    y = np.where(T < 1500, losses(STEPS, rng()), 0.0)
    (finding,) = advise(planted(loss=y)).findings

    assert finding.name == "not finite"
    assert 1500 in {each.step for each in finding.evidence}
    rounded = np.round(0.06 * np.exp(-T / 700), 2)  # the last that is not 0 is a fifth of the median
    assert "not finite" not in names(advise(planted(loss=rounded)))
    small = np.where(T < 1500, np.round(2.3 * np.exp(-T / 100), 4), 0.0)  # learned by heart, as the rounding shows it
    assert names(advise(planted(loss=small))) == []


def test_a_small_fall_that_levels_off_is_not_slow():
    """Fine-tuning wins little, most of it at the beginning: another rate would not win more."""
    y = 2.3 - 0.3 * (1 - np.exp(-T / 400)) + 0.005 * rng().standard_normal(STEPS)

    assert names(advise(planted(loss=y))) == []


def test_a_rate_that_is_soon_spent_makes_no_fall_late():
    """Of an exponential decay a tenth is spent within some epochs: what was won by then says nothing of the rate."""
    t = np.arange(60)
    y = (4 + 6 * (1 + 4 * t / 60) ** -0.4) * (1 + 0.005 * rng(2).standard_normal(60))

    assert names(advise(Log.of(t, loss=y, rate=1e-3 * 0.95**t))) == []


def test_a_single_loss_that_is_not_finite_says_nothing_of_the_rate():
    y = losses(STEPS, rng())
    y[900] = math.nan

    (finding,) = advise(planted(loss=y)).findings

    assert (finding.name, finding.rule, finding.direction) == ("not finite", "not finite: for a while", 0)


def test_a_confidence_is_what_the_bench_measured():
    (finding,) = advise(LOSSES["not finite late"][1]).findings

    assert finding.confidence == sure("not finite") > 0.98
    assert sure("so far unheard of") == 0.5
    assert [rule for rule in FINDINGS if sure(rule) == 0.5] == []
    assert sure("a rule", {"a rule": (17, 18)}) == pytest.approx(0.9)


def steps_of(advice: Advice) -> set[int]:
    return {each.step for finding in advice.findings for each in finding.evidence if each.step is not None}


def test_the_evidence_names_the_step():
    advice = advise(LOSSES["not finite late"][1])

    assert 1500 in steps_of(advice)
    assert 1499 in steps_of(advice)
    assert advice.findings[0].paste == str(gp.Rate(0.01 * gp.parse(PLAN)))  # a rate, and says so


def resumed(at: int, back: int) -> np.ndarray:
    return BASE * S(np.where(at > T, T, T - back))


RATES = {
    "twice per update": ("stepped twice per update", BASE * S(2 * T)),
    "twice per update, from one": ("stepped twice per update", BASE * S(2 * T + 1)),
    "four processes": ("stepped 4 times per update", BASE * S(4 * T)),
    "per epoch": ("stepped per epoch", BASE * S(T // 50)),
    "jump back to the start": ("resumed with a jump", resumed(800, 800)),
    "jump to the base": ("resumed with a jump", np.where(T < 800, BASE * S(T), BASE * S(T - 700))),
    "constant after resume": ("constant after resume", np.where(T < 800, BASE * S(T), BASE * S(800))),
    "constant at the base": ("constant after resume", np.where(T < 1000, BASE * S(T), BASE)),
    "three times the base": ("another base rate", 3 * BASE * S(T)),
    "another schedule": ("another schedule", BASE * gp.linear(STEPS)(T)),
}


@pytest.mark.parametrize("case", RATES)
@pytest.mark.parametrize("every", [1, 10])
def test_a_fault_of_the_rates_is_found_against_the_plan(case: str, every: int):
    name, rates = RATES[case]
    log = Log.of(T[::every], rate=rates[::every])
    advice = advise(log, plan=PLAN, base=BASE)

    assert names(advice) == [name]
    check(advice)


def test_a_run_that_ends_early_never_reached_the_floor():
    log = Log.of(T[:1200], rate=(BASE * S(T))[:1200])

    advice = advise(log, plan=PLAN, base=BASE)

    assert names(advice) == ["never reached the floor"]
    check(advice)
    assert gp.parse(advice.findings[0].paste).duration == pytest.approx(1200, abs=2)
    assert names(advise(log, plan=PLAN, base=BASE, complete=False)) == []


@pytest.mark.parametrize("case", ["jump back to the start", "constant after resume", "constant at the base"])
def test_a_resume_gone_wrong_is_found_without_a_plan(case: str):
    name, rates = RATES[case]
    advice = advise(Log.of(T, rate=rates))

    assert names(advice) in ([name], ["resumed with a jump"])
    assert steps_of(advice) & {799, 800, 801, 999, 1000}
    check(advice)


def test_a_log_that_goes_back_shows_where_it_resumed():
    steps = np.r_[0:900, 800:2000]
    rates = np.r_[(BASE * S(T))[:900], BASE * S(T[800:] - 800)]

    advice = advise(Log.of(steps, rate=rates))

    assert names(advice) == ["resumed with a jump"]
    assert 800 in steps_of(advice)


def test_a_warmup_that_never_ends_is_found_without_a_plan():
    advice = advise(Log.of(T, rate=BASE * S(T // 50)))

    assert names(advice) == ["never reached its peak"]
    check(advice)


def test_a_floor_reached_early_is_found_without_a_plan():
    advice = advise(Log.of(T, rate=BASE * S(2 * T)))

    assert names(advice) == ["at its floor early"]
    check(advice)
    (finding,) = advice.findings
    first, _ = finding.evidence
    assert f"From step {first.step} on" in finding.says
    assert f"the rate was at most {first.value:.3g}, " in finding.says
    assert first.value <= 1e-3 * BASE


def test_without_the_base_rate_the_plan_is_scaled_to_the_log():
    (finding,) = advise(Log.of(T, rate=0.037 * S(2 * T)), plan=PLAN).findings
    logged, planned, base = finding.evidence

    assert finding.name == "stepped twice per update"
    assert logged.value == pytest.approx(0.037 * S(2 * logged.step), rel=1e-12)
    assert planned.value == pytest.approx(0.037 * S(planned.step), rel=1e-3)
    assert str(base) == "base rate inferred from the log's peak 0.037"


@pytest.mark.parametrize("kind", ["per epoch", "constant after resume", "another schedule"])
def test_a_base_rate_that_nobody_gave_is_stated(kind: str):
    name, rates = RATES[kind] if kind in RATES else (kind, BASE * gp.parse(f"linear({STEPS})")(T))
    (finding,) = advise(Log.of(T, rate=rates), plan=PLAN).findings
    (stated,) = [each for each in finding.evidence if "base rate inferred from the" in each.what]
    assert (finding.name, stated.value) == (name, pytest.approx(BASE, rel=1e-3))
    for each in finding.evidence:
        if each.what == "planned rate":
            assert each.value == pytest.approx(BASE * S(each.step), rel=1e-3)

    (finding,) = advise(Log.of(T, rate=rates), plan=PLAN, base=BASE).findings
    assert not any("inferred" in each.what for each in finding.evidence)


@pytest.mark.parametrize("shift", [0, 1])
def test_counting_from_one_is_no_fault(shift: int):
    assert names(advise(Log.of(T + shift, rate=BASE * S(T)), plan=PLAN, base=BASE)) == []
    assert names(advise(Log.of(T, rate=BASE * S(T + shift)), plan=PLAN, base=BASE)) == []


def test_short_logs_say_nothing():
    assert names(advise(Log.of(loss=[2.0, 1.0, 3.0]))) == []
    assert names(advise(Log.of(loss=[2.0], rate=[0.1]))) == []
    assert names(advise(Log.of())) == []


def test_wrong_arguments_are_refused():
    with pytest.raises(GlidepathError, match="advise: base must be a finite number above 0"):
        advise(Log.of(loss=[1.0]), base=-1.0)
    with pytest.raises(GlidepathError, match="advise: log must be a log or a path"):
        advise(3)  # type: ignore[arg-type]


def test_a_run_that_is_not_over_is_not_told_that_it_stalls():
    log = LOSSES["stalls"][1]

    assert names(advise(log, complete=False)) == []
    assert "not judged: what the run has not come to yet" in str(advise(log, complete=False))

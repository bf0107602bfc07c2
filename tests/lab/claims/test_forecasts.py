"""Rules for forecasts applied to made-up outcomes, the trials of forecasts in small, and what is skipped where data are missing."""

import csv
import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest

from bench.claims import CLAIMS, Claim, Outcome, reproduce
from bench.claims import page as pages
from bench.claims.criteria import CarriedPeak, Measurements, NotAbove
from bench.claims.forecasts import _COURSES, _SIZES, CURVES, Designed, Forecasts, PublicCurves, curves_folder
from bench.claims.known_forecasts import Case, ForecastLimits, judged, refused_or_covered
from glidepath import GlidepathError, parse
from glidepath.forecast import Law, Run
from glidepath.lab import InProcess

LAW = Law("multi_power", {"L0": 2.65, "A": 0.6, "alpha": 0.45, "B": 438.0, "C": 2.1, "beta": 0.6, "gamma": 0.65})


def case(measured, *, loss=1.0, half=0.1, area=9.0, group="a", updates=1000):
    return Case(group, "x", updates, 1.0, loss, loss - half, loss + half, area, 5.0, measured, 0.0)


def checks(cases, **limits):
    return [check for _, check in judged(cases, ForecastLimits(**{"error": 0.2, "regret": 0.1, **limits}))]


def test_every_rule_can_hold_and_fail():
    good = [case(1.0), case(1.52, loss=1.5, area=8.0), case(2.0, loss=2.0, area=7.0)]
    assert [check.passed for check in checks(good)] == [True] * 4
    assert checks(good)[1].measured.startswith("3 of 3, 100 %")
    assert checks(good)[2].measured == "3 of 3; the sum of the rates alone 0"
    assert not checks([case(1.3), case(1.52, loss=1.2)])[0].passed
    assert not checks([*good[:2], case(2.3, loss=2.0)])[1].passed
    turned = [case(2.0, loss=1.0, area=1.0), case(1.5, loss=1.5, area=2.0), case(1.0, loss=2.0, area=3.0)]
    assert [check.passed for check in checks(turned)] == [False] * 4
    assert checks(turned)[3].measured == "1.0000; the sum of the rates alone 1.0000"


def test_a_baseline_that_is_nearer_fails_the_error():
    assert not checks([case(1.1, area=1.05), case(1.2, area=1.15)])[0].passed


def test_only_runs_of_one_group_and_length_are_put_in_order():
    cases = [
        case(1.0),
        case(1.1, loss=1.2),
        case(0.5, group="b"),
        case(0.4, updates=2000),
        case(0.6, group="b", loss=2.0),
    ]
    assert checks(cases)[2].measured.startswith("2 of 2;")


def _made(text):
    schedule = parse(text)
    steps = np.arange(40, int(schedule.duration) + 1, 40)
    course = Run.of(schedule, 3e-4, steps, np.ones(len(steps)), text)
    return dataclasses.replace(course, losses=LAW(course.path()))


def test_refused_or_covered():
    wsd, cosine, hold = (
        _made(f"warmup(50) >> {rest}") for rest in ("hold(1550) >> linear(400)", "cosine(1950)", "hold(1950)")
    )
    both = refused_or_covered({"a": ([cosine], [wsd]), "b": ([wsd], [cosine])})
    assert both.passed
    assert both.measured == "1 of 2 refused, 1 of 1 covered"
    off = dataclasses.replace(hold, losses=hold.losses + 1.0)
    assert not refused_or_covered({"b": ([wsd], [off])}).passed


def test_not_above_holds_where_nothing_is_shown():
    values = {"ours": (1.0, 1.1, 1.2), "same": (1.1, 1.0, 1.2), "lower": (0.5, 0.6, 0.7), "gone": (1.0, None, 1.0)}
    evidence = Measurements(metric="loss", unit="nats", columns=range(3), values=values)
    found = NotAbove(row="ours", than=("same", "lower", "gone")).judge(evidence)
    assert [one.passed for one in found] == [True, False, False]
    assert found[2].measured == "a run diverged"


def test_a_carried_peak_is_held_against_the_own_best():
    schedules = {"wsd": parse("hold(80) >> linear(20)"), "linear": parse("linear(100)")}
    carried = CarriedPeak(source="wsd", schedules=schedules, budget=100)

    def judge(linear):
        losses = {"wsd": {0.1: (1.0, 1.0), 0.2: (2.0, 2.0)}, "linear": linear}
        return carried.judge(Measurements(metric="m", unit="", columns=range(2), values={}, losses=losses))[0]

    best_at_twice = judge({0.1: (1.5, 1.6), 0.2: (1.0, 1.1)})
    assert best_at_twice.passed
    assert best_at_twice.measured.startswith("carried 0.196, tried at 0.2, own best 0.2 (ratio 1.00)")
    assert not judge({0.1: (0.5, 0.6), 0.2: (1.0, 1.1)}).passed
    assert not judge({0.1: (0.5, 0.6), 0.2: (None, 1.1)}).passed


@pytest.fixture
def claim(monkeypatch):
    def of(*trials):
        made = Claim(
            name="F9", title="Made up", statement="It is.", source="none", url="https://example.org", trials=trials
        )
        monkeypatch.setitem(CLAIMS, "F9", made)

    return of


def test_forecasts_are_tried_on_runs_of_one_seed(claim, tmp_path):
    wsd, cosine, hold = (f"warmup(5) >> {rest}" for rest in ("hold(75) >> linear(20)", "cosine(95)", "hold(95)"))
    shared = {"task": "mnist1d", "peak_rate": 0.05, "seeds": 1}
    claim(
        Forecasts(
            slug="a", fits={"WSD": (wsd,)}, held=(cosine, hold), limits=ForecastLimits(error=1.0, regret=1.0), **shared
        ),
        Forecasts(slug="b", fits={"a cosine": (cosine,)}, held=(wsd,), **shared),
    )
    outcome = reproduce(["F9"], out=tmp_path, engine=InProcess())[0]
    first, second = outcome.trials
    assert [check.subject for check in first.checks] == ["2 forecasts", "coverage", "ordered pairs", "regret"]
    assert second.checks[0].measured == "1 of 1 refused"
    assert Outcome.from_json((tmp_path / "F9.json").read_text()) == outcome


def test_a_designed_schedule_is_trained_beside_the_defaults(claim, tmp_path, monkeypatch):
    asked = []

    def designed(laws, *, steps):
        asked.append((len(laws.runs), laws.updates, steps))
        return SimpleNamespace(schedule="hold(45) >> linear(15)")

    monkeypatch.setattr("bench.claims.forecasts.design", designed)
    criteria = (NotAbove(row="designed", than=("constant",)),)
    claim(
        Designed(task="mnist1d", peak_rate=0.05, slug="d", seeds=2, budget=60, logs=("wsd", "step"), criteria=criteria)
    )
    outcome = reproduce(["F9"], out=tmp_path, engine=InProcess())[0]
    assert asked == [(2, 60, 60)]
    assert outcome.trials[0].title == "mnist1d, 60 updates, 2 seeds; designed: hold(45) >> linear(15)"
    assert outcome.trials[0].checks[0].subject == "designed − constant"
    assert len(list((tmp_path / "F9" / "1-d" / "records").glob("*.json"))) == 2 * 7 + 2


def test_missing_curves_are_a_reason_and_no_failure(claim, tmp_path, monkeypatch):
    monkeypatch.delenv(CURVES, raising=False)
    claim(PublicCurves(slug="p", fits={"one": ("wsd_20000_24000",)}))
    outcome = reproduce(["F9"], out=tmp_path)[0]
    assert curves_folder() is None
    assert not outcome.tried
    assert not outcome.passed
    assert outcome.sentence.startswith(
        "F9 not tried: public curves of 25, 100 and 400 million parameters: the curves are not at hand"
    )
    assert "skipped, the curves are not at hand" in pages.text([outcome])
    assert "| not tried |" in pages.markdown({"F9": outcome})


def test_curves_at_hand_are_read_and_judged(claim, tmp_path, monkeypatch):
    for size, numbers in _SIZES.items():
        (tmp_path / size).mkdir()
        law = Law("multi_power", dict(zip(("L0", "A", "alpha", "B", "C", "beta", "gamma"), numbers, strict=True)))
        for name, text in _COURSES.items():
            schedule = parse(text)
            steps = np.arange(2200, int(schedule.duration) + 1, 400)
            course = Run.of(schedule, 3e-4, steps, np.ones(len(steps)))
            with (tmp_path / size / f"{name}.csv").open("w", newline="") as file:
                csv.writer(file).writerows(
                    [["step", "lr", "loss"], *zip(steps, steps, law(course.path()), strict=True)]
                )
    monkeypatch.setenv(CURVES, str(tmp_path))
    fits = {"one": ("wsd_20000_24000",), "a cosine": ("cosine_24000",)}
    claim(
        PublicCurves(slug="p", fits={"one": fits["one"]}, published=True, limits=ForecastLimits(0.02, 0.01, 0.02)),
        PublicCurves(slug="q", fits={"a cosine": fits["a cosine"]}),
    )
    outcome = reproduce(["F9"], out=tmp_path / "out")[0]
    assert [check.measured for check in outcome.trials[0].checks[:3]] == ["0.0000"] * 3
    assert outcome.trials[0].passed
    assert outcome.trials[1].checks[0].measured == "3 of 3 refused"
    (tmp_path / "25M" / "wsdcon_3.csv").write_text("step,lr,loss\n2200,x,\n")
    with pytest.raises(GlidepathError, match=r"--data must be a folder of whole curves, got 'wsdcon_3.csv'"):
        reproduce(["F9"], out=tmp_path / "out")


@pytest.mark.skipif(curves_folder() is None, reason=f"the public curves are not at hand: {CURVES} names their folder")
def test_the_public_curves_come_out_as_published(tmp_path):
    outcome = reproduce(["F2"], out=tmp_path)[0]
    published = [float(check.measured) for check in outcome.trials[0].checks[:3]]
    assert published == pytest.approx([0.0038, 0.0044, 0.0048], abs=4e-4)
    assert outcome.passed

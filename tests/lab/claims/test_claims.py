"""Claims: declarations that are complete, criteria that can fail, outcomes as they are, and the short forms run for real."""

import json
import time
from dataclasses import replace
from importlib.util import find_spec

import pytest

from bench.claims import CLAIMS, Outcome, find_claims, outcome_path, reproduce
from bench.claims.criteria import Ascending, Flatter, Growing, Lower, Measurements
from bench.claims.forecasts import _COURSES, Designed, Forecasts, PublicCurves
from bench.claims.trials import Ensembles, Exact, Trainings
from glidepath import GlidepathError, parse, recipes
from glidepath.lab import TASKS, InProcess, Silent, Status
from glidepath.lab.engines.engine import Finished
from glidepath.lab.engines.progress import CommandPart, CommandProgress
from glidepath.lab.report.statistics import holm
from glidepath.lab.search.snapshots import METHODS
from glidepath.lab.tasks.schedules import DEFAULT_SCHEDULES

TRIALS = [
    pytest.param(trial, id=f"{claim.name} {trial.size.title}{' short' if trial in claim.short else ''}")
    for claim in CLAIMS.values()
    for trial in (*claim.trials, *claim.short)
]


class Compiled:
    """What the workers of the JAX engine do, in this process."""

    def execute(self, specs, emit):
        from glidepath.lab.engines.jax.training import run

        for spec in specs:
            emit(Finished(run(spec)))


DECLARED = CLAIMS["C1"]


def _shortened(claim):
    """C1 where three seeds of 300 updates show it: at rates that a constant cannot end well at."""
    makers = {
        "constant": recipes.constant(),
        "cosine": recipes.warmup_cosine(300),
        "linear": recipes.warmup_linear(300),
    }
    trial = replace(claim.short[0], seeds=3, budget=300, rates=(0.2, 0.3), schedules=makers)
    return replace(claim, short=(trial,))


@pytest.fixture(scope="module", autouse=True)
def quick():
    """Lets the short form of C1 be shorter in these tests."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setitem(CLAIMS, "C1", _shortened(DECLARED))
        yield


@pytest.fixture(scope="module")
def short(tmp_path_factory, quick):
    """C1 and C10 in short forms: real trainings."""
    folder = tmp_path_factory.mktemp("claims")
    return reproduce(["C1", "C10"], out=folder, short=True, engine=InProcess()), folder


def _holds(outcome, seeds):
    assert outcome.sentence == "C1 reproduced: all 2 checks hold."
    assert [check.subject for check in outcome.trials[0].checks] == ["cosine − constant", "linear − constant"]
    for check in outcome.trials[0].checks:
        assert check.difference.estimate.high < 0.0
        assert check.difference.estimate.count == seeds


def test_decay_beats_the_constant_in_c1_made_short(short):
    _holds(short[0][0], 3)


@pytest.mark.soak
def test_decay_beats_the_tuned_constant_in_the_short_form_of_c1(tmp_path, monkeypatch):
    monkeypatch.setitem(CLAIMS, "C1", DECLARED)
    engine = InProcess() if find_spec("jax") is None else Compiled()
    _holds(reproduce(["C1"], out=tmp_path, short=True, engine=engine)[0], 5)


def test_the_order_on_the_noisy_quadratic_in_the_short_form_of_c10(short):
    outcome = short[0][1]

    assert outcome.sentence == "C10 reproduced: all 3 checks hold."
    assert outcome.trials[0].checks[-1].measured == "1.19, 1.47"


def test_an_outcome_says_where_it_comes_from_and_is_written_whole(short):
    outcomes, folder = short
    outcome = outcomes[0]

    assert Outcome.from_json((folder / "C1-short.json").read_text()) == outcome
    assert (outcome.form, outcome.first_seed, outcome.declared_seeds) == ("short", CLAIMS["C1"].first_seed, True)
    trial = outcome.trials[0]
    assert {"python", "torch", "numpy", "glidepath"} <= set(trial.versions)
    assert len(trial.data_sha256) == 64
    assert trial.machines
    assert trial.cpu_seconds > 0.0
    assert (folder / "C1-short" / "1-mnist1d-300" / "report.html").is_file()


def test_the_rates_were_chosen_on_validation_data_and_are_told(short):
    folder = short[1] / "C1-short" / "1-mnist1d-300"
    trial = short[0][0].trials[0]
    compared = {
        row["name"]: row for row in json.loads((folder / "comparison.json").read_text())["tasks"][0]["schedules"]
    }

    for one in trial.rates:
        means = {each["peak_rate"]: each["validation"]["mean"] for each in compared[one.row]["rates"]["trials"]}
        assert one.peak_rate == min(means, key=lambda rate: means[rate])


class NoTraining:
    def execute(self, specs, emit):
        raise AssertionError


def test_the_same_call_again_trains_nothing(short):
    outcomes, folder = short
    again = reproduce(["C1"], out=folder, short=True, engine=NoTraining())

    assert again[0].trials == outcomes[0].trials


@pytest.mark.parametrize("trial", TRIALS)
def test_declarations_are_complete(trial):
    match trial:
        case Exact():
            rows = set(trial.schedules)
        case Ensembles():
            rows = set(METHODS)
            assert trial.budget % trial.cycles == 0
        case Trainings():
            rows = set(trial.schedules)
        case Designed():
            rows = {*DEFAULT_SCHEDULES, "designed"}
            assert set(trial.logs) < rows
        case Forecasts():
            assert trial.fits
            assert all(parse(text).duration < float("inf") for text in (*trial.held, *_flat(trial.fits)))
            return
        case PublicCurves():
            assert set(_flat(trial.fits)) <= set(_COURSES)
            return
    assert trial.criteria
    for criterion in trial.criteria:
        named = {
            name
            for field in ("rows", "than", "row", "source", "schedules")
            for name in _names(getattr(criterion, field, ()))
        }
        assert named <= rows
        assert named
    if not isinstance(trial, Exact):
        assert trial.seeds >= 5
    if isinstance(trial, Trainings | Ensembles):
        assert list(trial.rates) == sorted(set(trial.rates))
        assert trial.size.part.cost > 0.0


def _flat(fits):
    return [text for texts in fits.values() for text in texts]


def _names(given):
    return (given,) if isinstance(given, str) else given


def test_what_the_plan_asks_for_is_declared():
    assert list(CLAIMS) == ["C1", "C2", "C3", "C6", "C7", "C10", "F1", "F2", "F3", "F4", "F5"]
    of = {"C3": [(trial.size.title, trial.criteria) for trial in CLAIMS["C3"].trials]}
    c1 = CLAIMS["C1"].trials

    assert [(trial.task, trial.seeds, len(trial.rates)) for trial in c1] == [("mnist1d", 8, 4), ("mnist1d-cnn", 16, 5)]
    assert all(trial.rates[-1] == 0.2 for trial in c1)
    assert all(len(trial.criteria[0].rows) == 7 and trial.criteria[0].corrected for trial in c1)
    assert [trial.criteria[0].margin for trial in c1] == [2.0, 0.0]
    assert {trial.budget / 2000 for trial in CLAIMS["C2"].trials} == {0.05, 0.25}
    assert of["C3"][0][0] == "mnist1d, 5 cycles in 6000 updates, 16 seeds"
    assert of["C3"][0][1][0] == Lower(rows=("snapshot ensemble",), than=("single model",), margin=1.5)
    assert len(of["C3"][0][1][1].than) == 3
    assert [trial.criteria[0].rows for trial in CLAIMS["C6"].trials] == [("to zero",), ("to a tenth",)]
    assert all(trial.criteria[0].ratio == 0.5 for trial in CLAIMS["C7"].trials)
    assert len(CLAIMS["F1"].trials[0].held) >= 12
    assert CLAIMS["F4"].trials[0].seeds == 8
    assert {trial.task for trial in CLAIMS["F5"].trials} == {"mnist1d", "mnist1d-cnn", "text"}
    assert [name for name, claim in CLAIMS.items() if claim.short] == ["C1", "C10"]


def _evidence(values, losses=None):
    columns = range(len(next(iter(values.values()))))
    return Measurements(metric="test error", unit="%", columns=columns, values=values, losses=losses or {})


def test_lower_asks_for_the_interval_the_margin_and_the_correction():
    values = {
        "base": [40.0, 41.0, 42.0, 40.5],
        "far": [35.0, 36.2, 36.9, 35.4],
        "near": [39.0, 40.1, 40.9, 39.6],
        "wide": [30.0, 41.5, 39.0, 41.0],
        "above": [45.0, 46.1, 46.9, 45.6],
    }
    rows = ("far", "near", "wide", "above")

    def passed(**fields):
        return [check.passed for check in Lower(rows=rows, than=("base",), **fields).judge(_evidence(values))]

    assert passed() == [True, True, False, False]
    assert passed(margin=2.0) == [True, False, False, False]
    checks = Lower(rows=rows, than=("base",), corrected=True).judge(_evidence(values))
    assert checks[0].measured == "−5.0 (−5.2 to −4.8), p < 0.001, lower on 4 of 4"
    p_values = [check.difference.p for check in checks]
    assert [check.difference.p_holm for check in checks] == holm(p_values) != p_values
    assert checks[0].subject == "far − base"


def test_holms_correction_can_take_a_check_away():
    one = [1.0, 0.2, 0.75, 0.5, 0.1]
    values = {"base": [0.0] * 5, **{f"row {at}": [-each for each in one] for at in range(12)}}
    rows = tuple(values)[1:]

    assert all(check.passed for check in Lower(rows=rows, than=("base",)).judge(_evidence(values)))
    assert not any(check.passed for check in Lower(rows=rows, than=("base",), corrected=True).judge(_evidence(values)))


def test_a_run_that_diverged_fails_its_check_and_no_other():
    values = {"base": [40.0, 41.0, 42.0], "lost": [1.0, None, 1.0], "good": [30.0, 31.1, 32.0]}
    checks = Lower(rows=("lost", "good"), than=("base",), corrected=True).judge(_evidence(values))

    assert [(check.passed, check.measured[:14]) for check in checks] == [
        (False, "a run diverged"),
        (True, "−10.0 (−10.1 t"),
    ]


def test_one_seed_shows_nothing():
    checks = Lower(rows=("good",), than=("base",)).judge(_evidence({"base": [40.0], "good": [30.0]}))

    assert (checks[0].passed, checks[0].measured) == (False, "one seed: no interval")


@pytest.mark.parametrize(("highest", "passed"), [(1.4, True), (1.6, False)])
def test_flatter_compares_spreads_of_means(highest, passed):
    losses = {
        "constant": {0.1: [1.0, 1.2], 0.2: [2.0, 2.2]},
        "linear": {0.1: [0.9, 1.1], 0.2: [highest, highest + 0.2]},
    }
    criterion = Flatter(row="linear", than="constant", ratio=0.5)
    (check,) = criterion.judge(_evidence({"linear": [0.0, 0.0]}, losses))

    assert check.passed is passed
    assert check.measured.startswith(f"{highest - 0.9:.3f} against 1.000 nats, {highest - 0.9:.3f} of it; seed by seed")
    lost = losses | {"constant": {0.1: [1.0, None], 0.2: [2.0, 2.2]}}
    assert criterion.judge(_evidence({"linear": [0.0, 0.0]}, lost))[0].measured == "a run diverged"
    assert not criterion.judge(_evidence({"linear": [0.0, 0.0]}, lost))[0].passed


def test_an_order_and_a_growth_have_to_hold_everywhere():
    values = {"low": [1.0, 1.0, 2.0], "high": [1.5, 1.6, 1.9]}
    order = Ascending(rows=("low", "high")).judge(_evidence(values))

    assert [check.passed for check in order] == [True, True, False]
    assert Growing(row="low", than="high").judge(_evidence(values))[0].passed is False
    assert Growing(row="low", than="high").judge(_evidence({"low": [1.0, 1.0], "high": [1.5, 1.6]}))[0].passed
    assert not Growing(row="low", than="high").judge(_evidence({"low": [1.0, 1.0], "high": [0.9, 1.6]}))[0].passed


class Listener(Silent):
    def __init__(self):
        self.seen = []

    def status(self, status):
        self.seen.append(status)


class MadeUp:
    """Answers every run with a record whose metric the test decides."""

    def __init__(self, make, metric):
        self.make, self.metric, self.seeds = make, metric, set()

    def execute(self, specs, emit):
        for spec in specs:
            self.seeds.add(spec.seed)
            emit(Finished(self.make(spec, self.metric(spec))))


def test_a_claim_that_fails_is_a_failure_and_says_what_fails(tmp_path, made_up):
    def metric(spec):
        rates = {recipes.constant(): 30.0, recipes.warmup_cosine(300): 25.0}
        return rates.get(spec.schedule, 30.0) + spec.seed % 3

    told = []
    engine = MadeUp(made_up, metric)
    outcomes = reproduce(["c1"], out=tmp_path, short=True, first_seed=70, engine=engine, told=told.append)

    assert outcomes == told
    assert engine.seeds == {70, 71, 72}
    assert outcomes[0].passed is False
    assert outcomes[0].sentence == (
        "C1 not reproduced: 1 of 2 checks hold; those that fail: linear − constant (mnist1d, 300 updates, 3 seeds)."
    )
    assert (outcomes[0].first_seed, outcomes[0].declared_seeds) == (70, False)
    assert json.loads((tmp_path / "C1-short-from-70.json").read_text())["passed"] is False


def test_ensembles_are_tried_with_every_rate_and_judged(tiny, tmp_path, monkeypatch):
    claim = CLAIMS["C3"]
    trial = replace(claim.trials[0], seeds=2, budget=20, rates=(0.02, 0.1))
    monkeypatch.setitem(CLAIMS, "C3", replace(claim, trials=(trial,)))
    monkeypatch.setitem(TASKS, "mnist1d", replace(tiny, name="mnist1d"))
    listener = Listener()
    outcome = reproduce(["C3"], out=tmp_path, engine=InProcess(), progress=listener)[0]

    last = listener.seen[-1]
    assert (last.runs_done, last.runs_total, last.updates_done, last.updates_total) == (4, 4, 320, 320)
    assert [check.subject for check in outcome.trials[0].checks] == [
        "snapshot ensemble − single model",
        "snapshot ensemble − single cosine",
        "snapshot ensemble − no cycle",
        "snapshot ensemble − single cycle",
    ]
    assert [one.row for one in outcome.trials[0].rates] == list(METHODS)


def test_progress_is_of_all_trials_together(tmp_path, made_up, monkeypatch):
    claim = CLAIMS["C7"]
    trials = tuple(replace(trial, seeds=2, budget=20) for trial in claim.trials)
    monkeypatch.setitem(CLAIMS, "C7", replace(claim, trials=trials))
    listener = Listener()
    reproduce(["C7"], out=tmp_path, engine=MadeUp(made_up, lambda spec: 30.0 + spec.seed), progress=listener)
    seen = listener.seen

    assert {status.runs_total for status in seen} == {32}
    assert {status.updates_total for status in seen} == {640}
    assert [status.runs_done for status in seen] == sorted(status.runs_done for status in seen)
    assert (seen[0].runs_done, seen[0].seconds_left) == (0, None)
    assert (seen[-1].runs_done, seen[-1].updates_done, seen[-1].seconds_left) == (32, 640, 0.0)


def test_the_time_left_is_reckoned_from_what_was_made_here_since_the_first_progress(monkeypatch):
    clock = iter([0.0, 90.0, 100.0, 103.0])  # the start, then what was found, then progress
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    listener, trial = Listener(), CLAIMS["C7"].trials[0]
    whole = CommandProgress(listener, [CommandPart(*trial.size.part)] * 2)
    whole.begin()
    for share in (0.5, 0.6, 0.75):
        whole.status(
            Status(32, trial.size.runs, round(share * trial.size.part.updates), trial.size.part.updates, 1.0, None)
        )

    assert [status.seconds for status in listener.seen] == [90.0, 100.0, 103.0]
    assert [status.seconds_left for status in listener.seen] == [None, None, pytest.approx(3.0 * 1.25 / 0.15)]


def test_one_failed_trial_fails_the_claim(short):
    outcome = short[0][1]
    trial = outcome.trials[0]
    verdict = trial.verdicts[0]
    wrong = replace(verdict, checks=(replace(verdict.checks[0], passed=False), *verdict.checks[1:]))
    mixed = replace(outcome, trials=(trial, replace(trial, title="again", verdicts=(wrong,))))

    assert not mixed.passed
    assert mixed.sentence == "C10 not reproduced: 4 of 5 checks hold; those that fail: 50 updates (again)."


def test_wrong_names_and_seeds_are_refused_before_anything_is_written(tmp_path):
    out = tmp_path / "x"
    with pytest.raises(GlidepathError) as error:
        reproduce(["c5", "C1", "C11"], out=out, first_seed=-1)
    rule = "reproduce: NAME must be all or one of the claims C1, C2, C3, C6, C7, C10, F1, F2, F3, F4, F5"
    assert str(error.value).splitlines() == [
        f"{rule}, got 'C5' (measured and not claimed: see the page on claims)",
        f"{rule}, got 'C11'",
        "reproduce: seed must be an integer from 0 to 4294967295, got -1",
    ]
    with pytest.raises(GlidepathError, match=r"one of the claims with a short form, C1, C10, got 'C2'"):
        reproduce(["C2"], out=out, short=True)
    with pytest.raises(GlidepathError, match=r"NAME must be all or one of .*, got none"):
        reproduce([], out=out)
    with pytest.raises(GlidepathError, match=r"seed must be an integer from 0 to 4294967295, got 4294967296"):
        reproduce(["C1"], out=out, first_seed=2**32 - 15)
    assert not out.exists()
    assert [claim.name for claim in find_claims(["all"], short=True)] == ["C1", "C10"]


def test_every_form_has_a_place_of_its_own(tmp_path):
    places = {
        outcome_path(tmp_path, "C1", short=short, first_seed=seed).name for short in (True, False) for seed in (None, 7)
    }
    assert places == {"C1.json", "C1-short.json", "C1-from-7.json", "C1-short-from-7.json"}


def test_an_altered_outcome_is_refused(short):
    text = (short[1] / "C10-short.json").read_text()
    for wrong, told in (
        (text.replace('"passed": true', '"passed": false', 1), "passed and sentence must be what its checks amount to"),
        (text.replace('"claim"', '"clam"'), "outcome: clam"),
        (text[:-9], "the JSON of an outcome"),
        ("[]", "the JSON of an outcome"),
    ):
        with pytest.raises(GlidepathError, match=told):
            Outcome.from_json(wrong)

"""A search finds what there is to find, costs nothing twice, and claims only what fresh seeds show."""

from __future__ import annotations

import math
import shlex
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import glidepath as gp
from glidepath import GlidepathError
from glidepath.lab.engines.engine import Advanced, Event, Finished
from glidepath.lab.records.runs import Evaluation, Record, RunSpec
from glidepath.lab.search import drivers
from glidepath.lab.search.space import Dimension, families
from glidepath.lab.search.tune import tune
from glidepath.lab.search.tuned import Tuned
from glidepath.lab.tasks.declared import TASKS

BUDGET = 100
RECIPES = sorted(
    name
    for name in gp.recipes.__all__
    if next(iter(gp.recipes.__dict__[name].__wrapped__.__code__.co_varnames)) == "steps"
)


class Pretended:
    """An engine whose runs end with a metric that is a function of the run; it counts what it was asked for."""

    def __init__(self, metric: Callable[[RunSpec], float | None], dies_after: int | None = None) -> None:
        self.metric, self.dies_after, self.count = metric, dies_after, 1
        self.made: Counter[str] = Counter()

    def execute(self, jobs: Sequence[RunSpec], emit: Callable[[Event], None]) -> None:
        for spec in jobs:
            if self.dies_after is not None and sum(self.made.values()) >= self.dies_after:
                raise KeyboardInterrupt
            self.made[spec.hash] += 1
            value = self.metric(spec)
            whole = value is not None
            emit(
                Finished(
                    Record(
                        spec=spec,
                        stride=1,
                        rates=(spec.peak_rate,),
                        losses=(1.0,),
                        evaluations=(Evaluation(spec.budget, value, value),) if whole else (),
                        test=Evaluation(spec.budget, value, value) if whole else None,
                        updates=spec.budget,
                        diverged_at=None if whole else 3,
                        wall_seconds=0.1,
                        cpu_seconds=0.1,
                        data_sha256="0" * 64,
                        versions={},
                        machine={},
                    )
                )
            )


def valley(spec: RunSpec) -> float:
    """Best at a peak rate of 0.2 without a floor; every seed adds its own constant."""
    floor = spec.schedule(spec.budget)
    return 10 * math.log10(spec.peak_rate / 0.2) ** 2 + 20 * floor + 0.1 * spec.seed


def search(out: Path, engine: Pretended, **options) -> Tuned:
    return tune("digits", ["warmup_cosine"], budget=BUDGET, out=out, engine=engine, **options)


def test_it_finds_the_valley_and_fresh_seeds_show_the_gain(tmp_path: Path):
    found = search(tmp_path, Pretended(valley), trials=32)
    defaults = found.trials[found.default]

    assert 0.1 < found.found.peak_rate < 0.4
    assert found.found.mean is not None
    assert defaults.mean is not None
    assert found.found.mean < defaults.mean
    assert not set(found.fresh_seeds) & set(found.seeds)
    assert found.gain is not None
    assert found.gain.estimate.mean < 0
    assert found.importance["peak_rate"] == max(found.importance.values())
    assert "the difference is shown" in found.table()
    assert (tmp_path / "table.txt").read_text(encoding="utf-8") == found.table()


def test_trials_behind_the_median_cost_fewer_runs(tmp_path: Path):
    pruned, whole = Pretended(valley), Pretended(valley)
    with_pruning = search(tmp_path / "a", pruned, trials=20, fresh=0)
    without = search(tmp_path / "b", whole, trials=20, fresh=0, prune=False)

    assert sum(whole.made.values()) == 60
    assert sum(pruned.made.values()) < 56
    assert {trial.state for trial in with_pruning.trials} == {"complete", "pruned"}
    assert {trial.state for trial in without.trials} == {"complete"}
    assert with_pruning.trials[with_pruning.default].state == "complete"


@pytest.mark.parametrize("dies_after", [0, 7, 31])
def test_stopped_anywhere_the_same_call_goes_on_and_makes_nothing_twice(tmp_path: Path, dies_after: int):
    first, second = Pretended(valley, dies_after), Pretended(valley)
    with pytest.raises(KeyboardInterrupt):
        search(tmp_path, first, trials=10, prune=False, fresh=2)
    found = search(tmp_path, second, trials=10, prune=False, fresh=2)

    assert len(found.trials) == 10
    assert not set(first.made) & set(second.made)
    assert found.trials[found.default].peak_rate == TASKS["digits"].peak_rate
    assert len({tuple(trial.values.values()) for trial in found.trials}) == 10
    silent = Pretended(valley)
    assert search(tmp_path, silent, trials=10, prune=False, fresh=2) == found
    assert not silent.made


def test_more_trials_go_on_from_the_end(tmp_path: Path):
    short = search(tmp_path, Pretended(valley), trials=6, fresh=0)
    longer = search(tmp_path, Pretended(valley), trials=14, fresh=0)

    assert longer.trials[:6] == short.trials
    assert len(longer.trials) == 14


def test_what_diverges_is_never_best(tmp_path: Path):
    found = search(tmp_path, Pretended(lambda spec: None if spec.peak_rate > 0.01 else -spec.peak_rate), trials=24)

    assert found.found.peak_rate <= 0.01
    assert any(trial.state == "diverged" for trial in found.trials)
    assert found.trials[found.default].state == "diverged"
    assert found.gain is None
    assert "was not measured" in found.table()
    with pytest.raises(GlidepathError, match="tune: trials must be complete in at least one case, got '3 given up'"):
        search(tmp_path / "all", Pretended(lambda spec: None), trials=3)


def test_the_best_at_an_end_of_its_range_is_flagged(tmp_path: Path):
    found = search(tmp_path, Pretended(lambda spec: -spec.peak_rate), trials=20, ranges={"peak_rate": (1e-4, 1e-2)})

    assert found.edges == ("peak_rate",)
    assert "a better one may lie outside: peak_rate" in found.table()


def test_another_search_in_the_folder_is_refused(tmp_path: Path):
    search(tmp_path, Pretended(valley), trials=2, fresh=0)

    rule = "tune: out must be a folder of the same search or of none, got .*: another"
    with pytest.raises(GlidepathError, match=rf"{rule} space, fixed \("):
        search(tmp_path, Pretended(valley), trials=2, fresh=0, fixed={"floor": "0.1"})
    with pytest.raises(GlidepathError, match=rf"{rule} seeds, space, fixed \("):
        tune("digits", ["wsd"], trials=2, seeds=7, fresh=0, budget=BUDGET, out=tmp_path, engine=Pretended(valley))


def test_everything_wrong_is_told_at_once_and_nothing_written(tmp_path: Path):
    out = tmp_path / "none"
    with pytest.raises(GlidepathError, match="trials must be an integer from 1 to 9007199254740992, got 0") as refused:
        tune("digts", ["wds"], trials=0, ranges={"peak_rate": (0.0, 1.0)}, out=out)

    text = str(refused.value)
    assert "tune: task must be one of" in text
    assert "(did you mean 'wsd'?)" in text
    assert "tune: range of peak_rate must be above 0, got 0:1" in text
    assert not out.exists()
    with pytest.raises(GlidepathError, match=r"tune: fix must be one of .*floor.*, got 'flor'"):
        tune("digits", ["wsd"], fixed={"flor": "0"}, out=out)
    with pytest.raises(GlidepathError, match="tune: floor must be either given or searched, got both"):
        tune("digits", ["wsd"], fixed={"floor": "0"}, ranges={"floor": (0.0, 0.1)}, out=out)
    with pytest.raises(GlidepathError, match=r"tune: fix warmup must be an integer from 0 to .*, got 'ten'"):
        tune("digits", ["wsd"], fixed={"warmup": "ten"}, out=out)


def _values(dimension: Dimension) -> st.SearchStrategy:
    if dimension.choices:
        return st.sampled_from(dimension.choices)
    return st.floats(dimension.low, dimension.high)


def _length(name: str, budget: int) -> int:
    return budget - (name == "knee")  # whose paper counts from 1: its last update uses 0


@settings(max_examples=60)
@given(st.data(), st.sampled_from(RECIPES), st.integers(10, 10**6))
def test_every_point_of_every_space_is_a_schedule_of_the_whole_budget_or_is_refused(data, name: str, budget: int):
    (family,) = families([name], fixed={"timescale": "10"} if name == "warmup_inverse_sqrt" else {}, ranges={})
    values = {key: data.draw(_values(one), key) for key, one in family.dimensions.items()}
    try:
        schedule = family.schedule(budget, values)
    except GlidepathError:
        lengths = sum(round(values[key] * budget) for key, one in family.dimensions.items() if one.share)
        empty = any(round(values[key] * budget) < 1 for key, one in family.dimensions.items() if one.share)
        no_ratio = values.get("curve") == "geometric" and values.get("floor") == 0.0
        assert lengths > budget - 2 or empty or no_ratio
    else:
        endless = name == "warmup_inverse_sqrt" and round(values["cooldown"] * budget) == 0
        assert schedule.duration == (math.inf if endless else _length(name, budget))
    assert family.schedule(1000, family.usual()).duration == _length(name, 1000)


DRIVER = """
import sys, time
from pathlib import Path
sys.path.insert(0, {here!r})
from tests.lab.search.test_tune import Pretended, search, valley

class Slow(Pretended):
    def execute(self, jobs, emit):
        for job in jobs:
            print("begun", flush=True)
            time.sleep(0.05)
            super().execute([job], emit)

options = dict(storage={storage!r}, trials={trials}, seeds=1, fresh=0)
print(len(search(Path({out!r}), Slow(valley), **options).trials), flush=True)
"""


def _driver(out: Path, storage: str, trials: int) -> subprocess.Popen[str]:
    here = str(Path(__file__).parents[3])
    code = DRIVER.format(here=here, out=str(out), storage=storage, trials=trials)
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)


def test_two_drivers_share_one_search(tmp_path: Path):
    storage = str(tmp_path / "search.journal")
    drivers = [_driver(tmp_path / name, storage, 14) for name in ("a", "b")]
    said = [driver.communicate()[0] for driver in drivers]

    assert [driver.returncode for driver in drivers] == [0, 0]
    assert [text.split()[-1] for text in said] == ["14", "14"]
    assert (tmp_path / "a" / "tuned.json").read_text() == (tmp_path / "b" / "tuned.json").read_text()
    records = [{path.name for path in (tmp_path / name / "records").iterdir()} for name in ("a", "b")]
    assert all(records)
    assert len(records[0] & records[1]) <= 1  # of the defaults alone, if both began with them


def test_what_a_dead_driver_had_in_hand_is_made_by_the_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(drivers, "_DEAD_SECONDS", 0.3)
    monkeypatch.setattr("glidepath.lab.search.tune._LOOK_SECONDS", 0.1)
    storage = f"sqlite:///{tmp_path / 'search.db'}"
    killed = _driver(tmp_path / "a", storage, 3)
    assert killed.stdout is not None
    killed.stdout.readline()
    killed.kill()
    killed.communicate()
    left = [trial.params for trial in optuna.load_study(study_name="tune", storage=storage).trials]
    found = search(tmp_path / "b", Pretended(valley), storage=storage, trials=3, seeds=1, fresh=0)

    assert [trial.values for trial in found.trials] == left
    assert found.trials[found.default].peak_rate == TASKS["digits"].peak_rate
    assert {trial.state for trial in found.trials} == {"complete"}


def test_a_storage_that_cannot_be_opened_is_told(tmp_path: Path):
    with pytest.raises(GlidepathError, match=r"tune: storage must be a database such as .*, got .nosuch://here: "):
        search(tmp_path, Pretended(valley), storage="nosuch://here")


CALLS = ("torch.optim.lr_scheduler.StepLR(optimizer, 30)", "ReduceLROnPlateau(optimizer, patience=1, min_lr=0.002)")


def test_of_scheduler_calls_and_what_is_written_out_the_rate_alone_is_searched(tmp_path: Path):
    seen: list[RunSpec] = []

    def metric(spec: RunSpec) -> float:
        seen.append(spec)
        return math.log10(spec.peak_rate / 0.2) ** 2 + 10 * (spec.controller is None)

    found = tune("digits", [*CALLS, "constant"], budget=BUDGET, trials=30, out=tmp_path, engine=Pretended(metric))

    assert found.space == ("peak_rate in 0.000666667 to 0.6 (log)", f"schedule in {CALLS[0]}, {CALLS[1]}, constant")
    assert found.found.schedule == CALLS[1]
    assert shlex.split(found.command)[2] == CALLS[1]
    assert {str(spec.schedule) for spec in seen} == {"step(30)", "hold()"}
    floors = {spec.peak_rate: spec.controller.floors[0] for spec in seen if spec.controller is not None}
    assert len(floors) > 3
    assert set(floors.values()) == {0.002}


@pytest.mark.parametrize(
    ("schedules", "message"),
    [
        (["StepLR(optimizer, step_size=-1)"], "step_size must be"),
        (["ReduceLROnPlateau(optimizer, 'max')"], "mode must be 'min'"),
        (["cosin"], r"constant, step, or a schedule or scheduler call as text, got 'cosin' \(did you mean 'cosine'"),
    ],
)
def test_a_scheduler_call_that_is_wrong_is_refused_and_nothing_written(tmp_path: Path, schedules, message):
    with pytest.raises(GlidepathError, match=message):
        tune("digits", schedules, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_nothing_of_what_is_written_out_can_be_given(tmp_path: Path):
    with pytest.raises(
        GlidepathError, match="tune: fix must be left out: what is written out has nothing to give, got 'floor'"
    ):
        tune("digits", ["constant"], fixed={"floor": "0"}, out=tmp_path)


def test_the_estimate_is_of_the_whole_search(tmp_path: Path, monkeypatch):
    asked: list[int] = []
    monkeypatch.setattr(
        "glidepath.lab.engines.progress.estimate",
        lambda task, each, updates, jobs, command: asked.append(updates) or command,
    )
    told: list[str] = []

    class Told(Pretended):
        def execute(self, jobs, emit):
            for spec in jobs:
                emit(Advanced(spec, 1))
                super().execute([spec], emit)

    class Heard:
        def status(self, status):
            pass

        def note(self, text):
            told.append(text)

    tune(
        "digits",
        ["wsd"],
        trials=3,
        seeds=2,
        fresh=4,
        budget=BUDGET,
        out=tmp_path,
        engine=Told(valley),
        progress=Heard(),
        command="glidepath tune wsd -t digits",
    )

    assert "glidepath tune wsd -t digits" in told
    assert asked == [(3 * 2 + 2 * 4) * BUDGET - BUDGET - 1]  # what is left in the second run, measured on the first

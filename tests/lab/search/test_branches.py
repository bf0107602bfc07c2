"""Branches end, to the last bit, where whole runs of their schedules end; a run goes on from a point as if never left."""

import json
from dataclasses import replace

import pytest

from glidepath import GlidepathError, recipes
from glidepath.forecast import fit_laws
from glidepath.lab import TASKS, InProcess, RunSpec, run
from glidepath.lab.search.branches import branches
from glidepath.lab.tasks.declared import AdamW
from glidepath.logs import read


@pytest.mark.parametrize("optimizer", [TASKS["mnist1d"].optimizer, AdamW()], ids=["sgd", "adamw"])
def test_a_run_goes_on_from_a_point_as_if_it_had_never_stopped(tiny, optimizer):
    task = replace(tiny, name="t", optimizer=optimizer)
    spec = RunSpec(task, recipes.warmup_cosine(40, warmup=5), 0.05, 3, 40)
    points = []
    whole = run(spec, keep={17: points.append})
    rest = run(spec, start=points[0])

    assert points[0].updates == len(points[0].losses) == 17
    assert (rest.losses, rest.rates, rest.test, rest.updates) == (whole.losses, whole.rates, whole.test, 40)
    assert rest.evaluations == tuple(one for one in whole.evaluations if one.updates > 17)
    assert run(spec, start=points[0]).losses == whole.losses


@pytest.mark.parametrize("warmup", [0.0, 0.2])
def test_branches_end_where_whole_runs_end(tiny, tmp_path, warmup):
    task = replace(tiny, warmup=warmup)
    made = branches(task, [24, 12], share=0.25, seeds=2, out=tmp_path / "b", engine=InProcess())

    assert [(one.start, one.cooldown) for one in made.branches] == [(12, 4), (24, 8)]
    for one in made.branches:
        length = one.start + one.cooldown
        schedule = recipes.wsd(length, warmup=round(16 * warmup), cooldown=one.cooldown)
        ends = tuple(run(RunSpec(task, schedule, 0.1, seed, length)).test.metric for seed in (0, 1))
        assert one.values == ends
        assert one.schedule == str(schedule)
    assert (made.updates, made.updates_apart) == (24 + 4 + 8, 16 + 32)
    assert json.loads((tmp_path / "b" / "branches.json").read_text())["task"] == "tiny"
    assert "36 updates a seed instead of 48: 25 % saved." in (tmp_path / "b" / "branches.txt").read_text()


def test_the_logs_of_branches_identify_the_laws(tmp_path):
    branches("mnist1d", (400,), seeds=1, peak_rate=0.02, out=tmp_path, engine=InProcess())
    names = ["rate0.02-seed0-branch400.csv", "rate0.02-seed0-trunk.csv"]
    assert sorted(path.name for path in (tmp_path / "logs").iterdir()) == names
    laws = fit_laws([read(tmp_path / "logs" / name) for name in names], backtests=False)
    assert laws.peak == 0.02
    assert [one.updates for one in laws.runs] == [500, 400]


def test_a_constant_run_that_diverges_is_told(tiny):
    made = branches(tiny, [2, 30], seeds=1, peak_rate=1e25, engine=InProcess())

    assert made.branches[1].values == (None,)
    assert "diverged" in made.table()


def test_every_problem_is_told_at_once_and_nothing_is_written(tmp_path):
    with pytest.raises(GlidepathError) as error:
        branches("mnist1d", [0, True], share=1.0, peak_rate=-1.0, out=tmp_path / "x")
    assert str(error.value).splitlines() == [
        "branches: points must be an integer from 1 to 9007199254740992, got 0",
        "branches: points must be an integer from 1 to 9007199254740992, got True",
        "branches: share must be in (0, 1), got 1.0",
        "branches: peak_rate must be a finite number above 0 and at most 1e+100, got -1.0",
    ]
    with pytest.raises(GlidepathError, match=r"branches: points must be all different, got \[5, 5\]"):
        branches("mnist1d", [5, 5], out=tmp_path / "x")
    with pytest.raises(GlidepathError, match="branches: points must be at least one number of updates, got"):
        branches("mnist1d", [], out=tmp_path / "x")
    assert not (tmp_path / "x").exists()

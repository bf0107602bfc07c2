"""Branches end, to the last bit, where whole runs of their schedules end; a run goes on from a point as if never left."""

import json
from dataclasses import replace

import numpy as np
import pytest

from glidepath import GlidepathError, parse, recipes
from glidepath.dialects.plateaus import plateau_of
from glidepath.forecast import fit_laws
from glidepath.lab import TASKS, InProcess, RunSpec, run
from glidepath.lab.search.branches import BranchJob, branches
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


def test_a_constant_run_that_diverges_is_told(tiny, tmp_path):
    made = branches(tiny, [2, 30], seeds=1, peak_rate=1e25, out=tmp_path, engine=InProcess())

    assert made.branches[1].values == (None,)
    assert "diverged" in made.table()


def test_every_problem_is_told_at_once_and_nothing_is_written(tmp_path):
    with pytest.raises(GlidepathError) as error:
        branches("mnist1d", [0, True], share=1.0, peak_rate=-1.0, out=tmp_path / "x")
    assert str(error.value).splitlines() == [
        "branches: points must be an integer from 1 to 9007199254740992, got 0",
        "branches: points must be an integer from 1 to 9007199254740992, got True",
        "branches: share must be a number between 0 and 1, both excluded, got 1.0",
        "branches: peak_rate must be a finite number above 0 and at most 1e+100, got -1.0",
    ]
    with pytest.raises(GlidepathError, match=r"branches: points must be all different, got \[5, 5\]"):
        branches("mnist1d", [5, 5], out=tmp_path / "x")
    with pytest.raises(GlidepathError, match="branches: points must be at least one, got"):
        branches("mnist1d", [], out=tmp_path / "x")
    assert not (tmp_path / "x").exists()


def test_branches_of_a_schedule_that_is_written_out_begin_at_its_rate(tiny, tmp_path):
    made = branches(
        tiny, [10, 20], schedule="StepLR(optimizer, step_size=8, gamma=0.5)", seeds=1, out=tmp_path, engine=InProcess()
    )
    rates = np.loadtxt(tmp_path / "logs" / "rate0.1-seed0-branch20.csv", delimiter=",", skiprows=1)[:, 1]

    assert rates == pytest.approx([0.1] * 8 + [0.05] * 8 + [0.025] * 4 + [0.025 * k / 5 for k in (5, 4, 3, 2, 1)])
    assert made.branches[1].schedule == "step(8, factor=0.5), from update 20 linear(5)"
    assert "from one run at 0.1, step(8, factor=0.5), 1 seeds" in (tmp_path / "branches.txt").read_text()


def test_branches_of_a_plateau_begin_at_the_rate_that_it_has_then(tiny, tmp_path):
    call = "ReduceLROnPlateau(optimizer, factor=0.5, patience=0, threshold=0.9)"
    made = branches(tiny, [12, 20], schedule=call, seeds=1, out=tmp_path, engine=InProcess())
    trunk, branch = (
        np.loadtxt(tmp_path / "logs" / f"rate0.1-seed0-{name}.csv", delimiter=",", skiprows=1)[:, 1]
        for name in ("trunk", "branch12")
    )

    assert set(trunk) == {0.1, 0.05, 0.025}  # a validation every five updates, the first has nothing to beat
    assert branch[:12] == pytest.approx(trunk[:12])
    assert branch[12:] == pytest.approx([trunk[11] * k / 3 for k in (3, 2, 1)])
    assert made.schedule.startswith("pytorch_plateau([0.1], factor=0.5")


def test_jobs_of_before_have_the_hash_they_had(tiny):
    job = BranchJob(tiny, 0.1, 0, 0, ((10, 12),))

    assert set(job.to_dict()) == {"task", "peak_rate", "seed", "warmup", "branches"}
    steered = replace(job, schedule=parse("hold()"), controller=plateau_of("plateau(patience=1)"))
    assert BranchJob.from_dict(steered.to_dict()) == steered
    assert steered.hash != job.hash

"""Snapshot ensembles: the paper's schedule, snapshots that can be loaded, averages that are averages, honest baselines."""

import json
import math
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file

from glidepath import GlidepathError, MultiStep, recipes
from glidepath.lab import InProcess, RunSpec, run
from glidepath.lab.engines.training import Point
from glidepath.lab.search.planning import one_row
from glidepath.lab.search.snapshots import METHODS, _averaged, _score, snapshots
from glidepath.lab.tasks import data as lab_data
from glidepath.lab.tasks.models import build


def test_the_cyclic_cosine_is_that_of_the_paper():
    """alpha0 / 2 (cos(pi mod(t - 1, ceil(T / M)) / ceil(T / M)) + 1), counted from t = 1, set anew by the update."""
    schedule, cycle = recipes.sgdr(12, cycles=5), 12
    for t in range(1, 61):
        paper = 0.5 * (math.cos(math.pi * ((t - 1) % cycle) / cycle) + 1.0)
        assert schedule(t - 1) == pytest.approx(paper, abs=1e-15)


@pytest.fixture(scope="module")
def made(tiny, tmp_path_factory):
    folder = tmp_path_factory.mktemp("snapshots")
    return snapshots(tiny, cycles=4, last=2, budget=41, seeds=2, out=folder, engine=InProcess()), folder


def test_every_method_is_measured_at_one_cost_and_written(made):
    result, folder = made

    assert result.budget == 40
    assert [row.name for row in result.results] == list(METHODS)
    assert all(value is not None for row in result.results for value in row.values)
    assert json.loads((folder / "snapshots.json").read_text())["results"][0]["name"] == "snapshot ensemble"
    assert all(name in (folder / "snapshots.txt").read_text() for name in METHODS)
    files = sorted(path.name for path in (folder / "snapshots").iterdir())
    assert files == [f"rate0.1-seed{seed}-cycle{i}.safetensors" for seed in (0, 1) for i in (1, 2, 3, 4)]


def test_the_files_give_the_ensemble_again(made, tiny):
    result, folder = made
    data = lab_data.load(tiny.data)
    inputs, labels = (torch.from_numpy(part) for part in data.test)
    members, last = [], {}
    for i in (3, 4):
        last = load_file(folder / "snapshots" / f"rate0.1-seed1-cycle{i}.safetensors")
        model = build(tiny.model, data)
        model.load_state_dict(last)
        members.append(torch.softmax(model(inputs), -1))
    error = 100.0 * ((members[0] + members[1]).argmax(-1) != labels).double().mean().item()

    assert result.results[0].values[1] == pytest.approx(error)
    alone = run(RunSpec(tiny, recipes.sgdr(10, cycles=4), 0.1, 1, 40))
    assert result.results[1].values[1] == pytest.approx(alone.test.metric, abs=1e-6)


def test_baselines_are_runs_of_their_own_schedules(made, tiny):
    found = {row.name: row for row in made[0].results}
    step = run(RunSpec(tiny, MultiStep((20, 30), 0.1), 0.1, 0, 40))
    cosine = run(RunSpec(tiny, recipes.warmup_cosine(40), 0.1, 0, 40))
    ours, single = found["snapshot ensemble"], found["single model"]

    assert single.values[0] == pytest.approx(step.test.metric, abs=1e-6)
    assert found["single cosine"].values[0] == pytest.approx(cosine.test.metric, abs=1e-6)
    assert single.ensemble_gains.estimate.mean == pytest.approx(
        sum(a - b for a, b in zip(ours.values, single.values, strict=True)) / 2
    )
    assert ours.ensemble_gains is None


def test_every_method_gets_the_rate_that_is_best_for_it_on_validation(tiny, tmp_path):
    several = snapshots(tiny, cycles=2, seeds=2, peak_rate=[0.05, 1e-6], out=tmp_path / "several", engine=InProcess())
    alone = {
        rate: snapshots(tiny, cycles=2, seeds=2, peak_rate=rate, out=tmp_path / str(rate), engine=InProcess())
        for rate in (0.05, 1e-6)
    }

    assert several.peak_rate is None
    for at, row in enumerate(several.results):
        means = {one.peak_rate: one.validation.mean for one in row.rates.trials}
        assert row.peak_rate == min(means, key=lambda rate: (means[rate], rate))
        assert row.values == alone[row.peak_rate].results[at].values
        assert row.rates.edge == ("lowest" if row.peak_rate == 1e-6 else "highest")
        assert alone[0.05].results[at].rates is None
    assert several.results[3].peak_rate == 0.05
    assert "Rates chosen on validation data" in several.table()


def test_an_ensemble_of_one_is_that_one_and_equal_weights_average_to_themselves(tiny):
    points = []
    record = run(RunSpec(tiny, recipes.constant(), 0.1, 0, 40), keep={40: points.append, 20: points.append})
    spec, weights = record.spec, points[-1].weights

    assert _score(tiny, [weights])["test"] == pytest.approx(record.test.metric, abs=1e-6)
    assert _score(tiny, [weights])["validation"] == pytest.approx(record.evaluations[-1].metric, abs=1e-6)
    same = _averaged(spec, [weights] * 3)
    assert all(torch.equal(same[name], weights[name]) for name in weights)
    mixed = _averaged(spec, [point.weights for point in points])
    assert all(torch.allclose(mixed[name], (points[0].weights[name] + weights[name]) / 2) for name in weights)


def test_statistics_of_batch_normalisation_are_taken_anew(tiny, monkeypatch):
    from glidepath.lab.tasks import models

    plain = models.build

    def normalised(declared, data):
        return torch.nn.Sequential(torch.nn.BatchNorm1d(40), plain(declared, data))

    monkeypatch.setattr(models, "build", normalised)
    points = []
    spec = run(RunSpec(tiny, recipes.constant(), 0.1, 0, 12), keep={12: points.append}).spec
    mean = _averaged(spec, [points[0].weights])["0.running_mean"]

    assert torch.allclose(mean, torch.from_numpy(lab_data.load(tiny.data).train[0]).mean(0), atol=0.05)
    assert not torch.equal(mean, points[0].weights["0.running_mean"])


def test_a_text_is_scored_by_its_loss(tiny_text):
    points: list[Point] = []
    record = run(RunSpec(tiny_text, recipes.constant(), 0.01, 0, 6), keep={6: points.append})

    assert _score(tiny_text, [points[0].weights])["test"] == pytest.approx(record.test.metric, rel=1e-5)
    assert _score(tiny_text, [_averaged(record.spec, [points[0].weights])])["test"] == pytest.approx(
        record.test.metric, rel=1e-5
    )


def test_divergence_is_told_and_no_difference_claimed(tiny, tmp_path):
    result = snapshots(replace(tiny), cycles=2, seeds=1, peak_rate=1e25, out=tmp_path, engine=InProcess())

    assert result.results[0].values == (None,)
    assert all(row.ensemble_gains is None for row in result.results)
    assert "diverged" in result.table()


def test_every_problem_is_told_at_once_and_nothing_is_written(tmp_path):
    with pytest.raises(GlidepathError) as error:
        snapshots("mnist1d", cycles=1, last=0, budget=-1, peak_rate=0, out=tmp_path / "x")
    assert str(error.value).splitlines() == [
        "snapshots: cycles must be an integer from 2 to 9007199254740992, got 1",
        "snapshots: last must be an integer from 1 to 9007199254740992, got 0",
        "snapshots: peak_rate must be a finite number above 0 and at most 1e+100, got 0",
        "snapshots: budget must be an integer from 1 to 9007199254740992, got -1",
    ]
    with pytest.raises(GlidepathError, match=r"last must be at most the number of cycles \(3\), got 4"):
        snapshots("mnist1d", cycles=3, last=4, out=tmp_path / "x")
    with pytest.raises(GlidepathError, match=r"cycles must be at most the budget \(5\), got 6"):
        snapshots("mnist1d", cycles=6, budget=5, out=tmp_path / "x")
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    ("call", "text"),
    [
        ("StepLR(optimizer, step_size=8)", "step(8)"),
        ("ReduceLROnPlateau(optimizer, patience=0)", "pytorch_plateau([0.1], patience=0)"),
    ],
)
def test_the_single_model_follows_the_scheduler_call_that_is_given(made, tiny, tmp_path, call, text):
    other = snapshots(tiny, cycles=4, last=2, schedule=call, budget=40, seeds=[1], out=tmp_path, engine=InProcess())
    (spec,) = one_row(tiny, call, [1], budget=40)
    single = next(row for row in other.results if row.name == "single model")

    assert single.values == pytest.approx((run(spec).test.metric,), abs=1e-6)
    assert other.results[0].values == made[0].results[0].values[1:]
    assert f"single model and no cycle: {text}" in other.table()

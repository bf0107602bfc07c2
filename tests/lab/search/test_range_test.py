"""A range test on a task of the lab."""

import json
from dataclasses import replace

import pytest

from glidepath import GlidepathError
from glidepath.finder import Suggestion
from glidepath.lab import run
from glidepath.lab.search.range_test import find_rates


def test_the_band_of_mnist1d_holds_and_is_verified():
    """The task's own peak rate, tuned by hand, is 0.1."""
    told: list[tuple[int, int]] = []

    rates = find_rates("mnist1d", budget=60, verified=True, progress=lambda *now: told.append(now))

    assert isinstance(rates.found.result, Suggestion)
    assert rates.found.result.low < 0.1 < rates.found.result.high * 1.5
    assert rates.verification is not None
    assert rates.verification.trainings >= 6
    assert json.loads(json.dumps(rates.to_dict()))["verification"]["trainings"] == rates.verification.trainings
    assert told


def test_the_same_seed_gives_the_same_sweeps():
    one, two = (find_rates("text", steps=12, high=1e-4) for _ in range(2))

    assert one.found.traces == two.found.traces
    assert len({trace.losses for trace in one.found.traces}) == 3


def test_it_is_verified_under_a_plateau_and_says_how_long_that_takes(tiny, monkeypatch):
    told: list[str] = []
    monkeypatch.setattr(
        "glidepath.lab.engines.progress.estimate", lambda task, each, updates, jobs, command: f"{updates} {command}"
    )
    monkeypatch.setattr("glidepath.lab.engines.progress._MEASURED_SECONDS", 0.0)
    seen = []
    monkeypatch.setattr("glidepath.lab.search.range_test.run", lambda spec: seen.append(spec) or run(spec))
    call = "ReduceLROnPlateau(optimizer, patience=0)"
    rates = find_rates(tiny, call, steps=60, verified=True, tell=told.append, command="glidepath find tiny")

    assert isinstance(rates.found.result, Suggestion)
    assert {spec.controller.patience for spec in seen} == {0}
    assert len({spec.controller.floors for spec in seen}) == 1
    (one,) = told
    assert 3 * 60 + 3 * 2 * 40 - 20 < int(one.split()[0]) < 3 * 60 + 3 * 2 * 40


def test_a_device_that_is_not_here_and_a_call_that_is_wrong_are_refused(tiny, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(GlidepathError, match="find: device must be one of auto, cpu, got 'cuda'"):
        find_rates(tiny, on="cuda")
    with pytest.raises(GlidepathError, match="mode must be 'min'"):
        find_rates(tiny, "ReduceLROnPlateau(optimizer, 'max')")


def test_settings_of_the_task_reach_the_sweep(tiny):
    plain, smooth, half = (
        find_rates(replace(tiny, **given), steps=10, high=1e-3).found.traces[0].losses
        for given in ({}, {"label_smoothing": 0.3}, {"precision": "bfloat16"})
    )

    assert plain[0] != smooth[0]
    assert plain[0] != half[0]
    assert plain[0] == pytest.approx(half[0], rel=0.02)

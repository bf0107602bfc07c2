"""The noisy quadratic model: exact, and the order of schedules on it (claim C10 of the practice part)."""

import numpy as np
import pytest

from glidepath import GlidepathError, recipes
from glidepath.lab import find_task, plan_runs
from glidepath.lab.tasks.quadratic import Quadratic


def test_without_noise_it_is_gradient_descent():
    model = Quadratic(dimensions=5, noise=0.0)
    schedule = recipes.warmup_linear(30, warmup=5)
    x, curvature = np.ones(5), 1.0 / np.arange(1, 6)
    losses = [0.5 * curvature @ x**2]
    for update in range(30):
        x = x - 0.7 * schedule(update) * curvature * x
        losses.append(0.5 * curvature @ x**2)

    assert model.losses(schedule, 0.7, 30) == pytest.approx(losses, rel=1e-12)


def test_the_expectation_is_what_simulated_runs_average_to():
    model, schedule, generator = (
        Quadratic(dimensions=10, noise=2.0),
        recipes.warmup_cosine(40),
        np.random.default_rng(3),
    )
    curvature = 1.0 / np.arange(1, 11)
    x = generator.choice([-1.0, 1.0], (40_000, 10))
    for update in range(40):
        gradient = curvature * x + 2.0 * np.sqrt(curvature) * generator.standard_normal(x.shape)
        x -= 0.5 * schedule(update) * gradient
    simulated = 0.5 * (x**2) @ curvature
    error = simulated.std() / np.sqrt(len(simulated))

    assert abs(simulated.mean() - model.losses(schedule, 0.5, 40)[-1]) < 4 * error


def test_the_tuned_rate_is_the_best_of_a_fine_grid():
    model, schedule = Quadratic(), recipes.warmup_linear(60)
    best = model.tuned(schedule, 60)
    fine = [model.losses(schedule, rate, 60)[-1] for rate in np.geomspace(0.02, 3.0, 400)]

    assert best.loss <= min(fine) * 1.0001
    assert best.loss == model.losses(schedule, best.peak_rate, 60)[-1]


def test_a_rate_far_too_high_is_infinite_and_no_nan():
    losses = Quadratic().losses(recipes.constant(), 1e6, 200)

    assert losses[0] == pytest.approx(0.5 * sum(1 / i for i in range(1, 101)))
    assert np.isinf(losses[-1])
    assert not np.isnan(losses).any()


def test_c10_decay_gains_more_the_longer_the_run_and_late_decay_is_no_free_lunch():
    model, gains = Quadratic(), []
    for budget in (50, 200, 1000):
        tuned = {
            "constant": model.tuned(recipes.constant(), budget).loss,
            "linear": model.tuned(recipes.warmup_linear(budget), budget).loss,
            "cosine": model.tuned(recipes.warmup_cosine(budget), budget).loss,
            "wsd": model.tuned(recipes.wsd(budget, cooldown=budget // 5), budget).loss,
        }
        gains.append(tuned["constant"] / tuned["linear"])
        assert tuned["linear"] < tuned["cosine"] < tuned["wsd"] < tuned["constant"]

    assert gains == sorted(gains)
    assert gains[0] > 1.1
    assert gains[-1] > 1.8


def test_a_shared_rate_turns_the_order_around():
    model, linear, constant = Quadratic(), recipes.warmup_linear(50), recipes.constant()

    assert model.losses(linear, 0.01, 50)[-1] > model.losses(constant, 0.01, 50)[-1]


def test_every_problem_is_told_at_once():
    with pytest.raises(GlidepathError) as error:
        Quadratic(dimensions=0, noise=-1.0)
    assert str(error.value) == (
        "quadratic: dimensions must be an integer from 1 to 9007199254740992, got 0\n"
        "quadratic: noise must be a finite number from 0 to 1e+100, got -1.0"
    )
    with pytest.raises(GlidepathError, match=r"quadratic: peak_rate must be .*, got 0.0\nquadratic: budget must be"):
        Quadratic().losses(recipes.constant(), 0.0, 0)


def test_asked_for_as_a_task_it_says_where_it_is():
    told = r"got 'quadratic' \(the noisy quadratic model is exact .*: use glidepath.lab.Quadratic"
    with pytest.raises(GlidepathError, match=r"lab: task must be one of .* " + told):
        find_task("quadratic")
    with pytest.raises(GlidepathError, match=r"compare: task must be one of .* " + told):
        plan_runs(["quadratic"], None, 2)

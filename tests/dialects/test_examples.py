"""The worked examples that articles teach with: what really happens, step by step."""

import math

import pytest

from glidepath import Expression, GlidepathError, dialects, noam
from glidepath.dialects import load
from glidepath.feedback import PyTorchPlateau, replay


def torch(name: str, arguments: dict, base: float, steps: int) -> list[float]:
    """Return the first values of a PyTorch scheduler."""
    made = load("pytorch", name, arguments, base_lr=base)
    return [made(step) for step in range(steps)]


def near(values: list[float]) -> object:
    return pytest.approx(values, rel=1e-14, abs=1e-17)


PYTORCH = [
    ("StepLR", {"step_size": 3, "gamma": 0.1}, 0.05, [0.05] * 3 + [0.005] * 3 + [0.0005] * 3 + [5e-05]),
    ("MultiStepLR", {"milestones": [2, 5, 8], "gamma": 0.1}, 0.05, [0.05] * 2 + [0.005] * 3 + [0.0005] * 3 + [5e-05]),
    ("ExponentialLR", {"gamma": 0.1}, 0.05, [0.05, 0.005, 0.0005, 5e-05, 5e-06]),
    ("LinearLR", {"start_factor": 0.5, "total_iters": 4}, 0.05, [0.025, 0.03125, 0.0375, 0.04375, 0.05]),
    ("ConstantLR", {"factor": 0.5, "total_iters": 4}, 0.05, [0.025] * 4 + [0.05]),
    ("LambdaLR", {"lr_lambda": "lambda step: step / 30"}, 0.05, [0, 0.05 / 30, 0.1 / 30, 0.005]),
    ("CosineAnnealingLR", {"T_max": 3}, 0.01, [0.01, 0.0075, 0.0025, 0, 0.0025, 0.0075, 0.01]),
    (
        "ChainedScheduler",
        {"schedulers": "[ConstantLR(0.1, total_iters=2), ExponentialLR(0.9)]"},
        1,
        [0.1, 0.09, 0.81, 0.729, 0.6561, 0.59049],
    ),
    (
        "SequentialLR",
        {"schedulers": "[ConstantLR(0.1, total_iters=2), ExponentialLR(0.9)]", "milestones": [2]},
        1,
        [0.1, 0.1, 1.0, 0.9, 0.81, 0.729],
    ),
]


@pytest.mark.parametrize(("name", "arguments", "base", "really"), PYTORCH, ids=[row[0] for row in PYTORCH])
def test_pytorch_really_gives(name: str, arguments: dict, base: float, really: list[float]):
    assert torch(name, arguments, base, len(really)) == near(really)


def test_oneflow_keeps_the_common_clock_in_a_sequence():
    schedulers = "[ConstantLR(0.1, total_iters=2), ExponentialLR(0.9)]"
    made = load("oneflow", "SequentialLR", {"schedulers": schedulers, "milestones": [2]}, base_lr=1)

    assert [made(step) for step in range(4)] == near([0.1, 0.1, 0.81, 0.729])


def test_the_second_cut_of_a_plateau_comes_after_observation_9():
    rule = PyTorchPlateau(rates=1.0, factor=0.1, patience=2, cooldown=2)
    cuts = [i for i, (_, decision) in enumerate(replay(rule, [1.0] * 20), 1) if decision.action == "cut"]

    assert cuts == [4, 9, 14, 19]


def test_cyclic_and_one_cycle_as_they_are_shown():
    cyclic = load("pytorch", "CyclicLR", {"base_lr": 0.01, "max_lr": 0.1})
    assert [cyclic(step) for step in (0, 2000, 4000)] == near([0.01, 0.1, 0.01])
    cycle = load("pytorch", "OneCycleLR", {"max_lr": 0.01, "steps_per_epoch": 10, "epochs": 10})
    assert [cycle(step) for step in (0, 29, 99)] == near([0.0004, 0.01, 4e-08])


def test_warm_restarts_take_fractional_epochs():
    made = load("pytorch", "CosineAnnealingWarmRestarts", {"T_0": 3, "T_mult": 2, "eta_min": 0.01})
    recorded = [0.1, 0.0939711, 0.0775, 0.055, 0.0325, 0.0160289, 0.1, 0.0984667, 0.0939711, 0.0868198, 0.0775]
    assert [made(0.5 * step) for step in range(11)] == pytest.approx(recorded, rel=1e-5)


def test_a_cosine_of_25_over_50_epochs_climbs_back():
    cosine = load("pytorch", "CosineAnnealingLR", {"T_max": 25, "eta_min": 0.001})
    exponential = load("pytorch", "ExponentialLR", {"gamma": 0.9})

    assert (cosine(1), cosine(25), cosine(50)) == (pytest.approx(0.0996097, abs=5e-8), 0.001, 0.1)
    assert exponential(25) == pytest.approx(0.0071790, abs=5e-8)
    assert exponential(50) == pytest.approx(0.00051538, abs=5e-9)


@pytest.mark.parametrize("step", [0, 1, 500, 2000, 5000])
def test_exponential_decay_is_its_formula(step: int):
    made = load("tensorflow", "train.exponential_decay", {"decay_steps": 2000, "decay_rate": 0.98}, base_lr=0.01)
    assert made(step) == pytest.approx(0.01 * 0.98 ** (step / 2000), rel=1e-14)


def test_a_warmup_with_restarts_as_it_was_meant():
    from glidepath import sgdr

    meant = 0.1 * sgdr(100, warmup=10, growth=2, start=0.0)
    assert [meant(step) for step in (0, 5, 10, 110, 310)] == near([0.0, 0.05, 0.1, 0.1, 0.1])
    assert meant(109) < 3e-5


def test_noam_peaks_at_its_warmup():
    made = noam(512, 3000)
    assert made(0) == made(1) == pytest.approx(2.6896e-07, rel=1e-4)
    assert made(3000) == pytest.approx(8.0687e-04, rel=1e-5)
    assert max(range(2990, 3010), key=made) == 3000


def test_tensorflow_keeps_the_old_value_at_a_boundary():
    arguments = {"boundaries": [2000, 4000], "values": [0.01, 0.001, 0.0001]}
    made = load("tensorflow", "train.piecewise_constant", arguments)
    assert [made(step) for step in (0, 2000, 2001, 4000, 4001)] == [0.01, 0.01, 0.001, 0.001, 0.0001]


def test_a_staircase_falls_at_2000():
    arguments = {"decay_steps": 2000, "decay_rate": 0.98, "staircase": True}
    made = load("tensorflow", "train.exponential_decay", arguments, base_lr=0.01)
    assert [made(step) for step in (1999, 2000, 4000)] == near([0.01, 0.0098, 0.009604])


@pytest.mark.parametrize("step", [0, 1, 10, 100])
def test_the_fraction_is_inverse_time(step: int):
    made = load("paddle", "InverseTimeDecay", {"gamma": 0.1})
    assert made(step) == pytest.approx(0.1 / (1 + 0.1 * step), rel=1e-14)


def test_a_cosine_with_warmup_and_hold():
    arguments = {
        "total_steps": 15000,
        "warmup_learning_rate": 0.0001,
        "warmup_steps": 2000,
        "hold_base_rate_steps": 2000,
    }
    made = load("tensorflow/models", "cosine_decay_with_warmup", arguments, base_lr=0.01)
    assert [made(step) for step in (0, 1000, 2000, 4000)] == near([0.0001, 0.00505, 0.01, 0.01])
    assert made(15000) == made(20000) == 0.0
    # the printed variant has a floor of 1e-5 of the rate, and afterwards jumps up to a rate of 1e-5
    meant = 1e-5 + (1 - 1e-5) * 0.5 * (1 + math.cos(math.pi * (9500 - 4000) / 11000))
    assert 0.01 * meant == pytest.approx(0.00500005, rel=1e-9)


def test_oneflow_milestones_are_where_they_say():
    made = load("oneflow", "MultiStepLR", {"milestones": [2, 5, 9]})
    assert [made(step) for step in (0, 1, 2, 4, 5, 8, 9)] == near([0.1, 0.1, 0.01, 0.01, 0.001, 0.001, 0.0001])


def test_a_function_that_stays_where_it_is_is_a_constant():
    # the class in print returns the current rate from get_lr: one value in 500 steps
    made = load("pytorch", "LambdaLR", {"lr_lambda": "lambda step: 1.0"}, base_lr=1e-3)
    assert {made(step) for step in range(500)} == {1e-3}


def test_an_expression_refuses_what_is_no_formula():
    with pytest.raises(GlidepathError, match="formula must be"):
        Expression("lambda step: open('x')")
    assert dialects.names("pytorch")

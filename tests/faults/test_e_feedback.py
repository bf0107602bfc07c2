"""Faults of metric-driven schedules. Each is shown on a mainstream tool, or on its own rules, before ours is asked."""

import json
import math

import pytest
import torch

from glidepath import GlidepathError
from glidepath.feedback import Guard, Observation, Plateau, PyTorchPlateau, replay
from glidepath.plan import Plan, Progress


def actions(plateau, metrics):
    """Return what was decided for each metric."""
    return [decision.action for _, decision in replay(plateau, metrics)]


def live(metrics, **options):
    """Return the rate that PyTorch's own class ends on, from 1."""
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=1.0)
    plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, **options)
    for metric in metrics:
        plateau.step(metric)
    return optimizer.param_groups[0]["lr"]


def test_e1_worsening_negative_metrics_are_no_improvement():
    """E1: a negative metric that gets worse by less than the relative threshold counts as an improvement in PyTorch."""
    worsening = [-1.0, -0.95, -0.90, -0.86, -0.82, -0.78, -0.75]
    options = {"factor": 0.1, "patience": 2, "threshold": 0.1}

    assert live(worsening, mode="min", threshold_mode="rel", **options) == 1.0
    assert actions(Plateau(**options), worsening) == ["first", "waiting", "waiting", "cut", "waiting", "waiting", "cut"]
    assert actions(Plateau(**options), [-1.0, -1.05, -1.2]) == ["first", "waiting", "improved"]


@pytest.mark.parametrize("mode", ["min", "max"])
def test_e2_zero_and_sign_change_of_the_best(mode):
    """E2: a best of zero, or one that changes its sign, keeps its meaning; mirrored metrics give mirrored decisions."""
    sign = 1 if mode == "min" else -1
    falling = [sign * value for value in (0.5, 0.0, 0.0, -1e-9, -0.5, -0.45, -0.56)]
    expected = ["first", "improved", "waiting", "improved", "improved", "waiting", "improved"]

    assert actions(Plateau(patience=5, threshold=0.1, mode=mode), falling) == expected


def test_e3_after_a_lucky_value_the_window_sees_the_progress():
    """E3: one lucky value, then a steady fall from 5 to 1: the best ever calls that a plateau, a window does not. Each says why."""
    metrics = [6.0, 0.5, *(5.0 - 0.25 * i for i in range(17))]
    options = {"factor": 0.1, "patience": 4}

    assert live(metrics, **options) == pytest.approx(1e-3)
    against_best = replay(Plateau(**options), metrics)
    assert against_best[-1][0] == pytest.approx(1e-3)
    cut = next(decision for _, decision in against_best if decision.action == "cut")
    assert cut.reason == "4 is not below 0.49995, 5 in a row, patience 4: cut by 0.1"
    in_window = replay(Plateau(**options, window=3), metrics)
    assert in_window[-1][0] == 1.0
    assert in_window[-1][1].reason == "1 is below 1.24988"


@pytest.mark.parametrize("value", ["0.3", None, True, [0.3, 0.4], torch.tensor([0.3, 0.4]), 1j, object(), b"1"])
def test_e4_what_is_no_number_is_refused(value):
    """E4: PyTorch takes the text "0.3" for a number and True for 1; ours refuses what is no real number."""
    live([1.0, "0.3", True])

    with pytest.raises(GlidepathError, match="value must be a real number, or an array of one element, got"):
        Plateau().observe(Plateau().begin(), (0, value))


def test_e4_one_element_is_a_number():
    """E4: a tensor or an array of one element is a number."""
    import numpy as np

    assert [Observation(0, value).value for value in (torch.tensor(0.5), torch.tensor([0.5]), np.float32(0.5))] == [
        0.5
    ] * 3


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_e4_not_finite_follows_the_policy(value):
    """E4: NaN silently counts as bad in PyTorch, and minus infinity becomes a best that nothing beats; ours holds and says so."""
    metrics = [1.0, value, 0.9, 0.8]

    assert actions(Plateau(patience=0), metrics) == ["first", "held", "improved", "improved"]
    assert actions(Plateau(patience=0, not_finite="bad"), metrics) == ["first", "cut", "improved", "improved"]
    assert actions(Plateau(patience=9, not_finite="cut"), metrics) == ["first", "cut", "improved", "improved"]
    assert "is not finite: nothing changes" in replay(Plateau(), metrics)[1][1].reason
    if value < 0:
        assert live([1.0, value, 0.9, 0.8, 0.7], patience=0) < 1e-2


def test_e5_an_absent_metric_holds():
    """E5: validation every second epoch: PyTorch's class cannot be called without a metric; ours holds."""
    with pytest.raises(TypeError, match="float"):
        live([1.0, None])
    metrics = [1.0, None, 0.9, None, 0.9, None, 0.9]

    decided = replay(Plateau(patience=1), metrics)
    assert [decision.action for _, decision in decided] == [
        "first",
        "held",
        "improved",
        "held",
        "waiting",
        "held",
        "cut",
    ]
    assert decided[1][1].reason == "no observation: nothing changes"


# Where the cuts fall among eight equal metrics: with patience p at the (p+1)-th in a row that did not improve.
TABLE = {
    (0, 0): [1, 2, 3, 4, 5, 6, 7],
    (0, 1): [1, 3, 5, 7],
    (1, 0): [2, 4, 6],
    (1, 1): [2, 5],
    (2, 0): [3, 6],
    (2, 1): [3, 7],
}


@pytest.mark.parametrize(("patience", "cooldown"), TABLE)
def test_e6_patience_table(patience, cooldown):
    """E6: the exact table of patience 0, 1, 2 and cooldown 0, 1 on a constant metric, the same as PyTorch's."""
    decided = actions(Plateau(patience=patience, cooldown=cooldown), [1.0] * 8)
    peer = actions(PyTorchPlateau(1.0, patience=patience, cooldown=cooldown, smallest=0.0), [1.0] * 8)

    assert [i for i, action in enumerate(decided) if action == "cut"] == TABLE[patience, cooldown]
    assert [i for i, action in enumerate(peer) if action == "cut"] == TABLE[patience, cooldown]


@pytest.mark.parametrize("cut", range(12))
@pytest.mark.parametrize(
    "controller",
    [Plateau(factor=0.5, patience=2, cooldown=1, window=2), PyTorchPlateau(0.1, patience=2), Guard(pause=1, warmup=3)],
    ids=lambda controller: controller.kind,
)
def test_e7_saved_in_the_middle_of_a_window(controller, cut):
    """E7: saved as JSON at every place and restored, the rest of the run is the same; a state without its counters is not."""
    metrics = [1.0, 0.9, 0.9, 0.9, 9.0, 0.9, 0.8, 0.8, 50.0, 0.8, 0.8, 0.8]
    whole = replay(controller, metrics)
    state = controller.run(enumerate(metrics[:cut]))
    restored = controller.read_state(json.loads(json.dumps(state.to_dict())))

    assert restored == state
    assert replay(controller, [(cut + i, m) for i, m in enumerate(metrics[cut:])], restored) == whole[cut:]
    if controller.kind == "plateau" and cut == 4:
        forgotten = controller.read_state({**state.to_dict(), "bad": 0})
        assert replay(controller, [(cut + i, m) for i, m in enumerate(metrics[cut:])], forgotten) != whole[cut:]


def test_e8_one_evaluation_is_counted_once():
    """E8: fed twice for one evaluation, PyTorch's patience is halved; ours refuses the second, and its state is unchanged."""
    assert live([1.0, 1.0, 1.0, 1.0], patience=2) < 1.0  # two evaluations, each fed twice
    plateau = Plateau(patience=2)
    state, _ = plateau.observe(plateau.begin(), (100, 1.0))
    with pytest.raises(GlidepathError, match="observation id must be observed once, got 100"):
        plateau.observe(state, (100, 1.0))
    with pytest.raises(GlidepathError, match="observation id must be above the last, 100, got 50"):
        plateau.observe(state, (50, 1.0))
    state, decision = plateau.observe(state, (200, 1.0))
    assert (state.bad, decision.action) == (1, "waiting")


def test_c5_warmup_then_plateau():
    """C5: PyTorch's composers refuse a plateau; ours multiplies any schedule, and the controller sees only its own phase."""
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=1.0)
    plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer)
    warmup = torch.optim.lr_scheduler.LinearLR(optimizer)
    with pytest.raises(ValueError, match="ReduceLROnPlateau"):
        torch.optim.lr_scheduler.SequentialLR(optimizer, [warmup, plateau], [5])

    plan = Plan("warmup(100) >> hold()", feedback=["plateau(factor=0.5, patience=1, after=100)"])
    progress = plan.begin()
    taken = []
    for step in range(0, 400, 50):
        progress, (decision,) = plan.observe(Progress(step, states=progress.states), "loss", 1.0)
        taken.append(decision.action)
    assert taken == ["held", "held", "first", "waiting", "cut", "waiting", "cut", "waiting"]
    assert [plan.value(updates=step) for step in (0, 100)] == [1 / 101, 1.0]
    assert plan.value(Progress(400, states=progress.states)) == 0.25

"""Every defect of OneFlow's schedulers in the table of docs/drop-in.md, and that ours have none of them."""

import copy
import itertools
import json
import math
from typing import Any

import pytest
import torch
from runs import near, rates, run
from twins import optimizer

from glidepath import GlidepathError
from glidepath.torch import lr_scheduler, oneflow


def test_restarts_are_found_by_comparison():
    """OneFlow rounds a logarithm: with T_mult 3, 9, 10 and 11 some restarts are the floor instead of the peak."""
    held = optimizer(1)
    for begin, factor in itertools.product((1, 2, 7), range(2, 12)):
        scheduler = oneflow.CosineAnnealingWarmRestarts(held, begin, factor, 0.01)
        restarts = [begin * (factor**k - 1) // (factor - 1) for k in range(8)]
        assert [scheduler.get_lr(0.1, step) for step in restarts] == [0.1] * 8
        assert all(scheduler.get_lr(0.1, step - 1) < 0.1 for step in restarts[1:] if step > 1)


def test_composites_nest_and_functions_may_stand_inside():
    """OneFlow raises NotImplementedError, for a later scheduler only when its turn comes."""
    held, flat = optimizer(1), optimizer(1)
    steps, line = (oneflow.StepLR(held, 2, 0.5), oneflow.LinearLR(held, 0.25, 1.0, 4))
    inner = oneflow.SequentialLR(held, [steps, oneflow.LambdaLR(held, lambda t: 1 / (1 + t))], [4], True)
    outer = oneflow.SequentialLR(held, [line, inner], [3], True)
    parts = [
        oneflow.LinearLR(flat, 0.25, 1.0, 4),
        oneflow.StepLR(flat, 2, 0.5),
        oneflow.LambdaLR(flat, lambda t: 1 / (1 + t)),
    ]
    assert run(held, outer, 14) == run(flat, oneflow.SequentialLR(flat, parts, [3, 7], True), 14)
    assert (outer.last_step, inner.last_step, steps.last_step, line.last_step) == (14, 11, 3, 2)
    held = optimizer(1)
    product = oneflow.ChainedScheduler([oneflow.ConstantLR(held, 0.5, 2), oneflow.ExponentialLR(held, 0.9)])
    warm = oneflow.WarmupLR(oneflow.ChainedScheduler([product, oneflow.CosineAnnealingLR(held, 4, 0.01)]), 0.0, 2)
    law = [0.1 * f * 0.9**t for t, f in enumerate([0.5, 0.5, 1, 1, 1, 1])]
    cosine = [0.01 + (rate - 0.01) * (1 + math.cos(math.pi * t / 4)) / 2 for t, rate in enumerate(law)]
    assert [rates(held), *run(held, warm, 5)] == near([[0.0], [cosine[2] / 2], *([rate] for rate in cosine[2:])])


def test_the_product_that_reads_the_rate_is_refused_inside_when_it_is_made():
    held = optimizer(1)
    product, before = oneflow.MultiplicativeLR(held, lambda t: 0.9), copy.deepcopy(held.state_dict())
    rule = "must be a scheduler of glidepath.torch.oneflow that is a function of the step"
    makers = [
        lambda: oneflow.SequentialLR(held, [oneflow.StepLR(held, 3), product], [2]),
        lambda: oneflow.ChainedScheduler([oneflow.StepLR(held, 3), product]),
        lambda: oneflow.WarmupLR(product),
        lambda: oneflow.SequentialLR(held, [lr_scheduler.StepLR(held, 3)], []),
        lambda: oneflow.ChainedScheduler([oneflow.StepLR(held, 3), oneflow.ReduceLROnPlateau(held)]),
    ]
    for make in makers:
        with pytest.raises(GlidepathError, match=rule):
            make()
    assert held.state_dict() == before


def test_a_multiplicative_scheduler_has_a_state():
    """OneFlow's raises NameError."""
    held = optimizer()
    first = oneflow.MultiplicativeLR(held, lambda t: 1 - 0.01 * t)
    run(held, first, 5)
    state = json.loads(json.dumps(first.state_dict()))
    again = optimizer()
    made = oneflow.MultiplicativeLR(again, lambda t: 1 - 0.01 * t)
    made.load_state_dict(state)
    assert [rates(again), *run(again, made, 5)] == [rates(held), *run(held, first, 5)]


def test_builtin_functions_and_objects_have_a_state():
    """OneFlow looks for the attributes of a builtin, which has none."""

    class Falling:
        def __init__(self, by: float) -> None:
            self.by = by

        def __call__(self, step: int) -> float:
            return self.by**step

    held = optimizer(2)
    first = oneflow.LambdaLR(held, [math.cos, Falling(0.5)])
    run(held, first, 2)
    assert first.state_dict()["lr_lambdas"] == [None, {"by": 0.5}]
    again = optimizer(2)
    made = oneflow.LambdaLR(again, [math.cos, Falling(0.9)])
    made.load_state_dict(first.state_dict())
    assert run(again, made, 3) == run(held, first, 3)


def test_a_warmup_ends_where_each_groups_own_schedule_is():
    """OneFlow refuses groups of different rates, and divides by a rate of 0."""
    held, plain = optimizer(), optimizer()
    held.param_groups[2]["lr"] = plain.param_groups[2]["lr"] = 0.0
    warm = oneflow.WarmupLR(oneflow.CosineAnnealingLR(held, 10, 0.0), 0.0, 4)
    alone = oneflow.CosineAnnealingLR(plain, 10, 0.0)
    wanted = run(plain, alone, 8)
    assert rates(held) == [0.0] * 3
    found = run(held, warm, 8)
    assert found[3:] == near(wanted[3:])
    assert found[1] == pytest.approx([rate / 2 for rate in wanted[3]])


def test_the_plateau_has_its_rates_from_the_beginning():
    """OneFlow's has no get_last_lr, and no `_last_lr` before its first step."""
    held = optimizer()
    scheduler = oneflow.ReduceLROnPlateau(held, factor=0.5, patience=0)
    assert scheduler.get_last_lr() == rates(held)
    scheduler.step(1.0), scheduler.step(1.0)
    assert scheduler.get_last_lr() == rates(held) == [0.05, 0.1, 0.15000000000000002]
    again = optimizer()
    fresh = oneflow.ReduceLROnPlateau(again)
    fresh.load_state_dict(scheduler.state_dict())
    assert rates(again) == rates(held)


def test_a_state_shares_nothing_with_the_scheduler():
    held = optimizer()
    made = oneflow.SequentialLR(held, [oneflow.MultiStepLR(held, [2, 4]), oneflow.StepLR(held, 2)], [6])
    state = made.state_dict()
    before = copy.deepcopy(state)
    run(held, made, 5)
    made.schedulers[0].milestones.append(5)
    made.milestones[0] = 7
    assert state == before
    warm = oneflow.WarmupLR(held, warmup_iters=1)
    run(held, warm, 2)
    warm.get_last_lr()[0] = 5.0
    assert warm.base_lrs == pytest.approx([0.1, 0.2, 0.3])


@pytest.mark.parametrize("kind", ["function", "nest"])
def test_groups_change_places_leave_and_join(kind: str):
    """OneFlow gives the rates out by position, and none to a group that joins."""
    falls = [lambda t: 0.9**t, lambda t: 0.8**t, lambda t: 0.7**t]

    def make(held: Any) -> Any:
        each = oneflow.LambdaLR(held, falls)
        if kind == "function":
            return each
        return oneflow.SequentialLR(held, [oneflow.ConstantLR(held, 0.5, 3), each], [4])

    def wanted(step: int) -> list[float]:
        return [base * fall(step) for base, fall in zip((0.1, 0.2, 0.3), falls, strict=True)]

    held = optimizer()
    scheduler = make(held)
    run(held, scheduler, 5)
    held.param_groups.reverse()
    assert run(held, scheduler, 1)[0] == pytest.approx(wanted(6)[::-1])
    del held.param_groups[1]
    assert run(held, scheduler, 1)[0] == pytest.approx(wanted(7)[::-2])
    held.add_param_group({"params": [torch.nn.Parameter(torch.zeros(1))], "lr": 0.5})
    found = run(held, scheduler, 2)[-1]
    assert found == pytest.approx([*wanted(9)[::-2], 0.5 * 0.7**9])  # a group that joins follows the first function
    assert len(scheduler.get_last_lr()) == 3


NONSENSE: list[tuple[str, dict[str, Any], list[str]]] = [
    ("StepLR", {"step_size": 0, "gamma": -1.0}, ["step_size", "gamma"]),
    ("MultiStepLR", {"milestones": [3, 3], "gamma": 0.5}, ["milestones"]),
    ("MultiStepLR", {"milestones": [2.5, -1], "gamma": math.nan}, ["milestones[0]", "milestones[1]", "gamma"]),
    ("ConstantLR", {"factor": 2.0, "total_iters": -1}, ["factor", "total_iters"]),
    ("LinearLR", {"start_factor": -0.1, "end_factor": 1.5, "total_iters": "5"}, ["start_factor", "end_factor", "total_iters"]),
    ("ExponentialLR", {"gamma": 0.0, "last_step": -2}, ["gamma", "last_step"]),
    ("PolynomialLR", {"decay_batch": 0, "power": -1.0, "cycle": 1}, ["decay_batch", "power", "cycle"]),
    ("CosineDecayLR", {"decay_steps": 0, "alpha": math.inf}, ["decay_steps", "alpha"]),
    ("CosineAnnealingLR", {"T_max": 0, "eta_min": "low"}, ["T_max", "eta_min"]),
    (
        "CosineAnnealingWarmRestarts",
        {"T_0": 0, "T_mult": 0, "decay_rate": 0.0, "restart_limit": -1},
        ["T_0", "T_mult", "decay_rate", "restart_limit"],
    ),
    ("LambdaLR", {"lr_lambda": [abs]}, ["lr_lambda"]),
    ("SequentialLR", {"schedulers": [], "milestones": [4]}, ["schedulers", "milestones"]),
    ("SequentialLR", {"schedulers": [0.1, "StepLR"], "milestones": [-1]}, ["schedulers[0]", "schedulers[1]", "milestones[0]"]),
    ("WarmupLR", {"warmup_factor": 2.0, "warmup_iters": 0}, ["warmup_factor", "warmup_iters"]),
    ("WarmupLR", {"warmup_method": "cubic", "warmup_prefix": 1}, ["warmup_method", "warmup_prefix"]),
    ("ReduceLROnPlateau", {"mode": "best", "factor": 1.0, "patience": -1}, ["mode", "factor", "patience"]),
    ("ReduceLROnPlateau", {"threshold": -1, "threshold_mode": "x", "min_lr": [0.1]}, ["threshold", "threshold_mode", "min_lr"]),
    ("ReduceLROnPlateau", {"cooldown": 0.5, "min_lr": math.nan, "eps": -1e-8}, ["cooldown", "min_lr", "eps"]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "arguments", "fields"), NONSENSE)
def test_nonsense_is_refused_at_once_with_all_problems_and_changes_nothing(
    name: str, arguments: Any, fields: list[str]
):
    """OneFlow asserts, which `python -O` leaves out, or fails later."""
    held = optimizer()
    before = [dict(group) for group in held.param_groups]
    with pytest.raises(GlidepathError, match="must be") as caught:
        getattr(oneflow, name)(held, **arguments)
    assert [problem.field for problem in caught.value.problems] == fields
    assert held.param_groups == before


def test_what_is_no_optimizer_or_no_function_is_a_type_error():
    with pytest.raises(TypeError, match="is not an Optimizer"):
        oneflow.StepLR(torch.nn.Linear(1, 1), 3)
    with pytest.raises(TypeError, match="is not an Optimizer"):
        oneflow.ReduceLROnPlateau(0.1)
    with pytest.raises(TypeError, match="should be a function"):
        oneflow.LambdaLR(optimizer(), 0.5)
    for make in (oneflow.WarmupLR, oneflow.ChainedScheduler):
        with pytest.raises(GlidepathError, match=r"must be .* of glidepath\.torch\.oneflow"):
            make([])


def test_schedulers_of_another_optimizer_are_refused():
    held = optimizer()
    parts = [oneflow.StepLR(held, 3), oneflow.StepLR(optimizer(), 3)]
    for make in (oneflow.ChainedScheduler, lambda found: oneflow.SequentialLR(held, found, [2])):
        with pytest.raises(GlidepathError, match=r"schedulers\[1\] must be a scheduler of the same optimizer"):
            make(parts)

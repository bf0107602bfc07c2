"""What drives what: patterns, hyper-parameters, two schedulers, the stateless form."""

import pytest
import torch

import glidepath as gp
from glidepath.plan import Rule
from glidepath.torch import ScheduleLR, apply, attach


def sgd(**rates):
    groups = [{"params": [torch.ones(1, requires_grad=True)], "lr": r, "name": n} for n, r in rates.items()]
    return torch.optim.SGD(groups, momentum=0.9, weight_decay=0.1)


def held(optimizer, key="lr"):
    return {group["name"]: group[key] for group in optimizer.param_groups}


@pytest.mark.parametrize(
    ("groups", "names"),
    [
        ("*", {"body.0", "body.1", "head", None}),
        ("body.*", {"body.0", "body.1"}),
        (("body.*", "head"), {"body.0", "body.1", "head"}),
        (("*", "!head"), {"body.0", "body.1", None}),
        (("*", "!body.*", "body.1"), {"body.1", "head", None}),
        ("body.[1-9]", {"body.1"}),
    ],
)
def test_patterns(groups, names):
    drive = Rule("linear(5)", groups=groups)
    assert {name for name in ("body.0", "body.1", "head", None) if drive.matches(name)} == names


def test_groups_and_hyper_parameters_have_their_own_schedules():
    optimizer = sgd(body=0.1, head=1.0, norm=0.5)
    attach(
        optimizer,
        [
            Rule("linear(10)", groups=("*", "!head")),
            Rule("cosine(10)", groups="head"),
            Rule("hold(5, 0.5) >> hold(5, 1)", "weight_decay", groups=("*", "!norm")),
            Rule("ramp(0.8, 0.9, 10)", "momentum", absolute=True, groups="head"),
        ],
    )
    for _ in range(4):
        optimizer.step()
    assert held(optimizer) == {"body": 0.1 * 0.7, "head": gp.cosine(10)(3), "norm": 0.5 * 0.7}
    assert held(optimizer, "weight_decay") == {"body": 0.05, "head": 0.05, "norm": 0.1}
    assert held(optimizer, "momentum") == {"body": 0.9, "head": gp.Ramp(0.8, 0.9, 10)(3), "norm": 0.9}


def test_rules_are_data():
    rule = Rule("linear(10)", "betas[1]", groups=("a", "!b"), floor=0.5, join="start", later=True)
    assert Rule.of(rule.to_dict()) == rule
    assert Rule("linear(10)").to_dict() == {"schedule": "linear(10)"}
    with pytest.raises(gp.GlidepathError, match=r"did you mean 'join'"):
        Rule.of({"schedule": "linear(3)", "jion": "start"})


def test_two_schedulers_for_two_hyper_parameters():
    optimizer = sgd(a=0.1)
    rate, decay = attach(optimizer, "linear(10)"), attach(optimizer, {"weight_decay": "cosine(4)"})
    optimizer.step()
    optimizer.step()
    assert (rate.updates, decay.updates) == (2, 2)
    decay.detach()
    optimizer.step()
    assert (rate.updates, decay.updates) == (3, 2)
    assert optimizer.param_groups[0]["weight_decay"] == 0.1
    assert "initial_weight_decay" not in optimizer.param_groups[0]


def test_apply_is_the_same_without_an_object():
    for drives in (
        "linear(10)",
        {"lr": "cosine(9)", "momentum": "hold(9, 0.5)"},
        [Rule("linear(9)", groups="b", floor=0.01)],
    ):
        one, other = sgd(a=0.1, b=0.2), sgd(a=0.1, b=0.2)
        attach(one, drives)
        for k in range(12):
            one.step()
            apply(other, drives, k)
            other.step()
            assert held(one) == held(other)
            assert held(one, "momentum") == held(other, "momentum")
    with pytest.raises(gp.GlidepathError, match="the hyper-parameter must be one of"):
        apply(other, {"lr": "linear(3)", "moment": "linear(3)"}, 0)


def test_bases_come_from_initial_lr_unless_rebase():
    optimizer = sgd(a=0.1)
    attach(optimizer, "linear(10)")
    optimizer.step()
    optimizer.step()
    saved = optimizer.state_dict()

    for rebase, base in ((False, 0.1), (True, 0.1 * 0.9)):
        other = sgd(a=0.7)
        other.load_state_dict(saved)
        scheduler = attach(other, "linear(10)", rebase=rebase)
        scheduler.seek(0)  # a new beginning, on purpose
        other.step()
        assert held(other) == {"a": base}
        scheduler.detach()
        assert other.param_groups[0]["initial_lr"] == 0.1


def test_detach_can_keep_the_values():
    optimizer = sgd(a=0.1)
    scheduler = attach(optimizer, "linear(10)")
    for _ in range(3):
        optimizer.step()
    scheduler.detach(keep=True)
    scheduler.detach()
    optimizer.step()
    assert held(optimizer) == {"a": 0.1 * 0.8}
    assert "initial_lr" not in optimizer.param_groups[0]


def test_a_wrapper_without_hooks_is_looked_into():
    accelerate = pytest.importorskip("accelerate")
    optimizer = sgd(a=0.1)
    prepared = accelerate.Accelerator(cpu=True).prepare(optimizer)
    scheduler = attach(prepared, "linear(10)")
    prepared.step()
    prepared.step()
    assert scheduler.updates == 2
    assert held(optimizer) == {"a": 0.1 * 0.9}


def test_the_bridge_is_a_scheduler_of_pytorch():
    optimizer = sgd(a=0.1, b=0.2)
    scheduler = ScheduleLR(optimizer, "warmup(3) >> linear(5)")
    assert isinstance(scheduler, torch.optim.lr_scheduler.LRScheduler)
    for k in range(10):
        value = gp.parse("warmup(3) >> linear(5)")(k)
        assert scheduler.get_last_lr() == scheduler.get_lr() == [0.1 * value, 0.2 * value]
        assert held(optimizer) == {"a": 0.1 * value, "b": 0.2 * value}
        assert scheduler.last_epoch == k
        assert scheduler.base_lrs == [0.1, 0.2]
        optimizer.step()
        for _ in range(3):
            scheduler.step()
    with pytest.raises(
        gp.GlidepathError, match=r"ScheduleLR\.step: epoch must be None, got 3 \(seek\(\) goes to an update\)"
    ):
        scheduler.step(3)


def test_scale_is_checked_and_multiplies():
    optimizer = sgd(a=0.1)
    scheduler = attach(optimizer, "linear(10)")
    scheduler.scale(0.5)
    scheduler.scale(0.5)
    optimizer.step()
    assert held(optimizer) == {"a": 0.025}
    for wrong in (0, -1, float("nan"), "2"):
        with pytest.raises(gp.GlidepathError, match="scale: factor must be a finite number above 0 and at most"):
            scheduler.scale(wrong)
    with pytest.raises(gp.GlidepathError, match="scale: parameter must be one of 'lr', got 'momentum'"):
        scheduler.scale(2.0, "momentum")

"""Who owns a rate, and an optimizer with a past: numbers as PyTorch's own schedulers give them, in every order of loading."""

import copy
import json
import warnings

import pytest
import torch
from torch.optim import lr_scheduler as peers
from torch.optim.swa_utils import SWALR

import glidepath as gp
from glidepath import GlidepathError
from glidepath.torch import ForeignWriteWarning, ScheduleLR, attach, detach

SCHEDULE = gp.parse("linear(20)")


def sgd(*rates, names=(), **options):
    groups = [{"params": [torch.ones(1, requires_grad=True)], "lr": rate} for rate in rates or (0.1,)]
    for group, name in zip(groups, names, strict=False):
        group["name"] = name
    return torch.optim.SGD(groups, **options)


def step(optimizer, scheduler=None, times=1):
    """Make updates; return the rate of the first group in each."""
    seen = []
    for _ in range(times):
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                parameter.grad = torch.ones_like(parameter)
        optimizer.step()
        seen.append(float(optimizer.param_groups[0]["lr"]))
        if scheduler is not None:
            scheduler.step()
    return seen


# The bridge -----------------------------------------------------------------------------------------------------------


def test_a_bridge_that_is_stepped_once_an_epoch_gives_each_update_its_own_rate():
    optimizer = sgd()
    scheduler = ScheduleLR(optimizer, SCHEDULE)
    for epoch in range(3):
        assert step(optimizer, times=5) == [0.1 * SCHEDULE(5 * epoch + k) for k in range(5)]
        scheduler.step()


def test_a_bridge_that_nobody_steps_any_more_never_takes_the_rate_back():
    """Lightning's StochasticWeightAveraging: the scheduler is swapped for an SWALR; `initial_lr` is written too."""
    optimizer = sgd()
    scheduler = ScheduleLR(optimizer, SCHEDULE)
    step(optimizer, scheduler, 5)
    optimizer.param_groups[0]["initial_lr"] = optimizer.param_groups[0]["lr"]
    other = SWALR(optimizer, swa_lr=0.5, anneal_epochs=1)
    step(optimizer, other, 2)
    assert step(optimizer, other, 6) == [0.5] * 6


def test_a_bridge_is_swapped_for_a_sweep_and_comes_back():
    """Lightning's `Tuner.lr_find`: another scheduler sweeps, then the optimizer's state and the bridge's are restored."""
    optimizer = sgd()
    scheduler = ScheduleLR(optimizer, SCHEDULE)
    states = copy.deepcopy(optimizer.state_dict()), scheduler.state_dict()
    swept = []
    for k in range(5):
        optimizer.param_groups[0]["lr"] = 1e-5 * 10**k
        swept += step(optimizer)
    assert swept == [1e-5 * 10**k for k in range(5)]
    optimizer.load_state_dict(states[0])
    scheduler.load_state_dict(states[1])
    assert step(optimizer, scheduler, 3) == [0.1 * SCHEDULE(k) for k in range(3)]


def test_a_dampening_between_step_and_update_stays():
    """As pytorch_warmup does: PyTorch leaves it, and so does the bridge, which goes on by `foreign=` in its own step."""
    optimizer = sgd()
    scheduler = ScheduleLR(optimizer, SCHEDULE)
    optimizer.param_groups[0]["lr"] *= 0.25
    assert step(optimizer) == [0.025]
    with pytest.warns(ForeignWriteWarning, match="the schedule goes on"):
        scheduler.step()
    assert scheduler.get_last_lr() == [0.1 * SCHEDULE(1)]
    optimizer = sgd()
    scheduler = ScheduleLR(optimizer, SCHEDULE, foreign="adopt")
    optimizer.param_groups[0]["lr"] *= 0.25
    step(optimizer)
    with pytest.warns(ForeignWriteWarning, match="the group goes on from it"):
        scheduler.step()
    assert scheduler.get_last_lr() == [0.025 * SCHEDULE(1)]
    optimizer = sgd()
    scheduler = ScheduleLR(optimizer, SCHEDULE, foreign="refuse")
    optimizer.param_groups[0]["lr"] *= 0.25
    assert step(optimizer) == [0.025]
    with pytest.raises(GlidepathError, match=r"lr must be written by its schedule only"):
        scheduler.step()


def test_one_group_is_written_and_the_others_go_on():
    optimizer = sgd(0.1, 0.2, 0.3)
    ScheduleLR(optimizer, SCHEDULE)
    step(optimizer)
    optimizer.param_groups[1]["lr"] = 0.2 * SCHEDULE(1)  # even where it is the value that would come
    step(optimizer, times=3)
    assert [group["lr"] for group in optimizer.param_groups] == [
        0.1 * SCHEDULE(3),
        0.2 * SCHEDULE(1),
        0.3 * SCHEDULE(3),
    ]


# A second scheduler ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [attach, ScheduleLR])
def test_the_same_plan_again_takes_over(make):
    """Accelerate's `find_executable_batch_size`, a notebook's cell run twice: the set-up is repeated on the same optimizer."""
    optimizer = sgd(weight_decay=0.2)
    plan = {"lr": SCHEDULE, "weight_decay": "cosine(20)"}
    first = make(optimizer, plan)
    step(optimizer, times=4)
    second = make(optimizer, plan)
    assert step(optimizer) == [0.1 * SCHEDULE(4)]
    assert optimizer.param_groups[0]["weight_decay"] == 0.2 * gp.cosine(20)(4)
    assert [getattr(s, "scheduler", s).updates for s in (first, second)] == [4, 5]
    third = make(optimizer, plan, restart=True)
    assert step(optimizer) == [0.1]
    assert optimizer.param_groups[0]["weight_decay"] == 0.2
    assert len(optimizer._optimizer_step_pre_hooks) == 1
    getattr(third, "scheduler", third).detach()
    assert optimizer.param_groups[0] == {
        **sgd(weight_decay=0.2).param_groups[0],
        "params": optimizer.param_groups[0]["params"],
    }


def test_another_plan_is_refused_and_says_how_to_let_go():
    optimizer = sgd()
    attach(optimizer, SCHEDULE)
    with pytest.raises(
        GlidepathError, match=r"driven by one scheduler, got 'two' \(.*glidepath\.torch\.detach\(optimizer\)"
    ):
        attach(optimizer, "cosine(9)")
    detach(optimizer)
    attach(optimizer, "cosine(9)")
    assert step(optimizer) == [0.1]


def test_disjoint_groups_by_two_calls():
    optimizer = sgd(0.1, 0.2, names=("a", "b"))
    one = attach(optimizer, gp.plan.Rule("linear(10)", groups="a"))
    two = attach(optimizer, gp.plan.Rule("cosine(10)", groups="b"))
    step(optimizer, times=3)
    assert [group["lr"] for group in optimizer.param_groups] == [0.1 * gp.linear(10)(2), 0.2 * gp.cosine(10)(2)]
    assert (one.updates, two.updates) == (3, 3)


# Bases ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("at", [0, 1])
def test_a_base_that_somebody_wrote_is_told_and_put_right(at):
    """A write to `initial_lr` is a foreign write, of the first update after it or of the next save."""
    optimizer = sgd(0.1, 0.2)
    scheduler, told = attach(optimizer, SCHEDULE), []
    scheduler.on_update(told.append)
    step(optimizer)
    optimizer.param_groups[at]["initial_lr"] = 0.7
    with pytest.warns(ForeignWriteWarning, match=rf"initial_lr of group {at} was 0\.7 before update 1"):
        step(optimizer)
    assert [group["lr"] for group in optimizer.param_groups] == [0.1 * SCHEDULE(1), 0.2 * SCHEDULE(1)]
    optimizer.param_groups[at]["initial_lr"] = 0.7
    state = optimizer.state_dict()
    assert [group["initial_lr"] for group in state["param_groups"]] == [0.1, 0.2]

    optimizer = sgd(0.1, 0.2)
    attach(optimizer, SCHEDULE, foreign="adopt")
    step(optimizer)
    optimizer.param_groups[at]["initial_lr"] = 0.7
    with pytest.warns(ForeignWriteWarning, match="initial_lr"):
        step(optimizer)
    assert optimizer.param_groups[at]["lr"] == 0.7 * SCHEDULE(1)
    optimizer = sgd(0.1, 0.2)
    attach(optimizer, SCHEDULE, foreign="refuse")
    step(optimizer)
    optimizer.param_groups[at]["initial_lr"] = 0.7
    with pytest.raises(GlidepathError, match="initial_lr must be written by its schedule only"):
        step(optimizer)


def saved(base=0.1, text=SCHEDULE, updates=5, make=attach, **options):
    optimizer = sgd(base)
    scheduler = make(optimizer, text, **options)
    step(optimizer, scheduler if make is ScheduleLR else None, updates)
    return copy.deepcopy(optimizer.state_dict()), json.loads(json.dumps(scheduler.state_dict()))


ORDERS = ["optimizer first", "scheduler first", "scheduler alone"]


def load(order, optimizer, scheduler, states, policy):
    if order == "optimizer first":
        optimizer.load_state_dict(states[0])
    report = scheduler.load_state_dict(states[1], resume=policy)
    if order == "scheduler first":
        optimizer.load_state_dict(states[0])
    return report


@pytest.mark.parametrize("make", [attach, ScheduleLR])
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(("policy", "base"), [("keep", 0.001), ("override", 0.0005), ("extend", 0.001)])
def test_the_base_on_resume_is_decided_by_the_policy_and_not_by_the_order(make, order, policy, base):
    """Saved at 1e-3, the new optimizer made with 5e-4: keep takes the saved base, override the new one, in every order."""
    states = saved(0.001, make=make)
    optimizer = sgd(0.0005)
    scheduler = make(optimizer, SCHEDULE)
    report = load(order, optimizer, scheduler, states, policy)
    assert report.bases == (("lr of group 0", 0.001, 0.0005, base),)
    assert f"base of lr of group 0: saved 0.001, found 0.0005, used {base}" in str(report)
    assert step(optimizer, times=3) == [base * SCHEDULE(k) for k in (5, 6, 7)]
    assert optimizer.param_groups[0]["initial_lr"] == base


@pytest.mark.parametrize("order", ORDERS)
def test_strict_refuses_another_base_in_every_order_and_its_remedies_train_right(order):
    states = saved(0.001)
    for policy, base in (("keep", 0.001), ("override", 0.0005), ("extend", 0.001)):
        optimizer = sgd(0.0005)
        scheduler = attach(optimizer, SCHEDULE)
        with pytest.raises(GlidepathError, match=r"base of lr saved 0\.001, now 0\.0005.*resume=\"keep\" goes on with"):
            load(order, optimizer, scheduler, states, "strict")
        assert scheduler.updates == 0
        load(order, optimizer, scheduler, states, policy)
        assert step(optimizer) == [base * SCHEDULE(5)]


@pytest.mark.parametrize("policy", ["strict", "keep", "override"])
@pytest.mark.parametrize("make", [attach, ScheduleLR])
@pytest.mark.parametrize("late", [True, False])
def test_a_state_without_its_base_is_repaired(policy, make, late):
    """`initial_lr` is missing from the optimizer's state (torch's DCP, older files): the base that our state holds is used."""
    states = saved(0.1, make=make)
    for group in states[0]["param_groups"]:
        del group["initial_lr"]
    optimizer = sgd(0.1)
    if late:
        optimizer.load_state_dict(states[0])
    scheduler = make(optimizer, SCHEDULE)
    if not late:
        optimizer.load_state_dict(states[0])
    report = scheduler.load_state_dict(states[1], resume=policy)
    assert report.bases == ()
    assert step(optimizer, times=3) == [0.1 * SCHEDULE(k) for k in (5, 6, 7)]
    assert optimizer.param_groups[0]["initial_lr"] == 0.1


def test_a_driven_weight_decay_adds_no_key_that_older_checkpoints_lack():
    optimizer = sgd(weight_decay=0.2)
    scheduler = attach(optimizer, {"weight_decay": "linear(10)"})
    step(optimizer, times=3)
    assert set(optimizer.param_groups[0]) == set(sgd().param_groups[0])
    states = copy.deepcopy(optimizer.state_dict()), scheduler.state_dict()
    for order in ("before", "after"):
        other = sgd(weight_decay=0.2)
        if order == "before":
            other.load_state_dict(states[0])
        again = attach(other, {"weight_decay": "linear(10)"})
        if order == "after":
            other.load_state_dict(states[0])
        again.load_state_dict(states[1])
        step(other)
        assert other.param_groups[0]["weight_decay"] == 0.2 * gp.linear(10)(3)


def test_tensors_are_there_from_the_beginning():
    """A fresh template for `torch.distributed.checkpoint` holds tensors where the saved one does."""
    optimizer = sgd(0.1, 0.2)
    attach(optimizer, SCHEDULE, tensors=True)
    assert [type(group["lr"]) for group in optimizer.param_groups] == [torch.Tensor, torch.Tensor]


# An optimizer with a past ---------------------------------------------------------------------------------------------


def test_phase_two_begins_with_a_warning_and_a_remedy_that_works():
    """The optimizer of phase 1, loaded, its rate written, a new schedule: the stale `initial_lr` is the base, and that is said."""
    state, _ = saved(0.001)
    for remedy in (False, True):
        optimizer = sgd(0.001)
        optimizer.load_state_dict(state)
        optimizer.param_groups[0]["lr"] = 1e-5
        attach(optimizer, "hold()", rebase=remedy)
        if remedy:
            assert step(optimizer) == [1e-5]
        else:
            with pytest.warns(UserWarning, match=r"lr of group 0 was 1e-05 where its initial_lr, 0\.001.*rebase=True"):
                assert step(optimizer) == [0.001]
            assert step(optimizer) == [0.001]


@pytest.mark.parametrize("make", [attach, ScheduleLR])
@pytest.mark.parametrize("kind", [torch.optim.AdamW, torch.optim.SGD])
def test_an_optimizer_that_was_loaded_meets_a_schedule_at_its_beginning(make, kind):
    """The optimizer restored at step 5, no state of the scheduler: the warmup begins again, and that is said once."""
    weights = [torch.ones(1, requires_grad=True)]
    old = kind(weights, lr=0.1, weight_decay=0.1)
    make(old, "warmup(10) >> linear(20)")
    step(old, times=5)
    optimizer = kind(weights, lr=0.1, weight_decay=0.1)
    scheduler = make(optimizer, "warmup(10) >> linear(20)")
    optimizer.load_state_dict(old.state_dict())
    with pytest.warns(UserWarning, match=r"its schedule begins at step 0: load the scheduler's state, or seek\(n\)"):
        step(optimizer)
    optimizer.load_state_dict(old.state_dict())
    step(optimizer)
    for place in (0, 5):
        optimizer = kind(weights, lr=0.1, weight_decay=0.1)
        scheduler = make(optimizer, "warmup(10) >> linear(20)")
        optimizer.load_state_dict(old.state_dict())
        getattr(scheduler, "scheduler", scheduler).seek(place)
        assert step(optimizer) == [0.1 * gp.parse("warmup(10) >> linear(20)")(place)]


def test_after_a_scheduler_of_pytorch():
    """An optimizer whose `lr` is not its `initial_lr`: PyTorch's scheduler drove it before; its state is refused with what to do."""
    optimizer = sgd()
    peer = peers.LinearLR(optimizer, 1.0, 0.0, 20)
    step(optimizer, peer, 5)
    scheduler = attach(optimizer, SCHEDULE)
    with pytest.raises(GlidepathError, match=r'of a PyTorch scheduler: resume="override", or seek\(5\), goes on where'):
        scheduler.load_state_dict(peer.state_dict())
    report = scheduler.load_state_dict(peer.state_dict(), "override")
    assert (report.updates, report.differences) == (5, (report.differences[0],))
    assert step(optimizer) == [0.1 * SCHEDULE(5)]


def test_a_run_that_detaches_and_begins_another_is_not_warned():
    optimizer = torch.optim.AdamW([torch.ones(1, requires_grad=True)], lr=0.1)
    scheduler = attach(optimizer, SCHEDULE)
    step(optimizer, times=5)
    scheduler.detach()
    attach(optimizer, "cosine(9)")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert step(optimizer) == [0.1]


FIRST_FORMAT = {  # as glidepath 0.1 wrote it: AdamW, lr 0.1 and 0.3, weight decay 0.2, after scale(0.5) and 5 updates
    "format": 1,
    "plan": json.dumps(
        {
            "drives": [
                {
                    "schedule": {
                        "kind": "chain",
                        "phases": [
                            {"curve": "linear", "end": 1.0, "kind": "ramp", "start": 0.3333333333333333, "steps": 2},
                            {"curve": "linear", "end": 0.0, "kind": "ramp", "start": 1.0, "steps": 18},
                        ],
                    }
                },
                {
                    "floor": 0.01,
                    "groups": ["*", "!b"],
                    "parameter": "weight_decay",
                    "schedule": {"curve": "cosine", "end": 0.0, "kind": "ramp", "start": 1.0, "steps": 20},
                },
            ]
        },
        separators=(",", ":"),
    ),
    "fingerprint": "a716ed5f2f25f18e025b420af81c2360bc6afad919493cd5d41e0f3959e3b3d5",
    "updates": 5,
    "samples": 0,
    "tokens": 0,
    "groups": 3,
    "bases": '00a0438c235a28b0a41905ecaac59a1ba04e1d565a2aa2055959c2259ac4bdde ["a", "lr", 0.1, 0]',
    "scales": "[0.5, 1.0]",
    "check": "0ffe43b84aa5aabe",
}


@pytest.mark.parametrize("carried", [True, False])
def test_a_state_of_the_first_format_is_read(carried):
    """Recorded; its optimizer carried `initial_weight_decay`, which this version reads and does not write."""
    groups = [
        {"params": [torch.ones(1, requires_grad=True)], "lr": lr, "name": name} for lr, name in ((0.1, "a"), (0.3, "b"))
    ]
    if carried:
        groups[0] |= {
            "lr": 0.044444444444444446,
            "initial_lr": 0.1,
            "weight_decay": 0.18090169943749473,
            "initial_weight_decay": 0.2,
        }
    optimizer = torch.optim.AdamW(groups, weight_decay=0.2)
    rules = [
        gp.plan.Rule("warmup(2) >> linear(18)"),
        gp.plan.Rule("cosine(20)", "weight_decay", groups=("*", "!b"), floor=0.01),
    ]
    scheduler = attach(optimizer, rules)
    report = scheduler.load_state_dict(FIRST_FORMAT)
    assert (report.differences, scheduler.updates) == ((), 5)
    step(optimizer)
    factor = 0.5 * gp.parse("warmup(2) >> linear(18)")(5)
    assert [group["lr"] for group in optimizer.param_groups] == pytest.approx([0.1 * factor, 0.3 * factor])
    assert [group["weight_decay"] for group in optimizer.param_groups] == [0.2 * gp.cosine(20)(5), 0.2]
    assert scheduler.state_dict()["format"] == 2
    other = torch.optim.AdamW([{**g, "lr": 0.7} for g in groups], weight_decay=0.2)
    wrong = attach(other, rules, rebase=True)
    with pytest.raises(
        GlidepathError, match=r"not those of the saved run \(group a: base of lr saved 0\.1, now 0\.7\)"
    ):
        wrong.load_state_dict(FIRST_FORMAT)

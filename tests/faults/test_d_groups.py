"""Faults of parameter groups. Each is shown on PyTorch's own schedulers, or on a broken version of ours, before ours is asked."""

import copy

import pytest
import torch
from torch.optim import lr_scheduler as peers

import glidepath as gp
from glidepath import GlidepathError
from glidepath.plan import Rule
from glidepath.torch import Applied, ForeignWrite, ForeignWriteWarning, ScheduleLR, attach


def group(rate, name=None, **more):
    made = {"params": [torch.ones(1, requires_grad=True)], "lr": rate, **more}
    return made | ({"name": name} if name else {})


def sgd(*rates, names=()):
    names = [*names, *[None] * len(rates)]
    return torch.optim.SGD([group(rate, name) for rate, name in zip(rates, names, strict=False)], lr=0.1)


def rates(optimizer):
    return [float(one["lr"]) for one in optimizer.param_groups]


PEERS = {
    "step": lambda o: peers.StepLR(o, 3),
    "multistep": lambda o: peers.MultiStepLR(o, [3]),
    "constant": lambda o: peers.ConstantLR(o, 0.1, 5),
    "linear": lambda o: peers.LinearLR(o, 0.1, 1.0, 5),
    "exponential": lambda o: peers.ExponentialLR(o, 0.9),
    "polynomial": lambda o: peers.PolynomialLR(o, 5),
    "cosine": lambda o: peers.CosineAnnealingLR(o, 5),
    "lambda": lambda o: peers.LambdaLR(o, lambda k: 0.9**k),
    "multiplicative": lambda o: peers.MultiplicativeLR(o, lambda k: 0.9),
    "restarts": lambda o: peers.CosineAnnealingWarmRestarts(o, 5),
    "one cycle": lambda o: peers.OneCycleLR(o, 0.1, total_steps=9),
    "cyclic": lambda o: peers.CyclicLR(o, 0.01, 0.1, cycle_momentum=False),
    "sequential": lambda o: peers.SequentialLR(o, [peers.LinearLR(o), peers.LambdaLR(o, lambda k: 1.0)], [9]),
}
OURS = [
    "step(3)",
    "multistep([3])",
    "hold(5, 0.1)",
    "warmup(5)",
    "exponential(0.9)",
    "polynomial(5)",
    "cosine(5)",
    "sgdr(5)",
    "one_cycle(9)",
    "triangular(5)",
    "warmup(3) >> cosine(4)",
    "cosine(5) * step(3)",
    "table([0, 3, 6], [1, 0.5, 0.25])",
]


def test_d1_a_group_added_later_under_the_peer():
    """D1: a group that joins at update 1 trains ten times too fast under PyTorch's ConstantLR, 3.6 times under LinearLR."""
    found = {}
    for name in ("constant", "linear"):
        optimizer = sgd(1.0)
        peer = PEERS[name](optimizer)
        optimizer.step()
        peer.step()
        optimizer.add_param_group(group(1.0))
        optimizer.param_groups[1]["initial_lr"] = 1.0
        for _ in range(4):
            optimizer.step()
            peer.step()
        found[name] = optimizer.param_groups[1]["lr"] / optimizer.param_groups[0]["lr"]

    assert found["constant"] == pytest.approx(10)
    assert found["linear"] > 3


@pytest.mark.parametrize("make", [attach, ScheduleLR])
@pytest.mark.parametrize(("join", "late"), [("progress", 1), ("start", 0)])
def test_d1_a_group_joins_by_the_declared_rule(make, join, late):
    """D1: a group added at update 1 follows the run, or begins at the schedule's step 0, from its very first update on."""
    schedule = gp.parse("warmup(5) >> cosine(5)")
    optimizer = sgd(1.0)
    scheduler = make(optimizer, schedule, join=join)
    optimizer.step()
    optimizer.add_param_group(group(0.5))
    seen = []
    for _ in range(6):
        optimizer.register_step_post_hook(lambda o, *_: seen.append(rates(o)))
        optimizer.step()
        optimizer._optimizer_step_post_hooks.popitem()
        if make is ScheduleLR:
            scheduler.step()

    assert seen == [[schedule(k), 0.5 * schedule(k - 1 + late)] for k in range(1, 7)]


@pytest.mark.parametrize("early", [True, False])
def test_d1_a_joined_group_resumes_on_its_own_clock(early):
    """D1: the start of a late group's clock travels with the state, in either order of loading."""
    schedule = gp.parse("linear(20)")

    def build():
        optimizer = sgd(1.0)
        return optimizer, attach(optimizer, schedule, join="start")

    optimizer, scheduler = build()
    for _ in range(3):
        optimizer.step()
    optimizer.add_param_group(group(0.5))
    optimizer.step()
    states = copy.deepcopy(optimizer.state_dict()), scheduler.state_dict()

    optimizer, scheduler = build()
    optimizer.add_param_group(group(0.5))
    if early:
        scheduler.load_state_dict(states[1])
    optimizer.load_state_dict(states[0])
    if not early:
        scheduler.load_state_dict(states[1])
    optimizer.step()

    assert rates(optimizer) == [schedule(4), 0.5 * schedule(1)]


def test_d2_no_kind_crashes_when_a_group_is_added():
    """D2: of PyTorch's kinds, some crash at the first step after a group was added; none of ours does."""
    crashed = []
    for name, make in PEERS.items():
        optimizer = sgd(0.1)
        peer = make(optimizer)
        optimizer.step()
        optimizer.add_param_group(group(0.1))
        try:
            optimizer.step()
            peer.step()
        except (ValueError, KeyError):
            crashed.append(name)
    assert {"lambda", "multiplicative", "restarts", "one cycle", "cyclic"} <= set(crashed)

    for text in OURS:
        optimizer = sgd(0.1)
        attach(optimizer, text)
        optimizer.step()
        optimizer.add_param_group(group(0.2))
        for k in range(1, 12):
            optimizer.step()
            assert rates(optimizer) == [0.1 * gp.parse(text)(k), 0.2 * gp.parse(text)(k)]


def test_d3_reversed_filtered_and_replaced_groups():
    """D3: after a reversal PyTorch gives each group the other's rate; ours follows the group."""
    optimizer = sgd(0.1, 0.001)
    peer = peers.LambdaLR(optimizer, lambda k: 1.0)
    optimizer.param_groups.reverse()
    optimizer.step()
    peer.step()
    assert rates(optimizer) == [0.1, 0.001]  # swapped

    for warm in (False, True):
        optimizer = sgd(0.1, 0.001, 0.01)
        schedule = gp.parse("linear(10)")
        attach(optimizer, schedule)
        done = 0
        if warm:
            optimizer.step()
            done = 1
        optimizer.param_groups.reverse()
        optimizer.step()
        assert rates(optimizer) == [base * schedule(done) for base in (0.01, 0.001, 0.1)]
        optimizer.param_groups.pop(1)
        optimizer.step()
        assert rates(optimizer) == [base * schedule(done + 1) for base in (0.01, 0.1)]
        optimizer.param_groups = [dict(one) for one in reversed(optimizer.param_groups)]
        optimizer.step()
        assert rates(optimizer) == [base * schedule(done + 2) for base in (0.1, 0.01)]
        optimizer.param_groups[0] = dict(optimizer.param_groups[0])
        optimizer.step()
        assert rates(optimizer) == [base * schedule(done + 3) for base in (0.1, 0.01)]
        optimizer.load_state_dict(copy.deepcopy(optimizer.state_dict()))
        optimizer.step()
        assert rates(optimizer) == [base * schedule(done + 4) for base in (0.1, 0.01)]


def test_d4_a_base_below_the_floor():
    """D4: an absolute eta_min of 1e-3 raises a group of 1e-5 a hundredfold; our floor is a ratio, and an absolute one is checked."""
    optimizer = sgd(0.1, 1e-5)
    peer = peers.CosineAnnealingLR(optimizer, 5, eta_min=1e-3)
    for _ in range(5):
        optimizer.step()
        peer.step()
    assert rates(optimizer)[1] == pytest.approx(1e-3)

    optimizer = sgd(0.1, 1e-5)
    attach(optimizer, "cosine(5, floor=0.01)")
    for _ in range(9):
        optimizer.step()
    assert rates(optimizer) == [0.1 * 0.01, 1e-5 * 0.01]

    with pytest.raises(GlidepathError, match=r"group 1: lr must be at least its absolute floor 0\.001, got 1e-05"):
        attach(sgd(0.1, 1e-5), "cosine(5)", floor=1e-3)
    with pytest.raises(
        GlidepathError, match=r"group 1: lr must be at least the 0\.001 that its absolute schedule ends on, got 1e-05"
    ):
        attach(sgd(0.1, 1e-5), "cosine(5, peak=0.1, floor=0.001)", absolute=True)
    optimizer = sgd(0.1, 0.01)
    attach(optimizer, "cosine(5)", floor=1e-3)
    for _ in range(9):
        optimizer.step()
    assert rates(optimizer) == [1e-3, 1e-3]


def test_d5_rules_that_meet_or_match_nothing():
    """D5: one group under two rules, an unknown name, a rule that matches nothing: refused together, the optimizer as it was."""
    optimizer = sgd(0.1, 0.2, names=("body", "head"))
    before = copy.deepcopy(optimizer.state_dict())
    with pytest.raises(GlidepathError, match="group head: lr must be driven by one rule, got rules 0 and 1"):
        attach(optimizer, [Rule("linear(9)"), Rule("cosine(9)", groups="he*")])
    with pytest.raises(
        GlidepathError, match=r"groups must be patterns that match a group \('body', 'head'\), got \['haed'\]"
    ):
        attach(optimizer, [Rule("linear(9)", groups="haed")])
    with pytest.raises(GlidepathError, match=r"the hyper-parameter must be one of lr, .*, got 'moment'"):
        attach(optimizer, {"moment": "linear(9)"})
    attach(optimizer, "linear(9)")
    with pytest.raises(GlidepathError, match="lr must be driven by one scheduler, got 'two'"):
        attach(optimizer, "cosine(9)")
    other = sgd(0.1, 0.2, names=("body", "head"))
    with pytest.raises(GlidepathError, match="match a group"):
        attach(other, [Rule("linear(9)", groups="body"), Rule("linear(9)", groups="tail")])
    assert other.state_dict() == before
    assert not other._optimizer_step_pre_hooks

    attach(
        other,
        [
            Rule("linear(9)", groups=("*", "!head")),
            Rule("cosine(9)", groups="head"),
            Rule("hold(9)", groups="tail", later=True),
        ],
    )
    other.step()
    assert rates(other) == [0.1, 0.2]


def test_d6_the_groups_are_replaced_behind_the_scheduler():
    """D6: a wrapper replaces the optimizer's groups; a scheduler that keeps the old dicts (shown broken) drives nobody."""
    optimizer = sgd(0.1, 0.2)
    kept = list(optimizer.param_groups)
    optimizer.param_groups = [dict(one) for one in optimizer.param_groups]
    for one in kept:
        one["lr"] = 0.0
    assert rates(optimizer) == [0.1, 0.2]

    optimizer = sgd(0.1, 0.2)
    schedule = gp.parse("linear(10)")
    scheduler = attach(optimizer, schedule)
    for k in range(6):
        optimizer.param_groups = [dict(one) for one in optimizer.param_groups]
        optimizer.step()
        assert rates(optimizer) == [0.1 * schedule(k), 0.2 * schedule(k)]
    assert scheduler.updates == 6


def test_d6_the_bridge_tells_when_another_optimizer_trains():
    """D6: the bridge is stepped while another optimizer makes the updates: it says so."""
    scheduler = ScheduleLR(sgd(0.1), "linear(10)")
    other = sgd(0.1)
    for _ in range(6):
        other.step()
        scheduler.step()
    other.step()
    with pytest.warns(UserWarning, match="this optimizer has made no update: is it the one that trains"):
        scheduler.step()


def test_d7_a_foreign_write_under_the_peer():
    """D7: a rate set to 0 once stays 0 for ever under PyTorch's cosine."""
    optimizer = sgd(0.1)
    peer = peers.CosineAnnealingLR(optimizer, 100)
    for k in range(60):
        optimizer.step()
        peer.step()
        if k == 50:
            optimizer.param_groups[0]["lr"] = 0.0
    assert rates(optimizer) == [0.0]


FORMS = {
    "one": lambda: sgd(0.1),
    "shared": lambda: sgd(0.1, 0.1, 0.1),
    "three bases": lambda: sgd(0.1, 0.2, 0.3, 0.1),
    "many bases": lambda: sgd(*[0.1 + i / 100 for i in range(12)]),
    "tensors": lambda: sgd(*[torch.tensor(0.1) for _ in range(3)]),
    "own tensors": lambda: sgd(*[torch.tensor(0.1 + i / 10, dtype=torch.bfloat16) for i in range(3)]),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("at", [0, 1, 7])
def test_d7_the_next_update_is_right_and_the_write_is_told(form, at):
    """D7: a value set to 0 before update 7 is put right for update 7, told with what was expected, and warned of once."""
    schedule = gp.parse("linear(100)")
    optimizer, clean = FORMS[form](), FORMS[form]()
    attach(clean, schedule)
    scheduler = attach(optimizer, schedule)
    events = []
    scheduler.on_update(events.append)
    for _ in range(at):
        optimizer.step()
        clean.step()
    victim = optimizer.param_groups[-1]
    expected = float(victim["lr"])

    def spoil():
        if isinstance(victim["lr"], torch.Tensor):
            victim["lr"].zero_()
        else:
            victim["lr"] = 0.0

    spoil()
    with pytest.warns(ForeignWriteWarning, match=rf"was 0\.0 before update {at}, not the .* the schedule goes on"):
        optimizer.step()
    clean.step()
    assert rates(optimizer) == rates(clean)
    written = [event for event in events if isinstance(event, ForeignWrite)]
    assert [(e.update, e.group, e.parameter, e.value) for e in written] == [
        (at, str(len(optimizer.param_groups) - 1), "lr", 0.0)
    ]
    assert written[0].expected == pytest.approx(expected, rel=1e-2)
    spoil()
    optimizer.step()  # told again, warned of no more
    clean.step()
    assert rates(optimizer) == rates(clean)
    assert len([event for event in events if isinstance(event, ForeignWrite)]) == 2
    optimizer.step()
    assert len([event for event in events if isinstance(event, ForeignWrite)]) == 2


def test_d7_adopt_goes_on_from_the_value_and_refuse_refuses():
    """D7: the declared policy decides: adopt rescales that group's base, refuse raises before the update and changes nothing."""
    schedule = gp.parse("linear(10)")
    optimizer = sgd(0.1, 0.2)
    attach(optimizer, schedule, foreign="adopt")
    optimizer.step()
    optimizer.param_groups[0]["lr"] *= 3
    with pytest.warns(ForeignWriteWarning, match="the group goes on from it"):
        optimizer.step()
    assert rates(optimizer) == [pytest.approx(0.3 * schedule(1)), 0.2 * schedule(1)]

    optimizer = sgd(0.1, 0.2)
    scheduler = attach(optimizer, schedule, foreign="refuse")
    optimizer.step()
    optimizer.param_groups[1]["lr"] = 0.7
    with pytest.raises(GlidepathError, match=r"group 1: lr must be written by its schedule only \(0\.2\), got 0\.7"):
        optimizer.step()
    assert rates(optimizer) == [0.1, 0.2]
    assert scheduler.updates == 1
    optimizer.step()
    assert rates(optimizer) == [0.1 * schedule(1), 0.2 * schedule(1)]


def test_d7_other_hyper_parameters_are_watched_too():
    """D7: betas, momentum and weight decay are driven and watched like rates."""
    parameters = [torch.ones(1, requires_grad=True)]
    optimizer = torch.optim.AdamW(parameters, lr=0.1, betas=(0.9, 0.99), weight_decay=0.2)
    scheduler = attach(
        optimizer, {"lr": "linear(10)", "betas[0]": "linear(10, floor=0.5)", "weight_decay": "cosine(10)"}
    )
    for k in range(4):
        optimizer.step()
        one = optimizer.param_groups[0]
        assert one["betas"] == (0.9 * gp.parse("linear(10, floor=0.5)")(k), 0.99)
        assert one["weight_decay"] == 0.2 * gp.parse("cosine(10)")(k)
    optimizer.param_groups[0]["betas"] = (0.1, 0.99)
    with pytest.warns(ForeignWriteWarning, match=r"betas\[0\] of group 0 was 0\.1 before update 4"):
        optimizer.step()
    assert optimizer.param_groups[0]["betas"][0] == 0.9 * gp.parse("linear(10, floor=0.5)")(4)
    assert scheduler.last[1] == Applied(4, "0", "betas[0]", 0.9 * gp.parse("linear(10, floor=0.5)")(4))
    scheduler.detach()
    assert {key: value for key, value in optimizer.param_groups[0].items() if key != "params"} == {
        key: value
        for key, value in torch.optim.AdamW(parameters, lr=0.1, betas=(0.9, 0.99), weight_decay=0.2)
        .param_groups[0]
        .items()
        if key != "params"
    }

"""Faults of resuming. Each is shown on PyTorch's own schedulers, or on a broken version of ours, before ours is asked."""

import copy
import itertools
import json
import math

import pytest
import torch
from torch.optim import lr_scheduler as peers

import glidepath as gp
from glidepath import GlidepathError
from glidepath.plan import Rule
from glidepath.torch import ScheduleLR, attach

KINDS = [
    "warmup_cosine(40, warmup=5, floor=0.1)",
    "warmup(10) >> linear(30)",
    "linear(40, peak=1, floor=0.1)",
    "step(8, factor=0.5)",
    "multistep([6, 20, 23], factor=0.3)",
    "exponential(0.95)",
    "polynomial(40, power=2)",
    "one_cycle(40)",
    "sgdr(7, growth=2)",
    "triangular2(5)",
    "exp_range(4, rate=0.97)",
    "wsd(40, warmup=4, cooldown=10)",
    "warmup_inverse_sqrt(40, warmup=6)",
    "cosine(20) * step(8, factor=0.5) + 0.01",
]
BASES = (0.1, 0.02)


def sgd(*rates):
    groups = [{"params": [torch.ones(2, requires_grad=True)], "lr": rate} for rate in rates or (0.1,)]
    return torch.optim.SGD(groups, lr=0.1, momentum=0.9)


def rates(optimizer):
    return [float(group["lr"]) for group in optimizer.param_groups]


def train(optimizer, updates, scheduler=None):
    """Make updates; return the rates that each was made with."""
    seen = []
    optimizer.register_step_post_hook(lambda *_: seen.append(rates(optimizer)))
    for _ in range(updates):
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                parameter.grad = torch.ones_like(parameter)
        optimizer.step()
        if scheduler is not None:
            scheduler.step()
    return seen


def reference(text, updates):
    schedule = gp.parse(text)
    return [[base * schedule(k) for base in BASES] for k in range(updates)]


def saved_at(text, cut):
    """Return the states of an optimizer and its scheduler after `cut` updates, through JSON where it can be."""
    optimizer = sgd(*BASES)
    scheduler = attach(optimizer, text)
    train(optimizer, cut)
    return copy.deepcopy(optimizer.state_dict()), json.loads(json.dumps(scheduler.state_dict()))


@pytest.mark.parametrize("text", KINDS)
def test_a1_every_order_of_building_and_loading(text):
    """A1: the order of building and loading decides the rate; a LinearLR built after the optimizer was loaded stays too low."""
    optimizer_state, state = saved_at(text, 17)
    for order in itertools.permutations(("build", "optimizer", "schedule")):
        if order.index("schedule") < order.index("build"):
            continue
        optimizer, scheduler = sgd(*BASES), None
        for action in order:
            if action == "build":
                scheduler = attach(optimizer, text)
            elif action == "optimizer":
                optimizer.load_state_dict(optimizer_state)
            else:
                scheduler.load_state_dict(state)
        assert rates(optimizer) == reference(text, 17)[16]
        assert train(optimizer, 8) == reference(text, 25)[17:]
        assert scheduler.updates == 25


def test_a1_the_peer_goes_wrong_in_one_order():
    """A1: PyTorch's LinearLR is wrong when it is built after the optimizer was loaded."""

    def build(optimizer):
        return peers.LinearLR(optimizer, 0.1, 1.0, 40)

    optimizer = sgd()
    scheduler = build(optimizer)
    train(optimizer, 17, scheduler)
    wanted = train(sgd_with(optimizer, scheduler, build, late=False), 1)
    found = train(sgd_with(optimizer, scheduler, build, late=True), 1)

    assert found[0][0] < 0.2 * wanted[0][0]


def sgd_with(saved, scheduler, build, late):
    optimizer = sgd()
    states = copy.deepcopy(saved.state_dict()), copy.deepcopy(scheduler.state_dict())
    if late:
        optimizer.load_state_dict(states[0])
        build(optimizer).load_state_dict(states[1])
    else:
        made = build(optimizer)
        optimizer.load_state_dict(states[0])
        made.load_state_dict(states[1])
    return optimizer


@pytest.mark.parametrize("text", KINDS)
def test_a2_without_the_optimizer_state(text):
    """A2: only the schedule's state is restored; MultiStepLR then trains at ten times the rate that it reports."""
    _, state = saved_at(text, 17)
    optimizer = sgd(*BASES)
    scheduler = attach(optimizer, text)

    scheduler.load_state_dict(state)

    assert rates(optimizer) == reference(text, 17)[16]
    assert train(optimizer, 8) == reference(text, 25)[17:]
    assert [applied.value for applied in scheduler.last] == reference(text, 25)[24]


def test_a2_the_peer_reports_another_rate_than_it_uses():
    """A2: the peer's report and its rate part."""
    old = sgd()
    scheduler = peers.MultiStepLR(old, [5])
    train(old, 17, scheduler)
    optimizer = sgd()
    resumed = peers.MultiStepLR(optimizer, [5])
    resumed.load_state_dict(scheduler.state_dict())

    assert resumed.get_last_lr() == [pytest.approx(0.01)]
    assert rates(optimizer) == [0.1]


@pytest.mark.parametrize("cut", range(13))
@pytest.mark.parametrize("make", [attach, ScheduleLR])
def test_a3_cut_anywhere(make, cut):
    """A3: saved and loaded at any update, twice in a row too, a run goes on as if it had not been; a cut off by one would show."""
    text = "warmup(4) >> cosine(6)"
    optimizer_state, state = saved_at(text, cut)
    for _ in range(2):
        optimizer = sgd(*BASES)
        scheduler = make(optimizer, text)
        optimizer.load_state_dict(optimizer_state)
        scheduler.load_state_dict(state)
        optimizer_state, state = copy.deepcopy(optimizer.state_dict()), scheduler.state_dict()

    assert train(optimizer, 12, scheduler if make is ScheduleLR else None) == reference(text, cut + 12)[cut:]

    broken = sgd(*BASES)
    attach(broken, text).seek(cut + 1)
    assert train(broken, 12) != reference(text, cut + 12)[cut:] or cut >= 10


@pytest.mark.parametrize("early", [True, False])
def test_a4_saved_before_or_after_the_scheduler_steps(early):
    """A4: a checkpoint before `scheduler.step()` counts one less with PyTorch; both of ours say how many updates were done."""
    states = {}
    for name, make in {
        "ours": lambda o: ScheduleLR(o, "linear(20)"),
        "peer": lambda o: peers.LinearLR(o, 1, 0, 20),
    }.items():
        optimizer = sgd()
        scheduler = make(optimizer)
        train(optimizer, 4, scheduler)
        train(optimizer, 1)
        if not early:
            scheduler.step()
        states[name] = dict(scheduler.state_dict())

    assert states["ours"]["updates"] == 5
    assert states["peer"]["last_epoch"] == (4 if early else 5)


def test_a5_a_changed_horizon_is_not_ignored():
    """A5: T_max is changed from 100 to 500 and PyTorch trains on with 100 without a word."""
    old = sgd()
    cosine = peers.CosineAnnealingLR(old, T_max=100)
    asked = peers.CosineAnnealingLR(sgd(), T_max=500)
    asked.load_state_dict(cosine.state_dict())
    assert asked.T_max == 100

    optimizer = sgd()
    state = attach(optimizer, "cosine(100)").state_dict()
    optimizer = sgd()
    scheduler = attach(optimizer, "cosine(500)")
    with pytest.raises(
        GlidepathError, match=r"the plan must be that of this run, got lr: saved cosine\(100\), now cosine\(500\)"
    ):
        scheduler.load_state_dict(state)
    resumed = scheduler.load_state_dict(state, resume="override")

    assert resumed.differences == ("lr: saved cosine(100), now cosine(500)",)
    assert "lr: saved cosine(100), now cosine(500)" in str(resumed)
    assert scheduler.plan.schedule().duration == 500


def resume_at(cut, saved_text, text, policy):
    optimizer = sgd()
    scheduler = attach(optimizer, saved_text)
    train(optimizer, cut)
    state = scheduler.state_dict()
    optimizer = sgd()
    scheduler = attach(optimizer, text)
    resumed = scheduler.load_state_dict(state, resume=policy)
    return optimizer, scheduler, resumed


def test_a5_the_policies_and_the_jump_at_the_seam():
    """A5: keep goes on with the saved plan, override jumps and says by how much, extend does not jump and ends on the saved end."""
    old, new = gp.parse("cosine(100)"), gp.parse("cosine(200)")

    _, scheduler, resumed = resume_at(50, "cosine(100)", "cosine(200)", "keep")
    assert (scheduler.plan.schedule().duration, resumed.jump) == (100, 0.0)
    _, scheduler, resumed = resume_at(50, "cosine(100)", "cosine(200)", "override")
    assert resumed.seams == (("lr", old(50), new(50)),)
    assert resumed.jump == pytest.approx(0.3536, abs=1e-4)
    assert f"{old(50)!r} -> {new(50)!r} at the seam" in str(resumed)
    optimizer, scheduler, resumed = resume_at(50, "cosine(100)", "cosine(200)", "extend")
    assert (scheduler.plan.schedule().duration, resumed.jump) == (200, 0.0)
    assert [row[0] for row in train(optimizer, 150)] == [
        pytest.approx(0.1 * old(50 + k / 3), rel=1e-12, abs=1e-17) for k in range(150)
    ]


def test_a7_past_the_end_is_not_extended_silently():
    """A7: a run that was over is resumed with a larger total; Hugging Face's restarts stay at 0 for the whole second run."""
    transformers = pytest.importorskip("transformers")
    optimizer = sgd()
    scheduler = transformers.get_cosine_with_hard_restarts_schedule_with_warmup(optimizer, 0, 10, num_cycles=2)
    assert set(itertools.chain(*train(optimizer, 25, scheduler)[10:])) == {0.0}

    with pytest.raises(
        GlidepathError, match=r"the duration of lr must be more than the 10 updates done, got 10 \(nothing is left"
    ):
        resume_at(10, "cosine(10)", "cosine(30)", "extend")
    optimizer, _, resumed = resume_at(10, "cosine(10)", "cosine(30)", "override")
    assert resumed.jump == pytest.approx(0.75)
    assert train(optimizer, 1) == [[0.1 * gp.parse("cosine(30)")(10)]]


def test_a8_each_group_keeps_its_bounds_when_the_plan_is_overridden():
    """A8: an override writes one bound over all groups (shown on a broken load that does); ours keeps each group's base."""
    optimizer = sgd(1.0, 5.0)
    scheduler = attach(optimizer, "linear(10, floor=0.1)")
    train(optimizer, 10)
    states = copy.deepcopy(optimizer.state_dict()), scheduler.state_dict()
    optimizer = sgd(1.0, 5.0)
    scheduler = attach(optimizer, "linear(10, floor=0.2)")
    optimizer.load_state_dict(states[0])
    scheduler.load_state_dict(states[1], resume="override")

    assert train(optimizer, 1) == [[0.2, 1.0]]
    broken = copy.deepcopy(states[0])
    for group in broken["param_groups"]:
        group["initial_lr"] = 1.0
    optimizer.load_state_dict(broken)
    assert train(optimizer, 1) == [[0.2, 0.2]]


def test_a9_restored_and_stepped_too():
    """A9: the state is loaded and the scheduler is stepped to the same place as well: PyTorch counts twice."""
    optimizer = sgd()
    peer = peers.LinearLR(optimizer, 1.0, 0.0, 20)
    peer.load_state_dict({"last_epoch": 5})
    for _ in range(5):
        optimizer.step()
        peer.step()
    assert peer.last_epoch == 10

    _, state = saved_at("linear(20)", 5)
    optimizer = sgd(*BASES)
    scheduler = ScheduleLR(optimizer, "linear(20)")
    scheduler.load_state_dict(state)
    for _ in range(5):
        scheduler.step()
    scheduler.scheduler.seek(5)

    assert scheduler.last_epoch == 5
    assert train(optimizer, 1) == reference("linear(20)", 6)[5:]


@pytest.mark.parametrize("make", [attach, ScheduleLR])
def test_a10_the_state_of_another_kind(make):
    """A10: the state of a StepLR is loaded into a cosine, and PyTorch accepts it."""
    peer_state = peers.StepLR(sgd(), 3).state_dict()
    peers.CosineAnnealingLR(sgd(), 10).load_state_dict(peer_state)

    optimizer = sgd()
    scheduler = make(optimizer, "cosine(10)")
    before = scheduler.state_dict()
    with pytest.raises(GlidepathError, match="checkpoint: format must be 2, as in the state of a glidepath scheduler"):
        scheduler.load_state_dict(peer_state)
    with pytest.raises(GlidepathError, match=r"lr: saved step\(3\), now cosine\(10\)"):
        scheduler.load_state_dict(make(sgd(), "step(3)").state_dict())
    assert scheduler.state_dict() == before


def test_a11_another_number_of_groups():
    """A11: two groups were saved and there is one: PyTorch accepts it and crashes at the next step; ours refuses and changes nothing."""
    peer_state = peers.LambdaLR(sgd(*BASES), lambda k: 0.9**k).state_dict()
    one = sgd(0.1)
    peer = peers.LambdaLR(one, lambda k: 0.9**k)
    peer_state["lr_lambdas"] = peer_state["lr_lambdas"][:1]
    peer.load_state_dict(peer_state)
    one.step()
    with pytest.raises(ValueError, match="zip"):
        peer.step()

    _, state = saved_at("linear(20)", 5)
    optimizer = sgd(0.1)
    scheduler = attach(optimizer, "linear(20)")
    before = copy.deepcopy(optimizer.state_dict()), scheduler.state_dict()
    with pytest.raises(GlidepathError, match="groups: saved with 2 driven values, now 1"):
        scheduler.load_state_dict(state)
    assert (optimizer.state_dict(), scheduler.state_dict()) == before
    assert train(optimizer, 1) == [[0.1]]


def test_a12_damaged_files(tmp_path):
    """A12: a truncated, flipped, empty or newer file is refused and the state stays; a reader without a sum accepts a flipped digit."""
    optimizer = sgd()
    scheduler = attach(optimizer, "linear(20)")
    train(optimizer, 7)
    path = tmp_path / "scheduler.json"
    scheduler.save(path)
    whole = path.read_text()
    flipped = whole.replace('"updates": 7', '"updates": 3')
    newer = whole.replace('"format": 2', '"format": 3')
    assert json.loads(flipped)["updates"] == 3  # JSON alone sees nothing wrong
    damaged = [
        "",
        whole[:100],
        whole[:-3],
        "[]",
        "null",
        "{}",
        flipped,
        newer,
        whole.replace("linear", "lineal"),
        "\x00",
    ]
    for text in damaged:
        path.write_text(text)
        with pytest.raises(GlidepathError, match="must be"):
            scheduler.load(path)
        assert scheduler.updates == 7
    with pytest.raises(GlidepathError, match=r"missing\.json: must be a file that can be read, got 'No such file"):
        scheduler.load(tmp_path / "missing.json")
    path.write_text(newer)
    with pytest.raises(GlidepathError, match=r"format must be at most 2, got 3 \(it was saved by a newer glidepath\)"):
        scheduler.load(path)
    path.write_text(whole)
    assert scheduler.load(path).updates == 7


def test_a12_every_byte_of_a_file_counts(tmp_path):
    """A12: a flip of a bit in any byte is refused, or changes no more than the spelling of the same state."""
    optimizer = sgd()
    scheduler = attach(optimizer, "warmup(2) >> cosine(5)")
    train(optimizer, 3)
    path = tmp_path / "scheduler.json"
    scheduler.save(path)
    whole, state = path.read_bytes(), scheduler.state_dict()
    for i in range(0, len(whole), 7):
        path.write_bytes(whole[:i] + bytes([whole[i] ^ 4]) + whole[i + 1 :])
        try:
            scheduler.load(path)
        except GlidepathError:
            continue
        assert scheduler.state_dict() == state


def test_a13_through_json():
    """A13: milestones become text keys in JSON, and PyTorch's rate never drops again; our curve comes back equal."""
    optimizer = sgd()
    peer = peers.MultiStepLR(optimizer, [3])
    peer.load_state_dict({**peer.state_dict(), "milestones": json.loads(json.dumps(peer.milestones))})
    assert set(itertools.chain(*train(optimizer, 8, peer))) == {0.1}

    _, state = saved_at("multistep([3, 5])", 2)
    optimizer = sgd(*BASES)
    attach(optimizer, "multistep([3, 5])").load_state_dict(json.loads(json.dumps(state)))
    assert train(optimizer, 8) == reference("multistep([3, 5])", 10)[2:]


def test_a14_a_function_that_changed_between_runs():
    """A14: another lambda after the resume is used by LambdaLR without a word; ours knows the formula by the hash of its source."""
    old = sgd()
    peer = peers.LambdaLR(old, lambda k: 0.5**k)
    train(old, 4, peer)
    new = sgd()
    resumed = peers.LambdaLR(new, lambda k: 1.0)
    resumed.load_state_dict(peer.state_dict())
    assert train(new, 2, resumed)[1] == [0.1]

    try:

        @gp.register("a14")
        def first(step, xp):
            return 0.5 * xp.cos(step * 0.0) + 0.5

        optimizer = sgd()
        state = attach(optimizer, first()).state_dict()

        @gp.register("a14", replace=True)
        def second(step, xp):
            return 0.25 * xp.cos(step * 0.0) + 0.75

        with pytest.raises(
            GlidepathError, match=r"digest must be that of the registered source.*the formula has changed"
        ):
            attach(sgd(), second()).load_state_dict(state)
    finally:
        gp.unregister("a14")


def test_a15_nothing_was_saved():
    """A15: the scheduler is not in the checkpoint; PyTorch takes an empty state and starts the warmup again. Ours is an error."""
    peers.LinearLR(sgd(), 0.1, 1.0, 5).load_state_dict({})

    scheduler = attach(sgd(), "warmup(5) >> cosine(5)")
    for nothing in ({}, None):
        with pytest.raises(GlidepathError, match="checkpoint: must be the state of a glidepath scheduler, got"):
            scheduler.load_state_dict(nothing)


def test_a16_straight_to_update_n():
    """A16: SequentialLR with last_epoch=4 starts in its first phase, at 0.1 where 0.9 is right; ours needs no replay."""
    optimizer = sgd(1.0)
    optimizer.param_groups[0]["initial_lr"] = 1.0
    parts = [peers.ConstantLR(optimizer, 0.1, 3), peers.ExponentialLR(optimizer, 0.9)]
    peers.SequentialLR(optimizer, parts, [3], last_epoch=4)
    assert rates(optimizer) == [0.1]

    schedule = gp.Hold(3, 0.1) >> gp.Exponential(0.9)
    for update in (0, 2, 3, 4, 10**12):
        optimizer = sgd(1.0)
        attach(optimizer, schedule).seek(update)
        assert train(optimizer, 1) == [[schedule(update)]]


def test_a17_a_perturbed_rate_survives_the_restore_of_weights():
    """A17: population-based training writes 1.2 times the rate into the group and restores the optimizer: the change is gone."""
    optimizer = sgd(0.1)
    scheduler = attach(optimizer, "linear(20)")
    train(optimizer, 5)
    weights = copy.deepcopy(optimizer.state_dict())

    optimizer.param_groups[0]["lr"] *= 1.2
    optimizer.load_state_dict(weights)  # a write into the group is lost
    assert train(optimizer, 1) == [[pytest.approx(0.1 * 0.75)]]

    scheduler.scale(1.2)
    optimizer.load_state_dict(weights)
    assert train(optimizer, 1) == [[pytest.approx(0.1 * 1.2 * 0.7)]]
    state = json.loads(json.dumps(scheduler.state_dict()))
    other = sgd(0.1)
    attach(other, "linear(20)").load_state_dict(state)
    assert train(other, 1) == [[pytest.approx(0.1 * 1.2 * 0.65)]]


def test_bases_that_come_later_must_be_those_of_the_checkpoint():
    """A11: the schedule's state fits, then an optimizer state with another base is loaded: refused before the next update."""
    _, state = saved_at("linear(20)", 5)
    optimizer = sgd(*BASES)
    scheduler = attach(optimizer, "linear(20)")
    scheduler.load_state_dict(state)
    other = sgd(0.3, 0.02)
    attach(other, "linear(20)")
    optimizer.load_state_dict(other.state_dict())
    with pytest.raises(GlidepathError, match=r"the groups' bases must be those that it was saved with"):
        optimizer.step()
    with pytest.raises(GlidepathError, match=r"the groups' bases must be those that it was saved with"):
        optimizer.step()
    scheduler.load_state_dict(state, resume="override")
    assert train(optimizer, 1) == [[pytest.approx(0.3 * 0.75), pytest.approx(0.02 * 0.75)]]


def test_resume_refuses_what_the_groups_cannot_take():
    """A8: a saved plan with drives that match no group, and an override of two drives, are refused or taken whole."""
    optimizer = sgd(*BASES)
    for group, name in zip(optimizer.param_groups, ("body", "head"), strict=True):
        group["name"] = name
    scheduler = attach(optimizer, [Rule("linear(9)", groups="head"), Rule("cosine(9)", groups="body")])
    train(optimizer, 3)
    state = scheduler.state_dict()

    other = sgd(*BASES)
    alone = attach(other, "linear(9)")
    with pytest.raises(GlidepathError, match="groups must be patterns that match a group"):
        alone.load_state_dict(state, resume="keep")
    assert alone.updates == 0
    resumed = alone.load_state_dict(state, resume="override")
    assert resumed.differences == (
        "lr of head: saved with linear(9), now not driven",
        "lr of body: saved with cosine(9), now not driven",
        "lr: not in the saved plan, now linear(9)",
        (
            "bases: the groups' names, bases or starts are not those of the saved run "
            "(group 0: name saved 'head', now '0', base of lr saved 0.02, now 0.1)"
        ),
    )
    assert train(other, 1) == [[base * (1 - 3 / 9) for base in BASES]] or math.isclose(rates(other)[0], 0.1 * 6 / 9)

"""Faults of composing schedules. Each is shown on PyTorch's own schedulers before ours is asked."""

import copy
import itertools

import pytest
import torch
from torch.optim import lr_scheduler as peers

import glidepath as gp
from glidepath.torch import ScheduleLR, attach


def sgd(rate=1.0):
    return torch.optim.SGD([torch.ones(1, requires_grad=True)], lr=rate)


def peer_rates(make, updates):
    optimizer, seen = sgd(), []
    scheduler = make(optimizer)
    for _ in range(updates):
        seen.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return seen


def our_rates(schedule, updates):
    optimizer, seen = sgd(), []
    attach(optimizer, schedule)
    for _ in range(updates):
        optimizer.step()
        seen.append(optimizer.param_groups[0]["lr"])
    return seen


def test_c1_wrapping_changes_nothing():
    """C1: SequentialLR around one SequentialLR changes the curve; a chain of one phase, once or twice, is that phase."""

    def inner(o):
        return peers.SequentialLR(o, [peers.ConstantLR(o, 0.5, 2), peers.StepLR(o, 2, 0.2)], [1])

    def outer(o):
        return peers.SequentialLR(o, [inner(o)], [])

    assert peer_rates(inner, 6) != peer_rates(outer, 6)

    schedule = gp.Hold(2, 0.5) >> gp.Step(2, 0.2)
    for wrapped in (gp.chain(schedule), gp.chain(gp.chain(schedule)), schedule * 1.0, schedule.shift(0)):
        assert our_rates(wrapped, 9) == our_rates(schedule, 9)


def test_c2_a_product_inside_a_chain():
    """C2: ChainedScheduler inside SequentialLR is not implemented; a product inside a chain is a schedule."""

    def make(o):
        both = peers.ChainedScheduler([peers.ConstantLR(o, 0.5, 2), peers.ExponentialLR(o, 0.9)])
        return peers.SequentialLR(o, [peers.ConstantLR(o, 1.0, 1), both], [2])

    with pytest.raises(NotImplementedError):
        peer_rates(make, 6)

    both = gp.Exponential(0.9) * gp.Step(2, 0.5)
    assert our_rates(gp.Hold(2) >> both, 8) == [1.0, 1.0, *(both(k) for k in range(6))]


def test_c3_a_product_does_not_depend_on_the_order():
    """C3: cosine restarts and ten-fold drops, chained: PyTorch's result depends on the order, and drops are erased."""

    def first(o):
        return peers.ChainedScheduler([peers.CosineAnnealingWarmRestarts(o, 50), peers.MultiStepLR(o, [1, 2, 3])])

    def second(o):
        return peers.ChainedScheduler([peers.MultiStepLR(o, [1, 2, 3]), peers.CosineAnnealingWarmRestarts(o, 50)])

    assert peer_rates(first, 6)[1] == pytest.approx(0.0999, abs=1e-4)
    assert peer_rates(second, 6)[1] == pytest.approx(0.999, abs=1e-3)

    cosine, drops = gp.cosine(50), gp.MultiStep([1, 2, 3])
    assert our_rates(cosine * drops, 9) == our_rates(drops * cosine, 9)
    assert our_rates(cosine * drops, 6)[5] == pytest.approx(cosine(5) * 1e-3)


def test_c4_empty_phases_are_nothing_and_milestones_at_zero_begin_there():
    """C4: equal milestones skip a phase of SequentialLR silently; a phase without steps is nothing, and a boundary at 0 is refused."""

    def make(o):
        parts = [peers.ConstantLR(o, factor, 99) for factor in (0.5, 0.25, 0.125)]
        return peers.SequentialLR(o, parts, [2, 2])

    assert 0.25 not in peer_rates(make, 6)

    assert gp.Hold(0, 0.5) >> gp.Hold(2, 0.25) == gp.Hold(2, 0.25)
    with pytest.raises(gp.GlidepathError, match="boundaries"):
        gp.piecewise_constant([2, 2], [0.5, 0.25, 0.125])
    assert our_rates(gp.warmup_cosine(5, warmup=0), 6) == our_rates(gp.cosine(5), 6)
    assert our_rates(gp.Hold(2, 0.5) >> gp.Hold(1, 0.25) >> gp.Hold(None, 0.125), 4) == [0.5, 0.5, 0.25, 0.125]


def test_c6_a_seam_shows_its_jump():
    """C6: the decay runs underneath the warmup and the rate falls at the seam; in a chain the second phase starts at its own step 0."""

    def make(o):
        return peers.ChainedScheduler([peers.LinearLR(o, 0.1, 1.0, 10), peers.ExponentialLR(o, 0.9)])

    assert max(peer_rates(make, 30)) < 0.5  # the peak is never reached

    smooth = gp.warmup(10) >> gp.cosine(20)
    assert max(our_rates(smooth, 30)) == 1.0
    jumping = gp.warmup(10) >> gp.cosine(20, peak=0.5)

    def largest(schedule):
        return max(abs(a - b) for a, b in itertools.pairwise(schedule(range(31))))

    assert largest(smooth) < 0.1
    assert largest(jumping) > 0.4


def test_c7_building_touches_nothing():
    """C7: twenty schedulers are built and thrown away: PyTorch's leave the rate at a hundredth, ours leave the optimizer as it was."""
    optimizer = sgd(0.1)
    for _ in range(20):
        peers.ConstantLR(optimizer, 0.1)
    assert optimizer.param_groups[0]["lr"] < 0.011

    optimizer = sgd(0.1)
    before = copy.deepcopy(optimizer.__getstate__())
    for text in ("cosine(9)", "warmup(3) >> linear(5)", "one_cycle(9)", "step(4)") * 5:
        gp.parse(text)
        attach(optimizer, text).detach()
    after = optimizer.__getstate__()
    assert after["param_groups"][0].keys() == before["param_groups"][0].keys()
    assert all(
        after["param_groups"][0][key] == value for key, value in before["param_groups"][0].items() if key != "params"
    )
    assert (after["defaults"], after["state"]) == (before["defaults"], before["state"])
    assert not optimizer._optimizer_load_state_dict_post_hooks


@pytest.mark.parametrize("make", [attach, ScheduleLR])
def test_c8_a_second_schedule_after_the_first_has_ended(make):
    """C8: cosine is made anew after it ended at 0: PyTorch's stays at 0 for ever; ours starts from the declared value."""
    optimizer = sgd(0.1)
    for _ in range(2):
        peer = peers.CosineAnnealingLR(optimizer, 5)
        for _ in range(5):
            optimizer.step()
            peer.step()
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.0, abs=1e-9)

    optimizer = sgd(0.1)
    for _ in range(2):
        scheduler = make(optimizer, "cosine(5)")
        seen = []
        for _ in range(6):
            optimizer.step()
            seen.append(optimizer.param_groups[0]["lr"])
            if make is ScheduleLR:
                scheduler.step()
        getattr(scheduler, "scheduler", scheduler).detach()
        assert seen == [0.1 * gp.cosine(5)(k) for k in range(6)]


def test_c9_past_the_end():
    """C9: at one and a half and at two horizons PyTorch's cosine is back at 0.5 and 1; ours holds its end and counts the overrun."""
    found = peer_rates(lambda o: peers.CosineAnnealingLR(o, 10), 21)
    assert (found[15], found[20]) == (pytest.approx(0.5), pytest.approx(1.0))

    optimizer = sgd()
    scheduler = attach(optimizer, "cosine(10, floor=0.25)")
    for k in range(20):
        optimizer.step()
        assert scheduler.overrun == max(0, k + 1 - 10)
        assert k < 10 or optimizer.param_groups[0]["lr"] == 0.25
    assert attach(sgd(), "exponential(0.9)").overrun == 0

"""attach: the value used by update k is base * f(k), written by the hooks right before the update."""

import re

import pytest
import torch

import glidepath as gp
from glidepath.torch import attach


def sgd(*rates: float) -> torch.optim.SGD:
    return torch.optim.SGD([{"params": [torch.ones(1, requires_grad=True)], "lr": rate} for rate in rates])


def test_update_k_uses_base_times_f_of_k():
    optimizer = sgd(0.1, 0.01)
    schedule = gp.warmup_cosine(8, warmup=3, floor=0.1)
    scheduler = attach(optimizer, schedule)

    for k in range(10):
        optimizer.step()
        assert [group["lr"] for group in optimizer.param_groups] == [0.1 * schedule(k), 0.01 * schedule(k)]
        assert scheduler.updates == k + 1


def test_absolute_values_are_rates():
    optimizer = sgd(0.1)
    attach(optimizer, gp.Ramp(0.05, 0.0, 5), absolute=True)

    optimizer.step()

    assert optimizer.param_groups[0]["lr"] == 0.05


def test_attach_refuses_what_is_no_optimizer_and_a_rate_that_is_no_rate():
    with pytest.raises(gp.GlidepathError, match=r"attach: optimizer must be a torch\.optim\.Optimizer, got 3"):
        attach(3, gp.linear(5))
    optimizer = sgd(0.1)
    optimizer.param_groups[0]["lr"] = float("nan")
    with pytest.raises(gp.GlidepathError, match="lr must be a finite number, got nan"):
        attach(optimizer, gp.linear(5))


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("step", "there is nothing to call, optimizer.step() drives it; for what expects an LRScheduler use"),
        ("get_last_lr", "`last` has the values of the last update; for what expects an LRScheduler use"),
        ("last_epoch", "`updates` counts the updates made"),
    ],
)
def test_the_habits_of_an_lr_scheduler_are_answered_with_what_to_do(name: str, hint: str):
    scheduler = attach(sgd(0.5), "linear(10)")

    with pytest.raises(AttributeError, match=re.escape(f"has no {name!r}: {hint}")):
        getattr(scheduler, name)
    assert not hasattr(scheduler, name)
    with pytest.raises(AttributeError, match=r"^a glidepath Scheduler has no 'stp'$"):
        getattr(scheduler, "stp")  # noqa: B009


@pytest.mark.parametrize(
    ("saved", "now", "told"),
    [
        ((0.1,), (0.2,), "saved run (group 0: base of lr saved 0.1, now 0.2)"),
        ((0.1, 0.3), (0.1, 0.4), "saved run (group 0 is the same, a later one is not)"),
    ],
)
def test_bases_that_differ_from_the_saved_run_are_told_with_their_values(
    saved: tuple[float, ...], now: tuple[float, ...], told: str
):
    before, after = sgd(*saved), sgd(*now)
    state, other = attach(before, "linear(10)").state_dict(), attach(after, "linear(10)")

    with pytest.raises(gp.GlidepathError, match=re.escape(told)):
        other.load_state_dict(state)


def test_an_optimizer_state_that_brings_other_bases_is_told_with_its_values():
    before, after, other = sgd(0.1), sgd(0.1), sgd(0.3)
    state, scheduler = attach(before, "linear(10)").state_dict(), attach(after, "linear(10)")
    attach(other, "linear(10)")
    scheduler.load_state_dict(state)
    after.load_state_dict(other.state_dict())

    with pytest.raises(gp.GlidepathError, match=r"got group 0, lr: base 0\.3 at start 0 where 0\.1 at 0 was accepted"):
        after.step()


def test_detach_leaves_no_trace():
    optimizer = sgd(0.1, 0.2)
    before = [dict(group) for group in optimizer.param_groups]
    scheduler = attach(optimizer, gp.linear(5))
    optimizer.step()

    scheduler.detach()
    optimizer.step()

    assert [dict(group) for group in optimizer.param_groups] == before
    assert scheduler.updates == 1
    assert not optimizer._optimizer_step_pre_hooks
    assert not optimizer._optimizer_step_post_hooks

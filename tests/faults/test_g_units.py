"""Faults of counting. Each is shown on PyTorch's own schedulers before ours is asked."""

import pytest
import torch
from torch.optim import lr_scheduler as peers

import glidepath as gp
from glidepath.torch import Applied, ScheduleLR, attach

OVERFLOW = {"sgd": {}, "fused sgd": {"fused": True}, "fused adam": {"fused": True}}


def sgd(rate=1.0):
    return torch.optim.SGD([torch.ones(1, requires_grad=True)], lr=rate)


def test_g1_gradient_accumulation():
    """G1: 100 micro-batches in windows of 4: PyTorch's cosine of 25, stepped each time, climbs back twice; ours makes 25 updates."""
    optimizer, seen = sgd(), []
    peer = peers.CosineAnnealingLR(optimizer, 25)
    for micro in range(100):
        if micro % 4 == 3:
            optimizer.step()
        else:
            optimizer._opt_called = True
        peer.step()
        seen.append(optimizer.param_groups[0]["lr"])
    assert seen[24] == pytest.approx(0.0, abs=1e-9)
    assert seen[49] == pytest.approx(1.0)

    for make in (attach, ScheduleLR):
        optimizer, seen = sgd(), []
        scheduler = make(optimizer, "cosine(25)")
        for micro in range(100):
            if micro % 4 == 3:
                optimizer.step()
                seen.append(optimizer.param_groups[0]["lr"])
            if make is ScheduleLR:
                scheduler.step()  # wrongly, each time
        assert seen == [gp.cosine(25)(k) for k in range(25)]
        assert getattr(scheduler, "scheduler", scheduler).updates == 25
        optimizer.step()
        assert optimizer.param_groups[0]["lr"] == 0.0


def test_g2_a_partial_window_and_a_window_that_changes():
    """G2: the last window has two micro-batches, and windows change from 4 to 2: updates count, and what they consumed is stated."""
    windows = [4, 4, 2, 2, 2]
    assert len(windows) != sum(windows) // 4  # a horizon by division is wrong
    optimizer = sgd()
    scheduler = attach(optimizer, gp.linear(len(windows)))
    for window in windows:
        for _ in range(window):
            scheduler.count(samples=8, tokens=8 * 128)
        optimizer.step()

    assert (scheduler.updates, scheduler.samples, scheduler.tokens) == (5, 8 * sum(windows), 8 * 128 * sum(windows))
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.2)


def test_g2_the_declared_batch_is_counted_unless_another_is_stated():
    """G2: without a statement an update consumes the declared batch; a statement holds for the coming update only."""
    optimizer = sgd()
    scheduler = attach(optimizer, "linear(9)", samples=32, tokens=100)
    optimizer.step()
    scheduler.count(samples=5)
    optimizer.step()
    optimizer.step()

    assert (scheduler.samples, scheduler.tokens) == (32 + 5 + 32, 200)


@pytest.mark.parametrize("off", [-1, 1, None])
def test_g4_the_length_of_the_loader_is_wrong(off):
    """G4: a loader yields one batch more or less than said, or twice as many: PyTorch climbs again, ours stays on its floor."""
    horizon, batches = 20, 40 if off is None else 20 + off
    optimizer = sgd()
    peer = peers.CosineAnnealingLR(optimizer, horizon)
    found = []
    for _ in range(batches):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        peer.step()
    assert off == -1 or optimizer.param_groups[0]["lr"] > 1e-4

    optimizer, seen = sgd(), []
    scheduler = attach(optimizer, gp.cosine(horizon))
    for _ in range(batches):
        optimizer.step()
        seen.append(optimizer.param_groups[0]["lr"])
    assert seen == sorted(seen, reverse=True)
    assert set(seen[horizon:]) <= {0.0}
    assert scheduler.overrun == max(0, batches - horizon)


def amp_run(make_optimizer, drive, device):
    """Train 6 updates whose first three overflow; return the rates of those that happened, and the scheduler."""
    parameter = torch.ones(4, requires_grad=True, device=device)
    optimizer = make_optimizer([parameter])
    scheduler = drive(optimizer)
    scaler = torch.amp.GradScaler(device, init_scale=4.0)
    used = []
    for update in range(6):
        scheduler.count(samples=10)
        optimizer.zero_grad()
        factor = float("inf") if update < 3 else 1.0
        before = parameter.detach().clone()
        scaler.scale((parameter * factor).sum()).backward()
        scaler.step(optimizer)
        scaler.update()
        if not torch.equal(before, parameter.detach()):
            used.append(optimizer.param_groups[0]["lr"])
    return used, scheduler


def test_g5_the_peer_counts_skipped_updates():
    """G5: three overflows at the start: PyTorch's scheduler has used up three values before the first real update."""
    parameter = torch.ones(1, requires_grad=True)
    optimizer = torch.optim.SGD([parameter], lr=1.0)
    peer = peers.LinearLR(optimizer, 1.0, 0.0, 10)
    scaler = torch.amp.GradScaler("cpu", init_scale=4.0)
    for update in range(3):
        scaler.scale((parameter * float("inf")).sum()).backward()
        scaler.step(optimizer)
        scaler.update()
        if update == 0:
            with pytest.warns(UserWarning, match="before `optimizer.step"):
                peer.step()
        else:
            peer.step()
    assert peer.last_epoch == 3


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
@pytest.mark.parametrize("name", OVERFLOW)
def test_g5_skipped_updates_are_not_counted(name, device):
    """G5: after three overflows the first real update uses f(0), also where a fused optimizer skips inside its kernel; data counts."""
    if device == "cuda" and not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    make = torch.optim.Adam if "adam" in name else torch.optim.SGD

    used, scheduler = amp_run(lambda p: make(p, lr=0.5, **OVERFLOW[name]), lambda o: attach(o, "linear(10)"), device)

    assert used == [0.5, 0.45, 0.4]
    assert (scheduler.updates, scheduler.samples) == (3, 60)


def test_g6_the_first_rate_and_what_is_logged():
    """G6: Hugging Face's warmup makes update 0 a no-op and its log shows the next value; ours begins above 0 and logs what was applied."""
    transformers = pytest.importorskip("transformers")
    optimizer = sgd()
    peer = transformers.get_linear_schedule_with_warmup(optimizer, 4, 8)
    used = optimizer.param_groups[0]["lr"]
    optimizer.step()
    peer.step()
    assert used == 0.0
    assert peer.get_last_lr() != [used]

    optimizer, used = sgd(), []
    scheduler, told = attach(optimizer, "warmup(4) >> linear(4)"), []
    scheduler.on_update(told.append)
    optimizer.register_step_pre_hook(lambda o, *_: used.append(o.param_groups[0]["lr"]))
    assert scheduler.last == []
    for k in range(8):
        optimizer.step()
        assert scheduler.last == [Applied(k, "0", "lr", used[k])]
    assert told == [Applied(k, "0", "lr", value) for k, value in enumerate(used)]
    assert used[0] == 0.2


def test_closures_nested_steps_and_exceptions_count_as_they_happen():
    """G1: a closure, a subclass that calls `super().step()`, and an update that failed: one, one, none."""

    class Nested(torch.optim.SGD):
        def step(self, closure=None):
            return super().step(closure)

    parameter = torch.ones(1, requires_grad=True)
    optimizer = Nested([parameter], lr=1.0)
    scheduler = attach(optimizer, "linear(10)")
    told = []
    scheduler.on_update(told.append)

    def closure():
        optimizer.zero_grad()
        loss = (parameter**2).sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    assert scheduler.updates == 1

    def broken():
        raise RuntimeError("no loss")

    with pytest.raises(RuntimeError, match="no loss"):
        optimizer.step(broken)
    assert scheduler.updates == 1
    assert scheduler.last == [Applied(0, "0", "lr", 1.0)]
    optimizer.step(closure)
    assert scheduler.updates == 2
    assert [applied.value for applied in told] == [1.0, 0.9]

    lbfgs = torch.optim.LBFGS([parameter], lr=1.0, max_iter=5)
    scheduler = attach(lbfgs, "linear(10)")
    lbfgs.step(closure)
    assert scheduler.updates == 1

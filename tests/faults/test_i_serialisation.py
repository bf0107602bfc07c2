"""Faults of saving. Each is shown on PyTorch's own schedulers, or on a broken version of ours, before ours is asked."""

import copy
import io
import json
import os
import pickle
import signal
import subprocess
import sys
import textwrap

import numpy as np
import pytest
import torch
from torch.optim import lr_scheduler as peers

import glidepath as gp
from glidepath import GlidepathError
from glidepath.plan import Rule
from glidepath.torch import ScheduleLR, attach


def sgd(*rates):
    return torch.optim.SGD([{"params": [torch.ones(1, requires_grad=True)], "lr": r} for r in rates or (0.1,)])


def saved(state):
    file = io.BytesIO()
    torch.save(state, file)
    return file.getvalue()


class Payload:
    """Touches a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


def test_i1_a_checkpoint_cannot_run_code(tmp_path):
    """I1: a scheduler entry with a payload runs it when loaded without weights_only; our reader never unpickles."""
    canary = tmp_path / "canary"
    data = saved({"scheduler": Payload(str(canary))})
    torch.load(io.BytesIO(data), weights_only=False)
    assert canary.exists()
    canary.rmdir()

    scheduler = attach(sgd(), "linear(5)")
    path = tmp_path / "scheduler.json"
    path.write_bytes(data)
    with pytest.raises(GlidepathError, match=r"scheduler\.json: must be a JSON file, got"):
        scheduler.load(path)
    path.write_bytes(pickle.dumps(Payload(str(canary))))
    with pytest.raises(GlidepathError, match=r"scheduler\.json: must be a JSON file, got"):
        scheduler.load(path)
    assert not canary.exists()


@pytest.mark.parametrize("key", ["step", "optimizer", "__class__", "__dict__", "_run", "load_state_dict", 3])
@pytest.mark.parametrize("make", [attach, ScheduleLR])
def test_i2_unknown_keys_are_refused(key, make):
    """I2: a state with a key `step` replaces PyTorch's method by a text; unknown keys are refused and nothing is changed."""
    peer = peers.StepLR(sgd(), 3)
    peer.load_state_dict({"step": "x"})
    assert peer.step == "x"

    scheduler = make(sgd(), "linear(5)")
    state = scheduler.state_dict()
    with pytest.raises(GlidepathError, match=f"checkpoint: every key must be one of format, .*, got {key!r}"):
        scheduler.load_state_dict({**state, key: "x"})
    assert scheduler.state_dict() == state


def test_i2_wrong_values_are_refused_together():
    """I2: every entry that breaks its rule is named."""
    scheduler = attach(sgd(), "linear(5)")
    state = scheduler.state_dict()
    wrong = {**state, "updates": -1, "samples": 1.5, "tokens": True, "plan": 3}
    del wrong["bases"]
    with pytest.raises(GlidepathError) as caught:
        scheduler.load_state_dict(wrong)
    assert sorted(problem.field for problem in caught.value.problems) == [
        "bases",
        "plan",
        "samples",
        "tokens",
        "updates",
    ]
    assert scheduler.state_dict() == state


def test_i4_plain_data():
    """I4: NumPy numbers in a peer's state stop weights_only, its milestones and tensors do not come back from JSON; ours do."""
    peer = peers.StepLR(sgd(), 3, gamma=np.float64(0.5))
    with pytest.raises(pickle.UnpicklingError, match="Weights only load failed"):
        torch.load(io.BytesIO(saved(peer.state_dict())), weights_only=True)
    milestones = peers.MultiStepLR(sgd(), [3]).state_dict()
    assert json.loads(json.dumps(milestones)) != milestones
    with pytest.raises(TypeError, match="Tensor"):
        json.dumps(peers.StepLR(sgd(torch.tensor(0.1)), 3).state_dict())

    drives = [
        Rule("multistep([3, 5]) * cosine(9)"),
        Rule("sgdr(4)", "momentum", floor=0.0),
    ]
    for given in ("linear(9)", "piecewise_constant([3], [1, 0.5])", "one_cycle(30)", drives):
        optimizer = sgd(torch.tensor(0.1), torch.tensor(0.2))
        for group in optimizer.param_groups:
            group["momentum"] = 0.9
        for make in (attach, ScheduleLR):
            scheduler = make(optimizer, given)
            optimizer.step()
            state = scheduler.state_dict()
            assert torch.load(io.BytesIO(saved(state)), weights_only=True) == state
            assert json.loads(json.dumps(state, allow_nan=False)) == state
            assert {type(value) for value in state.values()} == {int, str}
            getattr(scheduler, "scheduler", scheduler).detach()


def test_i4_as_small_for_any_number_of_groups():
    """I4: a peer's state grows with the groups, ours does not: at most 1.5 kB as JSON for one schedule."""
    for text in ("warmup(500) >> cosine(9500, floor=0.1)", "one_cycle(1000)", "wsd(1000, warmup=10, cooldown=100)"):
        sizes = []
        for count in (1, 1000):
            scheduler = attach(sgd(*[0.1 + i / 1000 for i in range(count)]), text)
            scheduler.seek(123_456_789)
            sizes.append(len(json.dumps(scheduler.state_dict())))
        assert sizes[1] <= sizes[0] + 3  # the digits of the number of groups
        assert max(sizes) <= 1500
    assert len(saved(peers.CosineAnnealingLR(sgd(*[0.1] * 1000), 9).state_dict())) > 15_000


def test_i5_a_formula_travels_by_name_and_hash():
    """I5: a formula is code; pickle would bring it along (a whole pickled LambdaLR does), a state names it and refuses an unknown one."""
    try:

        @gp.register("i5")
        def wave(step, xp, *, period=10.0):
            return 0.5 + 0.5 * xp.cos(step / period)

        state = attach(sgd(), wave(period=4)).state_dict()
        assert "xp.cos" not in json.dumps(state)
    finally:
        gp.unregister("i5")
    with pytest.raises(GlidepathError, match=r"formula must be registered in this process, got 'i5'"):
        attach(sgd(), "linear(9)").load_state_dict(state, resume="keep")
    for text in ("__import__('os').system('x')", "(lambda: 1)()", "linear.__class__(3)"):
        with pytest.raises(GlidepathError, match="must be"):
            attach(sgd(), text)


KILLED = textwrap.dedent(
    """
    import os, sys, time
    import torch
    from glidepath.torch import attach

    path, slow = sys.argv[1], sys.argv[2]
    parameter = torch.ones(1, requires_grad=True)
    optimizer = torch.optim.SGD([parameter], lr=0.1)
    scheduler = attach(optimizer, "linear(1000)")
    scheduler.save(path)
    if slow == "broken":  # what a reader would find if the file were written in its place
        import pathlib
        import glidepath.torch.scheduler as module
        module.write_whole = lambda path, text: (pathlib.Path(path).write_text(text[:50]), print("go", flush=True), time.sleep(60))
    print("go", flush=True)
    for _ in range(10**6):
        optimizer.step()
        scheduler.save(path)
    """
)


@pytest.mark.parametrize("mode", ["ours", "broken"])
def test_i6_killed_while_it_saves(tmp_path, mode):
    """I6: a process that saves without pause is killed: the file is an old or a new one; written in place it is a part of one."""
    path = tmp_path / "scheduler.json"
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(path), mode], stdout=subprocess.PIPE, text=True)
    try:
        process.stdout.readline()
        if mode == "broken":
            process.stdout.readline()
        else:
            reader = sgd()
            for _ in range(80):  # files that a reader meets while it is written
                attached = attach(reader, "linear(1000)")
                attached.load(path)
                attached.detach()
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
    optimizer = sgd()
    scheduler = attach(optimizer, "linear(1000)")
    if mode == "broken":
        with pytest.raises(GlidepathError, match="must be a JSON file"):
            scheduler.load(path)
    else:
        scheduler.load(path)
        assert scheduler.updates > 0


def test_copies_of_the_optimizer_carry_no_hooks():
    """I1: pickles and deep copies of a driven optimizer hold its base and nothing of ours."""
    optimizer = sgd()
    attach(optimizer, "linear(10)")
    optimizer.step()
    for other in (copy.deepcopy(optimizer), pickle.loads(pickle.dumps(optimizer))):
        assert not other._optimizer_step_pre_hooks
        assert not other._optimizer_step_post_hooks
        assert not other._optimizer_load_state_dict_post_hooks
        other.step()
        assert (other.param_groups[0]["lr"], other.param_groups[0]["initial_lr"]) == (0.1, 0.1)
        again = attach(other, "linear(10)")
        again.seek(5)
        other.step()
        assert other.param_groups[0]["lr"] == 0.05
    with pytest.raises(TypeError, match="is not copied: keep its state_dict"):
        pickle.dumps(attach(sgd(), "linear(10)"))

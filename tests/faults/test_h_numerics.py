"""Faults of compiling and of numbers. Each is shown on PyTorch's own schedulers, or on a broken version of ours, before ours is asked."""

import math
import weakref

import pytest
import torch
from torch.optim import lr_scheduler as peers

import glidepath as gp
from glidepath.torch import ScheduleLR, attach

SCHEDULE = gp.parse("warmup(10) >> cosine(90)")
OPTIMIZERS = {
    "sgd": lambda groups, lr: torch.optim.SGD(groups, lr=lr),
    "momentum": lambda groups, lr: torch.optim.SGD(groups, lr=lr, momentum=0.9),
    "rmsprop": lambda groups, lr: torch.optim.RMSprop(groups, lr=lr),
    "adamw": lambda groups, lr: torch.optim.AdamW(groups, lr=lr),
}
pytestmark = pytest.mark.filterwarnings("ignore:.*:DeprecationWarning", "ignore:Profiler record function:UserWarning")


def parameters():
    return [torch.full((4,), 1.0, requires_grad=True) for _ in range(2)]


def compiled_run(make, updates, before=None, after=None, tensors=True):
    """Compile an optimizer's step and make updates; return the graphs that were built and the parameters at the end."""
    from torch._dynamo.testing import CompileCounter

    torch._dynamo.reset()
    counter, weights = CompileCounter(), parameters()
    optimizer = make([{"params": [w]} for w in weights], torch.tensor(0.1) if tensors else 0.1)
    if before:
        before(optimizer)
    step = torch.compile(optimizer.step, backend=counter)
    if after:
        after(optimizer)
    for _ in range(updates):
        for weight in weights:
            weight.grad = torch.full_like(weight, 0.1)
        step()
    torch._dynamo.reset()
    return counter.frame_count, torch.cat([w.detach() for w in weights])


def by_hand(make, updates):
    """Compile a step and write the rates by hand before each call; return the parameters at the end."""
    torch._dynamo.reset()
    weights = parameters()
    optimizer = make([{"params": [w]} for w in weights], torch.tensor(0.1))
    step = torch.compile(optimizer.step, backend="eager")
    for k in range(updates):
        for group, weight in zip(optimizer.param_groups, weights, strict=True):
            group["lr"].fill_(0.1 * SCHEDULE(k))
            weight.grad = torch.full_like(weight, 0.1)
        step()
    torch._dynamo.reset()
    return torch.cat([w.detach() for w in weights])


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_h1_no_graph_beyond_those_of_the_step(name):
    """H1: 50 updates build the graphs of the step without hooks and no more; hooks that Dynamo sees build some."""
    make = OPTIMIZERS[name]
    alone, _ = compiled_run(make, 50)

    for place in ("before", "after"):
        graphs, weights = compiled_run(make, 50, **{place: lambda o: attach(o, SCHEDULE)})
        assert graphs == alone
        torch.testing.assert_close(weights, by_hand(make, 50))

    seen, _ = compiled_run(make, 3, before=visible)
    assert seen > alone


def visible(optimizer):
    """Drive an optimizer by a hook without our marks."""
    optimizer.register_step_pre_hook(lambda o, *_: [group["lr"].mul_(0.9) for group in o.param_groups] and None)


def test_h1_a_float_rate_is_compiled_again_and_again_unless_it_becomes_a_tensor():
    """H1: a compiled SGD with a float rate is compiled for every new value; `tensors=True` makes it a tensor."""
    make = OPTIMIZERS["sgd"]

    def drive(optimizer):
        scheduler = attach(optimizer, SCHEDULE, tensors=True)
        optimizer.attached = scheduler

    floats, _ = compiled_run(make, 4, before=lambda o: attach(o, SCHEDULE), tensors=False)
    graphs, weights = compiled_run(make, 6, before=drive, tensors=False)
    assert (floats > 1, graphs) == (True, 1)
    torch.testing.assert_close(weights, by_hand(make, 6))

    optimizer = make(parameters(), 0.1)
    scheduler = attach(optimizer, SCHEDULE, tensors=True)
    optimizer.step()
    assert isinstance(optimizer.param_groups[0]["lr"], torch.Tensor)
    scheduler.detach()
    assert optimizer.param_groups[0]["lr"] == 0.1


def test_h2_built_after_the_step_was_compiled():
    """H2: PyTorch's scheduler patches `step` and crashes when that is compiled already; ours does not patch."""
    optimizer = torch.optim.SGD(parameters(), lr=0.1)
    optimizer.step = torch.compile(optimizer.step, backend="eager")
    with pytest.raises(AttributeError, match="__func__"):
        peers.StepLR(optimizer, 3)

    scheduler = ScheduleLR(optimizer, "linear(10)")
    for k in range(3):
        assert optimizer.param_groups[0]["lr"] == 0.1 * gp.linear(10)(k)
        optimizer.step()
        scheduler.step()
    torch._dynamo.reset()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16, torch.bfloat16])
def test_h3_tensor_rates_are_written_in_place_and_shared_with_nobody(dtype):
    """H3: a history of tensor rates must not move, nor the base change, nor the neighbours of a view; a kept reference does move."""
    store = torch.zeros(3, dtype=dtype)
    store[1] = 0.5
    rate = store[1]
    optimizer = torch.optim.SGD([torch.ones(1, requires_grad=True)], lr=rate)
    assert optimizer.param_groups[0]["lr"] is rate
    scheduler = ScheduleLR(optimizer, "linear(8)")
    history, kept = [], []
    for _ in range(8):
        optimizer.step()
        history.append(scheduler.scheduler.last[0].value)
        kept.append(optimizer.param_groups[0]["lr"])
        scheduler.step()
    assert optimizer.param_groups[0]["lr"] is rate
    assert {float(value) for value in kept} == {0.0}  # references move
    assert history == [pytest.approx(0.5 * (1 - k / 8), rel=1e-2) for k in range(8)]
    assert optimizer.param_groups[0]["initial_lr"] == 0.5
    assert store.tolist() == [0.0, 0.0, 0.0]
    last = scheduler.get_last_lr()
    last[0].fill_(7.0)
    assert float(rate) == 0.0


def test_h3_one_tensor_for_groups_with_other_values_is_refused():
    """H3: groups made with one default tensor share it; a value for each would be the last one's for all (shown by hand)."""
    shared = torch.tensor(0.1)
    optimizer = torch.optim.SGD([{"params": [p]} for p in parameters()], lr=shared)
    optimizer.param_groups[0]["lr"].fill_(0.3)
    assert float(optimizer.param_groups[1]["lr"]) == pytest.approx(0.3)

    attach(optimizer, "linear(10)").detach()
    optimizer.param_groups[1]["initial_lr"] = 0.7
    with pytest.raises(
        gp.GlidepathError, match=r"group 1: lr must be a tensor of its own, got the tensor of group 0 \(clone\(\) it\)"
    ):
        attach(optimizer, "linear(10)")


@pytest.mark.gpu
def test_h4_a_cuda_graph_sees_the_rate_change():
    """H4: replays of a captured step use the planned rates; a float rate would be frozen into the graph."""
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    weight = torch.zeros(4, device="cuda", requires_grad=True)
    rate = torch.tensor(0.1, device="cuda")
    optimizer = torch.optim.Adam(
        [weight], lr=rate, capturable=True, eps=1e-12
    )  # constant gradients: each step is the rate itself
    scheduler = attach(optimizer, "linear(20)")
    weight.grad = torch.ones_like(weight)
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        optimizer.step()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        optimizer.step()
    assert scheduler.updates == 1
    for k in range(1, 11):
        before = weight.detach().clone()
        with scheduler.replay():
            graph.replay()
        used = (before - weight.detach())[0].item()
        assert used == pytest.approx(0.1 * gp.linear(20)(k), rel=1e-3)
    assert scheduler.updates == 11


def test_h4_a_replay_calls_no_hook_and_is_counted():
    """H4: an update that calls no hook (as a replay does not) would leave rate and progress frozen: `replay` does both."""
    optimizer = torch.optim.SGD([torch.ones(1, requires_grad=True)], lr=torch.tensor(0.1))
    scheduler = attach(optimizer, "linear(20)")
    for k in range(5):
        with scheduler.replay():
            assert float(optimizer.param_groups[0]["lr"]) == pytest.approx(0.1 * gp.linear(20)(k), rel=1e-7)
        assert scheduler.updates == k + 1
    with pytest.raises(RuntimeError, match="stop"), scheduler.replay():
        raise RuntimeError("stop")
    assert scheduler.updates == 5


def test_h5_float32_after_200_000_updates():
    """H5: a recursive float32 rate drifts (PyTorch's exponential, 2,000 updates of it); ours is one rounding away at any update."""
    rate = torch.tensor(1.0)
    optimizer = torch.optim.SGD([torch.ones(1, requires_grad=True)], lr=rate)
    peer = peers.ExponentialLR(optimizer, 0.999)
    for _ in range(2000):
        optimizer.step()
        peer.step()
    assert abs(float(rate) / 0.999**2000 - 1) > 1e-6

    for text in ("exponential(0.99997)", "cosine(200000)", "linear(200000, floor=0.001)"):
        schedule, rate = gp.parse(text), torch.tensor(0.1)
        base = float(rate)
        optimizer = torch.optim.SGD([torch.ones(1, requires_grad=True)], lr=rate)
        scheduler = attach(optimizer, schedule)
        for update in (0, 1, 777, 65_537, 131_072, 199_998, 200_000):
            scheduler.seek(update)
            with scheduler.replay():
                exact = base * schedule(update)
                assert abs(float(rate) - exact) <= math.ulp(exact) * 2**28  # half an ulp of float32
                assert rate.item() == torch.tensor(exact, dtype=torch.float64).float().item()


def test_h6_large_progress():
    """H6: float32 steps cannot tell 2^24 from 2^24 + 1; ours falls strictly up to 2^53."""
    assert torch.tensor(2.0**24).item() == torch.tensor(2.0**24 + 1).item()

    for update in (2**24, 2**31, 2**40):
        schedule = gp.linear(2 * update)
        seen = []
        for k in (update - 1, update, update + 1):
            optimizer = torch.optim.SGD([torch.ones(1, requires_grad=True)], lr=1.0)
            scheduler = attach(optimizer, schedule)
            scheduler.seek(k)
            optimizer.step()
            seen.append(optimizer.param_groups[0]["lr"])
            assert scheduler.updates == k + 1
        assert seen[0] > seen[1] > seen[2]
    optimizer = torch.optim.SGD([torch.ones(1, requires_grad=True)], lr=1.0)
    scheduler = attach(optimizer, gp.linear(2**53))
    scheduler.seek(2**53 - 1)
    optimizer.step()
    assert optimizer.param_groups[0]["lr"] == 1 / 2**53


def test_h7_a_form_that_the_optimizer_takes():
    """H7: Adam(foreach=True, capturable=False) takes no tensor: PyTorch raises; ours keeps a float and says so."""
    with pytest.raises(ValueError, match="lr as a Tensor is not supported"):
        torch.optim.Adam(parameters(), lr=torch.tensor(0.1), foreach=True)

    for tensors in (True, False):
        optimizer = torch.optim.Adam(parameters(), lr=0.1, foreach=True)
        if not tensors:
            optimizer.param_groups[0]["lr"] = torch.tensor(0.1, dtype=torch.float64)
        attach(optimizer, "linear(10)", tensors=tensors)
        with pytest.warns(
            UserWarning,
            match="group 0: foreach=True with capturable=False takes no tensor: its learning rate is a float",
        ):
            optimizer.step()
        optimizer.step()
        assert optimizer.param_groups[0]["lr"] == 0.1 * gp.linear(10)(1)


@pytest.mark.parametrize("options", [{}, {"foreach": True}, {"foreach": False}, {"fused": True}, {"capturable": False}])
@pytest.mark.parametrize("make", [torch.optim.SGD, torch.optim.AdamW])
def test_h7_every_implementation_of_a_step(make, options):
    """H7: foreach, fused and capturable steps use the value of their update."""
    if "capturable" in options and make is torch.optim.SGD:
        pytest.skip("SGD has no capturable form")
    weights, reference = parameters(), parameters()
    optimizer, by_hand = make(weights, lr=0.1, **options), make(reference, lr=0.1)
    attach(optimizer, SCHEDULE)
    for k in range(5):
        by_hand.param_groups[0]["lr"] = 0.1 * SCHEDULE(k)
        for one, other in zip(weights, reference, strict=True):
            one.grad, other.grad = torch.full_like(one, 0.1), torch.full_like(one, 0.1)
        optimizer.step()
        by_hand.step()
    torch.testing.assert_close(weights, reference)


def test_the_scheduler_keeps_no_optimizer_and_no_parameter_alive():
    """H2: PyTorch's patched step made cycles; here reference counting alone frees the optimizer, and the parameters with it."""
    import gc

    gc.collect()
    gc.disable()
    try:
        weight = torch.ones(1, requires_grad=True)
        optimizer = torch.optim.SGD([weight], lr=0.1)
        scheduler = attach(optimizer, "linear(10)")
        optimizer.step()
        gone = weakref.ref(optimizer), weakref.ref(weight)
        del optimizer, weight
        assert [reference() for reference in gone] == [None, None]
        assert scheduler.updates == 1
        assert scheduler.last == []
        assert scheduler.state_dict()["updates"] == 1
        scheduler.detach()
    finally:
        gc.enable()

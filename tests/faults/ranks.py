"""What a rank does in the tests of agreement: forked by one process, one line of JSON a rank into the folder that is given."""

import importlib.util
import json
import os
import sys
import time
import traceback
from datetime import timedelta
from pathlib import Path

import torch
from torch import distributed

from glidepath import GlidepathError
from glidepath.plan import Plan, Progress
from glidepath.torch import ScheduleLR, attach
from glidepath.torch.agreement import Agreement, agreed, reduced

ACCELERATE = importlib.util.find_spec("accelerate") is not None
TEXT = 'warmup("10%") >> cosine("rest", floor=0.1)'


def plan_for(world, length="1600 samples"):
    """Return the plan of a run on some processes, in samples."""
    horizon = {"length": length, "batch": 8, "processes": world, "tokens_per_sample": 4}
    return Plan(TEXT, horizon, "samples", feedback=["plateau(factor=0.5, patience=1)"])


def curve(rank, world, folder):
    """F1: the curve over the samples seen."""
    plan = plan_for(world)
    progress = plan.begin()
    values = {}
    while progress.samples < 1600:
        values[progress.samples] = plan.value(progress)
        agreed(plan.fingerprint, progress.updates, [plan.value(progress)])
        progress = progress.advanced(samples=plan.batch_size(progress.samples))
    return {"values": values, "updates": progress.updates}


def metrics(rank, world, folder):
    """F2: every rank measures something else; the decisions are those on the mean."""
    plan = plan_for(world)
    progress, alone, decided = plan.begin(), plan.begin(), []
    for i in range(8):
        local = 1.0 + (0.1 * (i % 3) if rank == 0 else 0.3 - 0.1 * (i % 3)) if rank < 2 else 1.0 - 0.05 * i * rank
        progress, alone = progress.advanced(samples=8 * world), alone.advanced(samples=8 * world)
        seen = reduced((progress.updates, local))
        progress, decisions = plan.observe(progress, "loss", seen)
        alone, _ = plan.observe(alone, "loss", local)
        decided.append([seen.value, decisions[0].action])
    absent = reduced(None if rank else (99, 2.0))
    nothing = reduced(None)
    nan = reduced((100, float("nan") if rank == world - 1 else 1.0))
    refused = ""
    try:
        reduced((101, "1.0" if rank == 1 else 1.0))
    except GlidepathError as error:
        refused = str(error)
    apart = ""
    try:
        reduced((102 + rank, 1.0))
    except GlidepathError as error:
        apart = str(error)
    return {
        "decided": decided,
        "state": progress.to_dict(),
        "value": plan.value(progress),
        "alone": plan.value(alone),
        "absent": absent.value,
        "nothing": nothing,
        "nan": str(nan.value),
        "refused": refused,
        "apart": apart,
    }


def late(rank, world, folder):
    """F3: one rank is late by a step, has another plan, or applies another value."""
    found = {}
    for name in ("late", "plan", "value"):
        weight = torch.zeros(1, requires_grad=True)
        optimizer = torch.optim.SGD([weight], lr=0.1)
        count = [0]
        odd = rank == world - 1
        agreement = Agreement(optimizer, "plan b" if name == "plan" and odd else "plan a", lambda count=count: count[0])
        for step in range(6):
            weight.grad = torch.ones(1)
            if step == 3 and odd and name == "value":
                optimizer.param_groups[0]["lr"] = 0.05
            try:
                optimizer.step()
            except GlidepathError as error:
                found[name] = [step, str(error), float(weight.detach())]
                break
            count[0] += 0 if step == 3 and odd and name == "late" else 1
        agreement.detach()
    begun = time.perf_counter()
    for step in range(200):
        agreed("plan", step, [0.1, 0.2])
    found["microseconds"] = (time.perf_counter() - begun) / 200 * 1e6
    return found


def resume(rank, world, folder):
    """F4: go on where a run on another number of processes was saved."""
    plan = plan_for(world)
    file = folder / "saved.json"
    progress = Progress.from_dict(json.loads(file.read_text()), plan) if file.exists() else plan.begin()
    end = 1600 if file.exists() else 800
    values = {}
    while progress.samples < end:
        values[progress.samples] = plan.value(progress)
        agreed(plan_for(4).fingerprint, progress.samples, [plan.value(progress)])
        progress = progress.advanced(
            samples=plan.batch_size(progress.samples), tokens=4 * plan.batch_size(progress.samples)
        )
    distributed.barrier()
    if rank == 0:
        file.write_text(json.dumps(progress.to_dict()))
    return {"values": values, "tokens": progress.tokens}


def watched(optimizer):
    """Return the list of the rates that an optimizer's updates will use."""
    used = []
    optimizer.register_step_post_hook(lambda o, *_: used.append(o.param_groups[0]["lr"]))
    return used


def driven(rank, world, folder):
    """F1: a model in DDP, driven by a schedule."""
    model = torch.nn.parallel.DistributedDataParallel(torch.nn.Linear(4, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    _, used = attach(optimizer, "linear(20)"), watched(optimizer)
    for _ in range(8):
        optimizer.zero_grad()
        model(torch.randn(2, 4)).mean().backward()
        optimizer.step()
    return used


def accelerated(rank, world, folder):
    """F1: PyTorch's scheduler and our bridge, both stepped by Accelerate, with accumulation over two batches."""
    from accelerate import Accelerator

    accelerator = Accelerator(cpu=True, gradient_accumulation_steps=2)
    found = {"world": accelerator.num_processes}
    for name in ("peer", "bridge"):
        model = torch.nn.Linear(4, 1)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        peer = name == "peer"
        scheduler = (
            torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, 20) if peer else ScheduleLR(optimizer, "linear(20)")
        )
        loader = torch.utils.data.DataLoader(torch.randn(16 * world, 4), batch_size=1)
        found[name] = watched(optimizer)
        model, optimizer, loader, scheduler = accelerator.prepare(model, optimizer, loader, scheduler)
        for batch in loader:
            with accelerator.accumulate(model):
                accelerator.backward(model(batch).mean())
                optimizer.step()
                scheduler.step()
                optimizer.zero_grad()
    return found


def member(rank, world, folder, port):
    """One of the processes: everything, and one line of JSON."""
    os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(world)}
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    distributed.init_process_group("gloo", timeout=timedelta(seconds=280))
    names = (curve, metrics, late, resume, driven, *([accelerated] if ACCELERATE and world == 2 else []))
    results = {each.__name__: each(rank, world, folder) for each in names}
    (folder / f"{world}-{rank}.json").write_text(json.dumps(results))
    distributed.barrier()
    os._exit(0)  # gloo's threads can outlive the interpreter's end, which aborts the process


def main(folder, *ports):
    """Fork four processes, then two, when everything is imported, once for all."""
    # What every rank would load by itself: torch does with the first optimizer.
    for name in ("torch._dynamo", *(["accelerate"] if ACCELERATE else [])):
        importlib.import_module(name)
    codes = []
    for world, port in zip((4, 2), ports, strict=True):
        children = []
        for rank in range(world):
            children.append(os.fork())
            if children[-1] == 0:
                try:
                    member(rank, world, folder, port)
                finally:
                    traceback.print_exc()
                    os._exit(1)
        codes += [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    return int(any(codes))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), *sys.argv[2:]))

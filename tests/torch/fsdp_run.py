"""Train under FSDP2 (`fully_shard`) and Fabric's ModelParallelStrategy, two forked processes on gloo: what every call of `step()` held."""

import json
import multiprocessing
import os
import sys
import warnings
from pathlib import Path

import torch
from lightning.fabric import Fabric
from lightning.fabric.strategies import ModelParallelStrategy
from torch import distributed
from torch.distributed.checkpoint import state_dict as tools
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard

from glidepath.torch import ScheduleLR, attach

SCHEDULE = "ramp(0, 1, 4) >> linear(16)"
MAKES = {"attach": attach, "bridge": ScheduleLR}


def model_of():
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(4, 6), torch.nn.Linear(6, 2))


def groups_of(model):
    return [{"params": list(part.parameters()), "lr": base} for part, base in zip(model, (0.1, 0.2), strict=True)]


def watch(optimizer):
    seen = []
    optimizer.register_step_post_hook(lambda o, *_: seen.append([float(group["lr"]) for group in o.param_groups]))
    return seen


def update(model, optimizer, scheduler):
    model(torch.ones(2, 4)).square().mean().backward()
    optimizer.step()
    optimizer.zero_grad()
    if isinstance(scheduler, ScheduleLR):
        scheduler.step()


def sharded(make):
    """States saved and loaded by PyTorch's tools before, while and after: a dummy step each time there is no state yet."""
    mesh = init_device_mesh("cpu", (2,))

    def build():
        model = model_of()
        for part in model:
            fully_shard(part, mesh=mesh)
        fully_shard(model, mesh=mesh)
        optimizer = torch.optim.AdamW(groups_of(model), weight_decay=0.5)
        return model, optimizer, make(optimizer, SCHEDULE), watch(optimizer)

    model, optimizer, scheduler, seen = build()
    tools.get_state_dict(model, optimizer)
    made = [scheduler.updates]
    seen.clear()
    for _ in range(3):
        update(model, optimizer, scheduler)
    states = tools.get_state_dict(model, optimizer), scheduler.state_dict()
    weights = [p.full_tensor().detach().clone() for p in model.parameters()]
    again, optimizer, scheduler, used = build()
    scheduler.load_state_dict(states[1])
    tools.set_state_dict(again, optimizer, model_state_dict=states[0][0], optim_state_dict=states[0][1])
    same = all(torch.equal(p.full_tensor(), old) for p, old in zip(again.parameters(), weights, strict=True))
    made.append(scheduler.updates)
    used.clear()
    for _ in range(3):
        update(again, optimizer, scheduler)
    return {"seen": seen + used, "made": [*made, scheduler.updates], "same": same}


def fabric(make, folder):
    """Fabric saves and loads the optimizer through the same tools."""

    def parallelize(model, device_mesh):
        for part in model:
            fully_shard(part, mesh=device_mesh["data_parallel"])
        return fully_shard(model, mesh=device_mesh["data_parallel"])

    def build():
        engine = Fabric(
            accelerator="cpu", devices=2, strategy=ModelParallelStrategy(parallelize, save_distributed_checkpoint=False)
        )
        engine.launch()
        model = engine.setup(model_of())
        inner = torch.optim.AdamW(groups_of(list(model.module)), weight_decay=0.5)
        optimizer = engine.setup_optimizers(inner)
        return engine, model, optimizer, make(optimizer if make is attach else inner, SCHEDULE), watch(inner)

    engine, model, optimizer, scheduler, seen = build()
    path = Path(folder) / make.__name__
    for _ in range(3):
        update(model, optimizer, scheduler)
    engine.save(path, {"model": model, "optimizer": optimizer, "scheduler": scheduler})
    engine, model, optimizer, scheduler, used = build()
    engine.load(path, {"model": model, "optimizer": optimizer, "scheduler": scheduler})
    made = [scheduler.updates]
    used.clear()
    for _ in range(3):
        update(model, optimizer, scheduler)
    return {"seen": seen + used, "made": [*made, scheduler.updates]}


def member(rank, port, folder):
    warnings.simplefilter("ignore")
    os.environ |= {"RANK": rank, "LOCAL_RANK": rank, "NODE_RANK": "0", "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2"}
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "TORCHELASTIC_USE_AGENT_STORE": "False"}
    distributed.init_process_group("gloo", rank=int(rank), world_size=2)
    found = {f"sharded {name}": sharded(make) for name, make in MAKES.items()}
    found |= {f"fabric {name}": fabric(make, folder) for name, make in MAKES.items()}
    (Path(folder) / f"found{rank}.json").write_text(json.dumps(found))
    distributed.destroy_process_group()


if __name__ == "__main__":
    members = [multiprocessing.get_context("fork").Process(target=member, args=(rank, *sys.argv[1:])) for rank in "01"]
    for each in members:
        each.start()
    for each in members:
        each.join()
    sys.exit(sum(abs(each.exitcode or 0) for each in members))

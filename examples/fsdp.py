"""A whole training with FSDP2: saved, resumed, extended. `torchrun --nproc-per-node 2 fsdp.py FOLDER UPDATES`."""

import os
import sys
from pathlib import Path

import torch
import torch.distributed as dist
import torch.distributed.checkpoint as dcp
from torch.distributed.checkpoint.state_dict import get_state_dict, set_state_dict
from torch.distributed.fsdp import fully_shard

from glidepath.plan import Plan
from glidepath.torch import attach

PLAN = Plan('warmup("20%") >> cosine("rest", floor=0.1)', {"length": "20 updates"})


def train(folder, updates, plan=PLAN, resume="strict"):
    mesh = dist.device_mesh.init_device_mesh("cpu", (dist.get_world_size(),))
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Tanh(), torch.nn.Linear(8, 1))
    fully_shard(model, mesh=mesh)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.05)
    scheduler = attach(optimizer, plan)  # every rank has the same plan and counts the same updates

    latest = Path(folder) / "latest"
    if latest.exists():
        states = dict(zip(("model", "optimizer"), get_state_dict(model, optimizer), strict=True))
        saved = Path(folder) / latest.read_text()
        dcp.load(states, checkpoint_id=saved)
        set_state_dict(model, optimizer, model_state_dict=states["model"], optim_state_dict=states["optimizer"])
        print(scheduler.load(saved / "scheduler.json", resume), flush=True)

    for k in range(scheduler.updates, updates):
        seed = k * dist.get_world_size() + dist.get_rank()  # each rank its own data
        x = torch.randn(16, 4, generator=torch.Generator().manual_seed(seed))
        loss = (model(x) - x.sum(dim=1, keepdim=True)).square().mean()
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        saved = Path(folder) / f"step{k}"
        states = dict(zip(("model", "optimizer"), get_state_dict(model, optimizer), strict=True))
        dcp.save(states, checkpoint_id=saved)  # makes a step() without an update, which is not counted
        if dist.get_rank() == 0:
            scheduler.save(saved / "scheduler.json")
            latest.with_suffix(".new").write_text(saved.name)
            latest.with_suffix(".new").replace(latest)  # from here on this checkpoint is the one
            print(f"update {k}: loss {loss.item():.6f}, rate {scheduler.last[0].value}", flush=True)
        dist.barrier()
    return model, scheduler


def start():
    os.environ.setdefault("MASTER_ADDR", "127.0.0.1")
    single = {} if "RANK" in os.environ else {"rank": 0, "world_size": 1, "store": dist.HashStore()}
    dist.init_process_group("gloo", **single)


if __name__ == "__main__":
    start()
    train(sys.argv[1], int(sys.argv[2]))
    dist.destroy_process_group()

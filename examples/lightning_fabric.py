"""A whole training with Lightning Fabric: saved, resumed, extended. `python lightning_fabric.py FOLDER UPDATES`."""

import sys
from pathlib import Path

import torch
from lightning import Fabric

from glidepath.plan import Plan
from glidepath.torch import attach

PLAN = Plan('warmup("20%") >> cosine("rest", floor=0.1)', {"length": "20 updates"})


def train(folder, updates, plan=PLAN, resume="strict"):
    fabric = Fabric(accelerator="cpu", devices=1)
    fabric.launch()
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Tanh(), torch.nn.Linear(8, 1))
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.05)
    model, optimizer = fabric.setup(model, optimizer)
    scheduler = attach(optimizer.optimizer, plan)  # the optimizer inside: its step() makes the updates

    saved = Path(folder) / "fabric.ckpt"
    if saved.exists():
        state = {"model": model, "optimizer": optimizer}
        rest = fabric.load(saved, state)
        print(scheduler.load_state_dict(rest["plan"], resume))

    for k in range(scheduler.updates, updates):
        x = torch.randn(16, 4, generator=torch.Generator().manual_seed(k))
        loss = (model(x) - x.sum(dim=1, keepdim=True)).square().mean()
        fabric.backward(loss)
        optimizer.step()
        optimizer.zero_grad()
        fresh = saved.with_suffix(".new")
        fabric.save(fresh, {"model": model, "optimizer": optimizer, "plan": scheduler.state_dict()})
        fresh.replace(saved)
        print(f"update {k}: loss {loss.item():.6f}, rate {scheduler.last[0].value}", flush=True)
    return model, scheduler


if __name__ == "__main__":
    train(sys.argv[1], int(sys.argv[2]))

"""A whole training in PyTorch: saved after every update, resumed, extended. `python pytorch_loop.py FOLDER UPDATES`."""

import sys
from pathlib import Path

import torch

from glidepath.plan import Plan
from glidepath.torch import attach

PLAN = Plan(
    [
        {"schedule": 'warmup("20%") >> cosine("rest", floor=0.1)'},
        {"schedule": "ramp(0.05, 0.1, 24)", "parameter": "weight_decay", "absolute": True},
    ],
    {"length": "24 updates"},
    feedback=[{"controller": "plateau(factor=0.5, patience=1)", "monitor": "loss"}],
)


def train(folder, updates, plan=PLAN, resume="strict"):
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Tanh(), torch.nn.Linear(8, 1))
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.05)
    scheduler = attach(optimizer, plan)
    scheduler.on_decision(print)

    saved = Path(folder) / "checkpoint.pt"
    if saved.exists():
        checkpoint = torch.load(saved, weights_only=True)
        model.load_state_dict(checkpoint["model"])
        optimizer.load_state_dict(checkpoint["optimizer"])
        print(scheduler.load_state_dict(checkpoint["scheduler"], resume))

    for k in range(scheduler.updates, updates):
        x = torch.randn(16, 4, generator=torch.Generator().manual_seed(k))  # the data of update k, also after a resume
        loss = (model(x) - x.sum(dim=1, keepdim=True)).square().mean()
        loss.backward()
        optimizer.step()  # made with base * schedule(k): there is nothing else to call
        optimizer.zero_grad()
        if k % 4 == 3:
            scheduler.observe("loss", loss.item())
        states = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "scheduler": scheduler.state_dict()}
        saved.parent.mkdir(parents=True, exist_ok=True)
        torch.save(states, saved.with_suffix(".new"))
        saved.with_suffix(".new").replace(saved)  # the old checkpoint or the new one, never half of one
        rates = {f"{applied.parameter}/{applied.group}": applied.value for applied in scheduler.last}
        print(f"update {k}: loss {loss:.6f}, {rates}", flush=True)
    return model, scheduler


if __name__ == "__main__":
    train(sys.argv[1], int(sys.argv[2]))

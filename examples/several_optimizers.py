"""Two optimizers under one plan: one position, one state to save. `python several_optimizers.py FOLDER UPDATES`."""

import sys
from pathlib import Path

import torch

from glidepath.plan import Plan
from glidepath.torch import attach

PLAN = Plan(
    [
        {"schedule": 'hold("80%") >> linear("rest")', "groups": "muon/*"},
        {"schedule": 'warmup("10%") >> cosine("rest")', "groups": "adamw/*"},
    ],
    {"length": "20 updates"},
)


def train(folder, updates, plan=PLAN, resume="strict"):
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Tanh(), torch.nn.Linear(8, 1))
    matrices = [p for p in model.parameters() if p.ndim == 2]
    optimizers = {
        "muon": torch.optim.Muon(matrices, lr=0.02),
        "adamw": torch.optim.AdamW([p for p in model.parameters() if p.ndim < 2], lr=0.05),
    }
    scheduler = attach(optimizers, plan)  # the groups are muon/0 and adamw/0; an update is one step of each

    saved = Path(folder) / "checkpoint.pt"
    if saved.exists():
        checkpoint = torch.load(saved, weights_only=True)
        model.load_state_dict(checkpoint["model"])
        for name, optimizer in optimizers.items():
            optimizer.load_state_dict(checkpoint[name])
        print(scheduler.load_state_dict(checkpoint["scheduler"], resume))

    for k in range(scheduler.updates, updates):
        x = torch.randn(16, 4, generator=torch.Generator().manual_seed(k))
        loss = (model(x) - x.sum(dim=1, keepdim=True)).square().mean()
        loss.backward()
        for optimizer in optimizers.values():
            optimizer.step()
            optimizer.zero_grad()
        states = {name: optimizer.state_dict() for name, optimizer in optimizers.items()}
        states |= {"model": model.state_dict(), "scheduler": scheduler.state_dict()}
        saved.parent.mkdir(parents=True, exist_ok=True)
        torch.save(states, saved.with_suffix(".new"))
        saved.with_suffix(".new").replace(saved)
        rates = {applied.group: applied.value for applied in scheduler.last}
        print(f"update {k}: loss {loss.item():.6f}, rates {rates}", flush=True)
    return model, scheduler


if __name__ == "__main__":
    train(sys.argv[1], int(sys.argv[2]))

"""A whole training with DeepSpeed's ZeRO: saved, resumed, extended. `deepspeed deepspeed_zero.py FOLDER UPDATES`."""

import os
import sys
from pathlib import Path

import deepspeed
import torch

from glidepath.plan import Plan
from glidepath.torch import ScheduleLR

PLAN = Plan('warmup("20%") >> cosine("rest", floor=0.1)', {"length": "20 updates"})
CONFIG = {
    "train_micro_batch_size_per_gpu": 8,
    "gradient_accumulation_steps": 2,
    "zero_optimization": {"stage": 2},
    "zero_allow_untested_optimizer": True,
    "zero_force_ds_cpu_optimizer": False,
    "bf16": {"enabled": True},
}


def train(folder, updates, plan=PLAN, resume="strict"):
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Tanh(), torch.nn.Linear(8, 1))
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.05)
    # As DeepSpeed's own scheduler it is saved in the engine's checkpoints; ZeRO's steps of one group each make one update.
    bridge = ScheduleLR(optimizer, plan, resume=resume)
    engine, _, _, bridge = deepspeed.initialize(model=model, optimizer=optimizer, lr_scheduler=bridge, config=CONFIG)
    if (Path(folder) / "latest").exists():
        engine.load_checkpoint(folder)
        print(bridge.scheduler.resumed, flush=True)

    for k in range(bridge.scheduler.updates, updates):
        for part in range(2):
            x = torch.randn(8, 4, generator=torch.Generator().manual_seed(2 * k + part)).bfloat16()
            loss = (engine(x) - x.sum(dim=1, keepdim=True)).float().square().mean()
            engine.backward(loss)
            engine.step()
        engine.save_checkpoint(folder, tag=f"step{k}")
        if engine.global_rank == 0:
            print(f"update {k}: loss {loss.item():.6f}, rate {bridge.scheduler.last[0].value}", flush=True)
    return engine, bridge.scheduler


def start():
    os.environ |= (
        {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(20000 + os.getpid() % 10000)}
        if "RANK" not in os.environ
        else {}
    )
    for name, value in (("RANK", "0"), ("LOCAL_RANK", "0"), ("WORLD_SIZE", "1")):
        os.environ.setdefault(name, value)
    deepspeed.init_distributed(None if torch.cuda.is_available() else "gloo")


if __name__ == "__main__":
    start()
    train(sys.argv[1], int(sys.argv[2]))

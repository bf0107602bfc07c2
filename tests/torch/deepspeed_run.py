"""Train under DeepSpeed in a process of its own, one after another in every stage; print what every call of `step()` held."""

import json
import os
import sys
import tempfile

import torch

from glidepath.torch import ScheduleLR, attach

SCHEDULE = "warmup(3, start=0.25) >> linear(17)"


def engine_of(stage, kind):
    model = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.Linear(4, 1))
    groups = [{"params": list(part.parameters()), "lr": base} for part, base in zip(model, (0.1, 0.2), strict=True)]
    optimizer = torch.optim.AdamW(groups)
    scheduler = {"attach": attach, "bridge": ScheduleLR}.get(kind, lambda *_: None)(optimizer, SCHEDULE)
    config = {
        "train_micro_batch_size_per_gpu": 2,
        "gradient_accumulation_steps": 2,
        "zero_optimization": {"stage": stage} | ({"sub_group_size": 10} if stage == 3 else {}),
        "zero_allow_untested_optimizer": True,
        "zero_force_ds_cpu_optimizer": False,
    } | ({"bf16": {"enabled": True}} if stage else {})
    options = {"lr_scheduler": scheduler} if kind == "bridge" else {}
    import deepspeed

    engine, wrapped, _, _ = deepspeed.initialize(model=model, optimizer=optimizer, config=config, **options)
    scheduler = scheduler or attach(wrapped, SCHEDULE)
    seen = []
    optimizer.register_step_post_hook(
        lambda o, *_: seen.extend([i, group["lr"]] for i, group in enumerate(o.param_groups) if group["params"])
    )
    return engine, getattr(scheduler, "scheduler", scheduler), seen


def update(engine, seen):
    seen.clear()
    for _ in range(2):
        inputs = torch.randn(2, 4, dtype=next(engine.module.parameters()).dtype)
        engine.backward(engine(inputs).float().square().mean())
        engine.step()
    return sorted({value for _, value in seen}), len(seen)


def run(stage, kind):
    engine, scheduler, seen = engine_of(stage, kind)
    rows = [[*update(engine, seen), scheduler.updates] for _ in range(6)]
    if kind == "bridge" and stage < 3:
        with tempfile.TemporaryDirectory() as folder:
            engine.save_checkpoint(folder, tag="saved")
            engine, scheduler, seen = engine_of(stage, kind)
            engine.load_checkpoint(folder, tag="saved")
        rows.append([*update(engine, seen), scheduler.updates])
    return rows


def main():
    os.environ |= {"DS_ACCELERATOR": "cpu", "RANK": "0", "LOCAL_RANK": "0", "WORLD_SIZE": "1"}
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": sys.argv[1]}
    import deepspeed

    deepspeed.ops.__compatible_ops__ = {}  # nothing is compiled
    torch.manual_seed(0)
    deepspeed.init_distributed("gloo")
    found = {f"{stage} {kind}": run(stage, kind) for stage in range(4) for kind in ("attach", "late", "bridge")}
    print("FOUND" + json.dumps(found))


if __name__ == "__main__":
    main()

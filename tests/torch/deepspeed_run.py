"""Train under DeepSpeed in a process of its own, one after another in every stage; print what every call of `step()` held."""

import gc
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


def trained(folder, stage, more, updates=6, begin=None, **options):
    """Hugging Face's Trainer, which finds its optimizer inside Accelerate's wrapper of DeepSpeed's; the rates of its log."""
    import transformers

    from glidepath.transformers import Trainer

    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            torch.manual_seed(0)
            self.inner, self.norm = torch.nn.Linear(4, 4), torch.nn.LayerNorm(4)

        def forward(self, x):
            return {"loss": self.norm(self.inner(x)).square().mean()}

    config = {
        "train_micro_batch_size_per_gpu": "auto",
        "gradient_accumulation_steps": "auto",
        "zero_optimization": {"stage": stage},
        "zero_force_ds_cpu_optimizer": False,
    } | more
    args = transformers.TrainingArguments(
        folder, max_steps=updates, per_device_train_batch_size=2, gradient_accumulation_steps=2, learning_rate=0.1,
        logging_steps=1, save_steps=3, report_to=[], disable_tqdm=True, deepspeed=config,
    )  # fmt: skip
    data = [{"x": x} for x in torch.randn(16, 4, generator=torch.Generator().manual_seed(1))]
    made = Trainer(Net(), args, train_dataset=data, plan='warmup("50%") >> cosine("rest")', **options)
    made.train(resume_from_checkpoint=begin and f"{folder}/checkpoint-{begin}")
    rates = [row["learning_rate"] for row in made.state.log_history if "loss" in row]
    weights = [p.tolist() for p in made.model.parameters()]
    return rates, weights, made.schedule.scheduler.updates


def run_trainer(stage):
    with tempfile.TemporaryDirectory() as folder:
        own = {"optimizer": {"type": "AdamW", "params": {"lr": "auto", "torch_adam": True}}} if stage == 2 else {}
        whole, again = trained(folder, stage, own), trained(folder, stage, own, begin=3)
        longer = trained(folder, stage, own, 9, 3, resume="extend")
    return [whole[0], whole[2], again == whole, longer[0], longer[2]]


def main():
    os.environ |= {"DS_ACCELERATOR": "cpu", "RANK": "0", "LOCAL_RANK": "0", "WORLD_SIZE": "1"}
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": sys.argv[1]}
    import deepspeed
    import transformers  # noqa: F401

    gc.freeze()  # the Trainer asks for a collection of all there is, again and again
    deepspeed.ops.__compatible_ops__ = {}  # nothing is compiled
    torch.manual_seed(0)
    deepspeed.init_distributed("gloo")
    found = {f"{stage} {kind}": run(stage, kind) for stage in range(4) for kind in ("attach", "late", "bridge")}
    found["trainer"] = {stage: run_trainer(stage) for stage in (2, 3)}
    print("FOUND" + json.dumps(found))


if __name__ == "__main__":
    main()

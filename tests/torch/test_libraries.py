"""Lightning, Hugging Face's Trainer and Accelerate train with the bridge and with attach; torch.distributed.checkpoint saves them."""

import importlib.util
import json
import socket
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
import torch
from torch.utils.data import DataLoader, Dataset

import glidepath as gp
from glidepath.torch import ScheduleLR, attach

SCHEDULE = gp.parse("warmup(3) >> cosine(9)")
pytestmark = pytest.mark.filterwarnings("ignore")


class Rows(Dataset):
    """Twelve rows of numbers."""

    def __len__(self):
        return 12

    def __getitem__(self, i):
        torch.manual_seed(i)
        x = torch.randn(4)
        return {"x": x, "labels": x.sum(0, keepdim=True)}


class Model(torch.nn.Module):
    """A linear model that returns its loss, as the Trainer wants it."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.layer = torch.nn.Linear(4, 1)

    def forward(self, x, labels=None):
        out = self.layer(x)
        return {"loss": ((out - labels) ** 2).mean(), "logits": out}


def watch(optimizer):
    """Record the rate of every update, right after it."""
    used = []
    optimizer.register_step_post_hook(lambda o, *_: used.append(o.param_groups[0]["lr"]))
    return used


def expected(first, last):
    return [0.1 * SCHEDULE(k) for k in range(first, last)]


@pytest.mark.parametrize("interval", ["step", "epoch"])
def test_lightning_trains_saves_and_resumes(tmp_path, interval):
    lightning = pytest.importorskip("lightning")

    class Lit(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.model = Model()

        def training_step(self, batch):
            return self.model(**batch)["loss"]

        def configure_optimizers(self):
            optimizer = torch.optim.SGD(self.parameters(), lr=0.1)
            self.used = watch(optimizer)
            self.schedule = ScheduleLR(optimizer, SCHEDULE)
            return {"optimizer": optimizer, "lr_scheduler": {"scheduler": self.schedule, "interval": interval}}

    def trainer(epochs):
        return lightning.Trainer(
            max_epochs=epochs, accelerator="cpu", devices=1, logger=False, enable_progress_bar=False,
            enable_model_summary=False, default_root_dir=tmp_path, accumulate_grad_batches=2,
            callbacks=[lightning.pytorch.callbacks.ModelCheckpoint(tmp_path, "saved", save_last=False)],
        )  # fmt: skip

    model = Lit()
    trainer(1).fit(model, DataLoader(Rows(), batch_size=2))
    assert model.used == expected(0, 3)
    assert model.schedule.last_epoch == 3

    resumed = Lit()
    trainer(2).fit(resumed, DataLoader(Rows(), batch_size=2), ckpt_path=tmp_path / "saved.ckpt")
    assert resumed.used == expected(3, 6)


def test_the_trainer_trains_saves_and_resumes(tmp_path):
    transformers = pytest.importorskip("transformers")

    def run(steps, resume=False):
        model = Model()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        used, scheduler = watch(optimizer), ScheduleLR(optimizer, SCHEDULE)
        arguments = transformers.TrainingArguments(
            output_dir=str(tmp_path), per_device_train_batch_size=2, max_steps=steps, save_steps=2, use_cpu=True, logging_steps=1,
            report_to=[], disable_tqdm=True, save_safetensors=False,
        ) if "save_safetensors" in transformers.TrainingArguments.__dataclass_fields__ else transformers.TrainingArguments(
            output_dir=str(tmp_path), per_device_train_batch_size=2, max_steps=steps, save_steps=2, use_cpu=True, logging_steps=1,
            report_to=[], disable_tqdm=True,
        )  # fmt: skip
        trainer = transformers.Trainer(model, arguments, train_dataset=Rows(), optimizers=(optimizer, scheduler))
        trainer.train(resume_from_checkpoint=resume or None)
        logged = [row["learning_rate"] for row in trainer.state.log_history if "learning_rate" in row]
        return used, scheduler, logged

    used, scheduler, logged = run(4)
    assert used == expected(0, 4)
    assert scheduler.last_epoch == 4
    assert len(logged) == 4
    used, scheduler, _ = run(6, resume=True)
    assert used == expected(4, 6)
    assert scheduler.last_epoch == 6


def test_accelerate_accumulates_and_keeps_its_state(tmp_path):
    accelerate = pytest.importorskip("accelerate")

    def run(epochs, load=False):
        accelerator = accelerate.Accelerator(cpu=True, gradient_accumulation_steps=2)
        model = Model()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        used, bridge = watch(optimizer), ScheduleLR(optimizer, SCHEDULE)
        model, optimizer, loader, scheduler = accelerator.prepare(model, optimizer, DataLoader(Rows(), 2), bridge)
        if load:
            accelerator.load_state(tmp_path / "state")
        for _ in range(epochs):
            for batch in loader:
                with accelerator.accumulate(model):
                    accelerator.backward(model(**batch)["loss"])
                    optimizer.step()
                    scheduler.step()
                    optimizer.zero_grad()
        accelerator.save_state(tmp_path / "state")
        return used, bridge

    used, bridge = run(1)
    assert used == expected(0, 3)
    assert (bridge.last_epoch, bridge.get_last_lr()) == (3, [0.1 * SCHEDULE(3)])
    used, bridge = run(1, load=True)
    assert used == expected(3, 6)
    assert bridge.last_epoch == 6


@pytest.mark.parametrize("make", [attach, ScheduleLR])
def test_distributed_checkpoint_saves_and_loads(tmp_path, make):
    checkpoint = pytest.importorskip("torch.distributed.checkpoint")

    def build(text="warmup(3) >> cosine(9)"):
        model = Model()
        optimizer = torch.optim.SGD([{"params": [p]} for p in model.parameters()], lr=0.1, momentum=0.9)
        return model, optimizer, make(optimizer, text)

    def update(model, optimizer, scheduler):
        optimizer.zero_grad()
        batch = Rows()[0]
        model(**batch)["loss"].backward()
        optimizer.step()
        if make is ScheduleLR:
            scheduler.step()

    model, optimizer, scheduler = build()
    for _ in range(5):
        update(model, optimizer, scheduler)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        checkpoint.save({"scheduler": scheduler}, checkpoint_id=tmp_path / "saved", no_dist=True)
        _, optimizer, resumed = build()
        checkpoint.load({"scheduler": resumed}, checkpoint_id=tmp_path / "saved", no_dist=True)
        assert resumed.state_dict() == scheduler.state_dict()
        used = watch(optimizer)
        optimizer.step()
        assert used == expected(5, 6)
        _, optimizer, other = build("linear(9)")
        with pytest.raises(Exception, match="the plan must be that of this run"):
            checkpoint.load({"scheduler": other}, checkpoint_id=tmp_path / "saved", no_dist=True)
    assert getattr(other, "scheduler", other).updates == 0


@pytest.mark.parametrize("averaging", [True, False])
def test_lightning_discards_the_bridge_as_it_does_pytorchs(averaging):
    """StochasticWeightAveraging swaps the scheduler, `Tuner.lr_find` for a sweep: the rates used, losses and suggestion are PyTorch's."""
    lightning = pytest.importorskip("lightning")
    from lightning.pytorch.callbacks import StochasticWeightAveraging
    from lightning.pytorch.tuner import Tuner

    class Lit(lightning.LightningModule):
        def __init__(self, make):
            super().__init__()
            self.model, self.make, self.lr, self.used = Model(), make, 0.1, []

        def training_step(self, batch):
            return self.model(**batch)["loss"]

        def configure_optimizers(self):
            optimizer = torch.optim.SGD(self.parameters(), lr=self.lr)
            optimizer.register_step_post_hook(lambda o, *_: self.used.append(float(o.param_groups[0]["lr"])))
            return {"optimizer": optimizer, "lr_scheduler": {"scheduler": self.make(optimizer), "interval": "step"}}

    def run(make):
        model = Lit(make)
        swap = [StochasticWeightAveraging(swa_lrs=0.06, swa_epoch_start=1, annealing_epochs=1)] if averaging else []
        trainer = lightning.Trainer(
            max_epochs=3, accelerator="cpu", devices=1, logger=False, enable_progress_bar=False,
            enable_model_summary=False, enable_checkpointing=False, callbacks=swap,
        )  # fmt: skip
        loader = DataLoader(Rows(), batch_size=3)
        if averaging:
            trainer.fit(model, loader)
            return model.used
        found = Tuner(trainer).lr_find(model, loader, min_lr=1e-5, num_training=12)
        swept = list(model.used)
        trainer.fit(model, loader)
        return swept, found.results["loss"], found.suggestion(), model.used

    expected = run(lambda optimizer: torch.optim.lr_scheduler.LambdaLR(optimizer, SCHEDULE))
    assert run(lambda optimizer: ScheduleLR(optimizer, SCHEDULE)) == expected
    if averaging:
        assert (len(expected), set(expected[-4:])) == (12, {0.06})


def test_fully_sharded_models_and_fabric(tmp_path):
    """FSDP2, alone and by Fabric's ModelParallelStrategy, two processes on gloo: states saved and loaded move and count nothing."""
    pytest.importorskip("lightning")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    script = str(Path(__file__).with_name("fsdp_run.py"))
    command = [sys.executable, "-W", "ignore", script, port, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    schedule = gp.parse("ramp(0, 1, 4) >> linear(16)")
    for rank in (0, 1):
        found = json.loads((tmp_path / f"found{rank}.json").read_text())
        assert len(found) == 4
        for name, run in found.items():
            assert run["seen"] == [[0.1 * schedule(k), 0.2 * schedule(k)] for k in range(6)], name
            assert run["made"][-2:] == [3, 6]
            assert run.get("same", True)


def test_deepspeed_counts_updates_in_every_stage():
    """DeepSpeed 0.19.8 on gloo, ZeRO 0 to 3: several steps for one update (more than one a group in stage 3), resumed by its checkpoints.

    Then under Hugging Face's Trainer, with its own AdamW and with one of DeepSpeed's configuration.
    """
    if importlib.util.find_spec("deepspeed") is None:
        pytest.skip("no deepspeed here: DS_BUILD_OPS=0 pip install --no-deps deepspeed==0.19.8, and what it imports")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    command = [sys.executable, "-W", "ignore", str(Path(__file__).with_name("deepspeed_run.py")), port]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "FOUND" in done.stdout, done.stderr[-3000:]
    found = json.loads(done.stdout.partition("FOUND")[2].splitlines()[0])
    planned, trainers = gp.parse("warmup(3) >> cosine(3)"), found.pop("trainer")
    assert list(trainers) == ["2", "3"]
    for rates, updates, same, longer, more in trainers.values():
        assert (rates, updates, same, more) == ([0.1 * planned(k) for k in range(6)], 6, True, 9)
        assert longer[3:] == pytest.approx([0.1 * planned(3 + k / 2) for k in range(6)])
    schedule = gp.parse("warmup(3, start=0.25) >> linear(17)")
    assert len(found) == 12
    for name, rows in found.items():
        assert [row[0] for row in rows] == [sorted((0.1 * schedule(k), 0.2 * schedule(k))) for k in range(len(rows))], (
            name
        )
        assert [row[2] for row in rows] == list(range(1, len(rows) + 1)), name
        assert len(rows) == (7 if "bridge" in name and "3" not in name else 6)
    assert {rows[0][1] for name, rows in found.items() if name < "3"} == {2}
    assert found["3 attach"][0][1] > 2

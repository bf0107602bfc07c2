"""A whole training with Lightning: saved, resumed, extended. `python lightning_module.py FOLDER UPDATES`."""

import sys
from pathlib import Path

import lightning
import torch
from lightning.pytorch.callbacks import Callback, ModelCheckpoint

from glidepath.lightning import Driver
from glidepath.plan import Plan

PLAN = Plan(
    'warmup("20%") >> cosine("rest", floor=0.1)',
    {"length": "20 updates"},
    feedback=[{"controller": "plateau(factor=0.5, patience=0)", "monitor": "val_loss"}],
)


class Model(lightning.LightningModule):
    def __init__(self):
        super().__init__()
        self.net = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Tanh(), torch.nn.Linear(8, 1))

    def loss(self, seed):
        x = torch.randn(8, 4, generator=torch.Generator().manual_seed(seed))
        return (self.net(x) - x.sum(dim=1, keepdim=True)).square().mean()

    def training_step(self, batch, index):
        return self.loss(self.global_step)  # a resumed epoch begins with its first batch: so the data follow the update

    def validation_step(self, batch, index):
        self.log("val_loss", self.loss(1000 + index), sync_dist=True)

    def configure_optimizers(self):
        return torch.optim.AdamW(self.parameters(), lr=0.05)  # the optimizer alone: the driver has the plan


class Told(Callback):
    def __init__(self, driver):
        self.driver = driver

    def on_train_batch_end(self, trainer, module, outputs, batch, index):
        rates = {applied.group: applied.value for applied in self.driver.scheduler.last}
        print(f"update {trainer.global_step - 1}: loss {outputs['loss']:.6f}, rates {rates}", flush=True)


def train(folder, updates, plan=PLAN, resume="strict"):
    lightning.seed_everything(0, verbose=False)
    batches = torch.utils.data.DataLoader(range(4))
    driver = Driver(plan, resume=resume)
    trainer = lightning.Trainer(
        accelerator="cpu",
        max_steps=updates,
        callbacks=[driver, ModelCheckpoint(folder, every_n_train_steps=1, save_last=True), Told(driver)],
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    last = Path(folder) / "last.ckpt"
    trainer.fit(Model(), batches, batches, ckpt_path=last if last.exists() else None)
    return trainer, driver


if __name__ == "__main__":
    train(sys.argv[1], int(sys.argv[2]))

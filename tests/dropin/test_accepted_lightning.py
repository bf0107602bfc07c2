"""Lightning takes the drop-ins for PyTorch's own: the same program with each trains, logs, saves and resumes with the same rates."""

import functools
import tempfile
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from accepted import MODULES, Model, Rows, both, make, theirs, watch
from torch.utils.data import DataLoader

with warnings.catch_warnings():  # torchmetrics and Lightning import what is deprecated
    warnings.simplefilter("ignore")
    lightning = pytest.importorskip("lightning")
    from lightning.pytorch.callbacks import LearningRateMonitor, ModelCheckpoint
    from lightning.pytorch.loggers.logger import DummyLogger

pytestmark = pytest.mark.filterwarnings("ignore")  # Lightning advises on workers, loggers and its own dependencies

# How configure_optimizers describes each: what Lightning steps when, and how often.
CONFIGURED: dict[str, dict[str, Any]] = {
    "StepLR": {"interval": "step"},
    "OneCycleLR": {"interval": "step"},
    "SequentialLR": {"interval": "step", "frequency": 2},
    "ChainedScheduler": {"interval": "epoch"},
    "CosineAnnealingWarmRestarts": {"interval": "epoch", "frequency": 1, "name": "restarts"},
    "ReduceLROnPlateau": {"interval": "epoch", "monitor": "metric"},
}
METRICS = [1.0, 0.9, 0.9, 0.9, 0.9, 0.9, 0.8, 0.8]


class Logger(DummyLogger):
    """Keeps what is logged."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[dict[str, float]] = []

    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        self.rows.append(dict(metrics))


class Lit(lightning.LightningModule):
    """The model, a scheduler of a module, and a metric that stops improving."""

    def __init__(self, module: Any, kind: str) -> None:
        super().__init__()
        self.model, self.module, self.kind = Model(), module, kind

    def training_step(self, batch: Any) -> Any:
        self.log("metric", METRICS[self.current_epoch], on_step=False, on_epoch=True)
        return self.model(**batch)["loss"]

    def configure_optimizers(self) -> Any:
        held = self.model.optimizer()
        self.used = watch(held)
        self.made = make(self.module, self.kind, held)
        return {"optimizer": held, "lr_scheduler": {"scheduler": self.made, **CONFIGURED[self.kind]}}


def fitted(module: Any, kind: str, epochs: int, folder: Path, resumed: bool = False) -> Any:
    """Return the rates of every update, what the monitor logged, and Lightning's words on schedulers."""
    model, logger = Lit(module, kind), Logger()
    callbacks = [LearningRateMonitor(log_momentum=True), ModelCheckpoint(folder, "saved")]
    trainer = lightning.Trainer(
        max_epochs=epochs, accelerator="cpu", devices=1, logger=logger, callbacks=callbacks, log_every_n_steps=1,
        accumulate_grad_batches=2, default_root_dir=folder, enable_progress_bar=False, enable_model_summary=False,
    )  # fmt: skip
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        trainer.fit(model, DataLoader(Rows(), 3), ckpt_path=folder / "saved.ckpt" if resumed else None)
    said = [str(w.message) for w in caught if "scheduler" in str(w.message).lower()]
    logged = [row for row in logger.rows if any("momentum" in name for name in row)]
    return model, logged, said


@functools.cache
def program(name: str, kind: str) -> Any:
    module = MODULES.get(name, theirs)
    with tempfile.TemporaryDirectory() as folder:
        first, logged, said = fitted(module, kind, 3, Path(folder))
        saved = torch.load(Path(folder) / "saved.ckpt", weights_only=True)["lr_schedulers"]
        second, more, again = fitted(module, kind, 6, Path(folder), resumed=True)
    assert saved[0].keys() == first.made.state_dict().keys()
    assert [row.keys() for row in logged] == [logged[0].keys()] * len(logged)
    rates = [list(row.values()) for row in [*logged, *more]]
    return [*first.used, *second.used], rates, sorted(logged[0]), [*said, *again]


@pytest.mark.parametrize(("name", "kind"), both(list(CONFIGURED)))
def test_the_same_program_has_the_same_rates_and_log(name: str, kind: str):
    used, logged, names, said = program(name, kind)
    wanted, log, called, warned = program("theirs", kind)
    assert len(used) == 12
    assert used == [pytest.approx(row, rel=1e-9) for row in wanted]
    assert logged == [pytest.approx(row, rel=1e-9) for row in log]
    assert (names, said) == (called, warned)


def test_the_monitor_logs_the_rates_of_the_coming_update():
    used, logged, names, _ = program("ours", "StepLR")
    assert names[0] == "lr-SGD/pg1"
    assert [row[0] for row in logged[::2]] == pytest.approx([rates[0] for rates in used])


def test_a_one_cycle_by_the_epoch_is_warned_of_as_pytorchs_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(CONFIGURED, "OneCycleLR", {"interval": "epoch"})
    said = [fitted(module, "OneCycleLR", 1, tmp_path)[2] for module in (theirs, MODULES["ours"])]
    assert "OneCycleLR" in said[0][0]
    assert said[0] == said[1]

"""Hugging Face's Trainer takes the drop-ins for PyTorch's own: it logs, saves and resumes with the same rates."""

import functools
import gc
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from accepted import MODULES, Model, Rows, both, make, theirs, watch

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    transformers = pytest.importorskip("transformers")

pytestmark = pytest.mark.filterwarnings("ignore")  # Transformers advises on its own dependencies

KINDS = ["StepLR", "OneCycleLR", "LambdaLR", "SequentialLR", "ChainedScheduler", "ReduceLROnPlateau"]


@pytest.fixture(scope="module", autouse=True)
def _loaded_modules_are_no_garbage() -> Iterator[None]:
    """Keeps what is loaded out of the collections that the Trainer makes in every run, most of its time here."""
    gc.freeze()
    yield
    gc.unfreeze()


def trained(module: Any, kind: str, folder: str, steps: int, resume: bool) -> Any:
    """Return the rates of every update and the rates that the Trainer logged."""
    model = Model()
    held = model.optimizer()
    used, made = watch(held), make(module, kind, held)
    plateau = {"eval_strategy": "steps", "eval_steps": 1, "metric_for_best_model": "flat", "greater_is_better": False}
    arguments = transformers.TrainingArguments(
        output_dir=folder, per_device_train_batch_size=4, max_steps=steps, save_steps=3, logging_steps=1, use_cpu=True,
        report_to=[], disable_tqdm=True, **(plateau if kind == "ReduceLROnPlateau" else {}),
    )  # fmt: skip
    trainer = transformers.Trainer(
        model, arguments, train_dataset=Rows(), eval_dataset=Rows(), optimizers=(held, made),
        compute_metrics=lambda _: {"flat": 1.0},
    )  # fmt: skip
    trainer.train(resume_from_checkpoint=resume or None)
    state = torch.load(Path(folder) / "checkpoint-3" / "scheduler.pt", weights_only=True)
    assert state.keys() == made.state_dict().keys()
    return used, [row["learning_rate"] for row in trainer.state.log_history if "learning_rate" in row]


@functools.cache
def program(name: str, kind: str) -> Any:
    module = MODULES.get(name, theirs)
    with tempfile.TemporaryDirectory() as folder:
        first, logged = trained(module, kind, folder, 3, resume=False)
        second, again = trained(module, kind, folder, 7, resume=True)
    assert (len(first), len(second)) == (3, 4)
    assert again[: len(logged)] == logged  # the history is part of the checkpoint
    return [*first, *second], again


@pytest.mark.parametrize(("name", "kind"), both(KINDS))
def test_the_same_program_has_the_same_rates_and_log(name: str, kind: str):
    (used, logged), (wanted, log) = program(name, kind), program("theirs", kind)
    assert used == [pytest.approx(row, rel=1e-9) for row in wanted]
    assert logged == pytest.approx(log, rel=1e-9)
    assert len(set(logged)) > 2
    if kind != "ReduceLROnPlateau":  # which is stepped between an update and its row of the log
        assert logged == [rates[0] for rates in used]

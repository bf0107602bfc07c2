"""Accelerate takes the drop-ins for PyTorch's own: prepared, accumulated, stepped once per process, saved and loaded with the same rates."""

import tempfile
import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from accepted import MODULES, Model, Rows, both, make, theirs, watch
from torch.optim.lr_scheduler import LRScheduler
from torch.utils.data import DataLoader

with warnings.catch_warnings():  # Accelerate installs a filter for PyTorch's warnings when it is imported
    accelerate = pytest.importorskip("accelerate")

pytestmark = pytest.mark.filterwarnings("ignore:.*:UserWarning:accelerate", "ignore:Detected call of:UserWarning")

KINDS = ["StepLR", "CosineAnnealingWarmRestarts", "OneCycleLR", "SequentialLR", "ChainedScheduler", "ReduceLROnPlateau"]


def trained(module: Any, kind: str, folder: Path, batches: int, accumulate: int, load: bool = False) -> Any:
    """Return the rates of every update, what was asked of the prepared scheduler, and its state."""
    accelerator = accelerate.Accelerator(cpu=True, gradient_accumulation_steps=accumulate)
    model = Model()
    held = model.optimizer()
    used, made = watch(held), make(module, kind, held)
    model, held, loader, scheduler = accelerator.prepare(model, held, DataLoader(Rows(), 12 // batches), made)
    assert isinstance(made, LRScheduler)
    assert scheduler.scheduler is made
    if load:
        accelerator.load_state(folder)
    asked = []
    for batch in loader:
        with accelerator.accumulate(model):
            accelerator.backward(model(**batch)["loss"])
            held.step()
            scheduler.step(*([0.5] if kind == "ReduceLROnPlateau" else []))
            held.zero_grad()
        asked.append(scheduler.get_last_lr())
    accelerator.save_state(folder)
    assert torch.load(folder / "scheduler.bin", weights_only=True).keys() == made.state_dict().keys()
    return used, asked, getattr(made, "last_epoch", None)


def program(module: Any, kind: str, accumulate: int = 1) -> Any:
    """Return what a run and the run that goes on from its checkpoint recorded."""
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        first = trained(module, kind, Path(folder), 6, accumulate)
        second = trained(module, kind, Path(folder), 6, accumulate, load=True)
    return [*first[0], *second[0], *first[1], *second[1]], (first[2], second[2])


def alike(found: Any, wanted: Any) -> bool:
    """Return whether two programs recorded the same."""
    counts = wanted[1] if None not in wanted[1] else found[1]  # PyTorch's chain counts no epochs
    return found[0] == [pytest.approx(row, rel=1e-9) for row in wanted[0]] and found[1] == counts


@pytest.mark.parametrize(("name", "kind"), both(KINDS))
def test_a_prepared_scheduler_has_the_same_rates_and_goes_on_from_its_checkpoint(name: str, kind: str):
    assert alike(program(MODULES[name], kind), program(theirs, kind))


@pytest.mark.parametrize(("name", "kind"), both(KINDS))
def test_accumulated_gradients_step_it_as_often(name: str, kind: str):
    assert alike(program(MODULES[name], kind, 2), program(theirs, kind, 2))


@pytest.fixture
def _four_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Schedules are written for the steps of one process: with four, every update moves them four steps on."""
    monkeypatch.setattr("accelerate.scheduler.AcceleratorState", lambda: SimpleNamespace(num_processes=4))


@pytest.mark.usefixtures("_four_processes")
@pytest.mark.parametrize(("name", "kind"), both(["StepLR", "SequentialLR", "ChainedScheduler"]))
def test_it_is_stepped_once_for_each_process(name: str, kind: str):
    found, wanted = program(MODULES[name], kind), program(theirs, kind)
    assert found[1] == (24, 48) or kind == "ChainedScheduler"
    assert alike(found, wanted)


@pytest.mark.usefixtures("_four_processes")
def test_a_one_cycle_stays_at_its_end_where_pytorchs_turns_back_up():
    """Accelerate lets it take `total_steps` steps, which is one too many."""
    (found, epochs), (wanted, last) = program(MODULES["ours"], "OneCycleLR"), program(theirs, "OneCycleLR")
    assert epochs == last == (20, 20)
    assert found[:5] == [pytest.approx(row, rel=1e-9) for row in wanted[:5]]
    assert [rates[0] for rates in found[5:7]] == pytest.approx([0.4 / 25 / 1e4] * 2)
    assert wanted[6][0] > 0.005

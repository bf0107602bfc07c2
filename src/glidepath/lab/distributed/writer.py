"""The one writer of a run: checkpoints, the record and the plan, by rank 0 alone; where it fails, all processes fail."""

from __future__ import annotations

import json
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ...core.files import write_whole
from ...plan import Progress
from ..engines.machine import machine, versions
from ..records.store import only_writer
from ..tasks.examples import Examples, Text
from .checkpoint import Checkpoint, Checkpoints, tensors_of
from .history import History
from .ranks import Ranks
from .training import Training

__all__ = ["Keeper", "Standing"]


@dataclass
class Standing:
    """Where a run stands: all that is kept of it.

    Args:
        training: What is trained.
        data: Its data.
        progress: What has happened.
        history: What it did.
        model: The model itself, not wrapped.
        optimizer: Its optimizer.
    """

    training: Training
    data: Examples | Text
    progress: Progress
    history: History
    model: nn.Module
    optimizer: torch.optim.Optimizer


class Keeper:
    """Writes what a run keeps.

    Args:
        folder: Where to.
        ranks: The processes.
    """

    def __init__(self, folder: Path, ranks: Ranks) -> None:
        self.folder, self.ranks = folder, ranks
        self.files = Checkpoints(folder / "checkpoints")
        self._begun = time.perf_counter()
        self._before = 0.0

    def hold(self, stack: ExitStack) -> None:
        """Keeps other trainings out of the folder until the stack ends.

        Raises:
            Shared: If one is in it, or the folder cannot be made.
        """
        self.ranks.first(lambda: stack.enter_context(only_writer(self.folder, "train")))

    def found(self) -> tuple[dict[str, Any] | None, dict[str, torch.Tensor]]:
        """The head and the tensors of the newest whole checkpoint, on every process; None and nothing if there is none.

        Raises:
            Shared: If there are some, and all are damaged.
        """
        newest = self.ranks.told(self.ranks.first(self.files.newest))
        if newest is None:
            return None, {}
        self._before = newest.head["history"]["seconds"]
        return newest.head, newest.tensors

    def begin(self, training: Training) -> None:
        """Writes the plan, for `glidepath check` and `diff`.

        Raises:
            Shared: If it cannot be written.
        """
        text = training.plan.to_json(indent=2) + "\n"
        self.ranks.first(lambda: write_whole(self.folder / "plan.json", text))

    def save(self, ended: str, run: Standing) -> None:
        """Writes a checkpoint, then the record.

        Raises:
            Shared: If they cannot be written.
        """

        def write() -> None:
            tensors, plain = tensors_of(run.model, run.optimizer)
            head = self._head(run) | {"optimizer": plain, "history": run.history.to_dict()}
            self.files.write(run.progress.updates, Checkpoint(head, tensors))
            self._record(ended, run)

        self.ranks.first(write)

    def record(self, ended: str, run: Standing) -> None:
        """Writes the record alone.

        Raises:
            Shared: If it cannot be written.
        """
        self.ranks.first(lambda: self._record(ended, run))

    def _head(self, run: Standing) -> dict[str, Any]:
        run.history.seconds = self._before + time.perf_counter() - self._begun
        return {
            "identity": run.training.identity(),
            "plan": run.training.plan.to_dict(),
            "fingerprint": run.training.plan.fingerprint,
            "progress": run.progress.to_dict(),
            "data_sha256": run.data.sha256,
        }

    def _record(self, ended: str, run: Standing) -> None:
        head, kept = self._head(run), run.history.to_dict()
        stride = kept.pop("trace")["stride"]
        record = {"format": 1, "ended": ended, **head.pop("identity"), **head}
        record |= {"diverged_at": run.history.diverged_at, **kept, "stride": stride, **run.history.trace.columns()}
        record |= {"versions": versions(), "machine": machine()}
        write_whole(self.folder / "record.json", json.dumps(record, allow_nan=False) + "\n")

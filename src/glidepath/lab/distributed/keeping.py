"""The one writer of a run: checkpoints, the record and the plan, by rank 0 alone; where it fails, all processes fail."""

import json
import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import nn

from glidepath.core.errors import GlidepathError
from glidepath.core.files import write_whole
from glidepath.lab.data import Examples, Text
from glidepath.lab.distributed.checkpoint import Checkpoint, Checkpoints, tensors_of
from glidepath.lab.distributed.history import History
from glidepath.lab.distributed.ranks import Ranks
from glidepath.lab.distributed.training import Training
from glidepath.lab.store import only_writer
from glidepath.lab.training import machine, versions
from glidepath.plan import Progress

__all__ = ["Keeper"]


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
        self.ranks.first(lambda: stack.enter_context(_only(self.folder)))

    def found(self) -> tuple[dict[str, Any] | None, dict[str, torch.Tensor]]:
        """The head and the tensors of the newest whole checkpoint, on every process; None and nothing if there is none.

        Raises:
            Shared: If there are some, and all are damaged.
        """
        newest = self.ranks.first(self.files.newest)
        head = json.loads(self.ranks.told(json.dumps(None if newest is None else newest.head)))
        if head is None:
            return None, {}
        self._before = head["history"]["seconds"]
        return head, self.ranks.spread(None if newest is None else newest.tensors)

    def begin(self, training: Training) -> None:
        """Writes the plan, for `glidepath check` and `diff`.

        Raises:
            Shared: If it cannot be written.
        """
        text = training.plan.to_json(indent=2) + "\n"
        self.ranks.first(lambda: write_whole(self.folder / "plan.json", text))

    def save(
        self,
        ended: str,
        training: Training,
        data: Examples | Text,
        progress: Progress,
        history: History,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
    ) -> None:
        """Writes a checkpoint, then the record.

        Raises:
            Shared: If they cannot be written.
        """

        def write() -> None:
            tensors, plain = tensors_of(model, optimizer)
            head = self._head(training, data, progress, history)
            self.files.write(
                progress.updates, Checkpoint(head | {"optimizer": plain, "history": history.to_dict()}, tensors)
            )
            self._record(ended, training, data, progress, history)

        self.ranks.first(write)

    def record(
        self, ended: str, training: Training, data: Examples | Text, progress: Progress, history: History
    ) -> None:
        """Writes the record alone.

        Raises:
            Shared: If it cannot be written.
        """
        self.ranks.first(lambda: self._record(ended, training, data, progress, history))

    def _head(self, training: Training, data: Examples | Text, progress: Progress, history: History) -> dict[str, Any]:
        history.seconds = self._before + time.perf_counter() - self._begun
        return {
            "identity": training.identity(),
            "plan": training.plan.to_dict(),
            "fingerprint": training.plan.fingerprint,
            "progress": progress.to_dict(),
            "data_sha256": data.sha256,
        }

    def _record(
        self, ended: str, training: Training, data: Examples | Text, progress: Progress, history: History
    ) -> None:
        head = self._head(training, data, progress, history)
        kept = history.to_dict()
        trace = kept.pop("trace")
        record = {
            "format": 1,
            "ended": ended,
            **head.pop("identity"),
            **head,
            "diverged_at": history.diverged_at,
            **kept,
        }
        record |= {"stride": trace["stride"], **history.trace.columns(), "versions": versions(), "machine": machine()}
        write_whole(self.folder / "record.json", json.dumps(record, allow_nan=False) + "\n")


@contextmanager
def _only(folder: Path) -> Generator[None]:
    with ExitStack() as stack:
        try:
            stack.enter_context(only_writer(folder))
        except GlidepathError:
            rule, remedy = "a folder that no running training uses", "wait for it or choose another"
            raise GlidepathError.of("train", "out", rule, str(folder), remedy) from None
        yield

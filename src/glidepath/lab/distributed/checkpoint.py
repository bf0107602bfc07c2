"""What is kept of a run: its history; and checkpoints, one safetensors file each, written whole and named by its content.

A file holds the weights (`model/…`), the tensors of the optimizer (`optimizer/…`) and, as JSON in its head, everything else. Nothing in it
can run. Its name is the count of updates and the beginning of the SHA-256 of its bytes, so that a file that was cut off or altered is found.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ...core import GlidepathError, shown, write_whole
from ..engines.training import finite_number
from ..records.runs import Evaluation

MOST = 2048  # rows that the history of a run has, as long as it is not extended
_FORMAT = str(2)
_NAME = re.compile(r"\d{15}-[0-9a-f]{16}\.safetensors")
_KEPT = 2


@dataclass(frozen=True)
class Checkpoint:
    """Where a run stood between two updates.

    Args:
        head: Plan, progress, history and the optimizer's plain numbers, as JSON data.
        tensors: Weights and the optimizer's tensors, on the CPU.
    """

    head: dict[str, Any]
    tensors: dict[str, Tensor]


class Checkpoints:
    """The checkpoints in a folder. One process uses it.

    Args:
        folder: Where they are; made with the first.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._good: list[Path] = []

    def write(self, updates: int, checkpoint: Checkpoint) -> None:
        """Puts a checkpoint in its place, whole or not at all; the one before it stays, older ones go.

        Args:
            updates: How many were made.
            checkpoint: What to keep.

        Raises:
            OSError: If it cannot be written; nothing is left behind.
        """
        from safetensors.torch import save

        self.folder.mkdir(parents=True, exist_ok=True)
        head = json.dumps(checkpoint.head, allow_nan=False)
        content = save(checkpoint.tensors, {"format": _FORMAT, "head": head})
        path = self.folder / f"{updates:015d}-{_sum(content)}.safetensors"
        write_whole(path, content)
        self._good = [*(one for one in self._good if one != path), path][-_KEPT:]
        for old in set(self._all()) - set(self._good):
            old.unlink(missing_ok=True)

    def newest(self) -> tuple[Checkpoint | None, list[str]]:
        """The newest checkpoint that is whole, None if there is none at all; and what was found damaged, a sentence each.

        Raises:
            GlidepathError: If there are some, and all are damaged or of a newer format.
        """
        for leftover in self.folder.glob(".*.tmp"):  # of a writer that was killed
            leftover.unlink(missing_ok=True)
        found, notes = self._all(), list[str]()
        for path in reversed(found):
            if _sum(path.read_bytes()) == path.stem.partition("-")[2]:
                self._good = [path]
                return _read(path), notes
            notes.append(f"note: checkpoint {path.name} is damaged; the one before it is taken")
        if found:
            remedy = "remove the folder to begin anew, or put a copy back"
            raise GlidepathError.of("train", "a checkpoint", f"whole in {self.folder}", found[-1].name, remedy)
        return None, notes

    def _all(self) -> list[Path]:
        return sorted(path for path in self.folder.glob("*.safetensors") if _NAME.fullmatch(path.name))


def _sum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def _read(path: Path) -> Checkpoint:
    from safetensors import safe_open

    with safe_open(path, framework="pt") as file:  # type: ignore[no-untyped-call]
        about: dict[str, str] = file.metadata() or {}
        if about.get("format") != _FORMAT:
            remedy = "it was written by another version of glidepath"
            raise GlidepathError.of(f"checkpoint {path.name}", "format", _FORMAT, about.get("format"), remedy)
        return Checkpoint(json.loads(about["head"]), {name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118


def tensors_of(model: nn.Module, optimizer: torch.optim.Optimizer) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The state of model and optimizer as named tensors on the CPU, copied, and the optimizer's plain numbers."""
    held = {f"model/{name}": one for name, one in model.state_dict().items()}
    plain: dict[str, dict[str, Any]] = {}
    for index, state in optimizer.state_dict()["state"].items():
        plain[str(index)] = {key: value for key, value in state.items() if not isinstance(value, Tensor)}
        held |= {f"optimizer/{index}/{key}": value for key, value in state.items() if isinstance(value, Tensor)}
    return {name: one.detach().to("cpu", copy=True).contiguous() for name, one in held.items()}, plain


def load_into(
    model: nn.Module, optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor], plain: Mapping[str, Any]
) -> None:
    """Puts model and optimizer in the state that `tensors_of` took. The optimizer's groups keep their own settings.

    Raises:
        GlidepathError: If they are not those of this model.
    """
    weights: dict[str, Tensor] = {}
    state: dict[int, dict[str, Any]] = {int(index): dict(values) for index, values in plain.items()}
    for name, one in tensors.items():
        if name.startswith("model/"):
            weights[name.partition("/")[2]] = one
        else:
            _, index, key = name.split("/", 2)
            state.setdefault(int(index), {})[key] = one
    try:
        model.load_state_dict(weights)
        optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
    except (RuntimeError, ValueError, KeyError) as error:
        raise GlidepathError.worded("checkpoint", "weights", "those of this model", shown(str(error), 200)) from None


@dataclass
class History:
    """What a run did so far.

    Row i stands for the updates from `i * stride`: it has position and values of the first and the mean loss of all, so that what is kept
    is a function of the updates alone, however often the run was interrupted.

    Args:
        parameters: The hyper-parameters that are driven.
        stride: Updates of a row.
        rows: For each: samples, tokens, the sum of its losses, their number, the values.
        evaluations: Validations.
        test: The measurement at the end; None before.
        decisions: What the plan's controllers made of the validations.
        segments: One entry for each time that processes took it up: where, how many, what had changed since.
        seconds: Time on the clock, in all.
        diverged_at: The update whose loss was not finite on some process, and which was not made.
    """

    parameters: list[str]
    stride: int = 1
    rows: list[list[float]] = field(default_factory=list[list[float]])
    evaluations: list[Evaluation] = field(default_factory=list[Evaluation])
    test: Evaluation | None = None
    decisions: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    segments: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    seconds: float = 0.0
    diverged_at: int | None = None

    def add(self, update: int, samples: int, tokens: int, loss: float, values: Sequence[float]) -> None:
        """Adds an update; they come in turn.

        Args:
            update: Its index.
            samples: Samples that were seen before it.
            tokens: Tokens that were seen before it.
            loss: The mean loss of its samples.
            values: What it was made with, a number for each hyper-parameter.
        """
        if update % self.stride:
            row = self.rows[-1]
            row[2], row[3] = row[2] + loss, row[3] + 1
        else:
            self.rows.append([samples, tokens, loss, 1, *values])

    def columns(self) -> dict[str, Any]:
        """The record's part: all but the rows, and those by name: `update`, `samples`, `tokens`, `loss` and each hyper-parameter."""
        told = {name: value for name, value in asdict(self).items() if name not in ("parameters", "rows")}
        told["update"] = [self.stride * i for i in range(len(self.rows))]
        told |= {name: [row[i] for row in self.rows] for i, name in ((0, "samples"), (1, "tokens"))}
        told["loss"] = [finite_number(row[2] / row[3]) for row in self.rows]
        return told | {name: [row[i] for row in self.rows] for i, name in enumerate(self.parameters, 4)}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> History:
        """The history of which `asdict` made plain data."""
        test = data["test"] and Evaluation(**data["test"])
        read: dict[str, Any] = {"evaluations": [Evaluation(**one) for one in data["evaluations"]], "test": test}
        return cls(**data | read)

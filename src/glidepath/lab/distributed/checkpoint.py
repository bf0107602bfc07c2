"""Checkpoints: one safetensors file each, written whole by one process, named by its content, the last good one kept beside it.

A file holds the weights (`model/…`), the tensors of the optimizer (`optimizer/…`) and, as JSON in its head, everything else. Nothing in it
can run. Its name is the count of updates and the beginning of the SHA-256 of its bytes, so that a file that was cut off or altered is found.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ...core import GlidepathError, shown, write_whole

FORMAT = 2
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
        content = save(checkpoint.tensors, {"format": str(FORMAT), "head": head})
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
        if about.get("format") != str(FORMAT):
            remedy = "it was written by another version of glidepath"
            raise GlidepathError.of(f"checkpoint {path.name}", "format", str(FORMAT), about.get("format"), remedy)
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

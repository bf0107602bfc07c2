"""The schedulers that the tools' programs run with: PyTorch's own, ours in its place, and OneFlow's where they have the same rates."""

from types import ModuleType
from typing import Any

import torch
from torch.optim import lr_scheduler as theirs

from glidepath.torch import lr_scheduler as ours
from glidepath.torch import oneflow

MODULES = {"ours": ours, "oneflow": oneflow}


def make(module: ModuleType, kind: str, held: torch.optim.Optimizer) -> Any:
    """Return a scheduler of a module: the three modules give the same rates."""
    if kind == "StepLR":
        return module.StepLR(held, 2, 0.5)
    if kind == "CosineAnnealingLR":
        return module.CosineAnnealingLR(held, 5, 0.01)
    if kind == "CosineAnnealingWarmRestarts":
        return module.CosineAnnealingWarmRestarts(held, 2, 2, 0.01)
    if kind == "LambdaLR":
        return module.LambdaLR(held, [lambda step: 0.9**step] * len(held.param_groups))
    if kind == "OneCycleLR":
        return module.OneCycleLR(held, 0.4, 20)
    if kind == "CyclicLR":
        return module.CyclicLR(held, 0.01, 0.2, 3)
    if kind == "SequentialLR":
        parts = [module.LinearLR(held, 0.25, 1.0, 3), module.CosineAnnealingLR(held, 6)]
        own_clocks = {"interval_rescaling": True} if module is oneflow else {}
        return module.SequentialLR(held, parts, [3], **own_clocks)
    if kind == "ChainedScheduler":
        return module.ChainedScheduler([module.ConstantLR(held, 0.5, 3), module.ExponentialLR(held, 0.9)])
    return module.ReduceLROnPlateau(held, factor=0.5, patience=1)


def both(kinds: list[str]) -> list[tuple[str, str]]:
    """Return every kind with the modules that have it, PyTorch's being what they are held against."""
    return [(name, kind) for name, module in MODULES.items() for kind in kinds if hasattr(module, kind)]


class Rows(torch.utils.data.Dataset):
    """Twelve rows of numbers."""

    def __len__(self) -> int:
        return 12

    def __getitem__(self, i: int) -> dict[str, torch.Tensor]:
        x = torch.arange(4.0) + i
        return {"x": x / 8, "labels": x.sum(0, keepdim=True) / 8}


class Model(torch.nn.Module):
    """Two layers, a group each; it returns its loss, as the Trainer wants it."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first, self.last = torch.nn.Linear(4, 2), torch.nn.Linear(2, 1)

    def forward(self, x: torch.Tensor, labels: Any = None) -> dict[str, torch.Tensor]:
        out = self.last(self.first(x))
        return {"loss": ((out - labels) ** 2).mean(), "logits": out}

    def optimizer(self) -> torch.optim.Optimizer:
        """Return an optimizer with two groups of different rates."""
        groups = [
            {"params": list(self.first.parameters()), "lr": 0.1},
            {"params": list(self.last.parameters()), "lr": 0.02},
        ]
        return torch.optim.SGD(groups, momentum=0.9)


def watch(held: torch.optim.Optimizer) -> list[tuple[float, ...]]:
    """Record the rates, and the momentum, of every update, right after it."""
    used: list[tuple[float, ...]] = []
    held.register_step_post_hook(
        lambda found, *_: used.append(
            (*(float(group["lr"]) for group in found.param_groups), found.param_groups[0]["momentum"])
        )
    )
    return used


__all__ = ["MODULES", "Model", "Rows", "both", "make", "oneflow", "ours", "theirs", "watch"]

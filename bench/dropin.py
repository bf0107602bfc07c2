"""The drop-in schedulers against PyTorch's: one step, numbers and tensors for rates."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch.optim import lr_scheduler as theirs
from torch.optim import swa_utils

from bench import Row, ratios
from glidepath.torch import lr_scheduler as ours

CASES: dict[str, dict[str, Any]] = {
    "LambdaLR": {"lr_lambda": lambda step: 1 / (1 + step)},
    "MultiplicativeLR": {"lr_lambda": lambda step: 0.9999},
    "StepLR": {"step_size": 3, "gamma": 0.9999},
    "MultiStepLR": {"milestones": [30, 60, 90, 10**6], "gamma": 0.9999},
    "ConstantLR": {"total_iters": 10**6},
    "LinearLR": {"total_iters": 10**6},
    "ExponentialLR": {"gamma": 0.9999},
    "PolynomialLR": {"total_iters": 10**6},
    "CosineAnnealingLR": {"T_max": 10**6, "eta_min": 0.001},
    "CosineAnnealingWarmRestarts": {"T_0": 100, "eta_min": 0.001},
    "CyclicLR": {"base_lr": 0.01, "max_lr": 0.1},
    "OneCycleLR": {"max_lr": 0.1, "total_steps": 10**6},
    "SWALR": {"swa_lr": 0.05, "anneal_epochs": 10**6},
    "SequentialLR": {},
    "ChainedScheduler": {},
    "ReduceLROnPlateau": {"patience": 3},
}
CLOSED = ("LambdaLR", "CosineAnnealingWarmRestarts", "CyclicLR", "OneCycleLR", "ReduceLROnPlateau")


def stepper(module: Any, name: str, groups: int, tensor: bool) -> Callable[[], None]:
    """Returns a hundred steps of a scheduler whose groups have rates of their own, as work."""
    held = torch.optim.SGD(
        [
            {"params": [torch.nn.Parameter(torch.zeros(1))], "lr": torch.tensor(rate) if tensor else rate}
            for rate in (0.1 + 0.001 * i for i in range(groups))
        ],
        lr=0.1,
        momentum=0.9,
    )
    held.step()
    if name in ("SequentialLR", "ChainedScheduler"):
        parts = [module.LinearLR(held, total_iters=10**6), module.CosineAnnealingLR(held, 10**6)]
        made: Any = module.SequentialLR(held, parts, [50]) if name == "SequentialLR" else module.ChainedScheduler(parts)
    else:
        kind = swa_utils.SWALR if name == "SWALR" and module is theirs else getattr(module, name)
        made = kind(held, **CASES[name])
    held.step()
    step = made.step
    metric = (1.0,) if name == "ReduceLROnPlateau" else ()
    count = 10 if tensor and groups > 1 else 100

    def work() -> None:
        for _ in range(count):
            step(*metric)

    return work


def rows() -> Iterator[Row]:
    """Returns how many times as fast every class is as PyTorch's, per step."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in CASES:
            for groups, tensor in ((1, False), (100, False), (100, True)):
                if tensor and name in CLOSED:
                    continue
                floor = 1.0 if groups == 1 or name == "ReduceLROnPlateau" else 5.0 if tensor else 3.0
                cases = {"ours": stepper(ours, name, groups, tensor), "torch": stepper(theirs, name, groups, tensor)}
                found = ratios(cases, "ours", rounds=9)["torch"]
                what = f"{name}, {groups} group{'s' * (groups > 1)}{', tensor rates' * tensor}"
                yield Row(what, found, f"at least {floor:g} times as fast", found >= floor)

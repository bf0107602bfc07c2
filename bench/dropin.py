"""The drop-in schedulers against PyTorch's: one step, numbers and tensors for rates."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch.optim import lr_scheduler as theirs
from torch.optim import swa_utils

from bench import Row, ratios
from glidepath.torch import lr_scheduler as ours

LONG = 10**6
CASES: dict[str, dict[str, Any]] = {
    "LambdaLR": {"lr_lambda": lambda step: 1 / (1 + step)},
    "MultiplicativeLR": {"lr_lambda": lambda step: 0.9999},
    "StepLR": {"step_size": 3, "gamma": 0.9999},
    "MultiStepLR": {"milestones": list(range(30, 6000, 30)), "gamma": 0.9999},
    "ConstantLR": {"total_iters": LONG},
    "LinearLR": {"total_iters": LONG},
    "ExponentialLR": {"gamma": 0.9999},
    "PolynomialLR": {"total_iters": LONG},
    "CosineAnnealingLR": {"T_max": LONG, "eta_min": 0.001},
    "CosineAnnealingWarmRestarts": {"T_0": 100, "eta_min": 0.001},
    "CyclicLR": {"base_lr": 0.01, "max_lr": 0.1},
    "OneCycleLR": {"max_lr": 0.1, "total_steps": LONG},
    "SWALR": {"swa_lr": 0.05, "anneal_epochs": LONG},
    "SequentialLR": {},
    "ChainedScheduler": {},
}  # the step of ReduceLROnPlateau is PyTorch's own
CLOSED = ("LambdaLR", "CosineAnnealingWarmRestarts", "CyclicLR", "OneCycleLR")
SIDES = {"ours": ours, "torch": theirs}
STEPS = {
    (1, False): 500,
    (100, False): 200,
    (100, True): 30,
}  # by groups and tensor rates: in one round; both sides take as many


def made(module: Any, name: str, held: torch.optim.Optimizer) -> Any:
    """Returns a scheduler of one of the two libraries."""
    if name in ("SequentialLR", "ChainedScheduler"):
        parts = [module.LinearLR(held, total_iters=LONG), module.CosineAnnealingLR(held, LONG)]
        return module.SequentialLR(held, parts, [50]) if name == "SequentialLR" else module.ChainedScheduler(parts)
    kind = swa_utils.SWALR if name == "SWALR" and module is theirs else getattr(module, name)
    return kind(held, **CASES[name])


def stepper(module: Any, name: str, groups: int, tensor: bool) -> Callable[[], None]:
    """Returns some steps of a scheduler, as work; each group has a rate of its own."""
    held = torch.optim.SGD(
        [
            {"params": [torch.nn.Parameter(torch.zeros(1))], "lr": torch.tensor(rate) if tensor else rate}
            for rate in (0.1 + 0.001 * i for i in range(groups))
        ],
        lr=0.1,
        momentum=0.9,
    )
    held.step()
    step = made(module, name, held).step
    held.step()
    count = STEPS[groups, tensor]

    def work() -> None:
        for _ in range(count):
            step()

    return work


def rows() -> Iterator[Row]:
    """Returns how many times as fast every class is as PyTorch's, per step."""
    stepper(ours, "StepLR", 1, tensor=False)()  # PyTorch's first step imports much
    gc.collect()
    gc.freeze()  # the collection before each round then looks at what a case makes, not at all of PyTorch
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for name in CASES:
                for groups, tensor in STEPS:
                    if tensor and name in CLOSED:
                        continue
                    floor = 1.0 if groups == 1 else 5.0 if tensor else 2.0
                    cases = {side: stepper(module, name, groups, tensor) for side, module in SIDES.items()}
                    found = ratios(cases, "ours", rounds=15)["torch"]
                    what = f"{name}, {groups} group{'s' * (groups > 1)}{', tensor rates' * tensor}"
                    yield Row(what, found, "never slower" if floor == 1 else f"{floor:g} times as fast", found >= floor)
    finally:
        gc.unfreeze()

"""OneFlow's scheduler classes on PyTorch's optimizers: OneFlow's names, arguments, clock and state.

They stand apart from `glidepath.torch.lr_scheduler` because the two libraries' names and positions clash. Every rate is a function of the
step: a step overwrites what it finds. Each class is a subclass of PyTorch's `LRScheduler`, so that tools accept it.
"""

from __future__ import annotations

from .composite import ChainedScheduler, SequentialLR
from .decays import CosineAnnealingLR, CosineAnnealingWarmRestarts, CosineDecayLR, PolynomialLR
from .factors import ConstantLR, ExponentialLR, LinearLR, MultiStepLR, StepLR
from .functions import LambdaLR, MultiplicativeLR
from .plateau import ReduceLROnPlateau
from .warmup import WarmupLR

WarmUpLR = WarmupLR

__all__ = [
    "ChainedScheduler",
    "ConstantLR",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "CosineDecayLR",
    "ExponentialLR",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "MultiplicativeLR",
    "PolynomialLR",
    "ReduceLROnPlateau",
    "SequentialLR",
    "StepLR",
    "WarmUpLR",
    "WarmupLR",
]

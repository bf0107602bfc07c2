"""OneFlow's scheduler classes on PyTorch's optimizers: OneFlow's names, arguments, clock and state.

They stand apart from `glidepath.torch.lr_scheduler` because the two libraries' names and positions clash. Every rate is a function of the
step: a step overwrites what it finds. Each class is a subclass of PyTorch's `LRScheduler`, so that tools accept it.
"""

from __future__ import annotations

from . import classes, composite
from .classes import *
from .composite import *

__all__: list[str] = []
__all__ += classes.__all__
__all__ += composite.__all__

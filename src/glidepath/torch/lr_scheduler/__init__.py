"""PyTorch's scheduler classes, each its schedule bound to an optimizer: change the import, keep the code.

`LRScheduler` is PyTorch's own, of which every class here is a subclass.
"""

from __future__ import annotations

from typing import Any

from torch.optim import lr_scheduler as _torchs
from torch.optim.lr_scheduler import LRScheduler

from . import classes, composite
from .classes import *
from .composite import *

__all__ = ["LRScheduler"]
__all__ += classes.__all__
__all__ += composite.__all__


def __getattr__(name: str) -> Any:
    """Hands out whatever else PyTorch's module has, so that a changed import finds it."""
    return getattr(_torchs, name)

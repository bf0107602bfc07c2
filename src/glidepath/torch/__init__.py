"""Drive any `torch.optim.Optimizer` by schedules, exactly; resume it exactly."""

from __future__ import annotations

from ..core import missing

try:
    import torch as _torch
except ModuleNotFoundError as error:
    raise missing(error, "glidepath.torch", "torch") from None

from . import attaching, bridge, logs, progress, resume, scheduler
from .attaching import *
from .bridge import *
from .find import Found, Options, find, use
from .logs import *
from .progress import *
from .resume import *
from .scheduler import *

_PARTS = (attaching, bridge, logs, progress, resume, scheduler)
__all__ = ["Found", "Options", "find", "use", *(name for part in _PARTS for name in part.__all__)]  # pyright: ignore[reportUnsupportedDunderAll]

del _torch

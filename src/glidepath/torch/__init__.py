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

__all__ = ["Found", "Options", "find", "use"]
__all__ += attaching.__all__
__all__ += bridge.__all__
__all__ += logs.__all__
__all__ += progress.__all__
__all__ += resume.__all__
__all__ += scheduler.__all__

del _torch

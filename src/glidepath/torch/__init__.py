"""Drive any `torch.optim.Optimizer` by schedules, exactly; resume it exactly."""

from __future__ import annotations

from ..core.errors import missing

try:
    import torch as _torch
except ModuleNotFoundError as error:
    raise missing(error, "glidepath.torch", "torch") from None

from .attaching import apply, attach, detach
from .bridge import ScheduleLR
from .find import Found, Options, find, use
from .logs import log, log_csv, log_jsonl, log_tensorboard
from .progress import Applied, ForeignWrite, ForeignWriteWarning, OverrunWarning
from .resume import Resumed, ResumedWarning
from .scheduler import Scheduler

__all__ = [
    "Applied",
    "ForeignWrite",
    "ForeignWriteWarning",
    "Found",
    "Options",
    "OverrunWarning",
    "Resumed",
    "ResumedWarning",
    "ScheduleLR",
    "Scheduler",
    "apply",
    "attach",
    "detach",
    "find",
    "log",
    "log_csv",
    "log_jsonl",
    "log_tensorboard",
    "use",
]

del _torch

"""Drive any `torch.optim.Optimizer` by schedules, exactly; resume it exactly."""

from __future__ import annotations

from .attaching import attach, detach
from .bridge import ScheduleLR
from .events import Applied, ForeignWrite, ForeignWriteWarning
from .find import Found, Options, find, use
from .logs import log, log_csv, log_jsonl, log_tensorboard
from .resume import Resumed
from .scheduler import Scheduler
from .stateless import apply

__all__ = [
    "Applied",
    "ForeignWrite",
    "ForeignWriteWarning",
    "Found",
    "Options",
    "Resumed",
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

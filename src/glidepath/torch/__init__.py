"""Drive any `torch.optim.Optimizer` by schedules, exactly; resume it exactly."""

from __future__ import annotations

from .attaching import attach
from .bridge import ScheduleLR
from .drives import Drive
from .events import Applied, ForeignWrite, ForeignWriteWarning
from .logs import log_csv, log_jsonl, log_tensorboard
from .resume import Resumed
from .scheduler import Scheduler
from .stateless import apply

__all__ = [
    "Applied",
    "Drive",
    "ForeignWrite",
    "ForeignWriteWarning",
    "Resumed",
    "ScheduleLR",
    "Scheduler",
    "apply",
    "attach",
    "log_csv",
    "log_jsonl",
    "log_tensorboard",
]

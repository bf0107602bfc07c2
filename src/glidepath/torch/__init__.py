"""Drive any `torch.optim.Optimizer` by schedules, exactly; resume it exactly."""

from __future__ import annotations

from .drives import Drive
from .events import Applied, ForeignWrite, ForeignWriteWarning, Replaced
from .resume import Resumed
from .scheduler import Scheduler, attach

__all__ = [
    "Applied",
    "Drive",
    "ForeignWrite",
    "ForeignWriteWarning",
    "Replaced",
    "Resumed",
    "Scheduler",
    "attach",
]

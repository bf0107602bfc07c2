"""Drive any `torch.optim.Optimizer` by a schedule."""

from __future__ import annotations

from .scheduler import Scheduler, attach

__all__ = ["Scheduler", "attach"]

"""One training on several processes: DDP under `torchrun`, a schedule in samples or tokens, restart with another number of processes.

`glidepath train` is the command; `ranks`, `training_of` and `train` are what it calls.
"""

from __future__ import annotations

from .loop import Trained, Update, train
from .ranks import Ranks, SharedError, ranks
from .training import Stream, Training, part, training_of

__all__ = ["Ranks", "SharedError", "Stream", "Trained", "Training", "Update", "part", "ranks", "train", "training_of"]

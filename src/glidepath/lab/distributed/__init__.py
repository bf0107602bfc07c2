"""One training on several processes: DDP under `torchrun`, a schedule in samples or tokens, restart with another number of processes.

`glidepath train` is the command; `ranks`, `training_of` and `train` are what it calls.
"""

from glidepath.lab.distributed.loop import Trained, Update, train
from glidepath.lab.distributed.ranks import Ranks, Shared, ranks
from glidepath.lab.distributed.stream import Stream, part
from glidepath.lab.distributed.training import Training, training_of

__all__ = ["Ranks", "Shared", "Stream", "Trained", "Training", "Update", "part", "ranks", "train", "training_of"]

"""Feedback from metrics: pure reducers whose output multiplies a schedule."""

from __future__ import annotations

from . import controller, guard, peers, plateau
from .controller import *
from .guard import *
from .peers import *
from .plateau import *
from .replay import Replay, read_observations, replay, replay_file

__all__ = ["Replay", "read_observations", "replay", "replay_file"]
__all__ += controller.__all__
__all__ += guard.__all__
__all__ += peers.__all__
__all__ += plateau.__all__

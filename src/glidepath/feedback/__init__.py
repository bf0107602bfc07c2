"""Feedback from metrics: pure reducers whose output multiplies a schedule."""

from __future__ import annotations

from .compose import Steered
from .controller import Controller, State
from .guard import Guard, GuardState
from .observation import Decision, Observation, measured
from .peers import KerasPlateau, OneFlowPlateau, PaddlePlateau, PeerState, PyTorchPlateau
from .plateau import Plateau, PlateauState
from .replay import Replay, read_observations, replay, replay_file

__all__ = [
    "Controller",
    "Decision",
    "Guard",
    "GuardState",
    "KerasPlateau",
    "Observation",
    "OneFlowPlateau",
    "PaddlePlateau",
    "PeerState",
    "Plateau",
    "PlateauState",
    "PyTorchPlateau",
    "Replay",
    "State",
    "Steered",
    "measured",
    "read_observations",
    "replay",
    "replay_file",
]

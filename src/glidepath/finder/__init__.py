"""Learning-rate range test: sweep a rising rate, read the traces, answer with a band or with the reason why not.

Framework-free: a training step is any function from a rate to a loss. `glidepath.torch.find` sweeps a PyTorch model and puts it back.
"""

from __future__ import annotations

from .rules import RULES, edge, minimum_tenth, slide, steepest, valley
from .suggest import REASONS, Reading, Refusal, Suggestion, suggest
from .sweep import rising, sweep
from .trace import STOPS, Trace
from .verify import Verification, verify

__all__ = [
    "REASONS",
    "RULES",
    "STOPS",
    "Reading",
    "Refusal",
    "Suggestion",
    "Trace",
    "Verification",
    "edge",
    "minimum_tenth",
    "rising",
    "slide",
    "steepest",
    "suggest",
    "sweep",
    "valley",
    "verify",
]

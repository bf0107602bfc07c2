"""Published findings about schedules, each as a declaration that can be run: what is tried, on which seeds, what must come out.

`python -m bench.claims` is the command. The declarations are in `declared`, the rules in `criteria`; `reproduce` carries them
out and writes an outcome for each, passed or failed.
"""

from __future__ import annotations

from .declared import CLAIMS, Claim, find_claims
from .outcome import Outcome
from .running import outcome_path, reproduce

__all__ = ["CLAIMS", "Claim", "Outcome", "find_claims", "outcome_path", "reproduce"]

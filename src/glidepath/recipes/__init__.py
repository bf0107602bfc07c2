"""Published schedules as functions, each named as in its source. All are factors: their peak is 1 and they multiply a base rate.

`steps` is the whole length, warmup included. A recipe returns a plain composition of the core's schedules; `warmup=0` adds no phase.
"""

from __future__ import annotations

from . import cycles, decays
from .cycles import *
from .decays import *

__all__: list[str] = []
__all__ += cycles.__all__
__all__ += decays.__all__

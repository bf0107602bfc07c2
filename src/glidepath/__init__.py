"""Learning-rate schedules as values: write one, see it, prove it, train with it, resume it exactly.

Kinds of schedules are classes (`Step`), phases and recipes are functions (`cosine`, `warmup_cosine`), and every room of the house is an
attribute that is imported when it is first looked at (`glidepath.torch`, `glidepath.plan`, …). In texts a kind is written in small letters.
"""

# pyright: reportUnusedImport=false
# What is imported here is for others.

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from . import recipes as recipes
from .core import curves as curves
from .core.classics import *
from .core.codec import schema as schema
from .core.combinators import *
from .core.custom import *
from .core.errors import GlidepathError as GlidepathError
from .core.errors import Problem as Problem
from .core.expression import Expression as Expression
from .core.rate import Rate as Rate
from .core.recurrence import Recurrence as Recurrence
from .core.schedule import Schedule as Schedule
from .core.segments import *
from .core.shorthand import *
from .core.text import parse as parse
from .core.text import vocabulary as vocabulary
from .recipes import *

if TYPE_CHECKING:
    from . import advice, dialects, feedback, finder, forecast, jax, keras, lab, logs, plan, playground, torch, view

_ROOMS = (
    *("advice", "cli", "dialects", "feedback", "finder", "forecast", "jax", "keras"),
    *("lab", "lightning", "logs", "plan", "playground", "torch", "transformers", "view"),
)

# The classes: a name that is brought in with `from glidepath import *` is nobody else's.
__all__ = sorted(name for name, value in list(globals().items()) if name[0].isupper() and isinstance(value, type))  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return import_module(f"{__name__}.{name}")
    if name == "__version__":
        from .core.errors import version

        return version()
    if name in Schedule.registry:
        raise AttributeError(f"glidepath.{name} is now glidepath.{Schedule.registry[name].__name__}")
    raise AttributeError(f"module 'glidepath' has no attribute {name!r}")


def __dir__() -> list[str]:
    hidden = {"annotations", "core", "import_module", "Any", "TYPE_CHECKING"}
    return sorted({name for name in globals() if name not in hidden} | {*_ROOMS, "__version__"})
